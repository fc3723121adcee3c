"""The parameters of a view's URL, which actions carry and events get back."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Set
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from werkzeug.routing import BaseConverter, FloatConverter, Rule, ValidationError

from ..errors import InvalidSignals, SetupError
from ..sansio.events import shorten
from ..sansio.javascript import Expression
from ..state.app import AppState


class ViewUrl:
    """The URL of one view's page in one app.

    An event has a URL of its own, so the values of the page's URL travel in the event's query string, written and read
    by the converters of the page's rule: an event gets no value that the page could not have.
    """

    def __init__(self) -> None:
        #: The page's endpoints; several if its blueprint is registered several times.
        self.endpoints: list[str] = []
        self._converters: dict[str, BaseConverter] = {}
        self._defaults: dict[str, Any] = {}

    def add(self, endpoint: str, rules: Iterable[Rule]) -> None:
        """Add an endpoint of the page, and the parameters of its rules.

        If its blueprint is registered several times, only the parameters that all rules share are kept: those of the
        URL prefixes are in the paths of the events, too.
        """
        for rule in rules:
            found = rule._converters
            names = found.keys() & self._converters.keys() if self.endpoints else found.keys()
            self._converters = {name: converter for name, converter in found.items() if name in names}
            self._defaults.update(rule.defaults or {})
        self.endpoints.append(endpoint)

    @property
    def names(self) -> Set[str]:
        """The names of the URL's parameters."""
        return self._converters.keys()

    @property
    def is_fixed(self) -> bool:
        """Whether the URL has no parameters."""
        return not self._converters and not self._defaults

    def carried(self, values: Mapping[str, Any], in_path: Collection[str]) -> dict[str, Any]:
        """Return those values of a page or an event that the URL of an event has to carry."""
        return {name: value for name, value in values.items() if name in self._converters or name in in_path}

    def write(self, values: Mapping[str, Any], in_path: Collection[str], title: str) -> dict[str, Any]:
        """Write the values as text for the query string; the browser evaluates expressions.

        :param in_path: the names of the parameters that the event's own path has already.
        :raises SetupError: if a value is missing, or the page could not have it.
        """
        written = dict(values)
        for name, converter in self._converters.items():
            if name in in_path:
                continue
            value = values.get(name)
            if value is None and name not in self._defaults:
                raise SetupError(
                    f"an action for {title} needs {name!r}, a parameter of the view's URL; give it, as in "
                    f"datastar.post(…, {name}=…)"
                )
            if value is not None and not isinstance(value, Expression):
                written[name] = _write(converter, name, value, title)
        return written

    def read(self, given: Mapping[str, Any], in_path: Collection[str], query: Mapping[str, str]) -> dict[str, Any]:
        """Return the values of the page's URL for an event.

        :param given: the values of the event's own path.
        :raises InvalidSignals: if a value is missing, or does not fit the page's rule (400).
        """
        values = {**self._defaults, **given}
        errors: dict[str, str] = {}
        for name, converter in self._converters.items():
            if name in in_path:
                continue
            if name in query:
                try:
                    values[name] = _read(converter, query[name])
                except ValueError:
                    errors[name] = f"{shorten(query[name])} does not fit the view's URL"
            elif name not in self._defaults:
                errors[name] = "missing (a parameter of the view's URL)"
        if errors:
            raise InvalidSignals("; ".join(f"parameter '{name}': {text}" for name, text in errors.items()), errors)
        return values


class ViewUrls(dict[str, ViewUrl]):
    """The URLs of an app's views, by their groups."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__()


def _write(converter: BaseConverter, name: str, value: object, title: str) -> str:
    """Write a value as the page's URL has it, but not encoded: the query string is encoded later."""
    try:
        text = unquote(converter.to_url(value))
        if isinstance(converter, FloatConverter) and not re.fullmatch(converter.regex, text):
            text = _without_exponent(text)
        _read(converter, text)
    except (ValueError, TypeError) as error:
        raise SetupError(f"an action for {title} got {name}={value!r}, which does not fit the view's URL") from error
    return text


def _without_exponent(text: str) -> str:
    """Write a number without the exponent that Python uses for very small and large ones: a URL cannot have it."""
    number = Decimal(text)
    if number.is_infinite():
        # A number with that many digits is read as infinity.
        number = Decimal("1e309").copy_sign(number)
    plain = f"{number:f}"
    return plain if "." in plain else f"{plain}.0"


def _read(converter: BaseConverter, text: str) -> Any:
    """Match and convert a text as the router does.

    :raises ValueError: if the page could not have it in its URL.
    """
    if not re.fullmatch(converter.regex, text):
        raise ValidationError
    return converter.to_python(text)
