"""The parameters of handlers, from the URL, the query string or the signals, converted by their annotations."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request

from ..errors import InvalidSignals, SetupError
from ..models.containers import Converter
from ..models.conversion import make_converter
from ..models.fields import absent, value_paths
from ..models.generics import unwrap
from ..models.kinds import AnyModel, find_converter, model_of
from ..models.messages import WHOLE
from ..models.misfits import add_misfit, errors_of
from ..models.signal import Signal, signal_of
from ..sansio.signal_paths import find_path
from ..state.request import RequestState
from .bodies import is_form, read_query
from .signals import describe_misfits, model_signals, read_signals

_MISSING = inspect.Parameter.empty
_ALL_SIGNALS = "signals"
_MISSING_IN_FORM = "missing (a form post carries no signals; its fields are in request.form)"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function other than ``signals``."""

    name: str
    converter: Converter
    default: Any
    #: The signal that it is, where that is marked.
    signal: Signal | None

    @property
    def path(self) -> str:
        """The path of its messages."""
        return self.signal.path if self.signal is not None else self.name


@dataclass(frozen=True, slots=True)
class Taken:
    """One signal that a function takes."""

    #: Its dotted path.
    path: str
    #: The name of the parameter.
    parameter: str
    #: Whether a URL can give the parameter instead.
    is_in_url: bool
    #: Whether the request fails without it.
    is_required: bool


class Binder:
    """The source of one function's arguments.

    Annotations that name something not defined yet are resolved at the first request.

    :raises SetupError: if a parameter cannot be given by name, or its annotation has no converter.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._parameters: list[Parameter] | None = None
        self._wants_all = False
        #: The parameters that a URL can give, by name; None for any.
        self.names: frozenset[str] | None = None
        #: The model that `signals` becomes; None for the dict of all.
        self._model: AnyModel | None = None
        #: The paths that messages may stand under, known from the first request on at the latest.
        self.paths: tuple[str, ...] = ()
        try:
            self._read_signature()
        except NameError:
            self._parameters = None

    def bind(self, request: Request, state: RequestState, url_values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that a request has for the function.

        :param url_values: of the URL rule, which win over the query, which wins over the signals.
        :raises InvalidSignals: if values are missing or do not fit; each is named (400).
        """
        parameters = self._parameters
        if parameters is None:
            parameters = self._read_late()
        arguments: dict[str, Any] = {}
        errors: dict[str, str] = {}
        if self._wants_all:
            arguments[_ALL_SIGNALS] = self._bind_all(read_signals(request, state), errors)
        query = read_query(request) if parameters and request.environ.get("QUERY_STRING") else None
        of_parameters: dict[str, str] = {}
        for parameter in parameters:
            name, converter = parameter.name, parameter.converter
            if parameter.signal is not None:
                value = find_path(read_signals(request, state), parameter.signal.segments)
            elif name in url_values:
                arguments[name] = url_values[name]
                continue
            elif query is not None and name in query:
                value = query.getlist(name) if converter.is_list else query[name]
            else:
                value = read_signals(request, state).get(name)
            try:
                if not converter.is_missing(value):
                    arguments[name] = converter.convert(value)
                else:
                    arguments[name] = parameter.default if parameter.default is not _MISSING else absent(converter)
            except ValueError as error:
                add_misfit(of_parameters, parameter.path, error)
        if errors or of_parameters:
            raise self._invalid(errors, of_parameters, is_form(request))
        return arguments

    def leaves_blanks_out(self, name: str) -> bool:
        """Return whether a parameter is a list whose items take no text, so that a lone blank is an empty list."""
        for parameter in self._parameters or ():
            if parameter.name == name:
                item = parameter.converter.item
                return item is not None and item.is_blank("")
        return False

    @property
    def takes_all(self) -> bool:
        """Whether the function gets all signals as a dict."""
        return self._wants_all and self._model is None

    def taken(self) -> list[Taken]:
        """Return the signals that the function takes by name.

        :raises SetupError: if an annotation cannot be resolved.
        """
        parameters = self._parameters if self._parameters is not None else self._read_late()
        found = [
            Taken(
                parameter.signal.path if parameter.signal is not None else parameter.name,
                parameter.name,
                parameter.signal is None,
                parameter.default is _MISSING and not parameter.converter.is_optional,
            )
            for parameter in parameters
        ]
        paths = self._model.paths() if self._model is not None else ()
        return found + [Taken(path, _ALL_SIGNALS, False, False) for path in paths if WHOLE not in path.split(".")]

    def _bind_all(self, signals: dict[str, Any], errors: dict[str, str]) -> Any:
        if self._model is None:
            return signals
        try:
            return self._model.bind_signals(model_signals(signals))
        except ValueError as error:
            errors.update(errors_of(error))
            return None

    def _invalid(self, errors: dict[str, str], of_parameters: dict[str, str], is_form: bool) -> InvalidSignals:
        if is_form:
            of_parameters = {path: _in_form(text) for path, text in of_parameters.items()}
            errors = {path: _in_form(text) for path, text in errors.items()}
        texts = [describe_misfits(errors)] if errors else []
        texts += [f"parameter '{path}': {text}" for path, text in of_parameters.items()]
        return InvalidSignals("; ".join(texts), {**errors, **of_parameters}, self.paths)

    def _read_late(self) -> list[Parameter]:
        try:
            return self._read_signature()
        except NameError as error:
            title = self._function.__qualname__
            raise SetupError(f"handler {title}: an annotation cannot be resolved: {error}") from error

    def _read_signature(self) -> list[Parameter]:
        function = self._function
        title = function.__qualname__
        signature = inspect.signature(function).parameters
        given = {
            name: parameter
            for name, parameter in signature.items()
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        }
        if len(given) < len(signature) and any(one.kind is one.VAR_KEYWORD for one in signature.values()):
            names = None
        else:
            names = self.names = frozenset(given) - {_ALL_SIGNALS}
        hints = resolve_annotations(function, given)
        parameters = []
        for name, parameter in given.items():
            if parameter.kind is parameter.POSITIONAL_ONLY:
                raise SetupError(f"handler {title}: parameter '{name}' is positional-only; remove the '/'")
            hint = hints.get(name, _MISSING)
            try:
                if name == _ALL_SIGNALS:
                    self._wants_all = True
                    self._model = _model_of_all(hint)
                    continue
                converter, signal = make_converter(hint, find_converter), signal_of(hint)
            except TypeError as error:
                raise SetupError(f"handler {title}: parameter '{name}': {error}") from error
            except RecursionError as error:
                text = f"{hint!r} contains itself without an end; put a dataclass or a TypedDict in between"
                raise SetupError(f"handler {title}: parameter '{name}': {text}") from error
            parameters.append(Parameter(name, converter, parameter.default, signal))
        self._parameters = parameters
        if names is not None:
            self.names = frozenset(parameter.name for parameter in parameters if parameter.signal is None)
        self.paths = _paths(self._model, parameters)
        return parameters


