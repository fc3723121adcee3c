"""Whatever is sent, the client reads exactly that back: in one event, of the type that was meant, with those keys."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from flask_datastar import sse
from flask_datastar.sansio import elements, javascript, markup
from flask_datastar.sansio.javascript import Expression, literal, signals_literal
from flask_datastar.sansio.signal_merging import merge_patch
from flask_datastar.sansio.signal_reading import read_object
from tests.sansio.client import Received, as_lines, cut, read
from tests.sansio.strategies import (
    LINE_ENDS,
    PIECES,
    anything,
    event_ids,
    json_objects,
    json_values,
    lines,
    retries,
    scalars,
    selectors,
    sizes,
    texts,
)

# Thousands of inputs for code that other tests measure: coverage would double the time of each.
pytestmark = pytest.mark.no_cover

hostile_names = st.one_of(texts, st.sampled_from(["__proto__", "constructor", "prototype"]))

ELEMENTS, SIGNALS = "datastar-patch-elements", "datastar-patch-signals"


def receive(event: sse.Event, pieces: Sequence[int] = ()) -> Received:
    """Send an event to the client in pieces; check that it is one, and that our own parser reads the same."""
    body = event.encode()
    events = read(cut(body, pieces))
    parser = sse.EventParser()
    parsed = [found for chunk in cut(body, pieces) for found in parser.feed(chunk)]

    assert len(events) == 1
    assert parsed == [event]
    assert events == [Received(item.type, item.arguments, item.event_id, item.retry_ms) for item in parsed]
    return events[0]


def script_of(received: Received) -> str:
    """Check that an event runs one script, and give its code."""
    html = received.arguments.pop("elements")
    assert received.arguments == {"selector": "body", "mode": "append"}
    found = re.fullmatch(r'<script data-effect="el\.remove\(\)">(.*)</script>', html, re.DOTALL)
    assert found
    assert "</script" not in found[1].lower()
    assert "<!--" not in found[1]
    return found[1]


@given(texts, sizes)
@example("", [])
@example("\n", [1])
@example("a\n\nb\r\n\r\n", [2])
@example("\r\ndata: elements x\r\n\r\nevent: datastar-x\r\n\r\n", [1])
@example("one\u2028two\x85three\x0bfour\x0cfive", [3])
def test_elements_arrive(html: str, pieces: list[int]) -> None:
    received = receive(sse.patch_elements(html), pieces)

    assert received == Received(ELEMENTS, {"elements": as_lines(html)})


@given(
    texts,
    selectors,
    st.sampled_from(["outer", "inner", "replace", "prepend", "append", "before", "after"]),
    st.one_of(st.none(), selectors),
    event_ids,
    retries,
    sizes,
)
def test_elements_with_all_options_arrive(
    html: str,
    selector: str,
    mode: str,
    transition: str | None,
    event_id: str,
    retry_ms: int,
    pieces: list[int],
) -> None:
    expected = {"selector": selector, "mode": mode, "elements": as_lines(html)}
    if mode == "outer":
        del expected["mode"]
    if transition is not None:
        expected |= {"useViewTransition": "true", "viewTransitionSelector": transition}

    event = sse.patch_elements(
        html,
        selector=selector,
        mode=mode,
        use_view_transition=transition is not None,
        view_transition_selector=transition,
        event_id=event_id,
        retry_ms=retry_ms,
    )

    assert receive(event, pieces) == Received(ELEMENTS, expected, event_id, retry_ms)


@given(st.lists(texts, max_size=4))
def test_a_list_of_elements_arrives_in_lines(parts: list[str]) -> None:
    received = receive(sse.patch_elements(parts))

    assert received == Received(ELEMENTS, {"elements": as_lines("\n".join(parts))})


@given(selectors, sizes)
def test_the_selector_of_a_removal_arrives(selector: str, pieces: list[int]) -> None:
    received = receive(sse.remove_elements(selector), pieces)

    assert received == Received(ELEMENTS, {"selector": selector, "mode": "remove"})


@given(
    st.dictionaries(
        hostile_names,
        # Not on top of json_values: a tree of trees, some of which take half a minute.
        st.recursive(
            scalars,
            lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(hostile_names, inner, max_size=4)),
            max_leaves=8,
        ),
        max_size=3,
    ),
    st.booleans(),
)
def test_what_is_read_can_be_sent_back(signals: dict[str, Any], ensure_ascii: bool) -> None:
    text = json.dumps(signals, ensure_ascii=ensure_ascii)
    # As somebody writes it who wants it not to be found.
    for written in (text, text.replace("_", "\\u005f").replace("o", "\\u006F")):
        try:
            received = read_object(written)
        except ValueError:
            with pytest.raises(ValueError, match="prototype"):
                sse.patch_signals(signals)
            continue
        assert received == signals
        assert json.loads(sse.patch_signals(received).arguments["signals"]) == signals
        assert json.loads(signals_literal(received)) == json.loads(literal(received)) == signals


@given(json_objects, st.booleans(), sizes)
def test_signals_arrive(values: dict[str, Any], only_if_missing: bool, pieces: list[int]) -> None:
    received = receive(sse.patch_signals(values, only_if_missing=only_if_missing), pieces)

    assert json.loads(received.arguments.pop("signals")) == values
    assert received == Received(SIGNALS, {"onlyIfMissing": "true"} if only_if_missing else {})


@given(json_objects, st.sampled_from([None, 0, 2]), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), sizes)
def test_raw_signals_arrive(
    values: dict[str, Any], indent: int | None, line_end: str, ensure_ascii: bool, pieces: list[int]
) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=ensure_ascii).replace("\n", line_end)

    received = receive(sse.patch_signals_raw(text), pieces)

    assert received == Received(SIGNALS, {"signals": as_lines(text)})
    assert json.loads(received.arguments["signals"]) == values


@given(texts, sizes)
def test_a_script_arrives(code: str, pieces: list[int]) -> None:
    assume("<\\/" not in code)
    assume("\\x3c" not in code)

    received = script_of(receive(sse.execute_script(code), pieces))

    assert received.replace("<\\/", "</").replace("\\x3c!--", "<!--") == as_lines(code)


@given(lines)
def test_a_script_attribute_arrives(value: str) -> None:
    received = receive(sse.execute_script("", auto_remove=False, attributes={"data-x": value}))

    found = re.fullmatch(r'<script data-x="([^"<>]*)"></script>', received.arguments["elements"])
    assert found
    assert unescape(found[1].replace("\x00", "")) == value.replace("\x00", "")


@given(json_values, st.sampled_from(["log", "warn", "error", "info", "debug"]), sizes)
def test_a_console_message_arrives(message: object, level: str, pieces: list[int]) -> None:
    code = script_of(receive(sse.console_log(message, level=level), pieces))

    assert code.startswith(f"console.{level}(")
    assert json.loads(code.removeprefix(f"console.{level}(").removesuffix(")")) == message


@given(texts, sizes)
def test_a_redirect_arrives_without_control_characters(text: str, pieces: list[int]) -> None:
    code = script_of(receive(sse.redirect(f"/{text}"), pieces))

    url = code.removeprefix("setTimeout(() => { window.location.href = ").removesuffix(" })")
    assert json.loads(url) == re.sub(r"[\x00-\x1f\x7f]", "", f"/{text}").strip()


detail_keys = lines.filter(lambda key: key and not re.search(r"\s", key) and not key.startswith("\ufeff")).filter(
    lambda key: key not in dir_of_a_javascript_object
)
dir_of_a_javascript_object = {
    *("__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__", "__proto__", "constructor"),
    *("hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf"),
}


@given(
    lines.filter(lambda name: name and " " not in name),
    st.dictionaries(detail_keys, json_values, max_size=3),
    sizes,
)
def test_a_custom_event_arrives(name: str, detail: dict[str, Any], pieces: list[int]) -> None:
    received = receive(sse.dispatch_event(name, detail), pieces)

    assert received.type == f"datastar-{name}"
    assert {key: json.loads(text) for key, text in received.arguments.items()} == detail


@given(lines.filter(lambda name: " " not in name), st.lists(st.tuples(detail_keys, lines), max_size=4), sizes)
def test_raw_lines_arrive(name: str, pairs: list[tuple[str, str]], pieces: list[int]) -> None:
    expected: dict[str, list[str]] = {}
    for key, value in pairs:
        expected.setdefault(key, []).append(value)

    received = receive(sse.raw(f"datastar{name}", [f"{key} {value}" for key, value in pairs]), pieces)

    assert received == Received(f"datastar{name}", {key: "\n".join(values) for key, values in expected.items()})


@given(event_ids, retries, sizes)
def test_id_and_retry_arrive(event_id: str, retry_ms: int, pieces: list[int]) -> None:
    received = receive(sse.patch_signals({}, event_id=event_id, retry_ms=retry_ms), pieces)

    assert received == Received(SIGNALS, {"signals": "{}"}, event_id, retry_ms)


@given(st.lists(st.one_of(texts.map(sse.patch_elements), json_objects.map(sse.patch_signals)), max_size=4), sizes)
def test_events_in_a_row_stay_apart(events: list[sse.Event], pieces: list[int]) -> None:
    body = b"".join(event.encode() for event in events)

    received = read(cut(body, pieces))

    assert received == [Received(event.type, event.arguments) for event in events]


SENDING: dict[str, Callable[[Any], sse.Event]] = {
    "elements": lambda value: sse.patch_elements(value),
    "elements in svg": lambda value: sse.patch_elements(value, namespace="svg"),
    "selector": lambda value: sse.patch_elements("", selector=value),
    "to": lambda value: sse.patch_elements("", to=value),
    "mode": lambda value: sse.patch_elements("", selector="a", mode=value),
    "namespace": lambda value: sse.patch_elements("", namespace=value),
    "view transition": lambda value: sse.patch_elements("", use_view_transition=True, view_transition_selector=value),
    "id": lambda value: sse.patch_elements("", event_id=value),
    "retry": lambda value: sse.patch_elements("", retry_ms=value),
    "removal": lambda value: sse.remove_elements(value),
    "signals": lambda value: sse.patch_signals(value),
    "signal": lambda value: sse.patch_signals({"a": value}),
    "raw signals": lambda value: sse.patch_signals_raw(value),
    "signal paths": lambda value: sse.remove_signals(value),
    "script": lambda value: sse.execute_script(value),
    "attributes": lambda value: sse.execute_script("", attributes=value),
    "attribute name": lambda value: sse.execute_script("", attributes={value: "x"}),
    "attribute": lambda value: sse.execute_script("", attributes={"x": value}),
    "redirect": lambda value: sse.redirect(value),
    "push_url": lambda value: sse.push_url(value),
    "replace_url": lambda value: sse.replace_url(value),
    "console message": lambda value: sse.console_log(value),
    "console level": lambda value: sse.console_log("", level=value),
    "event name": lambda value: sse.dispatch_event(value),
    "detail": lambda value: sse.dispatch_event("x", value),
    "detail key": lambda value: sse.dispatch_event("x", {value: 1}),
    "detail value": lambda value: sse.dispatch_event("x", {"a": value}),
    "event type": lambda value: sse.raw(value),
    "raw event type": lambda value: sse.raw(f"datastar-{value}"),
    "data lines": lambda value: sse.raw("datastar-x", value),
    "data line": lambda value: sse.raw("datastar-x", [value]),
}


@pytest.mark.parametrize("send", SENDING.values(), ids=SENDING)
@given(value=anything, pieces=sizes)
def test_anything_is_refused_or_arrives_as_one_event(
    send: Callable[[Any], sse.Event], value: object, pieces: list[int]
) -> None:
    try:
        hash(value)
        event = send(value)
    except (ValueError, TypeError):
        return

    assert receive(event, pieces).arguments.keys() <= {line.split(" ")[0] for line in event.data_lines}


noise = (
    st.lists(
        st.one_of(
            st.sampled_from(LINE_ENDS * 4 + PIECES + ["data:a 1", "event: datastar-x\n", "retry: 25\n", ":comment\n"]),
            st.text(max_size=3),
        ),
        max_size=30,
    )
    .map("".join)
    .filter(lambda text: "\ufeff" not in text)
)


@given(noise, sizes)
@example("\n\nevent: datastar-x\ndata: a 1", [])
@example("id: 1\n\nevent: datastar-x\n\n", [])
@example("event: datastar-x\ndata:\ndata: a 1\ndata:\ndata\ndata: b\n\n", [])
@example("event: datastar-x\nretry:\n\n", [4])
def test_the_parser_reads_any_stream_as_the_client_does(text: str, pieces: list[int]) -> None:
    body = text.encode()
    parser = sse.EventParser()

    parsed = [event for chunk in cut(body, pieces) for event in parser.feed(chunk)]

    assert read(cut(body, pieces)) == [
        Received(event.type, event.arguments, event.event_id, event.retry_ms)
        for event in parsed
        if event.type.startswith("datastar")
    ]
    assert parsed == sse.parse_events(body)


# JavaScript


@given(json_values)
@example("ends in a backslash\\")
@example(["\\", ";", '"\\"', "\\u003b", "@get(c)"])
def test_hardened_json_is_json_of_the_same_value(value: object) -> None:
    hardened = javascript.harden(json.dumps(value, ensure_ascii=False))

    assert json.loads(hardened) == value
    assert not re.search(r"[;@<>'\u2028\u2029]|\\\\|\\\"", hardened)


@given(json_values)
def test_a_literal_is_the_value(value: object) -> None:
    assert json.loads(javascript.literal(value)) == value


@given(texts)
def test_a_single_quoted_string_is_the_text(text: str) -> None:
    written = javascript.string(text)

    assert (written[0], written[-1]) == ("'", "'")
    assert not re.search(r"[;@<>'\"\r\n\u2028\u2029]|\\\\", written[1:-1])
    assert json.loads(f'"{written[1:-1]}"') == text


class _Attributes(HTMLParser):
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found = attrs


@given(texts)
@example("&quot;&amp;#39;'\"")
def test_an_expression_survives_either_quote(js: str) -> None:
    expression = Expression.from_js(js)
    page = _Attributes()

    page.feed(f"<a x=\"{expression}\" y='{expression}'>")

    assert page.found == [("x", js), ("y", js)]
    assert unescape(str(expression)) == js
    assert expression.js == js


# Siblings, ids, merging


class _Nodes(HTMLParser):
    """The top-level nodes of well-formed markup: elements by their id, texts and comments by their content."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.nodes: list[str] = []
        self._depth = 0
        self._is_text = False
        self.feed(html)
        self.close()

    def _add(self, node: str, *, is_text: bool = False) -> None:
        if not self._depth:
            if is_text and self._is_text:
                self.nodes[-1] += node
            else:
                self.nodes.append(node)
            self._is_text = is_text

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(f"<{dict(attrs)['id']}>")
        self._depth += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(f"<{dict(attrs)['id']}>")

    def handle_endtag(self, tag: str) -> None:
        self._depth -= 1

    def handle_data(self, data: str) -> None:
        self._add(data, is_text=True)

    def handle_comment(self, data: str) -> None:
        self._add("")

    def kept(self) -> list[str]:
        """Give what survives the client's walk over its live list: the nodes at even places."""
        return significant(self.nodes[::2])


