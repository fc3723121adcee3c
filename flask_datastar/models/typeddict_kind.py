"""TypedDicts as models."""

from __future__ import annotations

import typing
from typing import Any

from .fields import Field, Find, field_converter
from .fields_model import FieldsModel
from .generics import read_hints


def is_model(cls: type) -> bool:
    """Return whether a class is a TypedDict, also one of ``typing_extensions``."""
    return issubclass(cls, dict) and hasattr(cls, "__required_keys__")


def make_model(cls: type) -> FieldsModel:
    """Create the model, still without its fields."""
    return FieldsModel(dict)


def read_fields(model: Any, annotation: Any, find: Find) -> None:
    """Set the fields: the keys; a key that is not required and did not come is left out of the dict."""
    cls = typing.get_origin(annotation) or annotation
    required: frozenset[str] = cls.__required_keys__
    found = []
    for name, marked in read_hints(annotation).items():
        # Where annotations are texts, Python has not looked at the marks: `__required_keys__` does not know them.
        hint, mark = _unwrap(marked)
        is_required = mark if mark is not None else name in required
        converter = field_converter(cls, name, hint, find)
        found.append(Field(name=name, signal=name, converter=converter, may_be_left_out=not is_required))
    model.fields = tuple(found)


def _unwrap(hint: Any) -> tuple[Any, bool | None]:
    """Return an annotation without ``Required``, ``NotRequired`` and ``ReadOnly``, and what they mean."""
    is_required = None
    while (name := getattr(typing.get_origin(hint), "_name", None)) in ("Required", "NotRequired", "ReadOnly"):
        if name != "ReadOnly":
            is_required = name == "Required"
        (hint,) = typing.get_args(hint)
    return hint, is_required
