"""Signal paths and the names in them: which there may be, and setting a value by its path."""

from __future__ import annotations

from typing import Any

from .consts import FORBIDDEN_SEGMENTS
from .events import shorten


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


def may_be_forbidden(text: str) -> bool:
    """Whether JSON text may have a name that :func:`check_names` refuses; one written with escapes is not seen."""
    return '"__proto__"' in text or '"constructor"' in text or '"prototype"' in text