def significant(nodes: list[str]) -> list[str]:
    return [node.strip(" \n") for node in nodes if node.strip(" \n")]


sibling_templates = st.lists(
    st.sampled_from(
        [
            *[
                '<circle id="{0}"/>',
                '<g id="{0}"><circle id="inner"/>text<!-- c --></g>',
                "<text id='{0}'>a &gt; b</text>",
            ],
            *['<path id="{0}" d="M0 0 > &quot;"></path>', "word{0}", "&amp;", "\u00a0"],
            *[" ", "\n", "\n  ", "<!-- comment -->", "<!---->"],
        ]
    ),
    max_size=10,
)


@given(sibling_templates)
@example(['<circle id="{0}"/>'] * 4)
@example(["word{0}", '<circle id="{0}"/>', "word{0}"])
def test_all_siblings_survive_the_defect_of_the_client(templates: list[str]) -> None:
    html = "".join(template.format(index) for index, template in enumerate(templates))

    received = receive(sse.patch_elements(html, namespace="svg")).arguments["elements"]

    assert _Nodes(received).kept() == significant(_Nodes(html).nodes)


@given(sibling_templates)
def test_separated_siblings_stay_as_they_are(templates: list[str]) -> None:
    once = markup.separate_siblings("".join(template.format(index) for index, template in enumerate(templates)))

    assert markup.separate_siblings(once) == once


