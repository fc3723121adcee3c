"""The handlers, streams, regions and URLs of an app, as the check looks them up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Flask
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from ..handlers.handler import EVERY_EVENT, Handler, default_group, is_event_name
from ..handlers.registry import HandlerRegistry
from ..state.app import AppState, app_state_of


@dataclass(frozen=True)
class Context:
    """The place at which a template is rendered: the group and the module of the running view, handler or region."""

    group: str
    module: str


@dataclass(frozen=True)
class Entry:
    """A function that a request runs: a page's view, a handler, a stream or a region."""

    context: Context
    #: The handler, or None for a page or a region.
    handler: Handler | None
    #: The name of the function.
    name: str


class HasNames(Protocol):
    """The URL of a view's page; the folder of views lies above this one."""

    @property
    def names(self) -> Set[str]:
        """The names of the URL's parameters."""


class Catalogue:
    """Everything that an app's templates and Python can name.

    :param view_urls: group of a view → the URL of its page.
    """

    def __init__(self, app: Flask, view_urls: Mapping[str, HasNames]) -> None:
        self.app = app
        self._view_urls = view_urls
        self._app_state: AppState = app_state_of(app)
        extension: Any = self._app_state.extension
        self.extension = extension
        self.handlers: HandlerRegistry = extension._declarations.handlers
        #: Regions by key; they are known by their shape, because their folder lies above.
        self.regions: tuple[Any, ...] = tuple(extension._regions)
        self.entries = self._find_entries()

    def _find_entries(self) -> dict[tuple[str, str], list[Entry]]:
        found: dict[tuple[str, str], list[Entry]] = {}

        def add(source: tuple[str, str], entry: Entry) -> None:
            found.setdefault(source, []).append(entry)

        for handler in self.handlers:
            context = Context(handler.group, handler.source[0])
            for source in {handler.source, (handler.function.__module__, handler.function.__qualname__)}:
                add(source, Entry(context, handler, handler.name))
            if handler.view is not None:
                self._add_view(add, handler.view, context)
        for endpoint, view in self.app.view_functions.items():
            view_class = getattr(view, "view_class", None)
            module, qualname = getattr(view, "__module__", ""), getattr(view, "__qualname__", "")
            if endpoint not in {name for names in self._app_state.endpoints.values() for name in names}:
                entry = Entry(Context(default_group(module), module), None, getattr(view, "__name__", endpoint))
                add((module, qualname), entry)
                if view_class is not None:
                    for method in ("dispatch_request", "get", "post", "put", "patch", "delete"):
                        add((view_class.__module__, f"{view_class.__qualname__}.{method}"), entry)
        for region in self.regions:
            add(region.source, Entry(Context(region.group, region.source[0]), None, region.name))
        return found

    @staticmethod
    def _add_view(add: Any, cls: type, context: Context) -> None:
        """Add the methods of a view that show its page."""
        for base in cls.__mro__:
            for method in ("show", "load", "html"):
                if method in vars(base):
                    add((base.__module__, f"{base.__qualname__}.{method}"), Entry(context, None, method))
            # The class itself, for its attribute `template`.
            add((base.__module__, base.__qualname__), Entry(context, None, "show"))

    def find(self, target: str, event: str | None, contexts: Collection[Context] | None) -> list[list[Handler]] | None:
        """Find the handlers that a target may name.

        :param contexts: where its template is rendered; None if that is not known.
        :return: for each possible context the handlers that fit; None if that cannot be known.
        """
        if event is None and "." in target:
            target, _, event = target.rpartition(".")
        if event is not None:
            found = self.handlers.find(target, event) or self.handlers.find(default_group(target), event)
            return [[found] if found is not None else []]
        named = [one for one in self.handlers.named(target) if one.key in self._app_state.endpoints]
        if not contexts:
            if is_event_name(target) and self.handlers.named(EVERY_EVENT):
                return None
            # Any of them may be meant, but not several at once.
            return [[one] for one in named] or [[]]
        return [self._in_context(target, named, context) for context in contexts]

    def _in_context(self, target: str, named: list[Handler], context: Context) -> list[Handler]:
        own = self.handlers.find(context.group, target)
        if own is not None:
            return [own]
        beside = [one for one in named if one.source[0] == context.module]
        return beside if len(named) > 1 and len(beside) == 1 else named

    def parameters(self, handler: Handler) -> Set[str] | None:
        """Return the parameters that an action can give a handler, None for any."""
        names = handler.binder.names
        if names is None or handler.name == EVERY_EVENT or handler.meant:
            return None
        return names | self.given_by_url(handler)

    def given_by_url(self, handler: Handler) -> Set[str]:
        """Return the names of the values in a handler's path and in the URL of its view, which actions carry."""
        view_url = self._view_urls.get(handler.group) if handler.view is not None else None
        endpoints = self._app_state.endpoints.get(handler.key, ())
        rules = [rule for endpoint in endpoints for rule in self.app.url_map.iter_rules(endpoint)]
        in_path = {name for rule in rules for name in rule.arguments}
        return in_path | view_url.names if view_url is not None else in_path

    def find_region(self, target: str, name: str | None, contexts: Collection[Context] | None) -> list[Any]:
        """Return the regions that a target may name."""
        if name is None and "." in target:
            target, _, name = target.rpartition(".")
        if name is not None:
            groups = {target, default_group(target)}
            return [one for one in self.regions if one.name == name and one.group in groups]
        named = [one for one in self.regions if one.name == target]
        own = [one for one in named if any(one.group == context.group for context in contexts or ())]
        return own or named

    def match(self, path: str, verb: str) -> str | None:
        """Return what is wrong with a path and a verb: ``missing``, or the accepted verbs; None if nothing is."""
        adapter = self.app.url_map.bind("localhost")
        try:
            adapter.match(path.partition("?")[0], method=verb)
        except MethodNotAllowed as error:
            return ", ".join(sorted({*(error.valid_methods or ())} - {"OPTIONS", "HEAD"}))
        except NotFound:
            return "missing"
        except (RequestRedirect, HTTPException):
            return None
        return None

    def urls(self) -> list[str]:
        """Return the URL rules of all handlers."""
        endpoints = {name for names in self._app_state.endpoints.values() for name in names}
        return sorted(rule.rule for endpoint in endpoints for rule in self.app.url_map.iter_rules(endpoint))

    @property
    def url_prefix(self) -> str:
        """The path below which the handlers are."""
        return self._app_state.settings.url_prefix

    @property
    def script_url(self) -> str:
        """The URL of the client."""
        return self._app_state.settings.script_url

    def known(self, handlers: Iterable[Handler] | None = None) -> list[str]:
        """Return the names of handlers, with their groups, for messages."""
        return sorted(f"{one.group}.{one.name}" for one in handlers or self.handlers if one.name != EVERY_EVENT)
