"""Converters of lists, sets and tuples: the rules for what counts as a list, and for blanks in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

from ..sansio.signal_paths import list_items
from .containers import Converter
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

    def convert(value: object) -> Any:
        found = _collect(to_items(value), repeat(item.convert_part), drops_blanks=drops_blanks)
        return found if build is None else _built(build, found)

    def prepare(value: object) -> Any:
        items = list_items(value)
        return value if items is None else _collect(items, repeat(item.prepare), drops_blanks=drops_blanks)

    return Converter(convert, is_list=True, empty=[], item=item, prepare=prepare)


def tuple_converter(members: list[Converter]) -> Converter:
    """Return the converter of a tuple in which each place has a type of its own; blanks keep their places."""

    def convert(value: object) -> tuple[Any, ...]:
        items = to_items(value)
        if len(items) != len(members):
            raise ValueError(f"expected {len(members)} values, got {len(items)}")
        return tuple(_collect(items, [member.convert_part for member in members]))

    def prepare(value: object) -> Any:
        items = list_items(value)
        if items is None or len(items) != len(members):
            return value if items is None else items
        return _collect(items, [member.prepare for member in members])

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


def _collect(items: list[Any], converts: Iterable[Callable[[Any], Any]], *, drops_blanks: bool = False) -> list[Any]:
    """Convert each item by its function; what does not fit is named by its place in the list as it came."""
    found: list[Any] = []
    errors: dict[str, str] = {}
    # The functions may be endless.
    for index, (part, convert) in enumerate(zip(items, converts, strict=False)):
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


def _built(build: Build, items: list[Any]) -> Any:
    try:
        return build(items)
    except TypeError:
        # Values of Any, or a frozen model with a list in it.
        raise expected("values that can be in a set", items) from None
