"""Lists, objects and choices of several types: values made of values, each converted by its own converter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from .misfits import add_misfit, collected, expected


class Model(Protocol):
    """A class that objects are made into."""

    def unlikeness(self, value: dict[str, Any]) -> int:
        """Count the fields that an object lacks or that do not fit, without a look at what is nested."""
        ...

    def paths(self) -> tuple[str, ...]:
        """Give the paths of all fields, nested ones, too."""
        ...

    def defaults(self) -> dict[str, Any]:
        """Give the signals that it begins with, nested."""
        ...


@dataclass(frozen=True, slots=True)
class Converter:
    """How the values of one annotation are made."""

    #: Gives the value, or raises ValueError with what was expected.
    convert: Callable[[Any], Any]
    #: Whether "" is a value. It is none for a number: the browser sends "" for a signal that was only ever read.
    takes_empty: bool = False
    #: Whether the query string gives all values of the name.
    is_list: bool = False
    #: Whether a missing value is None.
    is_optional: bool = False
    #: The signal of a value that is not there yet.
    empty: Any = field(default="", compare=False)
    #: The model that an object becomes.
    model: Model | None = field(default=None, compare=False)
    #: How the items of a list are made.
    item: Converter | None = field(default=None, compare=False)

    def is_missing(self, value: object) -> bool:
        """Whether what came is no value: nothing, null, or the "" of a signal that was only ever read."""
        return value is None or (value == "" and not self.takes_empty)

    def convert_part(self, value: object) -> Any:
        """Convert a value inside of another one, which may be missing as one of its own may.

        :raises ValueError: it does not fit.
        """
        if self.is_missing(value):
            if self.is_optional:
                return None
            raise ValueError("missing")
        return self.convert(value)


def list_converter(item: Converter) -> Converter:
    """Make the converter of a list. A lone value is a list of one: the page has one checkbox of that name, the query
    names it once."""

    def convert(value: object) -> list[Any]:
        items: list[Any] = []
        errors: dict[str, str] = {}
        for index, part in enumerate(value if isinstance(value, list) else [value]):
            try:
                items.append(item.convert_part(part))
            except ValueError as error:
                if not add_misfit(errors, index, error):
                    break
        if errors:
            raise collected(errors)
        return items

    return Converter(convert, is_list=True, empty=[], item=item)


def dict_converter(key: Converter, item: Converter) -> Converter:
    """Make the converter of an object whose names are not known."""

    def convert(value: object) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        errors: dict[str, str] = {}
        for name, part in to_object(value).items():
            try:
                found[key.convert(name)] = item.convert_part(part)
            except ValueError as error:
                if not add_misfit(errors, name, error):
                    break
        if errors:
            raise collected(errors)
        return found

    return Converter(convert, empty={})


def union_converter(members: list[Converter], is_optional: bool) -> Converter:
    """Make the converter of several types: the first that fits. Of several models an object becomes the one that it
    looks most like; trying each would take a time that doubles with each level of nesting."""
    models = {member.model: member for member in members if member.model is not None}
    others = [member for member in members if member.model is None]

    def convert(value: object) -> object:
        tried = others
        if models and isinstance(value, dict):
            tried = [models[min(models, key=lambda model: model.unlikeness(value))], *others]
        reasons: list[ValueError] = []
        for member in tried or members[:1]:
            try:
                return member.convert(value)
            except ValueError as error:
                reasons.append(error)
        raise _told(reasons, isinstance(value, dict))

    return Converter(
        members[0].convert if len(members) == 1 else convert,
        takes_empty=any(member.takes_empty for member in members),
        is_list=any(member.is_list for member in members),
        is_optional=is_optional,
        empty="" if is_optional else members[0].empty,
        model=members[0].model if len(members) == 1 else None,
        item=members[0].item if len(members) == 1 else None,
    )


def to_object(value: object) -> dict[str, Any]:
    """Take an object as it is.

    :raises ValueError: it is none.
    """
    if isinstance(value, dict):
        return value
    raise expected("an object", value)


def _told(reasons: list[ValueError], is_object: bool) -> ValueError:
    """Choose the reason to tell: for an object that of the model it looks like, which was tried first."""
    return reasons[0] if is_object else reasons[-1]
