"""Converters of lists, sets and tuples: the rules for what counts as a list, and for blanks in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..sansio.signal_paths import list_items
from .containers import Converter, as_it_is
from .misfits import add_misfit, collected, expected

#: Makes a set or a tuple of converted items.
Build = Callable[[list[Any]], Any]


def list_converter(item: Converter, build: Build | None = None) -> Converter:
    """Return the converter of a list.

    A lone value is a list of one: the page has one checkbox of that name, the query names it once. Blanks are left out
    where the items take no text, because each unticked checkbox of a group is a blank.

    :param build: makes another container of the items; it may refuse them by a TypeError.
    """

    drops_blanks = item.is_blank("")
    is_kept = item.prepare is as_it_is and item.takes_empty

    def convert(value: object) -> Any:
        items = value if isinstance(value, list) else to_items(value)
        found = _convert_scalars(items, item) if item.is_scalar else None
        if found is None:
            found = _collect(items, item.convert_part, drops_blanks=drops_blanks)
        return found if build is None else _built(build, found)

    def prepare(value: object) -> Any:
        items = list_items(value)
        if items is None:
            return value
        return items if is_kept else _collect(items, item.prepare_part, drops_blanks=drops_blanks)

    return Converter(convert, is_list=True, empty=[], item=item, prepare=prepare)


def tuple_converter(members: list[Converter]) -> Converter:
    """Return the converter of a tuple in which each place has a type of its own; blanks keep their places."""
    converts = [member.convert_part for member in members]
    prepares = [member.prepare_part for member in members]

    def convert(value: object) -> tuple[Any, ...]:
        items = to_items(value)
        if len(items) != len(members):
            raise ValueError(f"expected {len(members)} values, got {len(items)}")
        return tuple(_collect(list(zip(converts, items, strict=True)), _convert_pair))

    def prepare(value: object) -> Any:
        items = list_items(value)
        if items is None or len(items) != len(members):
            return value if items is None else items
        return _collect(list(zip(prepares, items, strict=True)), _convert_pair)

    return Converter(convert, is_list=True, empty=[member.empty for member in members], prepare=prepare)


def to_items(value: object) -> list[Any]:
    """Return the items of a list, of an object with index keys, or a lone value as a list of one.

    :raises ValueError: if an object has index keys with a gap, or others among them.
    """
    items = list_items(value)
    return [value] if items is None else items


def original_index(value: object, item: Converter, index: int) -> int:
    """Return the place that an item of a prepared list had before blanks were left out."""
    items = list_items(value) or []
    kept = [place for place, part in enumerate(items) if not item.is_blank(part)]
    return kept[index] if index < len(kept) else index


def _convert_scalars(items: list[Any], item: Converter) -> list[Any] | None:
    """Convert items that have nothing inside; None if one is missing, blank or does not fit."""
    try:
        return [item.convert(part) for part in items]
    except ValueError:
        return None


def _collect(items: list[Any], convert: Callable[[Any], Any], *, drops_blanks: bool = False) -> list[Any]:
    """Convert each item; what does not fit is named by its place in the list as it came."""
    found: list[Any] = []
    errors: dict[str, str] = {}
    for index, part in enumerate(items):
        if drops_blanks and part == "":
            continue
        try:
            found.append(convert(part))
        except ValueError as error:
            if not add_misfit(errors, index, error):
                break
    if errors:
        raise collected(errors)
    return found


def _convert_pair(pair: tuple[Callable[[Any], Any], Any]) -> Any:
    convert, part = pair
    return convert(part)


def _built(build: Build, items: list[Any]) -> Any:
    try:
        return build(items)
    except TypeError:
        # Values of Any, or a frozen model with a list in it.
        raise expected("values that can be in a set", items) from None
