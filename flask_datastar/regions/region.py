"""Declared regions, and their views, which are put into pages."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, NoReturn, Protocol

from flask import has_request_context

from ..errors import SetupError
from ..handlers.handler import check_name, default_group
from ..hub.sources import Source
from .arguments import ArgumentBinder
from .identity import identity_of

Topics = str | list[str] | tuple[str, ...] | Callable[..., Any] | None


class Doors(Protocol):
    """The operations of a region that need an app. Modules above implement them."""

    def html(self, view: RegionView, /) -> str:
        """Return the HTML of a view where it is put now."""

    def source(self, view: RegionView, /) -> Source:
        """Return the source of a view for a stream of the current request."""

    def changed(self, region: Region, texts: Mapping[str, str], /) -> None:
        """Render the views of a region again that have these arguments, in all processes."""


class Region:
    """A part of a page that stays as it is on the server, declared with ``@datastar.region``.

    Calling it runs nothing: the call returns a view, which templates show and streams follow.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        doors: Doors,
        *,
        name: str | None,
        group: str | None,
        topics: Topics,
        tables: Any,
        at_most_every: float,
        compress: bool = True,
    ) -> None:
        title = getattr(function, "__qualname__", repr(function))
        _check_function(function, title)
        if isinstance(at_most_every, bool) or not isinstance(at_most_every, int | float) or not at_most_every >= 0:
            raise SetupError(f"region {title}: at_most_every is {at_most_every!r}; accepted: seconds, 0 or more")
        if not isinstance(compress, bool):
            raise SetupError(f"region {title}: compress is {compress!r}; accepted: True or False")
        self.function = function
        #: The region's name, and the group in which actions of its templates are looked for first.
        self.name = check_name(name if name is not None else function.__name__, "name", f"region {title}")
        self.group = (
            default_group(function.__module__) if group is None else check_name(group, "group", f"region {title}")
        )
        self.topics = topics
        self.tables = tables
        self.at_most_every = float(at_most_every)
        self.compress = compress
        self._doors = doors
        self._binder = ArgumentBinder(function, title)
        _check_topics(topics, title)

    @property
    def key(self) -> str:
        """The region's unique key, ``<group>:<name>``."""
        return f"{self.group}:{self.name}"

    @property
    def source(self) -> tuple[str, str]:
        """The module and qualified name of the function, which recognise it when it is declared again."""
        return self.function.__module__, self.function.__qualname__

    def __call__(self, *arguments: Any, **named: Any) -> RegionView:
        """Return the view for these arguments, and run nothing.

        :raises TypeError: if an argument is missing or unknown, or if it may differ between processes.
        :raises ValueError: if an argument does not fit its annotation.
        """
        return RegionView(self, self._binder.bind(arguments, named), self._binder, self._doors)

    def changed(self, **arguments: Any) -> None:
        """Render views again, in every process, because their contents have changed.

        In a transaction with changes, the views are rendered after the commit.

        :param arguments: the arguments of the views; without any, all views of the region are rendered.
        :raises TypeError: if the region has no such parameter.
        """
        self._doors.changed(self, self._binder.texts(self._binder.convert(arguments)))

    def __html__(self) -> NoReturn:
        """Refuse a region where a view belongs: its text would be on the page, and would not be live."""
        call = f"{self.name}({', '.join(f'{name}=…' for name in self._binder.names)})"
        raise SetupError(f"region {self.key} is used without a call; write {call}, which runs nothing yet")

    def __datastar_source__(self) -> NoReturn:
        """Refuse a region where a view belongs."""
        self.__html__()

    def __repr__(self) -> str:
        return f"<region {self.key} ({'.'.join(self.source)})>"


class RegionView:
    """A region with its arguments. Its function runs only where the view is put into HTML."""

    __slots__ = ("_doors", "arguments", "identity", "region", "texts")

    def __init__(self, region: Region, arguments: dict[str, Any], binder: ArgumentBinder, doors: Doors) -> None:
        self.region = region
        #: The arguments as text, by name.
        self.texts = binder.texts(arguments)
        # A list of the caller's may change later, and the view may be rendered for other pages then.
        self.arguments = deepcopy(arguments)
        #: The text by which equal views are recognised, in all processes.
        self.identity = identity_of(region.key, self.texts)
        self._doors = doors

    def __html__(self) -> str:
        """Return the present HTML of the view."""
        return self._doors.html(self)

    def __datastar_source__(self) -> Source:
        """Return the view's source, for ``datastar.follow()``."""
        return self._doors.source(self)

    def changed(self) -> None:
        """Render this view again, as :meth:`Region.changed` does."""
        self._doors.changed(self.region, self.texts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RegionView) and other.identity == self.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    def __repr__(self) -> str:
        return self.identity


def topics_of(view: RegionView) -> tuple[str, ...]:
    """Return the topics whose messages render a view again.

    :raises TypeError: if the region's callable returns anything but a text or a list of texts.
    """
    topics = view.region.topics
    if callable(topics):
        topics = topics(**deepcopy(view.arguments))
    if topics is None:
        return ()
    found = (topics,) if isinstance(topics, str) else tuple(topics)
    for topic in found:
        if not isinstance(topic, str) or not topic or topic.startswith("\0"):
            raise TypeError(f"region {view}: topic is {topic!r}; accepted: text that is not empty")
    return found


def _check_function(function: Callable[..., Any], title: str) -> None:
    if not callable(function) or not hasattr(function, "__qualname__"):
        raise SetupError(f"@datastar.region decorates a function, not {function!r}; write @datastar.region(name=…)")
    innermost = inspect.unwrap(function)
    if inspect.isgeneratorfunction(innermost) or inspect.isasyncgenfunction(innermost):
        raise SetupError(
            f"region {title} is a generator: a region returns its HTML once; write return instead of yield"
        )
    if has_request_context() and "<locals>" in function.__qualname__:
        # A module that is imported in a request may declare its regions: they have no variables of the request.
        raise SetupError(
            f"region {title} is declared in a function that a request runs: the variables of this visitor would be "
            "shown to all others; declare it beside the view, and pass what it needs as arguments"
        )
    if next(iter(inspect.signature(function).parameters), None) in ("self", "cls"):
        raise SetupError(f"region {title} is a method: it would be called without an object; declare a function")


def _check_topics(topics: Topics, title: str) -> None:
    is_list = isinstance(topics, list | tuple) and all(isinstance(topic, str) and topic for topic in topics)
    if not (topics is None or callable(topics) or is_list or (isinstance(topics, str) and topics)):
        raise SetupError(
            f"region {title}: topics is {topics!r}; accepted: a text, a list of texts, or a function that takes the "
            "region's arguments and returns one of these"
        )