def _model_of_all(hint: Any) -> AnyModel | None:
    """Return the model that ``signals`` becomes, None for the mapping of all.

    :raises TypeError: if the annotation is neither.
    """
    model = model_of(hint)
    meant = unwrap(hint)
    if model is None and (typing.get_origin(meant) or meant) not in (_MISSING, Any, object, dict, Mapping):
        raise TypeError(
            f"{hint!r} cannot be the annotation of 'signals'; accepted: Signals, a dataclass, a TypedDict, a pydantic "
            "or msgspec model of named fields"
        )
    return model


def _paths(model: AnyModel | None, parameters: list[Parameter]) -> tuple[str, ...]:
    found = list(model.paths()) if model is not None else []
    for parameter in parameters:
        found.extend(value_paths(parameter.path, parameter.converter))
    return tuple(found)


def _in_form(text: str) -> str:
    return _MISSING_IN_FORM if text == "missing" else text


def resolve_annotations(function: Callable[..., Any], parameters: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
    """Resolve the annotations of these parameters alone: that of the return value often names what is imported for
    type checkers only."""

    def bare() -> None: ...

    bare.__annotations__ = {
        name: parameter.annotation for name, parameter in parameters.items() if parameter.annotation is not _MISSING
    }
    bare.__wrapped__ = inspect.unwrap(function)  # type: ignore[attr-defined]  # its globals are looked in
    return typing.get_type_hints(bare, include_extras=True)
