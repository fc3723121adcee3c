"""The identity of a view: its arguments as text, which recognise equal calls in every process."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from uuid import UUID

from markupsafe import Markup

#: Types whose ``repr`` tells every value and the type itself apart from all others.
_PLAIN = (type(None), bool, int, str, bytes, UUID, date, time, datetime, timedelta, Decimal, Markup)
_ACCEPTED = "None, a number, text, a UUID, a date or time, an Enum, and lists, tuples, sets and dicts of these"


def argument_texts(arguments: Mapping[str, object]) -> dict[str, str]:
    """Return arguments as text: the same text in every process for equal arguments.

    Values of different types differ, as 1, 1.0 and True do: a template may show them differently.

    :raises TypeError: if an argument cannot be compared across processes.
    """
    return {name: _text(name, value) for name, value in arguments.items()}


def identity_of(region: str, texts: Mapping[str, str]) -> str:
    """Return the identity of a region's view.

    :param region: the region's key, ``<group>:<name>``.
    :param texts: all arguments of the region's function, as :func:`argument_texts` returns them, in the order of its
        parameters.

    >>> identity_of("shop:cards", argument_texts({"board_id": 3, "tags": ["a"]}))
    "shop:cards(board_id=3, tags=['a'])"
    """
    return f"{region}({', '.join(f'{name}={text}' for name, text in texts.items())})"


def _text(name: str, value: object) -> str:
    kind = type(value)
    if kind in _PLAIN:
        return repr(value)
    if kind is float:
        if math.isnan(value):  # type: ignore[arg-type]
            raise TypeError(f"argument {name!r} is nan: nan is not equal to itself; pass a number or None")
        return repr(value)
    if isinstance(value, Enum):
        return f"{kind.__module__}.{kind.__qualname__}.{value.name}"
    if kind is list:
        return f"[{_items(name, value)}]"  # type: ignore[arg-type]
    if kind is tuple:
        return f"({_items(name, value)},)"  # type: ignore[arg-type]
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(_text(name, item) for item in value))}}}"
    if kind is dict:
        pairs = (f"{_text(name, key)}: {_text(name, item)}" for key, item in value.items())  # type: ignore[attr-defined]
        return f"{{{', '.join(sorted(pairs))}:}}"
    raise TypeError(
        f"argument {name!r} is {kind.__qualname__}: objects may differ between processes and between people; pass the "
        f"object's id. Accepted: {_ACCEPTED}"
    )


def _items(name: str, values: Iterable[object]) -> str:
    return ", ".join(_text(name, value) for value in values)
