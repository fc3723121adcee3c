"""Models of pydantic, which makes and checks them itself.

What it is given is prepared, so that an empty input is missing and a group of checkboxes is a list, as in other models.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..sansio.signal_paths import find_path, set_path
from .containers import Converter, to_object
from .fields import UNKNOWN, Field, Find, constant, defaults_of, original_path, paths_of, prepare_object, prepare_value
from .generics import with_self
from .messages import WHOLE
from .misfits import MAX_MISFITS, add_misfit, collected

#: pydantic's types of errors about a value in the place of a list.
_NO_LIST = frozenset({"list_type", "set_type", "frozen_set_type", "tuple_type", "deque_type", "iterable_type"})
_WHOLE_VALUE = "whole"


def is_model(cls: type) -> bool:
    """Return whether a class is a model of pydantic 2."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and issubclass(cls, pydantic.BaseModel) and hasattr(cls, "model_validate")


def make_model(cls: Any) -> PydanticModel | RootModel:
    """Create the model, still without its fields."""
    return RootModel(cls) if issubclass(cls, sys.modules["pydantic"].RootModel) else PydanticModel(cls)


def read_fields(model: Any, cls: Any, find: Find) -> None:
    """Set the fields, by the names that they have in JSON. Where a field has several, pydantic chooses among them."""
    if isinstance(model, RootModel):
        model.root = _converter(cls, cls.model_fields["root"].annotation, find)
        return
    found = []
    for name, info in cls.model_fields.items():
        alias = info.validation_alias if info.validation_alias is not None else info.alias
        converter = _converter(cls, info.annotation, find)
        if alias is not None and not isinstance(alias, str):
            model.has_plain_names = False
            choices = [choice for choice in getattr(alias, "choices", ()) if isinstance(choice, str)]
            model.choices += tuple(Field(name, choice, converter, may_be_left_out=True) for choice in choices)
            continue
        default = None
        # A default that is made of other fields' values is not known before those are.
        if not info.is_required() and not getattr(info, "default_factory_takes_validated_data", False):
            default = info.default_factory if info.default_factory is not None else constant(info.default)
        found.append(
            Field(
                name=name,
                signal=alias or name,
                converter=converter,
                may_be_left_out=not info.is_required(),
                default=default,
            )
        )
    model.fields = tuple(found)


class PydanticModel:
    """A model with fields that pydantic validates."""

    #: Whether it is made of an object, so that it can be made of all signals of a page.
    is_object = True

    def __init__(self, cls: Any) -> None:
        self._cls = cls
        self.fields: tuple[Field, ...] = ()
        #: The fields that have several names, once for each of these.
        self.choices: tuple[Field, ...] = ()
        #: Whether each field has one name.
        self.has_plain_names = True

    def converter(self) -> Converter:
        """Return the converter of a signal that becomes this model."""
        return Converter(self.bind, empty={}, model=self, prepare=self._prepare)

    def bind(self, value: object) -> object:
        """Build the model of an object.

        :raises ValueError: if it is not an object, or pydantic found misfits.
        """
        given = to_object(value)
        return _validate(self._cls, prepare_object((*self.fields, *self.choices), given), self.converter, given)

    def bind_signals(self, value: dict[str, Any]) -> object:
        """Build the model of all of a page's signals: a model that forbids what it does not know gets its own only."""
        if self._cls.model_config.get("extra") == "forbid" and self.has_plain_names:
            own = {name for field in self.fields for name in (field.name, field.signal)}
            value = {name: part for name, part in value.items() if name in own}
        return self.bind(value)

    def unlikeness(self, value: dict[str, Any]) -> int:
        """Count the fields that an object lacks."""
        return sum(
            field.signal not in value and field.name not in value
            for field in self.fields
            if not (field.may_be_left_out or field.converter.is_optional)
        )

    def paths(self) -> tuple[str, ...]:
        """Return the paths of all fields, nested ones included."""
        return paths_of(self)

    def defaults(self) -> dict[str, Any]:
        """Return the signals that a page starts with."""
        return defaults_of(self)

    def _prepare(self, value: object) -> object:
        return prepare_object((*self.fields, *self.choices), value) if isinstance(value, dict) else value


class RootModel:
    """A model that pydantic makes of one value, such as ``RootModel[list[Row]]``."""

    def __init__(self, cls: Any) -> None:
        self._cls = cls
        #: The converter of the value. A model that contains itself is used before it is known.
        self.root = UNKNOWN

    @property
    def is_object(self) -> bool:
        """Whether it is made of an object, so that it can be made of all signals of a page."""
        return isinstance(self.root.empty, dict)

    def converter(self) -> Converter:
        """Return the converter of a signal that becomes this model."""
        root = self.root
        return Converter(
            self.bind,
            root.takes_empty,
            root.is_list,
            empty=root.empty,
            item=root.item,
            prepare=lambda value: self.root.prepare(value),
        )

    def bind(self, value: object) -> object:
        """Build the model of its value.

        :raises ValueError: if pydantic found misfits.
        """
        return _validate(self._cls, prepare_value(self.root, value), lambda: self.root, value)

    def bind_signals(self, value: dict[str, Any]) -> object:
        """Build the model of all of a page's signals."""
        return self.bind(value)

    def paths(self) -> tuple[str, ...]:
        """Return the paths that messages stand under."""
        return self.root.model.paths() if self.root.model is not None else (WHOLE,)

    def defaults(self) -> dict[str, Any]:
        """Return the signals that a page starts with."""
        return self.root.model.defaults() if self.root.model is not None else dict(self.root.empty)


def _validate(cls: Any, prepared: object, find_converter: Callable[[], Converter], given: object) -> object:
    validation_error = sys.modules["pydantic"].ValidationError
    try:
        return cls.model_validate(prepared)
    except validation_error as error:
        repaired = _with_lone_values(prepared, error)
        if repaired is prepared:
            raise _misfits(error, find_converter(), given) from error
    try:
        return cls.model_validate(repaired)
    except validation_error as error:
        raise _misfits(error, find_converter(), given) from error


def _with_lone_values(prepared: Any, error: Any) -> Any:
    """Return the value with lists of one where pydantic found a lone value instead of a list.

    Only after it was refused, because a validator of the model may make a list of a text itself.
    """
    whole: dict[str, Any] = {_WHOLE_VALUE: prepared}
    for detail in error.errors(include_url=False, include_context=False)[:MAX_MISFITS]:
        path = [_WHOLE_VALUE, *map(str, detail["loc"])]
        found = find_path(whole, path)
        # The path of a type inside of a union leads nowhere.
        if detail["type"] in _NO_LIST and isinstance(found, str | int | float) and found is detail["input"]:
            set_path(whole, path, [found])
    return whole[_WHOLE_VALUE]


def _converter(cls: type, annotation: Any, find: Find) -> Converter:
    try:
        return find(with_self(annotation, cls), UNKNOWN)
    except TypeError:
        return UNKNOWN


def _misfits(error: Any, converter: Converter, given: object) -> ValueError:
    errors: dict[str, str] = {}
    details = error.errors(include_url=False, include_context=False, include_input=False)
    for detail in details[:MAX_MISFITS]:
        reason = "missing" if detail["type"] == "missing" else detail["msg"]
        steps = original_path(converter, given, detail["loc"]) or [""]
        told: ValueError = ValueError(reason)
        for step in reversed(steps[1:]):
            inner: dict[str, str] = {}
            add_misfit(inner, step, told)
            told = collected(inner)
        add_misfit(errors, steps[0], told)
    return collected(errors)
