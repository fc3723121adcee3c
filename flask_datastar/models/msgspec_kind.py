"""Structs of msgspec as models: taken field by field, so that all misfits are found. What msgspec alone knows (its
constraints, its types, its tags) it converts itself."""

from __future__ import annotations

import re
import sys
import types
import typing
from collections.abc import Callable
from typing import Any

from .containers import Converter
from .fields import Field, FieldsModel, Find
from .misfits import Misfits

# How msgspec tells where in a value something was: "Expected `int`, got `str` - at `$.rows[2].price`".
_PLACE = re.compile(r"(?s)(.*) - at `(?:key in )?\$(.*)`")
_STEP = re.compile(r"\.?([^.\[\]]+)")


def is_model(cls: type) -> bool:
    """Whether a class is a Struct."""
    msgspec = sys.modules.get("msgspec")
    return msgspec is not None and issubclass(cls, msgspec.Struct)


def make_model(cls: type) -> FieldsModel:
    """Make the model, still without its fields."""
    return FieldsModel(cls)


def read_fields(model: Any, cls: type, find: Find) -> None:
    """Read the fields, by the names that they have in JSON."""
    msgspec = sys.modules["msgspec"]
    found = []
    for info in msgspec.structs.fields(cls):
        default = None
        if info.default is not msgspec.NODEFAULT:
            default = _constant(info.default)
        elif info.default_factory is not msgspec.NODEFAULT:
            default = info.default_factory
        found.append(
            Field(
                name=info.name,
                signal=info.encode_name,
                converter=_checked_converter(msgspec, cls, info, find),
                may_be_left_out=not info.required,
                default=default,
            )
        )
    model.fields = tuple(found)


def _checked_converter(msgspec: Any, cls: type, info: Any, find: Find) -> Converter:
    try:
        return _converter(msgspec, info.type, find)
    except TypeError as error:
        raise TypeError(f"{cls.__qualname__}.{info.name}: {error}") from error


def _converter(msgspec: Any, annotation: Any, find: Find) -> Converter:
    try:
        own = find(annotation)
    except TypeError:
        own = None
    if own is not None and not _is_for_msgspec(msgspec, annotation):
        return own

    def convert(value: object) -> object:
        try:
            return msgspec.convert(value, annotation, strict=False)
        except msgspec.ValidationError as error:
            raise _misfits(str(error)) from error

    # Asked for what it makes of null, so that a type that it does not know is a TypeError now.
    takes_none = _takes_none(msgspec, annotation)
    if own is not None:
        return Converter(convert, own.takes_empty, own.is_list, own.is_optional, own.empty)
    return Converter(convert, takes_empty=True, is_optional=takes_none)


def _is_for_msgspec(msgspec: Any, annotation: Any) -> bool:
    """Whether an annotation has constraints, or a choice of Structs, which msgspec makes by their tags."""
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return True
    structs = [
        argument for argument in arguments if isinstance(argument, type) and issubclass(argument, msgspec.Struct)
    ]
    if origin in (typing.Union, types.UnionType) and len(structs) > 1:
        return True
    return origin is not typing.Literal and any(_is_for_msgspec(msgspec, argument) for argument in arguments)


def _takes_none(msgspec: Any, annotation: Any) -> bool:
    try:
        return msgspec.convert(None, annotation) is None
    except msgspec.ValidationError:
        return False


def _misfits(text: str) -> Misfits:
    found = _PLACE.fullmatch(text)
    if found is None:
        return Misfits({"": text})
    path = ".".join(step for step in _STEP.findall(found[2]) if step)
    return Misfits({path: found[1]})


def _constant(value: object) -> Callable[[], object]:
    return lambda: value
