"""Dataclasses as models."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from .fields import Field, FieldsModel, Find, field_converter, read_hints


def is_model(cls: type) -> bool:
    """Whether a class is a dataclass."""
    return dataclasses.is_dataclass(cls)


def make_model(cls: type) -> FieldsModel:
    """Make the model, still without its fields."""
    return FieldsModel(cls)


def read_fields(model: Any, cls: type, find: Find) -> None:
    """Read the fields: the parameters of ``__init__``, so that those without a part in it stay out and an ``InitVar``
    is in."""
    parameters = inspect.signature(cls).parameters
    hints = read_hints(cls, cls)
    if not parameters.keys() <= hints.keys():
        # One has an ``__init__`` of its own, with parameters that are no fields. One that Python made is not asked: it
        # has the inherited fields' annotations, too, but not the names that those mean in another module.
        hints = {**read_hints(cls.__init__, cls), **hints}  # type: ignore[misc]
    declared: dict[str, dataclasses.Field[Any]] = cls.__dataclass_fields__  # type: ignore[attr-defined]
    found = []
    for name, parameter in parameters.items():
        hint = hints.get(name, parameter.annotation)
        annotation = hint.type if isinstance(hint, dataclasses.InitVar) else hint
        has_default = parameter.default is not parameter.empty
        found.append(
            Field(
                name=name,
                signal=name,
                converter=field_converter(cls, name, annotation, find),
                may_be_left_out=has_default,
                default=_default(declared.get(name), parameter) if has_default else None,
            )
        )
    model.fields = tuple(found)


def _default(field: dataclasses.Field[Any] | None, parameter: inspect.Parameter) -> Any:
    if field is not None and field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    return lambda: parameter.default
