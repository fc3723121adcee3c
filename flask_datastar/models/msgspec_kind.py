"""Structs of msgspec as models: taken field by field, so that all misfits are found.

What msgspec alone knows (its constraints, its types, its tags) it converts itself.
"""

from __future__ import annotations

import re
import sys
import types
import typing
from typing import Any

from .containers import Converter
from .fields import UNKNOWN, Field, Find, constant, original_path, prepare_value
from .fields_model import FieldsModel
from .misfits import Misfits

# How msgspec names the place of a part in a value: "Expected `int`, got `str` - at `$.rows[2].price`".
_PLACE = re.compile(r"(?s)(.*) - at `(?:key in )?\$(.*)`")
_STEP = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")


def is_model(cls: type) -> bool:
    """Return whether a class is a Struct."""
    msgspec = sys.modules.get("msgspec")
    return msgspec is not None and issubclass(cls, msgspec.Struct)


def make_model(cls: type) -> FieldsModel:
    """Create the model, still without its fields."""
    return FieldsModel(cls)


def read_fields(model: Any, annotation: Any, find: Find) -> None:
    """Set the fields, by the names that they have in JSON."""
    msgspec = sys.modules["msgspec"]
    found = []
    for info in msgspec.structs.fields(annotation):
        default = None
        if info.default is not msgspec.NODEFAULT:
            default = constant(info.default)
        elif info.default_factory is not msgspec.NODEFAULT:
            default = info.default_factory
        found.append(
            Field(
                name=info.name,
                signal=info.encode_name,
                converter=_checked_converter(msgspec, annotation, info, find),
                may_be_left_out=not info.required,
                default=default,
            )
        )
    model.fields = tuple(found)


def _checked_converter(msgspec: Any, annotation: Any, info: Any, find: Find) -> Converter:
    cls = typing.get_origin(annotation) or annotation
    try:
        return _converter(msgspec, info.type, find)
    except TypeError as error:
        raise TypeError(f"{cls.__qualname__}.{info.name}: {error}") from error


def _converter(msgspec: Any, annotation: Any, find: Find) -> Converter:
    own = _own_converter(annotation, find)
    if own is not None and not _is_for_msgspec(msgspec, annotation):
        return own
    shape = own or _own_converter(annotation, find, UNKNOWN) or UNKNOWN

    def convert(value: object) -> object:
        prepared = prepare_value(shape, value)
        try:
            return msgspec.convert(prepared, annotation, strict=False)
        except msgspec.ValidationError as error:
            raise _misfits(str(error), shape, value) from error

    # Asked for what it makes of null, so that a type that it does not know is a TypeError now.
    takes_none = _takes_none(msgspec, annotation)
    if own is not None:
        return Converter(convert, own.takes_empty, own.is_list, own.is_optional, own.empty)
    return Converter(convert, takes_empty=True, is_optional=takes_none)


def _own_converter(annotation: Any, find: Find, or_else: Converter | None = None) -> Converter | None:
    try:
        return find(annotation, or_else)
    except TypeError:
        return None


def _is_for_msgspec(msgspec: Any, annotation: Any) -> bool:
    """Return whether an annotation has what msgspec alone knows.

    That is a constraint, a choice of Structs, which it makes by their tags, or a Struct that is a list in JSON.
    """
    config = getattr(annotation, "__struct_config__", None)
    if config is not None:
        return bool(config.array_like)
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


def _misfits(text: str, shape: Converter, value: object) -> Misfits:
    found = _PLACE.fullmatch(text)
    if found is None:
        return Misfits({"": text})
    steps = [int(index) if index else name for index, name in _STEP.findall(found[2])]
    return Misfits({".".join(original_path(shape, value, steps)): found[1]})
