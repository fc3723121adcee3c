"""Models that are made of fields: what an object must have, and how the model is built of it."""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .containers import Converter, to_object
from .messages import WHOLE
from .misfits import add_misfit, collected
from .plain import to_plain
from .signal import count_marks

#: Finds the converter of an annotation, models included.
Find = Callable[[Any], Converter]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a model."""

    #: What the model calls it when it is built.
    name: str
    #: The signal that it comes from, in the model's own object.
    signal: str
    converter: Converter
    #: Whether the model does without it: it has a default, or the key may be absent.
    may_be_left_out: bool
    #: Gives the default; None when there is none.
    default: Callable[[], object] | None = None


class FieldsModel:
    """A model whose fields are converted one by one, so that all misfits of an object are found together."""

    def __init__(self, build: Callable[..., object], error: type[Exception] = ValueError) -> None:
        self._build = build
        self._error = error
        #: Set once by the module of its kind: a model that contains itself exists before its fields do.
        self.fields: tuple[Field, ...] = ()

    def bind(self, value: object) -> object:
        """Build the model of an object. Names that it does not know are passed over.

        :raises ValueError: it is no object, or has misfits.
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
        except self._error as error:
            # A check of the model's own, of several fields together.
            raise collected({"": str(error)}) from error

    def bind_signals(self, value: dict[str, Any]) -> object:
        """Build the model of all of a page's signals."""
        return self.bind(value)

    def unlikeness(self, value: dict[str, Any]) -> int:
        """Count the fields that an object lacks, or whose simple values do not fit."""
        return sum(map(partial(_is_unlike, value), self.fields))

    def paths(self) -> tuple[str, ...]:
        """Give the paths of all fields, nested ones, too."""
        return paths_of(self)

    def defaults(self) -> dict[str, Any]:
        """Give the signals that it begins with."""
        return defaults_of(self)


def _is_unlike(value: dict[str, Any], field: Field) -> bool:
    part, converter = value.get(field.signal), field.converter
    if converter.is_missing(part):
        return not (field.may_be_left_out or converter.is_optional)
    if isinstance(part, dict | list):
        # What is nested is not looked into.
        return False
    try:
        converter.convert(part)
    except ValueError:
        return True
    return False


def absent(converter: Converter) -> object:
    """Give the value of what did not come and has no default.

    The browser leaves empty objects out, so for a nested model nothing is an object without anything.

    :raises ValueError: it must not be missing.
    """
    if converter.is_optional:
        return None
    if converter.model is not None:
        return converter.convert({})
    raise ValueError("missing")


def paths_of(model: Any, around: tuple[Any, ...] = ()) -> tuple[str, ...]:
    """Give the paths of a model and its fields; a model inside of itself is not followed."""
    found = [WHOLE]
    for field in model.fields:
        inner, item = field.converter.model, field.converter.item
        if item is not None and item.model is not None:
            # Each of its items has messages of its own.
            found.append(f"{field.signal}.{WHOLE}")
        elif inner is None or inner is model or inner in around:
            found.append(field.signal)
        else:
            found.extend(f"{field.signal}.{path}" for path in paths_of(inner, (*around, model)))
    return tuple(found)


def defaults_of(model: Any, around: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Give a model's defaults as signals, and the empty value of each field that has none."""
    found: dict[str, Any] = {}
    for field in model.fields:
        inner = field.converter.model
        default = field.default() if field.default is not None else None
        if default is not None:
            found[field.signal] = to_plain(default)
        elif inner is not None and not field.converter.is_optional and inner is not model and inner not in around:
            found[field.signal] = defaults_of(inner, (*around, model))
        else:
            found[field.signal] = field.converter.empty
    return found


def read_hints(annotated: Any, cls: type) -> dict[str, Any]:
    """Resolve the annotations of a class or of its ``__init__``; those that name the class itself are understood
    wherever it was defined."""
    return typing.get_type_hints(annotated, localns={cls.__name__: cls}, include_extras=True)


def field_converter(cls: type, name: str, annotation: Any, find: Find) -> Converter:
    """Find the converter of one field.

    :raises TypeError: there is none; class and field are named.
    """
    if count_marks(annotation):
        raise TypeError(f"{cls.__qualname__}.{name}: Signal(...) is for parameters; in a model, nest another model")
    try:
        return find(annotation)
    except TypeError as error:
        raise TypeError(f"{cls.__qualname__}.{name}: {error}") from error
