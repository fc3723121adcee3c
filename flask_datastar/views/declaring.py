"""Declared views: the checks of a declaration, and what becomes reachable by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from flask import Blueprint
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import NotFound

from ..errors import SetupError
from ..handlers.dispatch import add_rule, install_handler, install_in_blueprint
from ..handlers.handler import DEFAULT_METHODS, Handler, default_group, make_handler, snake_case
from ..state.app import AppState
from .running import make_event_run, make_every_run, make_page
from .starview import HANDLE_EVENT, StarView, collect_events, title_of
from .url import ViewUrl, ViewUrls


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One declared view class."""

    view_class: type[StarView]
    rule: str
    endpoint: str
    group: str
    blueprint: Blueprint | None
    #: Further keywords of ``add_url_rule``.
    options: dict[str, Any]
    events: tuple[Handler, ...]

    def __str__(self) -> str:
        return title_of(self.view_class)


def make_declared_view(
    view_class: type[StarView], rule: str, blueprint: Blueprint | None, group: str | None, options: dict[str, Any]
) -> View:
    """Check a declaration.

    :param options: of the page's route; ``endpoint`` is taken out.
    :raises SetupError: it is none that could work; the text says why.
    """
    if not isinstance(view_class, type) or not issubclass(view_class, StarView):
        raise SetupError(f"@datastar.view(rule) decorates a subclass of StarView, not {view_class!r}")
    if isinstance(options.get("methods"), str):
        raise SetupError(f"view {title_of(view_class)}: methods is {options['methods']!r}; accepted: a list of verbs")
    class_name = view_class.__qualname__.rpartition("<locals>.")[2]
    group = group if group is not None else default_group(view_class.__module__, class_name)
    common: dict[str, Any] = {"group": group, "blueprint": blueprint, "view": view_class}
    events = [
        make_handler(
            method,
            name=found.name,
            methods=found.methods,
            on_invalid=found.on_invalid,
            make_run=make_event_run,
            **common,
        )
        for method, found in collect_events(view_class)
    ]
    handle_event = getattr(view_class, HANDLE_EVENT, None)
    if handle_event is not None:
        every = make_handler(
            handle_event, name=None, methods=DEFAULT_METHODS, on_invalid=None, make_run=make_every_run, **common
        )
        events.append(every.of_every_event())
    endpoint = options.pop("endpoint", None) or snake_case(view_class.__name__)
    return View(view_class, rule, endpoint, group, blueprint, options, tuple(events))


def check_declared_again(earlier: View, view: View) -> None:
    """Check that a view in the group of an earlier one is the same class, declared anew: a reload, or a factory.

    :raises SetupError: it is another class, or comes back with another route or other verbs.
    """
    if title_of(earlier.view_class) != title_of(view.view_class):
        raise SetupError(f"two views have the group {view.group!r}: {earlier} and {view}; give one another group=")
    methods = {handler.key: handler.methods for handler in earlier.events}
    blueprints = [found.blueprint.name if found.blueprint is not None else None for found in (earlier, view)]
    if (
        (earlier.rule, earlier.endpoint, earlier.options) != (view.rule, view.endpoint, view.options)
        or blueprints[0] != blueprints[1]
        or any(methods.get(handler.key, handler.methods) != handler.methods for handler in view.events)
    ):
        raise SetupError(
            f"view {view} is declared for {earlier.rule!r}, and again for {view.rule!r}, with another blueprint, other "
            "options or other verbs; a class has one rule: make a subclass for a second one, or restart the process "
            "after a change"
        )


def install_view(app_state: AppState, view: View, events_before: Iterable[Handler] = ()) -> None:
    """Make a view reachable in an app, or in place of an earlier declaration of it; also after the first request.

    :param events_before: those of the earlier declaration; what the class no longer has becomes unreachable.
    :raises SetupError: the page's endpoint is taken.
    """
    app = app_state.app
    page = make_page(app_state, view.view_class, view.group, view.endpoint)
    view_url = app_state.part(ViewUrls).setdefault(view.group, ViewUrl())
    for endpoint in view_url.endpoints:
        app.view_functions[endpoint] = page
    if not view_url.endpoints and view.blueprint is None:
        if view.endpoint in app.view_functions:
            raise SetupError(
                f"view {view}: the app has an endpoint {view.endpoint!r} already; give the view another with endpoint="
            )
        methods = view.options.get("methods", ("GET",))
        options = {name: value for name, value in view.options.items() if name != "methods"}
        add_rule(app, view.rule, view.endpoint, page, methods, **options)
        view_url.add(view.endpoint, app.url_map.iter_rules(view.endpoint))
    for handler in view.events:
        install_handler(app_state, handler)
    keys = {handler.key for handler in view.events}
    for handler in events_before:
        if handler.key not in keys:
            _retire(app_state, handler)


def install_view_in_blueprint(app_state: AppState, view: View, setup: BlueprintSetupState) -> None:
    """Make a view reachable below a user's blueprint, behind its guards."""
    setup.add_url_rule(
        view.rule, view.endpoint, make_page(app_state, view.view_class, view.group, view.endpoint), **view.options
    )
    endpoint = f"{setup.name_prefix}.{setup.name}.{view.endpoint}".lstrip(".")
    view_url = app_state.part(ViewUrls).setdefault(view.group, ViewUrl())
    view_url.add(endpoint, app_state.app.url_map.iter_rules(endpoint))
    for handler in view.events:
        install_in_blueprint(app_state, handler, setup)


def _retire(app_state: AppState, handler: Handler) -> None:
    """Make an event unreachable. Rules cannot be taken out of a URL map."""

    def gone(**url_values: Any) -> NoReturn:
        raise NotFound

    for endpoint in app_state.endpoints.pop(handler.key, []):
        app_state.app.view_functions[endpoint] = gone