@given(st.lists(st.sampled_from(["<", ">", "</", "/>", "<!", "<![", "]]>", "<!--", "-->", "g", '="', "'", " ", "&"])))
def test_broken_siblings_lose_nothing_but_comments_in_front(parts: list[str]) -> None:
    html = "".join(parts)

    separated = markup.separate_siblings(html)

    # What was added aside, the result is an end of what was given.
    assert html.replace("<!---->", "").endswith(separated.replace("<!---->", "").replace("\n", ""))
    assert markup.separate_siblings(separated) == separated


def serialize_an_identifier(text: str) -> str:
    """CSSOM, section 2.1, word by word, but for NUL."""
    result = ""
    for index, char in enumerate(text):
        code = ord(char)
        is_digit = 0x30 <= code <= 0x39
        is_letter = 0x41 <= code <= 0x5A or 0x61 <= code <= 0x7A
        if 0x1 <= code <= 0x1F or code == 0x7F or (is_digit and (index == 0 or (index == 1 and text[0] == "-"))):
            result += f"\\{code:x} "
        elif index == 0 and len(text) == 1 and code == 0x2D:
            result += f"\\{char}"
        elif code >= 0x80 or code in (0x2D, 0x5F) or is_digit or is_letter:
            result += char
        else:
            result += f"\\{char}"
    return result


