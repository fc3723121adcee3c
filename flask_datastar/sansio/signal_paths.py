"""Signal paths: names joined by dots, in which a number is a place in a list."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from .consts import FORBIDDEN_SEGMENTS
from .events import shorten

#: A longer number is not an index: the client would make a list of that length.
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")

_TEXTS = frozenset({str})

#: Return the dict or the list that a value is in JSON; None if it is neither.
Opener = Callable[[object], dict[str, Any] | list[Any] | None]


def split_path(path: str) -> list[str]:
    """Split a dotted path into its segments.

    :raises ValueError: if it is empty, has an empty segment, or a segment that would reach an object's prototype.
    :raises TypeError: if it is not a string.
    """
    if not isinstance(path, str):
        raise TypeError(f"signal path is {type(path).__name__}; accepted: str")
    segments = path.split(".")
    if "" in segments:
        raise ValueError(f"signal path {shorten(path)} has an empty segment; accepted: names joined by single dots")
    if not FORBIDDEN_SEGMENTS.isdisjoint(segments):
        raise ValueError(f"signal path {shorten(path)} would reach an object's prototype in the browser")
    return segments


def is_index(segment: str) -> bool:
    """Return whether a segment can be a place in a list."""
    return _INDEX.fullmatch(segment) is not None


def find_path(signals: Any, segments: Sequence[str]) -> Any:
    """Return the value at a path, None if nothing is there. A number leads into a list, too."""
    for segment in segments:
        if isinstance(signals, dict):
            signals = signals.get(segment)
        elif isinstance(signals, list | tuple) and is_index(segment) and int(segment) < len(signals):
            signals = signals[int(segment)]
        else:
            return None
    return signals


def has_path(signals: Any, segments: Sequence[str], open_value: Opener | None = None) -> bool:
    """Return whether there is a value at a path, None included.

    :param open_value: as in :func:`set_path`.
    """
    place = signals
    for segment in segments:
        if not isinstance(place, dict):
            place = (open_value or _open_plain)(place)
        if isinstance(place, list):
            place = {str(index): item for index, item in enumerate(place)}
        if place is None or segment not in place:
            return False
        place = place[segment]
    return True


def set_path(target: dict[str, Any], segments: Sequence[str], value: object, open_value: Opener | None = None) -> None:
    """Set a nested value. Containers on the way are copied, because they may be the caller's own objects.

    As in the client, a number is a place in a list, and a text or a number on the way is replaced by an object.

    :param open_value: finds the containers in values that are not plain dicts; by default dicts and lists are found.
    :raises ValueError: if a list on the way does not have the place that the path names.
    """
    place: Any = target
    key: Any = segments[0]
    for depth, segment in enumerate(segments[1:], 1):
        found = place.get(key) if type(place) is dict else place[key]
        inner: Any
        if found is None:
            inner = {}
        elif type(found) is dict and {*map(type, found)} <= _TEXTS:
            # By far the most common one.
            inner = found.copy()
        elif (inner := (open_value or _open_plain)(found)) is None:
            inner = {}
        place[key] = inner
        key = _list_key(inner, segments, depth) if type(inner) is list else segment
        place = inner
    place[key] = value


def _open_plain(value: object) -> dict[str, Any] | list[Any] | None:
    if isinstance(value, dict):
        return dict(value)
    return list(value) if isinstance(value, list | tuple) else None


def _list_key(items: list[Any], segments: Sequence[str], depth: int) -> int:
    """Return the index that a segment is in a list; one past its end makes a new place there."""
    segment = segments[depth]
    index = int(segment) if is_index(segment) else -1
    if not 0 <= index <= len(items):
        outer, path = ".".join(segments[:depth]), ".".join(segments)
        raise ValueError(
            f"signal path {shorten(path)} leads out of a list: {shorten(outer)} has {len(items)} items; accepted "
            f"instead of {shorten(segment)}: 0 to {len(items)}"
        )
    if index == len(items):
        items.append(None)
    return index


def list_items(value: object) -> list[Any] | None:
    """Return the items of a list, or of an object whose names are 0 to n-1; None if a value is neither.

    Such an object is what the client makes of ``data-bind="rows.0.name"`` in a page that had no list before.

    :raises ValueError: if only some names of an object are numbers, or a number is missing among them.
    """
    if isinstance(value, list):
        return value
    if not isinstance(value, Mapping) or (value and not any(map(is_index, value))):
        return None
    wanted = [str(index) for index in range(len(value))]
    odd = next((name for name in value if not is_index(name)), None)
    if odd is not None:
        raise ValueError(f"expected a list, or an object with the keys 0 to n-1, got the key {shorten(odd)} among them")
    missing = next((name for name in wanted if name not in value), None)
    if missing is not None:
        raise ValueError(f"expected a list, or an object with the keys 0 to n-1, but the key '{missing}' is missing")
    return [value[name] for name in wanted]


def check_names(signals: object, forbidden: Set[str] = FORBIDDEN_SEGMENTS, what: str = "signal path") -> None:
    """Refuse names that would reach an object's prototype in the browser.

    :param what: what the names are called in the error.
    :raises ValueError: if there is such a name; its path is in the text.
    """
    waiting: list[tuple[str, object]] = [("", signals)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            for name, item in value.items():
                inner = f"{path}{name}"
                if name in forbidden:
                    raise ValueError(f"{what} {shorten(inner)} would reach an object's prototype in the browser")
                waiting.append((f"{inner}.", item))
        elif isinstance(value, list | tuple):
            waiting.extend((f"{path}{index}.", item) for index, item in enumerate(value))


def may_be_forbidden(text: str) -> bool:
    """Return whether JSON text may have a name that :func:`check_names` refuses; a name with escapes is not seen."""
    return '"__proto__"' in text or '"constructor"' in text or '"prototype"' in text
