"""Misfits: messages about a value and its parts, by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..sansio.events import shorten

#: Most messages about one value: a list of a million wrong numbers is not answered with a million texts.
MAX_MISFITS: Final = 100
_LONGEST_NAME = 60


class Misfits(ValueError):
    """The error of a value with parts that do not fit.

    :param errors: path → message; the path of the value itself is "".
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{path}: {text}" if path else text for path, text in errors.items()))
        #: Path → message.
        self.errors = dict(errors)


def add_misfit(errors: dict[str, str], name: object, reason: ValueError) -> bool:
    """Add the messages about a part, below its name.

    :return: whether there is room for more.
    """
    step = str(name)
    if len(step) > _LONGEST_NAME:
        step = f"{step[: _LONGEST_NAME - 3]}..."
    if isinstance(reason, Misfits):
        for path, text in reason.errors.items():
            errors[f"{step}.{path}" if path else step] = text
    else:
        errors[step] = str(reason)
    return len(errors) < MAX_MISFITS


def errors_of(error: ValueError) -> dict[str, str]:
    """Return path → message of an error, also of one about a single value."""
    return error.errors if isinstance(error, Misfits) else {"": str(error)}


def collected(errors: Mapping[str, str]) -> ValueError:
    """Return the error of all messages that were added."""
    return Misfits(errors)


def expected(what: str, value: object) -> ValueError:
    """Return the error of one value that does not fit."""
    return ValueError(f"expected {what}, got {shorten(value)}")
