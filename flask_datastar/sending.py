"""The sending methods, shared by ``Datastar``, by ``EventResponse`` and by everything else that events can go to."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar, Unpack

from flask import has_request_context, request

from . import templating
from ._state import AppState, current_app_state
from .sansio import elements as element_events
from .sansio import events as raw_events
from .sansio import scripts as script_events
from .sansio import signals as signal_events
from .sansio import strictjson
from .sansio.consts import EventType
from .sansio.elements import ElementOptions, Elements, gives_html
from .sansio.events import Event, shorten
from .sansio.placing import find_skipped
from .sansio.strictjson import Dumps
from .tracking import TrackedSignals

Sent = TypeVar("Sent")
Component: TypeAlias = Elements | Callable[[Mapping[str, Any]], Elements]


class SendingMethods(Generic[Sent]):
    """One method for each thing that can be sent; options after the first argument are keyword-only.

    ``event_id`` is printable ASCII, "" clears the browser's. ``retry_ms`` is in milliseconds. Each method raises
    :exc:`ValueError` or :exc:`TypeError` on what cannot be sent, before anything is.
    """

    @abstractmethod
    def _emit(self, event: Event) -> Sent:
        """Take one event for sending."""

    def _emit_elements(self, event: Event) -> Sent:
        """Take an event that patches elements; where people develop and test, see first that the client can place it.

        :raises ValueError: the client would skip a part of it.
        """
        app_state = self._find_app_state()
        if app_state is not None and (app_state.app.debug or app_state.app.testing):
            _check_placed(event)
        return self._emit(event)

    @abstractmethod
    def _after_tracking(self) -> Sent:
        """Give what a method returns that sends nothing yet."""

    @abstractmethod
    def _tracking(self) -> TrackedSignals:
        """Give the signals and assigns that these methods add to."""

    @abstractmethod
    def _find_app_state(self) -> AppState | None:
        """Give the state of the app, None outside of one."""

    def _dumps(self) -> Dumps:
        """Give the encoder of the app, or the standard library's outside of one."""
        app_state = self._find_app_state()
        return app_state.dumps if app_state is not None else strictjson.dumps

    def _own_names(self) -> Mapping[str, Any]:
        """Give names for templates that are not the request's: those every template sees anyway."""
        return {}

    def signal(self, name: str, value: object, *, only_if_missing: bool = False) -> Sent:
        """Set a signal: templates see it by name, and the browser gets it at the next flush.

        Set twice, it is sent once, with the last value.

        :param name: a dotted name is a nested path.
        :param value: anything JSON-able; None deletes the signal in the browser.
        :param only_if_missing: leave a value alone that the browser has already.
        """
        self._tracking().set(name, value, only_if_missing=only_if_missing)
        if value is None and (app_state := self._find_app_state()) is not None:
            app_state.warn_of_null(name)
        return self._after_tracking()

    def assign(self, name: str, value: object) -> Sent:
        """Make a value visible to templates and components by name; the browser never gets it.

        :param name: an identifier.
        """
        self._tracking().assign(name, value)
        return self._after_tracking()

    def patch_signals(
        self,
        signals: Mapping[str, Any],
        *,
        only_if_missing: bool = False,
        event_id: str | None = None,
        retry_ms: int | None = None,
    ) -> Sent:
        """Patch signals at once, by one event; they are not tracked.

        :param signals: name → value, nested as the signals are. None deletes.
        :param only_if_missing: set only the signals that the page does not have yet.
        """
        event = signal_events.patch_signals(
            signals, only_if_missing=only_if_missing, event_id=event_id, retry_ms=retry_ms, dumps=self._dumps()
        )
        app_state = self._find_app_state()
        if app_state is not None and app_state.app.debug:
            for name in (name for name, value in signals.items() if value is None):
                app_state.warn_of_null(name)
        return self._emit(event)

    def patch_signals_raw(
        self, text: str, *, only_if_missing: bool = False, event_id: str | None = None, retry_ms: int | None = None
    ) -> Sent:
        """Patch signals from JSON text, which is checked and sent as it is.

        :param text: a JSON object.
        :param only_if_missing: set only the signals that the page does not have yet.
        """
        return self._emit(
            signal_events.patch_signals_raw(text, only_if_missing=only_if_missing, event_id=event_id, retry_ms=retry_ms)
        )

    def remove_signals(
        self, paths: str | Iterable[str], *, event_id: str | None = None, retry_ms: int | None = None
    ) -> Sent:
        """Remove signals. What displays them keeps its last text: to blank it, set "" first.

        :param paths: one dotted path or several.
        """
        return self._emit(signal_events.remove_signals(paths, event_id=event_id, retry_ms=retry_ms))

    def patch_elements(self, elements: Component | None, **options: Unpack[ElementOptions]) -> Sent:
        """Patch elements of the page. A string is HTML and is sent as it is: escape what came from users.

        :param elements: HTML, an object with ``__html__``, a list of those, or a callable that gets the mapping of the
            request's assigns and signals and returns one of them; None with mode ``remove``.
        :param options: keywords of :func:`flask_datastar.sse.patch_elements`: ``selector`` (CSS) or ``to`` (an
            element's id), ``mode`` (``outer``, ``inner``, ``replace``, ``prepend``, ``append``, ``before``, ``after``,
            ``remove``), ``namespace`` (``html``, ``svg``, ``mathml``), ``use_view_transition``,
            ``view_transition_selector``, ``event_id``, ``retry_ms``.
        """
        return self._emit_elements(element_events.patch_elements(self._render_component(elements), **options))

    def patch_element(self, elements: Component | None, **options: Unpack[ElementOptions]) -> Sent:
        """Do what :meth:`patch_elements` does, by OctaStar's name."""
        return self.patch_elements(elements, **options)

    def patch_template(
        self,
        name: str,
        *,
        block: str | None = None,
        macro: str | None = None,
        context: Mapping[str, Any] | None = None,
        **options: Unpack[ElementOptions],
    ) -> Sent:
        """Render a template, one block or one macro of it, and patch it into the page.

        It sees the request's assigns and signals by name, as every template does.

        :param name: of the template.
        :param block: render this block alone.
        :param macro: call this macro; its arguments come by name from ``context``.
        :param context: further names for the template.
        :param options: as in :meth:`patch_elements`.
        :raises jinja2.TemplateNotFound: there is no such template.
        """
        app = (self._find_app_state() or current_app_state()).app
        names = templating.own_names(app, self._own_names(), context)
        html = templating.render_part(app, name, block=block, macro=macro, context=names)
        return self._emit_elements(element_events.patch_elements(html, **options))

    def remove_elements(self, selector: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Sent:
        """Remove all elements that match a CSS selector."""
        return self._emit(element_events.remove_elements(selector, event_id=event_id, retry_ms=retry_ms))

    def execute_script(
        self,
        script: str,
        *,
        auto_remove: bool = True,
        attributes: Mapping[str, str | bool] | None = None,
        event_id: str | None = None,
        retry_ms: int | None = None,
    ) -> Sent:
        """Run JavaScript in the page, once. Write values into it with ``datastar.js(value).js``.

        :param auto_remove: let the script element remove itself after it ran.
        :param attributes: of the script element; True is a bare attribute.
        """
        return self._emit(
            script_events.execute_script(
                script, auto_remove=auto_remove, attributes=attributes, event_id=event_id, retry_ms=retry_ms
            )
        )

    def redirect(self, url: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Sent:
        """Send the browser to another page.

        :param url: relative, or http or https.
        """
        return self._emit(script_events.redirect(url, event_id=event_id, retry_ms=retry_ms))

    def push_url(self, url: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Sent:
        """Show another address of this site and add it to the history, without loading it.

        :param url: relative, or absolute with the request's own host.
        """
        return self._emit(script_events.push_url(_own_path(url), event_id=event_id, retry_ms=retry_ms))

    def replace_url(self, url: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Sent:
        """Show another address of this site in place of the current history entry.

        :param url: relative, or absolute with the request's own host.
        """
        return self._emit(script_events.replace_url(_own_path(url), event_id=event_id, retry_ms=retry_ms))

    def console_log(
        self, message: object, *, level: str = "log", event_id: str | None = None, retry_ms: int | None = None
    ) -> Sent:
        """Write to the browser's console.

        :param message: anything JSON-able.
        :param level: ``log``, ``warn``, ``error``, ``info`` or ``debug``.
        """
        return self._emit(
            script_events.console_log(message, level=level, event_id=event_id, retry_ms=retry_ms, dumps=self._dumps())
        )

    def dispatch_event(
        self,
        name: str,
        detail: Mapping[str, Any] | None = None,
        *,
        event_id: str | None = None,
        retry_ms: int | None = None,
    ) -> Sent:
        """Dispatch a ``datastar-<name>`` event to page code, without a script.

        :param name: without the prefix.
        :param detail: key → value, each sent as compact JSON under its key.
        """
        return self._emit(
            script_events.dispatch_event(name, detail, event_id=event_id, retry_ms=retry_ms, dumps=self._dumps())
        )

    def send(
        self,
        event_type: str,
        data_lines: Iterable[str] = (),
        *,
        event_id: str | None = None,
        retry_ms: int | None = None,
    ) -> Sent:
        """Send a raw event.

        :param event_type: begins with ``datastar``.
        :param data_lines: each ``"<key> <value>"``, without a line break.
        """
        return self._emit(raw_events.raw(event_type, data_lines, event_id=event_id, retry_ms=retry_ms))

    def _render_component(self, elements: Component | None) -> Elements | None:
        """Call a component; what gives HTML is not called, although elements of some libraries can be."""
        if isinstance(elements, type) or (callable(elements) and not gives_html(elements)):
            component: Callable[[Mapping[str, Any]], Elements] = elements
            return component(self._tracking().visible)
        return elements


def _check_placed(event: Event) -> None:
    arguments = event.arguments
    if event.type != EventType.PATCH_ELEMENTS or "selector" in arguments:
        return
    skipped = find_skipped(arguments.get("elements", ""), is_foreign="namespace" in arguments)
    if skipped is not None:
        raise ValueError(
            f"the client would skip {shorten(skipped)}, which has no id: without a selector each top-level element "
            "takes the place of the one with its id. Give it an id, or say where it goes with to= or selector=. "
            "(Checked in debug mode and in tests only.)"
        )


def _own_path(url: str) -> str:
    """Take the request's own scheme and host off an absolute URL, as ``url_for(_external=True)`` gives it."""
    if isinstance(url, str) and has_request_context() and url.startswith(request.host_url):
        return "/" + url.removeprefix(request.host_url)
    return url
