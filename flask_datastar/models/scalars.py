"""Converters of single values: numbers, texts, times, and choices out of a known set."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from .containers import Converter
from .misfits import expected

_MOST_DIGITS = 400
_WHOLE = re.compile(rf"[+-]?[0-9]{{1,{_MOST_DIGITS}}}")
_TRUE = frozenset({"true", "1", "on", "yes"})
_FALSE = frozenset({"false", "0", "off", "no"})


def choice_converter(options: dict[Any, Any]) -> Converter:
    """Return the converter of a choice.

    :param options: the value of each option → what it becomes.
    """
    by_text = {str(value): value for value in options}
    for value in options:
        by_text.setdefault(_text_of_choice(value), value)

    def prepare(value: object) -> object:
        # By text, because the query string has nothing else; True and 1 are told apart by it.
        return by_text.get(str(value), value) if isinstance(value, str | int | float) else value

    def convert(value: object) -> object:
        found = by_text.get(str(value)) if isinstance(value, str | int | float) else None
        if found is None:
            raise expected(f"one of {', '.join(map(repr, options))}", value)
        return options[found]

    return Converter(convert, takes_empty="" in by_text, is_scalar=True, prepare=prepare)


def _text_of_choice(value: object) -> str:
    """Return a choice as it is written elsewhere: JavaScript's 1.0 is 1, a URL's True is true."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


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
    number = _float_or_none(value)
    if number is None:
        raise expected("a number", value)
    return number


def _to_timedelta(value: object) -> timedelta:
    seconds = _float_or_none(value)
    try:
        if seconds is not None:
            return timedelta(seconds=seconds)
    except OverflowError:
        pass
    raise expected("a number of seconds", value)


def _float_or_none(value: object) -> float | None:
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool) and "_" not in str(value):
            number = float(value)
            return number if math.isfinite(number) else None
    except (ValueError, OverflowError):
        pass
    return None


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
    """Return the converter of a function that reads a text, or raises ValueError."""

    def convert(value: object) -> object:
        try:
            if isinstance(value, str):
                return parse(value)
        except ValueError:
            pass
        raise expected(what, value)

    return convert


#: Annotation → its converter.
SCALARS: dict[Any, Converter] = {
    int: Converter(_to_int, empty=0, is_scalar=True),
    float: Converter(_to_float, empty=0, is_scalar=True),
    bool: Converter(_to_bool, empty=False, is_scalar=True),
    str: Converter(_to_str, takes_empty=True, is_scalar=True),
    UUID: Converter(_parsed(UUID, "a UUID"), is_scalar=True),
    date: Converter(_parsed(date.fromisoformat, "a date such as 2026-11-21"), is_scalar=True),
    time: Converter(_parsed(time.fromisoformat, "a time such as 12:30"), is_scalar=True),
    datetime: Converter(_parsed(datetime.fromisoformat, "a time such as 2026-11-21T12:30"), is_scalar=True),
    timedelta: Converter(_to_timedelta, empty=0, is_scalar=True),
    Decimal: Converter(_to_decimal, empty=0, is_scalar=True),
}
