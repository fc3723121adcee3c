"""The sending methods for elements: HTML, components and templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, Unpack

from ..sansio import elements as element_events
from ..sansio.consts import EventType
from ..sansio.elements import ElementOptions, Elements, gives_html
from ..sansio.events import Event, shorten
from ..sansio.markup import find_skipped
from ..state.app import current_app_state
from . import rendering as templating
from .base import Sender, Sent

Component: TypeAlias = Elements | Callable[[Mapping[str, Any]], Elements]


class ElementMethods(Sender[Sent]):
    """Patch and remove elements, from HTML, components and templates."""

    def patch_elements(self, elements: Component | None, **options: Unpack[ElementOptions]) -> Sent:
        """Patch elements of the page. A string is sent as HTML, unchanged: escape text that came from users.

        :param elements: HTML, an object with ``__html__``, a list of those, or a callable that gets the mapping of the
            request's assigns and signals and returns one of them; None with mode ``remove``.
        :param options: keywords of :func:`flask_datastar.sse.patch_elements`: ``selector`` (CSS) or ``to`` (an
            element's id), ``mode`` (``outer``, ``inner``, ``replace``, ``prepend``, ``append``, ``before``, ``after``,
            ``remove``), ``namespace`` (``html``, ``svg``, ``mathml``), ``use_view_transition``,
            ``view_transition_selector``, ``event_id``, ``retry_ms``.
        """
        return self._emit_elements(element_events.patch_elements(self._render_component(elements), **options))

    def patch_element(self, elements: Component | None, **options: Unpack[ElementOptions]) -> Sent:
        """Patch elements of the page, as :meth:`patch_elements` does; the name is OctaStar's."""
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
        """Render a template, one block or one macro of it, and patch the result into the page.

        The template sees the request's assigns and signals by name, as every template does.

        :param name: the template's name.
        :param block: a block to render instead of the whole template.
        :param macro: a macro to call instead; its arguments are taken by name from ``context``.
        :param context: further names for the template.
        :param options: as in :meth:`patch_elements`.
        :raises jinja2.TemplateNotFound: if the template does not exist.
        """
        app = (self._find_app_state() or current_app_state()).app
        own = self._own_names()
        html = templating.render_part(app, name, block=block, macro=macro, context=context, own_names=own)
        return self._emit_elements(element_events.patch_elements(html, **options))

    def remove_elements(self, selector: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Sent:
        """Remove all elements that match a CSS selector."""
        return self._emit(element_events.remove_elements(selector, event_id=event_id, retry_ms=retry_ms))

    def _emit_elements(self, event: Event) -> Sent:
        """Send an event that patches elements; in debug mode and in tests, check first that the client can place them.

        :raises ValueError: if the client would skip an element.
        """
        app_state = self._find_app_state()
        if app_state is not None and (app_state.app.debug or app_state.app.testing):
            _check_placed(event)
        return self._emit(event)

    def _own_names(self) -> Mapping[str, Any]:
        """Return further names for templates, beside the request's names that every template sees."""
        return {}

    def _render_component(self, elements: Component | None) -> Elements | None:
        """Call a component; HTML elements are returned as they are, even if their class makes them callable."""
        if isinstance(elements, type) or (callable(elements) and not gives_html(elements)):
            component: Callable[[Mapping[str, Any]], Elements] = elements
            return component(self._tracking()[0].visible)
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
