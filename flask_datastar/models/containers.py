"""Converters, and those of objects and of choices between several types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..sansio.signal_paths import list_items
from .misfits import add_misfit, collected, expected


class Model(Protocol):
    """A class that objects are made into."""

    def unlikeness(self, value: dict[str, Any]) -> int:
        """Count the fields that an object lacks or that do not fit, without a look into nested values."""
        ...

    def paths(self) -> tuple[str, ...]:
        """Return the paths of all fields, nested ones included."""
        ...

    def defaults(self) -> dict[str, Any]:
        """Return the signals that a page starts with, nested."""
        ...


def as_it_is(value: Any) -> Any:
    """Return a value that needs no preparation."""
    return value


@dataclass(frozen=True, slots=True)
class Converter:
    """The way from a JSON value to a value of one annotation."""

    #: Returns the value, or raises ValueError with what was expected.
    convert: Callable[[Any], Any]
    #: Whether "" is a value. For a number it is not: the browser sends "" for a signal that was only ever read.
    takes_empty: bool = False
    #: Whether the query string gives all values of the name.
    is_list: bool = False
    #: Whether a missing value is None.
    is_optional: bool = False
    #: The signal of a value that is not there yet.
    empty: Any = field(default="", compare=False)
    #: The model that an object becomes.
    model: Model | None = field(default=None, compare=False)
    #: The converter of a list's items.
    item: Converter | None = field(default=None, compare=False)
    #: Whether its values have nothing inside, and "" and null do not convert unless they are values.
    is_scalar: bool = field(default=False, compare=False)
    #: Returns the JSON value in the form that another package's own conversion reads, or raises ValueError.
    prepare: Callable[[Any], Any] = field(default=as_it_is, compare=False)

    def is_missing(self, value: object) -> bool:
        """Return whether a value counts as absent: null, or the "" of a signal that was only ever read."""
        return value is None or (value == "" and not self.takes_empty)

    def is_blank(self, value: object) -> bool:
        """Return whether a list of such items leaves an item out: the client sends "" for an unticked checkbox."""
        return value == "" and not self.takes_empty and not self.is_optional

    def convert_part(self, value: object) -> Any:
        """Convert a value inside another one, which may be missing as a value of its own may.

        :raises ValueError: if it does not fit.
        """
        if self.is_missing(value):
            if self.is_optional:
                return None
            raise ValueError("missing")
        return self.convert(value)

    def prepare_part(self, value: object) -> Any:
        """Prepare a value inside another one: in an optional one, the "" of an empty input is null.

        :raises ValueError: if an object in the place of a list has a gap, or other keys.
        """
        return None if self.is_optional and self.is_missing(value) else self.prepare(value)


def dict_converter(key: Converter, item: Converter) -> Converter:
    """Return the converter of an object whose names are not known."""

    def collect(value: object, convert_key: Callable[[str], Any], convert: Callable[[Any], Any]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        errors: dict[str, str] = {}
        for name, part in to_object(value).items():
            try:
                found[convert_key(name)] = convert(part)
            except ValueError as error:
                if not add_misfit(errors, name, error):
                    break
        if errors:
            raise collected(errors)
        return found

    def convert(value: object) -> dict[Any, Any]:
        return collect(value, key.convert, item.convert_part)

    def prepare(value: object) -> object:
        return collect(value, str, item.prepare_part) if isinstance(value, dict) else value

    return Converter(convert, empty={}, prepare=prepare)


def _first_that_fits(members: list[Converter], value: object) -> object:
    """Convert a value by the first of several converters that takes it."""
    reasons: list[ValueError] = []
    for member in members:
        try:
            return member.convert(value)
        except ValueError as error:
            reasons.append(error)
    # For an object, the model that it looks like says what is wrong; it was tried first.
    raise reasons[0 if isinstance(value, dict) else -1]


def union_converter(members: list[Converter], is_optional: bool) -> Converter:
    """Return the converter of several types: the first that fits.

    Of several models an object becomes the one that it looks most like; trying each would take a time that doubles with
    each level of nesting. An object with index keys becomes a list first.
    """
    if len(members) == 1:
        return _optional(members[0], is_optional)
    models = {member.model: member for member in members if member.model is not None}
    others = [member for member in members if member.model is None]
    lists = [member for member in members if member.is_list]

    def candidates(value: object) -> list[Converter]:
        if not models or not isinstance(value, dict):
            return others
        if lists and _is_list(value):
            return [*lists, *others]
        return [models[min(models, key=lambda model: model.unlikeness(value))], *others]

    def convert(value: object) -> object:
        return _first_that_fits(candidates(value) or members[:1], value)

    takes_objects = any(isinstance(member.empty, dict) for member in others)

    def prepare(value: object) -> object:
        if isinstance(value, dict) and models:
            return candidates(value)[0].prepare(value)
        if not lists or (isinstance(value, dict) and (takes_objects or not _is_list(value))):
            return value
        # It is not known yet which of several kinds of lists leaves blanks out.
        return lists[0].prepare(value) if len(lists) == 1 else list_items(value) or value

    return Converter(
        convert,
        takes_empty=any(member.takes_empty for member in members),
        is_list=bool(lists),
        is_optional=is_optional,
        empty="" if is_optional else members[0].empty,
        prepare=prepare,
    )


def _optional(member: Converter, is_optional: bool) -> Converter:
    return Converter(
        member.convert,
        member.takes_empty,
        member.is_list,
        is_optional or member.is_optional,
        "" if is_optional else member.empty,
        member.model,
        member.item,
        member.is_scalar,
        member.prepare,
    )


def _is_list(value: dict[str, Any]) -> bool:
    try:
        return list_items(value) is not None
    except ValueError:
        return False


def to_object(value: object) -> dict[str, Any]:
    """Return an object as it is.

    :raises ValueError: if it is not an object.
    """
    if isinstance(value, dict):
        return value
    raise expected("an object", value)
