"""The reading of signals that the browser sends."""

from __future__ import annotations

import math
import re
from typing import Any

from . import strictjson
from .consts import MAX_DEPTH
from .signal_paths import check_names, may_be_forbidden

# Most signals have no exponent and no number of so many digits; only where one may be, all are looked at.
_MAY_BE_HUGE = re.compile(r"[0-9][eE]\+?[0-9]|[0-9]{309}")


def read_object(text: str) -> dict[str, Any]:
    """Read the signals of a request.

    :param text: JSON.
    :return: name → value.
    :raises ValueError: if it is malformed, not an object, nested deeper than 64, or has what no response could send
        back: a lone surrogate, a number that would become infinite, a name that would reach an object's prototype.
    """
    try:
        value = strictjson.loads(text)
    except ValueError as error:
        raise ValueError(f"the signals are not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"the signals are {_json_kind(value)}; accepted: a JSON object")
    # Counting brackets is much cheaper than walking, and few of them cannot be deep.
    if text.count("{") + text.count("[") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise ValueError(f"the signals are nested deeper than {MAX_DEPTH}")
    if _MAY_BE_HUGE.search(text) and _has_infinity(value):
        raise ValueError("the signals have a number that is larger than a float can be, such as 1e999")
    if may_be_forbidden(text) or "\\u" in text:
        check_names(value)
    return value


def _has_infinity(value: object) -> bool:
    """Return whether a number is infinite, or a whole one would be in the browser, whose numbers are all floats."""
    waiting: list[Any] = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)
        elif isinstance(found, int | float) and _is_infinite(found):
            return True
    return False


def _is_infinite(number: float) -> bool:
    try:
        return math.isinf(number)
    except OverflowError:
        return True


def _is_deeper(value: object, limit: int) -> bool:
    level: list[Any] = [value]
    for _ in range(limit):
        level = [
            item
            for container in level
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def _json_kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "a number"
