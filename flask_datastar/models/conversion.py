"""Values from the query string and from JSON made into what a parameter's annotation asks for."""

from __future__ import annotations

import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any
from uuid import UUID

from .containers import Converter, dict_converter, list_converter, to_object, union_converter
from .misfits import expected

_MOST_DIGITS = 400
_WHOLE = re.compile(rf"[+-]?[0-9]{{1,{_MOST_DIGITS}}}")
_TRUE = frozenset({"true", "1", "on", "yes"})
_FALSE = frozenset({"false", "0", "off", "no"})
_ACCEPTED = (
    "int, float, bool, str, UUID, date, datetime, Decimal, an Enum, Literal, dict, a dataclass, TypedDict, pydantic or "
    "msgspec model, X | None, and lists of these"
)

#: Finds the converter of an annotation that is not in here; None when it has none.
FindConverter = Callable[[Any], Converter | None]


def make_converter(annotation: Any, find_other: FindConverter | None = None) -> Converter:
    """Find the converter of an annotation.

    :param find_other: is asked for what is unknown here, such as models.
    :raises TypeError: there is none; the text names those that there are.
    """
    if annotation in (inspect.Parameter.empty, Any, object):
        return Converter(_anything, takes_empty=True)
    if (simple := _SIMPLE.get(annotation)) is not None:
        return simple
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return make_converter(arguments[0], find_other)
    if origin is typing.Literal:
        options = {option: option for option in arguments if option is not None}
        return replace(_choice_converter(options), is_optional=None in arguments)
    if origin in (typing.Union, types.UnionType):
        members = [make_converter(argument, find_other) for argument in arguments if argument is not type(None)]
        return union_converter(members, is_optional=len(members) < len(arguments))
    if annotation is list or origin is list:
        return list_converter(_item_converter(arguments[0] if arguments else Any, find_other))
    if annotation in (dict, Mapping) or (origin in (dict, Mapping) and arguments[1] in (Any, object)):
        return Converter(to_object, empty={})
    if origin in (dict, Mapping):
        return dict_converter(make_converter(arguments[0], find_other), _item_converter(arguments[1], find_other))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice_converter({member.value: member for member in annotation})
    found = find_other(annotation) if find_other is not None else None
    if found is None:
        raise TypeError(f"annotation {annotation!r} is not one of {_ACCEPTED}")
    return found


def _item_converter(annotation: Any, find_other: FindConverter | None) -> Converter:
    if annotation in (Any, object):
        # Of these, null is an item like others.
        return Converter(_anything, takes_empty=True, is_optional=True)
    return make_converter(annotation, find_other)


def _choice_converter(options: dict[Any, Any]) -> Converter:
    by_text = {str(value): option for value, option in options.items()}
    for value, option in options.items():
        by_text.setdefault(_text_of_choice(value), option)

    def convert(value: object) -> object:
        # By text, because the query string has nothing else; True and 1 are told apart by it.
        found = by_text.get(str(value)) if isinstance(value, str | int | float) else None
        if found is None:
            raise expected(f"one of {', '.join(map(repr, options))}", value)
        return found

    return Converter(convert, takes_empty="" in by_text)


def _text_of_choice(value: object) -> str:
    """Write a choice as it comes from elsewhere: JavaScript's 1.0 is 1, a URL's True is true."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _anything(value: object) -> object:
    return value


def _to_str(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise expected("a text", value)


def _to_int(value: object) -> int:
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    raise expected("a whole number", value)


def _to_float(value: object) -> float:
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool) and "_" not in str(value):
            number = float(value)
            if math.isfinite(number):
                return number
    except (ValueError, OverflowError):
        pass
    raise expected("a number", value)


def _to_decimal(value: object) -> Decimal:
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool) and "_" not in str(value):
            number = Decimal(str(value).strip())
            # Six bytes, 1e9999, are a number of ten thousand digits as soon as it is written out or made an int.
            if number.is_finite() and abs(number.adjusted()) < _MOST_DIGITS:
                return number
    except (InvalidOperation, ValueError):
        pass
    raise expected("a decimal number", value)


def _to_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | str):
        text = str(value).lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
    raise expected("true or false", value)


def _parsed(parse: Callable[[str], Any], what: str) -> Callable[[Any], Any]:
    """Make a converter of a function that reads a text, or raises ValueError."""

    def convert(value: object) -> object:
        try:
            if isinstance(value, str):
                return parse(value)
        except ValueError:
            pass
        raise expected(what, value)

    return convert


_SIMPLE: dict[Any, Converter] = {
    int: Converter(_to_int, empty=0),
    float: Converter(_to_float, empty=0),
    bool: Converter(_to_bool, empty=False),
    str: Converter(_to_str, takes_empty=True),
    UUID: Converter(_parsed(UUID, "a UUID")),
    date: Converter(_parsed(date.fromisoformat, "a date such as 2026-11-21")),
    datetime: Converter(_parsed(datetime.fromisoformat, "a time such as 2026-11-21T12:30")),
    Decimal: Converter(_to_decimal, empty=0),
}
