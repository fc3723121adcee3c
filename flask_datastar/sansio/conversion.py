"""Values from the query string and from JSON made into what a parameter's annotation asks for."""

from __future__ import annotations

import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any
from uuid import UUID

from .events import shorten

_WHOLE = re.compile(r"[+-]?[0-9]{1,400}")
_TRUE = frozenset({"true", "1", "on", "yes"})
_FALSE = frozenset({"false", "0", "off", "no"})
_ACCEPTED = "int, float, bool, str, UUID, date, datetime, Decimal, an Enum, Literal, dict, X | None, and lists of these"


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


def make_converter(annotation: Any) -> Converter:
    """Find the converter of an annotation.

    :raises TypeError: there is none; the text names those that there are.
    """
    if annotation in (inspect.Parameter.empty, Any, object):
        return Converter(_anything, takes_empty=True)
    if (simple := _SIMPLE.get(annotation)) is not None:
        return simple
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return make_converter(arguments[0])
    if origin is typing.Literal:
        return _choice_converter({option: option for option in arguments})
    if origin in (typing.Union, types.UnionType):
        return _union_converter(arguments)
    if annotation is list or origin is list:
        item = make_converter(arguments[0] if arguments else Any)
        return Converter(lambda value: _to_list(value, item.convert), is_list=True)
    if annotation in (dict, Mapping) or origin in (dict, Mapping):
        return Converter(_to_dict)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice_converter({member.value: member for member in annotation})
    raise TypeError(f"annotation {annotation!r} is not one of {_ACCEPTED}")


def _union_converter(arguments: tuple[Any, ...]) -> Converter:
    members = [make_converter(argument) for argument in arguments if argument is not type(None)]
    is_optional = len(members) < len(arguments)

    def convert(value: object) -> object:
        for member in members:
            try:
                return member.convert(value)
            except ValueError as error:
                reason = error
        raise ValueError(str(reason))

    return Converter(
        members[0].convert if len(members) == 1 else convert,
        takes_empty=any(member.takes_empty for member in members),
        is_list=any(member.is_list for member in members),
        is_optional=is_optional,
    )


def _choice_converter(options: dict[Any, Any]) -> Converter:
    by_text = {str(value): option for value, option in options.items()}

    def convert(value: object) -> object:
        # By text, because the query string has nothing else; True and 1 are told apart by it.
        found = by_text.get(str(value)) if isinstance(value, str | int | float) else None
        if found is None:
            raise _expected(f"one of {', '.join(map(repr, options))}", value)
        return found

    return Converter(convert, takes_empty="" in by_text)


def _anything(value: object) -> object:
    return value


def _to_str(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise _expected("a text", value)


def _to_int(value: object) -> int:
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    raise _expected("a whole number", value)


def _to_float(value: object) -> float:
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool) and "_" not in str(value):
            number = float(value)
            if math.isfinite(number):
                return number
    except (ValueError, OverflowError):
        pass
    raise _expected("a number", value)


def _to_decimal(value: object) -> Decimal:
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool) and "_" not in str(value):
            number = Decimal(str(value).strip())
            if number.is_finite():
                return number
    except (InvalidOperation, ValueError):
        pass
    raise _expected("a decimal number", value)


def _to_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | str):
        text = str(value).lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
    raise _expected("true or false", value)


def _parsed(parse: Callable[[str], Any], what: str) -> Callable[[Any], Any]:
    """Make a converter of a function that reads a text, or raises ValueError."""

    def convert(value: object) -> object:
        try:
            if isinstance(value, str):
                return parse(value)
        except ValueError:
            pass
        raise _expected(what, value)

    return convert


def _to_dict(value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise _expected("an object", value)


def _to_list(value: object, convert: Callable[[Any], Any]) -> list[Any]:
    # A lone value is a list of one: the page has one checkbox of that name, the query names it once.
    return [convert(item) for item in (value if isinstance(value, list) else [value])]


def _expected(what: str, value: object) -> ValueError:
    return ValueError(f"expected {what}, got {shorten(value)}")


_SIMPLE: dict[Any, Converter] = {
    int: Converter(_to_int),
    float: Converter(_to_float),
    bool: Converter(_to_bool),
    str: Converter(_to_str, takes_empty=True),
    UUID: Converter(_parsed(UUID, "a UUID")),
    date: Converter(_parsed(date.fromisoformat, "a date such as 2026-11-21")),
    datetime: Converter(_parsed(datetime.fromisoformat, "a time such as 2026-11-21T12:30")),
    Decimal: Converter(_to_decimal),
}
