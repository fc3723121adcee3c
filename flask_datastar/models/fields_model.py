"""Models that convert their fields one by one: dataclasses, TypedDicts, named tuples and structs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .containers import Converter, to_object
from .fields import Field, absent, defaults_of, paths_of, prepare_object
from .misfits import add_misfit, collected


class FieldsModel:
    """A model whose fields are converted one by one, so that all misfits of an object are found together.

    :param build: makes the model of the fields' values by name; a ValueError of it is a misfit of the whole.
    """

    #: Whether it is made of an object, so that it can be made of all signals of a page.
    is_object = True

    def __init__(self, build: Callable[..., object]) -> None:
        self._build = build
        #: Set once by the module of its kind: a model that contains itself exists before its fields do.
        self.fields: tuple[Field, ...] = ()

    def converter(self) -> Converter:
        """Return the converter of a signal that becomes this model."""
        return Converter(self.bind, empty={}, model=self, prepare=self._prepare)

    def bind(self, value: object) -> object:
        """Build the model of an object; names that it does not know are passed over.

        :raises ValueError: if it is not an object, or has misfits.
        """
        given = to_object(value)
        values: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for field in self.fields:
            part = given.get(field.signal)
            converter = field.converter
            try:
                if not converter.is_missing(part):
                    values[field.name] = converter.convert(part)
                elif not field.may_be_left_out:
                    values[field.name] = absent(converter)
            except ValueError as error:
                if not add_misfit(errors, field.signal, error):
                    break
        if errors:
            raise collected(errors)
        try:
            return self._build(**values)
        except ValueError as error:
            # A check of the model's own, of several fields together.
            raise collected({"": str(error)}) from error

    def bind_signals(self, value: dict[str, Any]) -> object:
        """Build the model of all of a page's signals."""
        return self.bind(value)

    def unlikeness(self, value: dict[str, Any]) -> int:
        """Count the fields that an object lacks, or whose simple values do not fit."""
        return sum(map(partial(_is_unlike, value), self.fields))

    def paths(self) -> tuple[str, ...]:
        """Return the paths of all fields, nested ones included."""
        return paths_of(self)

    def defaults(self) -> dict[str, Any]:
        """Return the signals that a page starts with."""
        return defaults_of(self)

    def _prepare(self, value: object) -> object:
        return prepare_object(self.fields, value) if isinstance(value, dict) else value


def _is_unlike(value: dict[str, Any], field: Field) -> bool:
    part, converter = value.get(field.signal), field.converter
    if converter.is_missing(part):
        return not (field.may_be_left_out or converter.is_optional)
    if isinstance(part, dict | list):
        # Nested values are not looked into.
        return False
    try:
        converter.convert(part)
    except ValueError:
        return True
    return False
