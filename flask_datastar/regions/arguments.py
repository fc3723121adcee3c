"""The arguments of a region's calls: bound to its parameters, converted by their annotations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from werkzeug.local import LocalProxy

from ..errors import SetupError
from ..models.containers import Converter
from ..models.conversion import make_converter
from ..reading.parameters import resolve_annotations
from .identity import argument_texts

_ANYTHING = (inspect.Parameter.empty, Any, object)


class ArgumentBinder:
    """The parameters of one region's function.

    Annotations that name something not defined yet are resolved at the first call.

    :param title: names the region, for errors.
    :raises SetupError: if a parameter cannot be passed by name, or if its annotation has no converter.
    """

    def __init__(self, function: Callable[..., Any], title: str) -> None:
        self._function = function
        self._title = title
        self._signature = inspect.signature(function)
        for parameter in self._signature.parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
                raise SetupError(
                    f"region {title}: parameter '{parameter}' cannot be passed by name; give every parameter a name"
                )
        self._converters: dict[str, Converter | None] | None = None
        with suppress(NameError):
            self._converters = self._find_converters()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all parameters."""
        return tuple(self._signature.parameters)

    def bind(self, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call, converted, with the defaults of those that it leaves out.

        :raises TypeError: if an argument is missing, unknown, or cannot be compared.
        :raises ValueError: if an argument does not fit its annotation.
        """
        try:
            bound = self._signature.bind(*arguments, **named)
        except TypeError as error:
            raise TypeError(
                f"region {self._title}: {error}; its parameters: {', '.join(self.names) or 'none'}"
            ) from None
        given = self.convert(bound.arguments)
        bound.arguments = given
        bound.apply_defaults()
        return dict(bound.arguments)

    def convert(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Convert some arguments, by name.

        :raises TypeError: if the region has no parameter of a name.
        :raises ValueError: if an argument does not fit its annotation.
        """
        converters = self._converters
        if converters is None:
            converters = self._converters = self._find_converters()
        unknown = [name for name in given if name not in converters]
        if unknown:
            known = ", ".join(self.names) or "none"
            raise TypeError(f"region {self._title} has no parameter {unknown[0]!r}; its parameters: {known}")
        return {name: self._converted(name, value, converters[name]) for name, value in given.items()}

    def texts(self, arguments: Mapping[str, Any]) -> dict[str, str]:
        """Return converted arguments as text, in the order of the parameters.

        :raises TypeError: if an argument cannot be compared across processes.
        """
        try:
            return argument_texts({name: arguments[name] for name in self.names if name in arguments})
        except TypeError as error:
            raise TypeError(f"region {self._title}: {error}") from None

    def _find_converters(self) -> dict[str, Converter | None]:
        parameters = self._signature.parameters
        hints = resolve_annotations(self._function, parameters)
        found: dict[str, Converter | None] = {}
        for name in parameters:
            hint = hints.get(name, inspect.Parameter.empty)
            try:
                found[name] = None if any(hint is one for one in _ANYTHING) else make_converter(hint)
            except TypeError as error:
                raise SetupError(f"region {self._title}: parameter '{name}': {error}") from error
        return found

    def _converted(self, name: str, value: Any, converter: Converter | None) -> Any:
        if isinstance(value, LocalProxy):
            value = value._get_current_object()
        if converter is None:
            return value
        try:
            return converter.convert_part(_as_text(value))
        except ValueError as error:
            raise ValueError(f"region {self._title}: argument {name!r} is {value!r}: {error}") from error


def _as_text(value: Any) -> Any:
    """Return a value in the form that a URL or a signal gives it, because converters accept that."""
    if isinstance(value, LocalProxy):
        value = value._get_current_object()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date | time | datetime):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, list | tuple | set | frozenset):
        return [_as_text(item) for item in value]
    return value
