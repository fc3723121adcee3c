"""The converter of each annotation that parameters and fields may have."""

from __future__ import annotations

import inspect
import types
import typing
from collections import deque
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
    Sequence,
)
from collections.abc import Set as AbstractSet
from dataclasses import replace
from enum import Enum
from typing import Any

from .containers import Converter, dict_converter, to_object, union_converter
from .generics import unwrap
from .lists import Build, list_converter, tuple_converter
from .scalars import SCALARS, choice_converter

_ACCEPTED = (
    "int, float, bool, str, UUID, date, time, datetime, timedelta, Decimal, an Enum, Literal, dict, list, set, "
    "frozenset, tuple, a dataclass, TypedDict, NamedTuple, pydantic or msgspec model, and X | None of these"
)
_ANYTHING = (inspect.Parameter.empty, Any, object)
_OBJECTS = (dict, Mapping, MutableMapping)
#: Annotation of a list → what its items are put into; None for a list itself.
_LISTS: dict[Any, Build | None] = {
    **dict.fromkeys((list, Sequence, MutableSequence, Collection, Iterable)),
    **dict.fromkeys((set, MutableSet, AbstractSet), set),
    frozenset: frozenset,
    tuple: tuple,
    deque: deque,
}
_HASHED = (set, frozenset)

#: Returns the converter of an annotation that is unknown here, None for an annotation without a converter.
FindConverter = Callable[[Any], Converter | None]


def make_converter(annotation: Any, find_other: FindConverter | None = None) -> Converter:
    """Return the converter of an annotation.

    :param find_other: is asked for what is unknown here, such as models.
    :raises TypeError: if the annotation has no converter; the text names those that have.
    """
    annotation = unwrap(annotation)
    if any(annotation is anything for anything in _ANYTHING):
        return Converter(_anything, takes_empty=True)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        # A member of an Enum is sent as its value, as where the Enum itself is the annotation.
        options = {
            option.value if isinstance(option, Enum) else option: option for option in arguments if option is not None
        }
        return replace(choice_converter(options), is_optional=None in arguments)
    if origin in (typing.Union, types.UnionType):
        members = [make_converter(argument, find_other) for argument in arguments if argument is not type(None)]
        return union_converter(members, is_optional=len(members) < len(arguments))
    cls = origin or annotation
    if isinstance(cls, type):
        if (scalar := SCALARS.get(cls)) is not None:
            return scalar
        if cls in _LISTS:
            return _list_converter(annotation, cls, arguments, find_other)
        if cls in _OBJECTS:
            return _object_converter(annotation, arguments or (str, Any), find_other)
        if issubclass(cls, Enum):
            return choice_converter({member.value: member for member in cls})
    found = find_other(annotation) if find_other is not None else None
    if found is None:
        raise TypeError(f"annotation {annotation!r} is not one of {_ACCEPTED}{_hint(annotation)}")
    return found


def _list_converter(
    annotation: Any, cls: type, arguments: tuple[Any, ...], find_other: FindConverter | None
) -> Converter:
    is_bare = annotation in (tuple, typing.Tuple)  # noqa: UP006
    if cls is tuple and not is_bare and arguments[-1:] != (...,):
        return tuple_converter([_part_converter(argument, find_other) for argument in arguments])
    item, build = arguments[0] if arguments else Any, _LISTS[cls]
    if build in _HASHED:
        _check_hashable(annotation, item)
    return list_converter(_part_converter(item, find_other), build)


def _object_converter(annotation: Any, arguments: tuple[Any, ...], find_other: FindConverter | None) -> Converter:
    key, item = arguments
    if key in (str, Any, object) and item in (Any, object):
        return Converter(to_object, empty={})
    _check_hashable(annotation, key)
    return dict_converter(make_converter(key, find_other), _part_converter(item, find_other))


def _part_converter(annotation: Any, find_other: FindConverter | None) -> Converter:
    if annotation in (Any, object):
        # Null is an item like others here.
        return Converter(_anything, takes_empty=True, is_optional=True)
    return make_converter(annotation, find_other)


def _check_hashable(annotation: Any, part: Any) -> None:
    found = unwrap(part)
    found = typing.get_origin(found) or found
    if isinstance(found, type) and found.__hash__ is None:
        raise TypeError(
            f"annotation {annotation!r}: {part!r} has no hash, which the items of a set and the keys of a dict need; "
            "use a list, or a frozen class"
        )


def _hint(annotation: Any) -> str:
    return "; give the class its types, as in Box[int]" if isinstance(annotation, typing.TypeVar) else ""


def _anything(value: object) -> object:
    return value
