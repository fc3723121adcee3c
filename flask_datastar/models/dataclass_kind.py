"""Dataclasses as models."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from typing import Any

from .fields import Field, Find, constant, field_converter
from .fields_model import FieldsModel
from .generics import read_hints, substitute, type_arguments


def is_model(cls: type) -> bool:
    """Return whether a class is a dataclass."""
    return dataclasses.is_dataclass(cls)


def make_model(cls: type) -> FieldsModel:
    """Create the model, still without its fields."""
    return FieldsModel(cls)


def read_fields(model: Any, annotation: Any, find: Find) -> None:
    """Set the fields: the parameters of ``__init__``, so that fields without a part in it stay out, and an ``InitVar``
    is in."""
    cls = typing.get_origin(annotation) or annotation
    parameters = inspect.signature(cls).parameters
    hints = read_hints(annotation)
    if not parameters.keys() <= hints.keys():
        # An ``__init__`` written by hand may have parameters that are not fields. The ``__init__`` that Python makes is
        # not asked: it has the annotations of inherited fields, but not the module in which their names are defined.
        hints = {**_init_hints(annotation, cls), **hints}
    declared: dict[str, dataclasses.Field[Any]] = cls.__dataclass_fields__
    found = []
    for name, parameter in parameters.items():
        hint = hints.get(name, parameter.annotation)
        hint = hint.type if isinstance(hint, dataclasses.InitVar) else hint
        has_default = parameter.default is not parameter.empty
        found.append(
            Field(
                name=name,
                signal=name,
                converter=field_converter(cls, name, hint, find),
                may_be_left_out=has_default,
                default=_default(declared.get(name), parameter) if has_default else None,
            )
        )
    model.fields = tuple(found)


def _init_hints(annotation: Any, cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls.__init__, localns={cls.__name__: cls}, include_extras=True)  # type: ignore[misc]
    given = type_arguments(annotation)
    return {name: substitute(hint, given) for name, hint in hints.items()}


def _default(field: dataclasses.Field[Any] | None, parameter: inspect.Parameter) -> Any:
    if field is not None and field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    # In a dataclass of pydantic, ``Field(...)`` is the default and has the factory.
    own_factory = getattr(field.default, "default_factory", None) if field is not None else None
    if own_factory is None:
        return constant(parameter.default)
    # A default that is made of other fields' values is not known before those are.
    return None if field.default.default_factory_takes_validated_data else own_factory  # type: ignore[union-attr]
