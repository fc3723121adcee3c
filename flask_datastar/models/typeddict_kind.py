"""TypedDicts as models."""

from __future__ import annotations

import typing
from typing import Any

from .fields import Field, FieldsModel, Find, field_converter, read_hints


def is_model(cls: type) -> bool:
    """Whether a class is a TypedDict, also one of ``typing_extensions``."""
    return issubclass(cls, dict) and hasattr(cls, "__required_keys__")


def make_model(cls: type) -> FieldsModel:
    """Make the model, still without its fields."""
    return FieldsModel(dict)


def read_fields(model: Any, cls: type, find: Find) -> None:
    """Read the keys; one that is not required and did not come is left out of the dict."""
    required: frozenset[str] = cls.__required_keys__  # type: ignore[attr-defined]
    found = []
    for name, hint in read_hints(cls, cls).items():
        # Where annotations are texts, Python has not looked at the marks: `__required_keys__` does not know them.
        annotation, mark = _unwrap(hint)
        is_required = mark if mark is not None else name in required
        converter = field_converter(cls, name, annotation, find)
        found.append(Field(name=name, signal=name, converter=converter, may_be_left_out=not is_required))
    model.fields = tuple(found)


def _unwrap(hint: Any) -> tuple[Any, bool | None]:
    """Take ``Required``, ``NotRequired`` and ``ReadOnly`` off an annotation."""
    is_required = None
    while (name := getattr(typing.get_origin(hint), "_name", None)) in ("Required", "NotRequired", "ReadOnly"):
        if name != "ReadOnly":
            is_required = name == "Required"
        (hint,) = typing.get_args(hint)
    return hint, is_required
