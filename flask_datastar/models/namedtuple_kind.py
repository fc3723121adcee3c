"""Named tuples as models: an object by name, or a list by place, as JSON has them."""

from __future__ import annotations

import typing
from typing import Any

from ..sansio.signal_paths import list_items
from .fields import Field, Find, constant, field_converter
from .fields_model import FieldsModel
from .generics import read_hints


def is_model(cls: type) -> bool:
    """Return whether a class is a named tuple, of ``typing`` or of ``collections``."""
    return issubclass(cls, tuple) and hasattr(cls, "_fields") and hasattr(cls, "_field_defaults")


def make_model(cls: type) -> NamedTupleModel:
    """Create the model, still without its fields."""
    return NamedTupleModel(cls)


def read_fields(model: Any, annotation: Any, find: Find) -> None:
    """Set the fields."""
    cls = typing.get_origin(annotation) or annotation
    hints = read_hints(annotation)
    found = []
    for name in cls._fields:
        has_default = name in cls._field_defaults
        found.append(
            Field(
                name=name,
                signal=name,
                converter=field_converter(cls, name, hints.get(name, Any), find),
                may_be_left_out=has_default,
                default=constant(cls._field_defaults[name]) if has_default else None,
            )
        )
    model.fields = tuple(found)


class NamedTupleModel(FieldsModel):
    """A model that may come as a list, as the JSON of a named tuple is."""

    def bind(self, value: object) -> object:
        """Build the model of an object or a list.

        :raises ValueError: if it is neither, is too long, or has misfits.
        """
        return super().bind(self._by_name(value))

    def _prepare(self, value: object) -> object:
        return super()._prepare(self._by_name(value))

    def _by_name(self, value: object) -> object:
        items = list_items(value)
        if items is None:
            return value
        if len(items) > len(self.fields):
            raise ValueError(f"expected at most {len(self.fields)} values, got {len(items)}")
        return dict(zip((field.signal for field in self.fields), items, strict=False))
