"""Structs of msgspec as models: the fields are taken one by one, their values are made and checked by msgspec."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from ..sansio.containers import Converter
from ..sansio.misfits import Misfits
from .fields import Field, FieldsModel, Find

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
                converter=_converter(msgspec, info.type, find),
                may_be_left_out=not info.required,
                default=default,
            )
        )
    model.fields = tuple(found)


def _converter(msgspec: Any, annotation: Any, find: Find) -> Converter:
    """Leave values to msgspec, with their constraints; a Struct among them is taken apart, to find all its misfits."""
    try:
        own = find(annotation)
    except TypeError:
        # A type that msgspec knows and this package does not. What is "" for it, it decides itself.
        own = Converter(lambda value: value, takes_empty=True, is_optional=_takes_none(msgspec, annotation))
    if own.model is not None or (own.item is not None and own.item.model is not None):
        return own

    def convert(value: object) -> object:
        try:
            return msgspec.convert(value, annotation, strict=False)
        except msgspec.ValidationError as error:
            raise _misfits(str(error)) from error

    return Converter(convert, own.takes_empty, own.is_list, own.is_optional, own.empty)


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
