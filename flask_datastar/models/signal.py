"""The mark of a parameter that is a nested signal."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from typing import Any

from ..sansio.signal_paths import split_path


@dataclass(frozen=True, slots=True)
class Signal:
    """Name the signal that a handler's parameter is: ``name: Annotated[str, Signal("user.name")]``.

    A number leads into a list: ``Signal("rows.0.name")``.

    :param path: dotted.
    :raises ValueError: if the path has an empty segment, or a segment that would reach an object's prototype.
    :raises TypeError: if the path is not a string.
    """

    path: str
    #: The segments of the path.
    segments: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "segments", tuple(split_path(self.path)))


def signal_of(annotation: Any) -> Signal | None:
    """Return the mark of a parameter's annotation, None without one.

    :raises TypeError: if there are several, or it stands inside the annotation, where it has no effect.
    """
    own = [mark for mark in getattr(annotation, "__metadata__", ()) if isinstance(mark, Signal)]
    if len(own) > 1 or count_marks(annotation) != len(own):
        raise TypeError("Signal(...) stands once, around all: Annotated[str | None, Signal('user.name')]")
    return own[0] if own else None


def count_marks(annotation: Any) -> int:
    """Return the number of marks in an annotation and in its parts."""
    return isinstance(annotation, Signal) + sum(map(count_marks, typing.get_args(annotation)))