@given(st.one_of(lines, st.text("-_0129aé. #:\t\x1f\x7f", max_size=4)).filter(bool).filter(str.strip))
@example("-")
@example("--")
@example("-1")
@example("1st row")
def test_an_id_is_escaped_as_the_browser_does(element_id: str) -> None:
    assume(not set(element_id) & set("\r\n\0"))

    assert elements.css_id_selector(element_id) == f"#{serialize_an_identifier(element_id)}"
    assert receive(sse.patch_elements("", to=element_id)).arguments["selector"] == elements.css_id_selector(element_id)


state_names = st.sampled_from(["a", "b", "0", "1", "2"])
states = st.recursive(
    st.one_of(st.integers(0, 3), st.just("")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(state_names, inner, max_size=3)),
    max_leaves=8,
)
patches = st.recursive(
    st.one_of(st.none(), st.integers(4, 7), st.lists(st.integers(4, 7), max_size=2)),
    lambda inner: st.dictionaries(state_names, inner, max_size=3),
    max_leaves=8,
)


def merge(old: object, patch: Mapping[str, Any], only_if_missing: bool) -> Any:
    """protocol: objects merge, scalars and lists replace, null deletes; an object patches a list by index."""
    new: dict[Any, Any] = dict(enumerate(old)) if isinstance(old, list) else dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        key = int(name) if isinstance(old, list) and name.isdigit() else name
        if value is None:
            if not only_if_missing:
                new.pop(key, None)
        elif isinstance(value, dict):
            new[key] = merge(new.get(key), value, only_if_missing)
        elif not (only_if_missing and key in new):
            new[key] = value
    if not isinstance(old, list):
        return new
    indexes = [key for key in new if isinstance(key, int)]
    return [new.get(index, "") for index in range(max([len(old), *(index + 1 for index in indexes)]))]


@given(
    st.dictionaries(state_names, states, max_size=4), st.dictionaries(state_names, patches, max_size=4), st.booleans()
)
@example({"a": [1, 2, 3]}, {"a": {"1": 4}}, False)
@example({"a": 1}, {"a": {"b": None}}, False)
@example({}, {"a": {"b": None}}, False)
@example({"a": 1, "b": {"0": 2}}, {"a": {"b": 4}, "b": {"0": 5, "1": 6}}, True)
def test_merge_patch_does_what_the_client_does(
    state: dict[str, Any], patch: dict[str, Any], only_if_missing: bool
) -> None:
    before, given_patch = json.dumps(state), json.dumps(patch)
    merged = dict(state)

    merge_patch(merged, patch, only_if_missing=only_if_missing)

    assert merged == merge(state, patch, only_if_missing)
    assert json.dumps(patch) == given_patch
    assert json.dumps(state) == before
