"""The mark of a parameter that is a nested signal."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..sansio.signal_paths import split_path


@dataclass(frozen=True, slots=True)
class Signal:
    """Name the signal that a handler's parameter is: ``name: Annotated[str, Signal("user.name")]``.

    :param path: dotted.
    :raises ValueError: the path has an empty segment, or one that would reach an object's prototype.
    :raises TypeError: the path is no string.
    """

    path: str
    #: The path, taken apart.
    segments: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "segments", tuple(split_path(self.path)))
