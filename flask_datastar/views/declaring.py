"""Declared views: the checks of a declaration, and its installation in an app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint
from flask.blueprints import BlueprintSetupState

from ..errors import SetupError
from ..handlers.endpoints import add_rule, install_handler, install_in_blueprint
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
    #: Further keyword arguments of ``add_url_rule``.
    options: dict[str, Any]
    #: Its events.
    handlers: tuple[Handler, ...]

    def __str__(self) -> str:
        return f"view {title_of(self.view_class)}"

    @property
    def key(self) -> str:
        """The group, which no other view has."""
        return self.group

    def check_replaces(self, earlier: View) -> None:
        """Check that an earlier view in its group is the same class, declared again: by a reload, or by a factory.

        :raises SetupError: if it is another class, or the same one with another route or other verbs.
        """
        if title_of(earlier.view_class) != title_of(self.view_class):
            raise SetupError(
                f"two views have the group {self.group!r}: {title_of(earlier.view_class)} and "
                f"{title_of(self.view_class)}; give one of them a different group="
            )
        methods = {handler.key: handler.methods for handler in earlier.handlers}
        blueprints = [found.blueprint.name if found.blueprint is not None else None for found in (earlier, self)]
        if (
            (earlier.rule, earlier.endpoint, earlier.options) != (self.rule, self.endpoint, self.options)
            or blueprints[0] != blueprints[1]
            or any(methods.get(handler.key, handler.methods) != handler.methods for handler in self.handlers)
        ):
            raise SetupError(
                f"{self} is declared for {earlier.rule!r}, and again for {self.rule!r}, with another blueprint, other "
                "options or other verbs; a class has one rule: make a subclass for a second one, or restart the "
                "process after a change"
            )

    def install(self, app_state: AppState) -> None:
        """Make the page and its events reachable in an app, or put them in the place of an earlier declaration.

        :raises SetupError: if the page's endpoint is taken.
        """
        app = app_state.app
        page = self._make_page(app_state)
        view_url = app_state.part(ViewUrls).setdefault(self.group, ViewUrl())
        for endpoint in view_url.endpoints:
            app.view_functions[endpoint] = page
        if not view_url.endpoints and self.blueprint is None:
            if self.endpoint in app.view_functions:
                raise SetupError(
                    f"{self}: the app has an endpoint {self.endpoint!r} already; give the view another with endpoint="
                )
            methods = self.options.get("methods", ("GET",))
            options = {name: value for name, value in self.options.items() if name != "methods"}
            add_rule(app, self.rule, self.endpoint, page, methods, **options)
            view_url.add(self.endpoint, app.url_map.iter_rules(self.endpoint))
        for handler in self.handlers:
            install_handler(app_state, handler)

    def install_in_blueprint(self, app_state: AppState, setup: BlueprintSetupState) -> None:
        """Make the page and its events reachable below a user's blueprint, behind its guards."""
        setup.add_url_rule(self.rule, self.endpoint, self._make_page(app_state), **self.options)
        endpoint = f"{setup.name_prefix}.{setup.name}.{self.endpoint}".lstrip(".")
        view_url = app_state.part(ViewUrls).setdefault(self.group, ViewUrl())
        view_url.add(endpoint, app_state.app.url_map.iter_rules(endpoint))
        for handler in self.handlers:
            install_in_blueprint(app_state, handler, setup)

    def _make_page(self, app_state: AppState) -> Callable[..., Any]:
        return make_page(app_state, self.view_class, self.group, self.endpoint)


def make_declared_view(
    view_class: type[StarView], rule: str, blueprint: Blueprint | None, group: str | None, options: dict[str, Any]
) -> View:
    """Check a declaration and create its view.

    :param options: the options of the page's route; ``endpoint`` is removed from them.
    :raises SetupError: if the declaration cannot work; the message says why.
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
            once=found.once,
            stream_options=found.stream_options,
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
