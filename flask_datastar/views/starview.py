"""The base class of views, the decorator of their events, and the checks of both."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from flask import render_template
from jinja2 import TemplateNotFound

from ..errors import SetupError
from ..handlers.handler import DEFAULT_METHODS, OnInvalid
from ..handlers.marks import EventOptions, mark_method, mark_of

F = TypeVar("F", bound=Callable[..., Any])

#: The method that gets every event without a method of its own, if the class has it.
HANDLE_EVENT = "handle_event"


class StarView:
    """A page and its events in one class, registered by ``@datastar.view(rule)``.

    Each request gets an instance of its own. The methods below may be overridden, and may be ``async``; a method
    ``handle_event(self, event, signals)`` gets every event that has no method of its own.
    """

    #: The page's template.
    template: str = ""
    #: Decorators of the page and of every event; the first one is the innermost, as in Flask's views.
    decorators: ClassVar[Sequence[Callable[..., Any]]] = ()

    def load(self, *args: Any, **parameters: Any) -> Any:
        """Prepare :meth:`show`, every event, and every turn of a stream: look up data, check permissions.

        :param parameters: the parameters of the URL, by name.
        :return: a response to send in place of the page or the event's result, or None to go on.
        """

    def show(self, *args: Any, **parameters: Any) -> Any:
        """Set the signals and assigns of the page.

        :param parameters: the parameters of the URL, by name.
        :return: a response to send in place of the page, or None to go on.
        """

    def html(self) -> Any:
        """Return the page: HTML, an object with ``__html__``, or a response. By default, render the template."""
        title = title_of(type(self))
        if not self.template:
            raise SetupError(f"view {title} has no page; set template = 'name.html', or define html()")
        try:
            return render_template(self.template)
        except TemplateNotFound as error:
            if error.name != self.template:
                raise
            raise TemplateNotFound(error.name, f"{error.name} (the template of view {title})") from error


# At run time, typing would keep the overloads, and with them Flask, until typing itself is torn down.
if TYPE_CHECKING:

    @overload
    def event(method: F, /) -> F: ...
    @overload
    def event(
        *,
        name: str | None = None,
        methods: Iterable[str] = DEFAULT_METHODS,
        on_invalid: OnInvalid | None = None,
        once: bool = True,
    ) -> Callable[[F], F]: ...


def event(
    method: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    methods: Iterable[str] = DEFAULT_METHODS,
    on_invalid: OnInvalid | None = None,
    once: bool = True,
) -> Any:
    """Mark a method of a :class:`StarView` as an event, which the browser can call once the view is registered.

    Its parameters and return values work as those of a handler. A subclass that overrides the method keeps the event;
    ``add = None`` in a subclass removes the event ``add``.

    :param name: the name of the event; by default the method's name.
    :param methods: the accepted verbs; by default POST, PUT, PATCH and DELETE.
    :param on_invalid: a function that gets the :class:`~flask_datastar.errors.InvalidSignals`; its return value is
        sent, like an event's, in place of a 400.
    :param once: whether a click runs the event once, as it does a handler.
    :return: the method, unchanged.
    :raises SetupError: if it is not a method, or is already marked.
    """

    def mark(method: F) -> F:
        if not callable(method) or isinstance(method, type | staticmethod) or not hasattr(method, "__qualname__"):
            raise SetupError(f"@event decorates a method of a StarView, not {method!r}; write @event(name=...)")
        # A tuple, because the class may be registered several times.
        verbs = methods if isinstance(methods, str) else tuple(methods)
        mark_method(method, EventOptions(name if name is not None else method.__name__, verbs, on_invalid, once))
        return method

    return mark if method is None else mark(method)


def collect_events(view_class: type[StarView]) -> Iterator[tuple[Callable[..., Any], EventOptions]]:
    """Return the events of a class, its own and the inherited ones: the method that runs, and its options.

    :raises SetupError: if one of them cannot work.
    """
    title = title_of(view_class)
    attributes: dict[str, str] = {}
    for attribute in dir(view_class):
        options = _find_options(view_class, attribute)
        if options is None:
            continue
        _check_event(view_class, attribute, title)
        other = attributes.setdefault(options.name, attribute)
        if other != attribute:
            raise SetupError(
                f"view {title}: {other} and {attribute} are both the event {options.name!r}; give one of them a "
                "different name"
            )
        yield getattr(view_class, attribute), options


def title_of(view_class: type) -> str:
    """Return the dotted name of a class, for messages."""
    return f"{view_class.__module__}.{view_class.__qualname__}"


def _find_options(view_class: type, attribute: str) -> EventOptions | None:
    """Return the mark of an attribute, else that of the method that it overrides, unless a None stands between them."""
    for base in view_class.__mro__:
        if attribute in vars(base):
            value = vars(base)[attribute]
            mark = mark_of(getattr(value, "__func__", value))
            if mark is not None:
                return mark
            if value is None:
                return None
    return None


def _check_event(view_class: type, attribute: str, title: str) -> None:
    if hasattr(StarView, attribute) or attribute == HANDLE_EVENT:
        raise SetupError(
            f"view {title}: {attribute!r} cannot be an event, because StarView uses this name; rename the method and "
            f"mark it @event(name={attribute!r})"
        )
    value = inspect.getattr_static(view_class, attribute)
    if not callable(value) or isinstance(value, type | staticmethod | classmethod):
        raise SetupError(f"view {title}: {attribute} is {value!r}; accepted: a method, or None to remove the event")
