"""Events that patch signals, signal paths, and the reading of what the browser sends."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from . import strictjson
from .consts import FORBIDDEN_SEGMENTS, MAX_DEPTH, EventType
from .events import Event, join_data, make_event, shorten, wire_lines
from .strictjson import Dumps

_EVENT_TYPE = EventType.PATCH_SIGNALS.value
# Most signals have no exponent and no number of so many digits; only where one may be, all are looked at.
_MAY_BE_HUGE = re.compile(r"[0-9][eE]\+?[0-9]|[0-9]{309}")
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")


def patch_signals(
    signals: Mapping[str, Any],
    *,
    only_if_missing: bool = False,
    event_id: str | None = None,
    retry_ms: int | None = None,
    dumps: Dumps = strictjson.dumps,
) -> Event:
    r"""Patch signals in the browser (a JSON merge patch: objects merge, lists and scalars replace, None deletes).

    :param signals: name → value, nested as the signals are: ``{"user": {"name": "Ada"}}``.
    :param only_if_missing: set only the signals that the page does not have yet.
    :param event_id: printable ASCII; "" clears the client's.
    :param retry_ms: milliseconds.
    :param dumps: makes strict JSON of a value.
    :raises ValueError: a value has no strict JSON form (NaN, infinities, lone surrogates, circles), or a name would
        reach an object's prototype; the text names the path.
    :raises TypeError: ``signals`` is no mapping, or holds something that JSON does not know.

    >>> patch_signals({"count": 1}).encode()
    b'event: datastar-patch-signals\ndata: signals {"count":1}\n\n'
    """
    if type(signals) is not dict:
        if not isinstance(signals, Mapping):
            raise TypeError(f"signals is {type(signals).__name__}; accepted: a mapping of name to value")
        signals = dict(signals)
    text = dumps(signals)
    if _may_be_forbidden(text):
        # The text's own names: a dataclass or a user's type brings some that ``signals`` does not show.
        check_names(strictjson.loads(text))
    return _signals_event(text, only_if_missing, event_id, retry_ms)


def patch_signals_raw(
    text: str, *, only_if_missing: bool = False, event_id: str | None = None, retry_ms: int | None = None
) -> Event:
    """Patch signals from JSON text, which is checked and sent as it is.

    :param text: a JSON object, of one line or several.
    :param only_if_missing: set only the signals that the page does not have yet.
    :param event_id: printable ASCII; "" clears the client's.
    :param retry_ms: milliseconds.
    :raises ValueError: the text is no strict JSON object. The client would evaluate it as JavaScript.
    :raises TypeError: it is no string.
    """
    return _signals_event(check_object(text), only_if_missing, event_id, retry_ms)


def remove_signals(
    paths: str | Iterable[str],
    *,
    event_id: str | None = None,
    retry_ms: int | None = None,
    dumps: Dumps = strictjson.dumps,
) -> Event:
    r"""Remove signals. What displays them keeps its last text: to blank it, patch "" first.

    :param paths: one dotted path or several, merged into one patch of nulls.
    :raises ValueError: there is no path, or one is empty, or has a leading, trailing or doubled dot.
    :raises TypeError: a path is no string.

    >>> remove_signals(["user.name", "user.mail"]).data_lines
    ('signals {"user":{"name":null,"mail":null}}',)
    """
    paths = [paths] if isinstance(paths, str) else list(paths)
    if not paths:
        raise ValueError("remove_signals got no path; give one dotted path or a list of them")
    patch: dict[str, Any] = {}
    # Short paths last: removing "user" removes "user.name" with it, whatever the order they were given in.
    for segments in sorted((split_path(path) for path in paths), key=len, reverse=True):
        set_path(patch, segments, None)
    return patch_signals(patch, event_id=event_id, retry_ms=retry_ms, dumps=dumps)


def _signals_event(text: str, only_if_missing: bool, event_id: str | None, retry_ms: int | None) -> Event:
    data = wire_lines("signals", text)
    if only_if_missing:
        data = join_data("onlyIfMissing true", data)
    return make_event(_EVENT_TYPE, data, event_id, retry_ms)


def check_object(text: str) -> str:
    """Give a text back if it is a strict JSON object with names that a signal may have.

    :raises ValueError: it is not.
    :raises TypeError: it is no string.
    """
    if not isinstance(text, str):
        raise TypeError(f"the JSON text is {type(text).__name__}; accepted: str")
    try:
        value = strictjson.loads(text)
    except ValueError as error:
        raise ValueError(f"{shorten(text)} is not strict JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{shorten(text)} is not a JSON object; accepted: an object of name to value")
    if _may_be_forbidden(text) or "\\u" in text:
        check_names(value)
    return text


def read_object(text: str) -> dict[str, Any]:
    """Read the signals of a request.

    :param text: JSON.
    :return: name → value.
    :raises ValueError: it is malformed, no object, nested deeper than 64, or contains a lone surrogate or a number that
        would become infinite: no answer could send that back.
    """
    try:
        value = strictjson.loads(text)
    except ValueError as error:
        raise ValueError(f"the signals are not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"the signals are {_json_kind(value)}; accepted: a JSON object")
    # Counting brackets is much cheaper than walking, and few of them cannot be deep.
    if text.count("{") + text.count("[") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise ValueError(f"the signals are nested deeper than {MAX_DEPTH}")
    if _MAY_BE_HUGE.search(text) and _has_infinity(value):
        raise ValueError("the signals have a number that is larger than a float can be, such as 1e999")
    return value


def split_path(path: str) -> list[str]:
    """Take a dotted path apart.

    :raises ValueError: it is empty, has an empty segment, or one that would reach an object's prototype.
    :raises TypeError: it is no string.
    """
    if not isinstance(path, str):
        raise TypeError(f"signal path is {type(path).__name__}; accepted: str")
    segments = path.split(".")
    if "" in segments:
        raise ValueError(f"signal path {shorten(path)} has an empty segment; accepted: names joined by single dots")
    if not FORBIDDEN_SEGMENTS.isdisjoint(segments):
        raise ValueError(f"signal path {shorten(path)} would reach an object's prototype in the browser")
    return segments


def set_path(target: dict[str, Any], segments: list[str], value: object) -> None:
    """Set a nested value; what is no mapping on the way is replaced by one, as the client does."""
    for segment in segments[:-1]:
        inner = target.get(segment)
        # Copied, because it may be the caller's own object.
        inner = dict(inner) if isinstance(inner, dict) else {}
        target[segment] = inner
        target = inner
    target[segments[-1]] = value


def merge_patch(state: dict[str, Any], patch: Mapping[str, Any], *, only_if_missing: bool = False) -> None:
    """Apply a patch to a copy of the browser's signals as the client does.

    Objects merge, into a list by index; they replace what is neither, also with ``only_if_missing``
    (``engine/signals.ts``).

    :param state: changed in place.
    :param only_if_missing: set absent leaves only; nulls are passed over.
    """
    for name, value in patch.items():
        if value is None:
            if not only_if_missing:
                state.pop(name, None)
        elif isinstance(value, dict):
            current = state.get(name)
            if isinstance(current, list):
                state[name] = _merge_by_index(current, value, only_if_missing)
                continue
            state[name] = inner = dict(current) if isinstance(current, dict) else {}
            merge_patch(inner, value, only_if_missing=only_if_missing)
        elif not (only_if_missing and name in state):
            state[name] = value


def _merge_by_index(items: list[Any], patch: Mapping[str, Any], only_if_missing: bool) -> list[Any]:
    by_index = {str(index): item for index, item in enumerate(items)}
    merge_patch(by_index, patch, only_if_missing=only_if_missing)
    length = max([len(items), *(int(name) + 1 for name in by_index if _INDEX.fullmatch(name))])
    # The client reads a hole as "", and sends no other properties of a list.
    return [by_index.get(str(index), "") for index in range(length)]


def check_names(signals: object) -> None:
    """Refuse names that would reach an object's prototype in the browser.

    :raises ValueError: there is one; its path is named.
    """
    waiting: list[tuple[str, object]] = [("", signals)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            for name, item in value.items():
                inner = f"{path}{name}"
                if name in FORBIDDEN_SEGMENTS:
                    raise ValueError(f"signal path {shorten(inner)} would reach an object's prototype in the browser")
                waiting.append((f"{inner}.", item))
        elif isinstance(value, list | tuple):
            waiting.extend((f"{path}{index}.", item) for index, item in enumerate(value))


def _may_be_forbidden(text: str) -> bool:
    return '"__proto__"' in text or '"constructor"' in text or '"prototype"' in text


def _has_infinity(value: object) -> bool:
    waiting: list[Any] = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)
        elif isinstance(found, float) and math.isinf(found):
            return True
    return False


def _is_deeper(value: object, limit: int) -> bool:
    level: list[Any] = [value]
    for _ in range(limit):
        level = [
            item
            for container in level
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def _json_kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "a number"
