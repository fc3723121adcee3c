"""A recorded action as a test, in the words of ``flask_datastar.testing``: a gesture, and what it has changed.

With the gestures that the panel has noted since the page was loaded, the test does them in a page; without them, as for
another tab's action, it calls the handler. It passes as long as the app does what it did.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from keyword import iskeyword
from typing import Any
from urllib.parse import parse_qsl, urlencode

from ..errors import InvalidSignals
from ..handlers.handler import VERBS
from ..sansio.consts import CLICK_KEY, QUERY_KEY, TAB_ID_SIGNAL
from .aftermath import later_events
from .curl import merged
from .effects import Effects, Text, effects_of
from .literals import literal

#: Gestures → the arguments that they take beside the element.
GESTURES = {
    **dict.fromkeys(("click", "check", "uncheck", "hover", "focus", "blur", "submit", "intersect"), ""),
    **{"fill": "value", "select": "values", "press": "key"},
}
_MOST_STEPS = 60
_LONGEST = 500
#: Needed where a fixture does not set it: an exception is answered with a 500, or in debug mode with an overlay.
_TESTING = "app.testing = True"


def write_test(facts: list[dict[str, Any]], items: list[dict[str, Any]], gestures: object = None) -> str:
    """Write the test of an action.

    :param facts: the items of the action's request.
    :param items: all items of the browser, for what streams brought after the action.
    :param gestures: the page's path and the gestures since it was loaded, as the panel sends them; None without them.
    :raises ValueError: if the gestures are not such as the panel sends.
    """
    entry = _as_tested(merged(facts))
    steps, path = _check(gestures)
    later = effects_of(later_events(entry, items))
    own = effects_of(entry["events"])
    if entry["method"] not in VERBS:
        raise ValueError(f"method is {entry['method']!r}: no action sends it")
    name = re.sub(r"\W+", "_", entry.get("handler", entry["path"]).rpartition(".")[2]).strip("_").lower() or "action"
    body = [*(_page_lines(entry, own, later, steps, path) if steps else _handler_lines(entry, own, later))]
    lines = ["from flask_datastar.testing import DatastarClient"]
    if any("RequestRefused" in line for line in body):
        lines = ["import pytest", "", f"{lines[0]}, RequestRefused"]
    if any("unescape(" in line for line in body):
        lines = ["from html import unescape", "", *lines]
    lines += ["", "", f"def test_{name}(app):"]
    if entry["has_cookies"]:
        lines.append('    # If the page needs a login: sign in by tab.client.post("/login", data={…}) first.')
    if "error" in entry:
        lines.append(
            f"    # Fails with {entry['error']['type']} until the handler is mended; add what it should change."
        )
    return "\n".join([*lines, *(f"    {line}".rstrip() for line in body)]) + "\n"


def _check(gestures: object) -> tuple[list[dict[str, Any]], str]:
    """Return the steps and the path of what a panel has sent."""
    if gestures is None:
        return [], ""
    if not isinstance(gestures, dict):
        raise ValueError("gestures is not an object; accepted: path and steps")
    steps, path = gestures.get("steps"), gestures.get("path")
    if not isinstance(steps, list) or not isinstance(path, str) or not path.startswith("/"):
        raise ValueError("gestures has no path or no steps")
    for step in steps[-_MOST_STEPS:]:
        texts = [value for name, value in step.items() if name != "values"] + list(step.get("values", ()))
        if step["do"] not in GESTURES or not all(isinstance(text, str) and len(text) <= _LONGEST for text in texts):
            raise ValueError(f"a gesture is {step!r}")
    return steps[-_MOST_STEPS:], path


# In a page


def _as_tested(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an action as a test sees it, which gets no overlay: signals that do not fit are a 400."""
    is_unfit = any(event.get("overlay", "").startswith(f"{InvalidSignals.__name__}:") for event in entry["events"])
    return {**entry, "status": 400, "events": [], "is_shown": True} if is_unfit and "error" not in entry else entry


def _is_refused(entry: dict[str, Any]) -> bool:
    """Return whether a gesture of the testing kit ends with an error."""
    status = entry.get("status", 200)
    return status in (400, 403) or status >= 500 or (status in (404, 405) and entry.get("is_unrouted", False))


def _page_lines(
    entry: dict[str, Any], own: Effects, later: Effects, steps: list[dict[str, Any]], path: str
) -> Iterator[str]:
    yield "with DatastarClient(app) as tab:"
    yield f"    tab.load({literal(_without_root(entry, path))})"
    *before, last = (_gesture(step) for step in steps)
    for line in before:
        yield f"    {line}"
    if "error" in entry:
        yield f"    {last}"
        return
    if _is_refused(entry):
        yield "    with pytest.raises(RequestRefused):"
        yield f"        {last}"
        return
    yield f"    answer = {last}"
    yield ""
    for line in [*_status_lines(entry), *_answer_lines(own), *_seen_lines(own), *_waited_lines(later)]:
        yield f"    {line}"


