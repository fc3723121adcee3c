"""Models of pydantic: it makes and checks them itself; what it is given is prepared, so that an input that is empty is
missing, as it is for other models."""

from __future__ import annotations

import sys
from typing import Any

from .containers import Converter, to_object
from .fields import Field, Find, defaults_of, paths_of
from .misfits import MAX_MISFITS, add_misfit, collected


def is_model(cls: type) -> bool:
    """Whether a class is a model of pydantic 2."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and issubclass(cls, pydantic.BaseModel) and hasattr(cls, "model_validate")


def make_model(cls: type) -> PydanticModel:
    """Make the model, still without its fields."""
    return PydanticModel(cls)


def read_fields(model: Any, cls: Any, find: Find) -> None:
    """Read the fields, by the names that they have in JSON. Where a field has several, pydantic gets all as it is."""
    found = []
    for name, info in cls.model_fields.items():
        alias = info.validation_alias if info.validation_alias is not None else info.alias
        if alias is not None and not isinstance(alias, str):
            model.has_plain_names = False
            continue
        default = None
        # One that is made of other fields' values has none before those are known.
        if not info.is_required() and not getattr(info, "default_factory_takes_validated_data", False):
            default = info.default_factory if info.default_factory is not None else _constant(info.default)
        found.append(
            Field(
                name=name,
                signal=alias or name,
                converter=_converter(info.annotation, find),
                may_be_left_out=not info.is_required(),
                default=default,
            )
        )
    model.fields = tuple(found)


class PydanticModel:
    """A model that pydantic validates."""

    def __init__(self, cls: Any) -> None:
        self._cls = cls
        self.fields: tuple[Field, ...] = ()
        #: Whether each field has one name.
        self.has_plain_names = True

    def bind(self, value: object) -> object:
        """Build the model of an object.

        :raises ValueError: it is no object, or pydantic found misfits.
        """
        return self.validate(to_object(value))

    def bind_signals(self, value: dict[str, Any]) -> object:
        """Build the model of all of a page's signals: one that forbids what it does not know gets its own only."""
        if self._cls.model_config.get("extra") == "forbid" and self.has_plain_names:
            own = {name for field in self.fields for name in (field.name, field.signal)}
            value = {name: part for name, part in value.items() if name in own}
        return self.validate(value)

    def validate(self, value: dict[str, Any]) -> object:
        """Build the model of an object that is one."""
        validation_error = sys.modules["pydantic"].ValidationError
        try:
            return self._cls.model_validate(self.prepare(value))
        except validation_error as error:
            raise _misfits(error) from error

    def prepare(self, value: dict[str, Any]) -> dict[str, Any]:
        """Take out what is missing; where nothing has a default, put what stands for it."""
        prepared = dict(value)
        for field in self.fields:
            # A model may take its own names beside those in JSON.
            name = field.name if field.name in value and field.signal not in value else field.signal
            part, converter = value.get(name), field.converter
            if not converter.is_missing(part):
                prepared[name] = _prepare_part(converter, part)
            elif not field.may_be_left_out and converter.is_optional:
                prepared[name] = None
            elif not field.may_be_left_out and converter.model is not None:
                prepared[name] = _prepare_part(converter, {})
            else:
                prepared.pop(name, None)
        return prepared

    def unlikeness(self, value: dict[str, Any]) -> int:
        """Count the fields that an object lacks."""
        return sum(
            field.signal not in value and field.name not in value
            for field in self.fields
            if not (field.may_be_left_out or field.converter.is_optional)
        )

    def paths(self) -> tuple[str, ...]:
        """Give the paths of all fields, nested ones, too."""
        return paths_of(self)

    def defaults(self) -> dict[str, Any]:
        """Give the signals that it begins with."""
        return defaults_of(self)


def _prepare_part(converter: Converter, value: Any) -> Any:
    if isinstance(converter.model, PydanticModel) and isinstance(value, dict):
        return converter.model.prepare(value)
    item = converter.item
    if item is not None and isinstance(item.model, PydanticModel) and isinstance(value, list):
        return [_prepare_part(item, part) for part in value]
    return value


def _converter(annotation: Any, find: Find) -> Converter:
    try:
        return find(annotation)
    except TypeError:
        # A type that pydantic knows and this package does not. What is "" for it, pydantic decides.
        return Converter(lambda value: value, takes_empty=True)


def _misfits(error: Any) -> ValueError:
    errors: dict[str, str] = {}
    details = error.errors(include_url=False, include_context=False, include_input=False)
    for detail in details[:MAX_MISFITS]:
        reason = "missing" if detail["type"] == "missing" else detail["msg"]
        steps = detail["loc"] or ("",)
        told: ValueError = ValueError(reason)
        for step in reversed(steps[1:]):
            inner: dict[str, str] = {}
            add_misfit(inner, step, told)
            told = collected(inner)
        add_misfit(errors, steps[0], told)
    return collected(errors)


def _constant(value: object) -> Any:
    return lambda: value
