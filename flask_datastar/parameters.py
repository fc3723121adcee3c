"""A handler's parameters: found in the URL, the query string or the signals, and converted by their annotations."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from flask import Request

from ._state import RequestState
from .errors import InvalidSignals, SetupError
from .reading import is_form, read_signals
from .sansio.conversion import Converter, make_converter

_MISSING = inspect.Parameter.empty
_ALL_SIGNALS = "signals"
_MISSING_IN_FORM = "missing (a form post carries no signals; its fields are in request.form)"


class Binder:
    """Makes the arguments of one function from a request.

    Annotations that name something not defined yet are looked up again at the first request.

    :raises SetupError: a parameter cannot be given by name, or its annotation has no converter.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._parameters: list[tuple[str, Converter, Any]] | None = None
        self._wants_all = False
        try:
            self._read_signature()
        except NameError:
            self._parameters = None

    def bind(self, request: Request, state: RequestState, url_values: Mapping[str, Any]) -> dict[str, Any]:
        """Make the arguments.

        :param url_values: of the URL rule, which win over the query, which wins over the signals.
        :raises InvalidSignals: values are missing or do not fit; each is named (400).
        """
        parameters = self._parameters
        if parameters is None:
            parameters = self._read_late()
        arguments: dict[str, Any] = {}
        if self._wants_all:
            arguments[_ALL_SIGNALS] = read_signals(request, state)
        query = request.args if parameters and request.environ.get("QUERY_STRING") else None
        errors: dict[str, str] = {}
        for name, converter, default in parameters:
            if name in url_values:
                arguments[name] = url_values[name]
                continue
            if query is not None and name in query:
                value: Any = query.getlist(name) if converter.is_list else query[name]
            else:
                value = read_signals(request, state).get(name)
            if value is None or (value == "" and not converter.takes_empty):
                if default is not _MISSING:
                    arguments[name] = default
                elif converter.is_optional:
                    arguments[name] = None
                else:
                    errors[name] = _MISSING_IN_FORM if is_form(request) else "missing"
                continue
            try:
                arguments[name] = converter.convert(value)
            except ValueError as error:
                errors[name] = str(error)
        if errors:
            raise InvalidSignals("; ".join(f"parameter '{name}': {text}" for name, text in errors.items()), errors)
        return arguments

    def _read_late(self) -> list[tuple[str, Converter, Any]]:
        try:
            return self._read_signature()
        except NameError as error:
            title = self._function.__qualname__
            raise SetupError(f"handler {title}: an annotation cannot be resolved: {error}") from error

    def _read_signature(self) -> list[tuple[str, Converter, Any]]:
        function = self._function
        title = function.__qualname__
        given = {
            name: parameter
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        }
        hints = _resolve_annotations(function, given)
        parameters = []
        for name, parameter in given.items():
            if parameter.kind is parameter.POSITIONAL_ONLY:
                raise SetupError(f"handler {title}: parameter '{name}' is positional-only; remove the '/'")
            if name == _ALL_SIGNALS:
                self._wants_all = True
                continue
            try:
                converter = make_converter(hints.get(name, _MISSING))
            except TypeError as error:
                raise SetupError(f"handler {title}: parameter '{name}': {error}") from error
            parameters.append((name, converter, parameter.default))
        self._parameters = parameters
        return parameters


def _resolve_annotations(function: Callable[..., Any], parameters: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
    """Resolve the annotations of these parameters alone: that of the return value often names what is imported for
    type checkers only."""

    def bare() -> None: ...

    bare.__annotations__ = {
        name: parameter.annotation for name, parameter in parameters.items() if parameter.annotation is not _MISSING
    }
    bare.__wrapped__ = inspect.unwrap(function)  # type: ignore[attr-defined]  # its globals are looked in
    return typing.get_type_hints(bare, include_extras=True)
