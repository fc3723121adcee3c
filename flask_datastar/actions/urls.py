"""URLs of actions: path, query string, and the places that the browser fills in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import is_dataclass
from datetime import date, time, timedelta
from enum import Enum
from typing import Any
from urllib.parse import quote

from flask import has_request_context, request, url_for
from werkzeug.routing import BuildError

from ..errors import SetupError
from ..handlers.handler import EVENT_ARGUMENT, Handler
from ..sansio.actions import UrlPart
from ..sansio.javascript import Expression
from ..state.app import AppState
from ..state.detached import find_detached
from ..state.request import find_request_state
from ..views.url import ViewUrls
from .parameters import check_parameters

#: A path of this host: segments that a browser neither drops nor takes as anything but text.
_PREFIX = re.compile(r"(?:/(?!(?:\.|%2[Ee]){1,2}(?:/|$))(?:[^/?#\\%\0-\x20\x7f]|%[0-9A-Fa-f]{2})+)+")
#: Path and query of a view of this app; two slashes would be another host.
_VIEW_URL = re.compile(r"/(?!/)[^#\\\0-\x20\x7f]*")


def root_path(app_state: AppState) -> str:
    """Return the path that the app is mounted at, without a slash at the end."""
    if has_request_context():
        return request.root_path.rstrip("/")
    place = find_detached()
    root: str = place.root_path if place is not None else app_state.app.config["APPLICATION_ROOT"]
    return root.rstrip("/")


def handler_url(app_state: AppState, handler: Handler, values: Mapping[str, object]) -> list[UrlPart]:
    """Write a handler's URL: path values of its blueprint's rule go into the path, all others into the query.

    An event of the running view gets the values of the view's URL.

    :param values: parameter → value; an :class:`Expression` is filled in by the browser; None is left out.
    :return: text and expressions in turn; the expressions' values are to be URL-encoded.
    :raises SetupError: if the handler is not in this app, has no such parameter, or its rule lacks a value.
    """
    endpoint = _endpoint(app_state, handler)
    in_path = next(app_state.app.url_map.iter_rules(endpoint)).arguments
    if values:
        check_parameters(app_state, handler, values, in_path)
    if handler.view is not None:
        values = _add_view_values(app_state, handler, values, in_path)
    path_values = {name: value for name, value in values.items() if name in in_path}
    for index, (name, value) in enumerate(path_values.items()):
        if isinstance(value, Expression):
            path_values[name] = _Placeholder(value, index)
    parts = _fill_in(_build(app_state, handler, endpoint, path_values), path_values.values())
    separator = "&" if any(isinstance(part, str) and "?" in part for part in parts) else "?"
    in_query = {
        # A blank is left out of a list that takes no text: without one the signal of that name would be taken.
        name: [""]
        if isinstance(value, list | tuple) and not value and handler.binder.leaves_blanks_out(name)
        else value
        for name, value in values.items()
        if name not in in_path
    }
    return parts + query_parts(in_query, separator)


def _add_view_values(
    app_state: AppState, handler: Handler, values: Mapping[str, object], in_path: Collection[str]
) -> dict[str, object]:
    view_url = app_state.part(ViewUrls)[handler.group]
    state = find_request_state()
    if state is not None and state.running_view is not None and state.running_view[0] == handler.group:
        values = {**view_url.carried(state.running_view[1], in_path), **values}
    written = view_url.write(values, in_path, str(handler))
    return {**written, EVENT_ARGUMENT: handler.meant} if handler.meant else written


def query_parts(values: Mapping[str, object], separator: str) -> list[UrlPart]:
    """Write parameters into a query string; a list becomes one parameter for each item."""
    parts: list[UrlPart] = []
    for name, value in values.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            if item is None:
                continue
            parts.append(f"{separator}{quote(name, safe='')}=")
            parts.append(item if isinstance(item, Expression) else quote(_parameter_text(name, item), safe=""))
            separator = "&"
    return parts


def view_url(url: str, event: str | None, module: object, values: Mapping[str, object]) -> list[UrlPart]:
    """Write the URL of a view of the app's own, as ``url_for`` gives it.

    :raises SetupError: if it is not a path of this host, or an event or a module comes with it.
    """
    if event is not None or module is not None or not _VIEW_URL.fullmatch(url):
        raise SetupError(
            f"the target is {url!r}; accepted beside handlers: path and query of a view of this app, as url_for() "
            "gives them, without an event or _module"
        )
    return [url, *query_parts(values, "&" if "?" in url else "?")]


def with_prefix(app_state: AppState, url: list[UrlPart], prefix: object) -> list[UrlPart]:
    """Put a prefix between the path that the app is mounted at and the rest.

    :raises ValueError: if it is not a path of this host.
    """
    if prefix is None:
        return url
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise ValueError(
            f"action option _prefix is {prefix!r}; accepted: a path of this host such as '/en', no slash at its end"
        )
    text, root = str(url[0]), root_path(app_state)
    # The URL of a handler on another subdomain starts with scheme and host.
    path = text if text.startswith("/") else text[text.index("/", text.index("//") + 2) :]
    return [f"{text.removesuffix(path)}{root}{prefix}{path.removeprefix(root)}", *url[1:]]


def _endpoint(app_state: AppState, handler: Handler) -> str:
    endpoints = app_state.endpoints.get(handler.key)
    if not endpoints:
        where = f"; register its blueprint {handler.blueprint.name!r}" if handler.blueprint is not None else ""
        raise SetupError(f"handler {handler} is not reachable in {app_state.app!r}{where}")
    if len(endpoints) > 1:
        # If a blueprint is registered twice, a page and its regions use the handlers of their own registration.
        place = find_detached()
        blueprint = request.blueprint if has_request_context() else place.blueprint if place is not None else None
        for endpoint in endpoints:
            if endpoint.rpartition(".")[0] == blueprint:
                return endpoint
    return endpoints[0]


def _build(app_state: AppState, handler: Handler, endpoint: str, path_values: Mapping[str, object]) -> str:
    values: dict[str, Any] = dict(path_values)
    app = app_state.app
    try:
        if has_request_context():
            return url_for(endpoint, **values)
        app.inject_url_defaults(endpoint, values)
        config = app.config
        adapter = app.url_map.bind(
            config["SERVER_NAME"] or "localhost",
            script_name=root_path(app_state) or "/",
            url_scheme=config["PREFERRED_URL_SCHEME"],
        )
        return adapter.build(endpoint, values)
    except (BuildError, ValueError) as error:
        raise SetupError(f"the URL of handler {handler} cannot be built from {values!r}: {error}") from error


class _Placeholder(str):
    """A text that stands in a URL for the browser's expression; converters of numbers can make a number of it."""

    def __new__(cls, expression: Expression, index: int) -> _Placeholder:
        self = super().__new__(cls, f"-datastar-{index}-")
        self.expression = expression
        self._number = 731_059_284_610_000 + index
        return self

    expression: Expression
    _number: int

    def __int__(self) -> int:
        return self._number

    def __float__(self) -> float:
        return float(self._number)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that it may have become in the URL, longest first."""
        return str(self), str(float(self)), str(int(self))


def _fill_in(url: str, path_values: Iterable[object]) -> list[UrlPart]:
    """Put the browser's expressions where their placeholders stand."""
    expressions = {
        text: value.expression for value in path_values if isinstance(value, _Placeholder) for text in value.texts
    }
    if not expressions:
        return [url]
    pieces = re.split(f"({'|'.join(map(re.escape, expressions))})", url)
    return [expressions.get(piece, piece) for piece in pieces]


def _parameter_text(name: str, value: object) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    if isinstance(value, Mapping | Set | bytes | bytearray | list | tuple | Iterator) or is_dataclass(value):
        raise SetupError(
            f"parameter {name!r} is {type(value).__name__}, which a URL cannot carry; send it as a signal instead"
        )
    return str(value)
