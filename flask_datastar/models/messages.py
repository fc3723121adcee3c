"""The messages of the signal ``errors``, nested as the signals themselves are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from ..sansio.consts import FORBIDDEN_SEGMENTS
from ..sansio.signal_paths import set_path

#: The name, in an object of messages, of the one about the object as a whole. The client never sends it back.
WHOLE: Final = "_"


def nest_messages(paths: Collection[str], errors: Mapping[str, str], shown: object) -> dict[str, Any]:
    """Return messages nested by their paths. Values that fit have an empty one, because the client keeps old messages.

    :param paths: of all values; a message about a part of one of these stands at it.
    :param errors: path → message.
    :param shown: the messages that the page has now; those without a successor become empty.
    """
    tree: dict[str, Any] = {}
    for path in paths:
        _put(tree, _steps(path), "")
    if isinstance(shown, dict):
        _blank(tree, shown)
    known = set(paths)
    told: set[tuple[str, ...]] = set()
    for path, text in errors.items():
        steps = _steps(_told_at(path, known))
        if tuple(steps) not in told:
            told.add(tuple(steps))
            _put(tree, steps, text)
    return tree


def is_of_interest(path: str, only: Collection[str], shown: object) -> bool:
    """Return whether a message is wanted: at one of these paths or below them, or where the page shows one already."""
    steps = path.split(".")
    if any(".".join(steps[:length]) in only for length in range(1, len(steps) + 1)):
        return True
    for step in steps:
        shown = shown.get(step) if isinstance(shown, dict) else None
    return bool(shown)


def without_empty(shown: object) -> object:
    """Return the messages that a page shows, without the empty ones and the objects that have no other."""
    if not isinstance(shown, dict):
        return shown
    kept = {name: without_empty(text) for name, text in shown.items()}
    return {name: text for name, text in kept.items() if text}


def _told_at(path: str, known: set[str]) -> str:
    """Return the path where a message stands: a list of numbers has one place for messages, not one a number."""
    steps = path.split(".")
    for length in range(1, len(steps)):
        outer = ".".join(steps[:length])
        if outer in known:
            return outer
    return path


def _steps(path: str) -> list[str]:
    """Return the segments of a path up to a name that no signal can have; names may come from a browser."""
    steps: list[str] = []
    for step in path.split("."):
        if not step or step in FORBIDDEN_SEGMENTS:
            break
        steps.append(step)
    return steps or [WHOLE]


def _put(tree: dict[str, Any], steps: list[str], text: str) -> None:
    """Set a message; a message about a value that has messages inside is put in there, too."""
    place: object = tree
    for step in steps:
        place = place.get(step) if isinstance(place, dict) else None
    set_path(tree, [*steps, WHOLE] if isinstance(place, dict) else steps, text)


def _blank(tree: dict[str, Any], shown: dict[str, Any]) -> None:
    for name, text in shown.items():
        if not name or name in FORBIDDEN_SEGMENTS:
            continue
        if isinstance(text, dict):
            inner = tree.get(name)
            if not isinstance(inner, dict):
                inner = tree[name] = {WHOLE: ""}
            _blank(inner, text)
        else:
            tree.setdefault(name, "")
