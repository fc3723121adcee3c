"""The listing of all handlers, streams and events: ``datastar.handlers``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from flask import current_app, has_app_context

from .declarations import Declarations
from .handler import Handler, Kind


@dataclass(frozen=True, slots=True)
class HandlerInfo:
    """One handler, stream, or event of a view, as it was declared."""

    #: The first part of its URL, after the prefix.
    group: str
    #: The last part of its URL; ``*`` for a view's ``handle_event``, which takes every name.
    name: str
    #: ``handler``, ``view event`` or ``stream``.
    kind: Kind
    #: The verbs that it accepts.
    methods: tuple[str, ...]
    #: The dotted name of its function.
    function: str
    #: The place of the function, as ``file:line``; empty for a callable object, which has no code of its own.
    source: str
    #: Flask's endpoint → the URL rule, in the current app, else in the only app of the instance. Empty if there are
    #: several apps and no current one, and while its blueprint is not registered.
    rules: Mapping[str, str]


def list_handlers(declarations: Declarations) -> tuple[HandlerInfo, ...]:
    """List the handlers of an instance in the order of their declaration."""
    app = current_app._get_current_object() if has_app_context() else None  # type: ignore[attr-defined]
    app_state = declarations.app_state_of(app)
    found = []
    for handler in declarations.handlers:
        endpoints = app_state.endpoints.get(handler.key, ()) if app_state is not None else ()
        rules = {
            endpoint: rule.rule
            for endpoint in endpoints
            for rule in (app_state.app.url_map.iter_rules(endpoint) if app_state is not None else ())
        }
        found.append(
            HandlerInfo(
                group=handler.group,
                name=handler.name,
                kind=handler.kind,
                methods=handler.methods,
                function=".".join(handler.source),
                source=_place(handler),
                rules=MappingProxyType(rules),
            )
        )
    return tuple(found)


def _place(handler: Handler) -> str:
    code = getattr(inspect.unwrap(handler.function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""