def _gesture(step: dict[str, Any]) -> str:
    """Write a gesture with its element: by a selector, a text or a label."""
    do = step["do"]
    values = [literal(value) for value in step.get("values", [])]
    where = [literal(step["selector"])] if "selector" in step else []
    named = [f"{name}={literal(step[name])}" for name in ("text", "label") if name in step]
    if do == "press":
        return f"tab.press({', '.join([literal(step['key']), *where])})"
    if do == "fill":
        value = literal(step.get("value", ""))
        return f"tab.fill({', '.join([*where, value] if where else [*named, f'value={value}'])})"
    return f"tab.{do}({', '.join([*where, *values, *named])})"


def _status_lines(entry: dict[str, Any]) -> list[str]:
    return [f"assert answer.status_code == {entry.get('status', 200)}"]


def _answer_lines(own: Effects) -> Iterator[str]:
    for script in own.scripts:
        yield f"assert {literal(script)} in answer.html"
    for kind in own.others:
        yield f"assert {literal(kind)} in [event.type for event in answer.events]"


def _seen_lines(own: Effects) -> Iterator[str]:
    """Write what a person sees in the page, and its signals."""
    if own.leaves_page:
        return
    yield from _signal_lines("tab.signals", own.signals)
    for text in own.texts:
        yield f"assert {literal(text.text)} in tab.text({literal(text.selector) if text.selector else ''})"
    for selector in own.present:
        yield f"assert tab.find({literal(selector)})"
    for selector in own.removed:
        yield f"assert tab.find_all({literal(selector)}) == []"


def _signal_lines(where: str, signals: dict[str, Any]) -> Iterator[str]:
    for name, value in signals.items():
        if isinstance(value, dict) and value:
            yield from _signal_lines(f"{where}[{literal(name)}]", value)
        elif value is None:
            yield f"assert {literal(name)} not in {where}"
        else:
            yield f"assert {where}[{literal(name)}] == {literal(value)}"


def _waited_lines(later: Effects) -> Iterator[str]:
    if later.signals:
        yield f"tab.wait_for(signals={literal(later.signals)})"
    for text in later.texts:
        yield f"tab.wait_for({f'{literal(text.selector)}, ' if text.selector else ''}text={literal(text.text)})"


# Without a page


def _handler_lines(entry: dict[str, Any], own: Effects, later: Effects) -> Iterator[str]:
    signals = entry.get("signals")
    sent = signals if isinstance(signals, dict) else {}
    sent = {name: value for name, value in sent.items() if name != TAB_ID_SIGNAL}
    tab = f"DatastarClient(app, {literal(sent)})" if sent else "DatastarClient(app)"
    call = f"answer = {tab}.{entry['method'].lower()}({_target(entry)})"
    if "error" in entry:
        yield from [_TESTING, call, "assert answer.status_code < 400"]
        return
    if "is_shown" in entry:
        yield _TESTING
    lines = [*_status_lines(entry), *_answer_lines(own)]
    if own.signals:
        lines.append(f"assert answer.patched == {literal(own.signals)}")
    lines += [_in_html(text, "answer.html") for text in own.texts]
    lines += [f"assert {literal(selector)} in [event.arguments.get('selector') for event in answer.events]"
              for selector in own.removed]  # fmt: skip
    shown = [text for text in later.texts if text.selector.startswith("#")]
    if not shown or not entry["page"]:
        yield from [call, "", *lines]
        return
    yield f"with DatastarClient(app).live({literal(_without_root(entry, entry['page']))}) as page:"
    yield f"    {call}"
    yield ""
    for line in [*lines, *(_in_html(text, f"page[{literal(text.selector[1:])}]") for text in shown)]:
        yield f"    {line}"


def _in_html(text: Text, html: str) -> str:
    """Write that HTML has a text, which may be escaped there in more than one way."""
    is_escaped = any(char in text.text for char in "&<>\"'")
    return f"assert {literal(text.text)} in {f'unescape({html})' if is_escaped else html}"


def _target(entry: dict[str, Any]) -> str:
    """Write the target of an action and its parameters; as a path where the handler has no name of its own."""
    parameters = entry.get("parameters")
    target = entry.get("target")
    options = [f"_data={literal(entry['form'])}"] if isinstance(entry.get("form"), dict) else []
    if target and isinstance(parameters, dict) and all(map(_is_keyword, parameters)):
        values = [f"{name}={literal(value)}" for name, value in parameters.items()]
        return ", ".join([literal(target), *values, *options])
    pairs = [pair for pair in parse_qsl(entry["query"]) if pair[0] not in (CLICK_KEY, QUERY_KEY)]
    path = _without_root(entry, entry["path"]) + (f"?{urlencode(pairs)}" if pairs else "")
    return ", ".join([literal(path), *options])


def _is_keyword(name: str) -> bool:
    """Return whether a parameter can be a keyword of a call; those with an underscore are the kit's own."""
    return name.isidentifier() and not iskeyword(name) and not name.startswith("_")


def _without_root(entry: dict[str, Any], path: str) -> str:
    return path.removeprefix(entry.get("root", "")) or "/"
