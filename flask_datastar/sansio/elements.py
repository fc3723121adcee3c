"""Events that patch or remove elements of the page."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Protocol, TypeAlias, TypedDict, TypeGuard, runtime_checkable

from .consts import EventType, Namespace, PatchMode
from .events import Event, check_single_line, check_text, join_data, make_event, shorten, wire_lines
from .markup import separate_siblings


@runtime_checkable
class HasHtml(Protocol):
    """An object that renders its own HTML: Markup, elements of htpy, and others."""

    def __html__(self) -> str:
        """Return the HTML."""


class ElementOptions(TypedDict, total=False):
    """The keywords of :func:`patch_elements`, for functions that pass them on."""

    selector: str | None
    to: str | None
    mode: str
    namespace: str
    use_view_transition: bool
    view_transition_selector: str | None
    event_id: str | None
    retry_ms: int | None


Html: TypeAlias = str | HasHtml
Elements: TypeAlias = Html | Iterable[Html]

_EVENT_TYPE = EventType.PATCH_ELEMENTS.value
_MODES = frozenset(mode.value for mode in PatchMode)
_NAMESPACES = frozenset(namespace.value for namespace in Namespace)
_WITHOUT_SELECTOR = frozenset({PatchMode.OUTER.value, PatchMode.REPLACE.value})


def patch_elements(
    elements: Elements | None,
    *,
    selector: str | None = None,
    to: str | None = None,
    mode: str = "outer",
    namespace: str = "html",
    use_view_transition: bool = False,
    view_transition_selector: str | None = None,
    event_id: str | None = None,
    retry_ms: int | None = None,
) -> Event:
    r"""Patch elements of the page.

    A string is sent as HTML, unchanged: escape text that came from users (templates and Markup do).

    :param elements: HTML, an object with ``__html__``, a tag of dominate, or a list of those (joined by line breaks);
        None with mode ``remove``.
    :param selector: a CSS selector; all matching elements are patched. Without a selector, modes ``outer`` and
        ``replace`` put each top-level element in the place of the page's element with the same id.
    :param to: an element's id, instead of a selector; escaped for CSS.
    :param mode: ``outer`` (morph), ``inner``, ``replace``, ``prepend``, ``append``, ``before``, ``after``, ``remove``.
    :param namespace: ``html``, ``svg`` or ``mathml``.
    :param use_view_transition: whether the browser animates the change.
    :param view_transition_selector: the element to animate instead of the page; needs ``use_view_transition``.
    :param event_id: printable ASCII; "" clears the client's last event id.
    :param retry_ms: the client's wait before a retry, in milliseconds.
    :raises ValueError: if the options do not fit together, or a value would break the event's lines.
    :raises TypeError: if ``elements`` is not HTML.

    >>> patch_elements('<p id="a">Hi</p>').encode()
    b'event: datastar-patch-elements\ndata: elements <p id="a">Hi</p>\n\n'
    """
    html = _check_elements(elements, mode)
    if html is not None and namespace != "html":
        html = separate_siblings(html)
    data = wire_lines("elements", html) if html is not None else ""
    if (
        selector is None
        and to is None
        and mode == "outer"
        and namespace == "html"
        and not use_view_transition
        and view_transition_selector is None
    ):
        return make_event(_EVENT_TYPE, data, event_id, retry_ms)
    options = _option_lines(selector, to, mode, namespace, use_view_transition, view_transition_selector)
    return make_event(_EVENT_TYPE, join_data(*options, data), event_id, retry_ms)


def remove_elements(selector: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Event:
    """Remove all elements that match a CSS selector.

    :raises ValueError: if the selector is empty or has a line break.
    """
    return patch_elements(None, selector=selector, mode="remove", event_id=event_id, retry_ms=retry_ms)


def html_text(elements: Elements) -> str:
    """Return the HTML of anything that :func:`patch_elements` accepts, as text.

    :raises TypeError: if ``elements`` is anything else.
    """
    if isinstance(elements, str):
        return str(elements)
    if isinstance(elements, HasHtml):
        return str(elements.__html__())
    if gives_html(elements):
        return str(elements)
    if isinstance(elements, bytes | dict) or not isinstance(elements, Iterable):
        raise TypeError(
            f"elements is {type(elements).__name__}; accepted: str, Markup, an object with __html__, or a list of those"
        )
    return "\n".join(html_text(element) for element in elements)


def gives_html(value: object) -> TypeGuard[Html]:
    """Return whether a value renders its own HTML: by ``__html__``, or by ``str()`` as the tags of dominate do."""
    if isinstance(value, HasHtml):
        return True
    # A tag can exist only after its module was imported, so the module is not imported here.
    dominate = sys.modules.get("dominate.dom_tag")
    return dominate is not None and isinstance(value, dominate.dom_tag)


def css_id_selector(element_id: str) -> str:
    r"""Return the CSS selector of an element's id (CSSOM, "serialize an identifier").

    >>> css_id_selector("1st row")
    '#\\31 st\\ row'
    """
    check_single_line(element_id, "element id")
    if not element_id:
        raise ValueError("the element id is empty")
    escaped = []
    for index, char in enumerate(element_id):
        leading_digit = char.isascii() and char.isdigit() and (index == 0 or (index == 1 and element_id[0] == "-"))
        if leading_digit or char < " " or char == "\x7f":
            escaped.append(f"\\{ord(char):x} ")
        elif char == "-" and len(element_id) == 1:
            escaped.append("\\-")
        elif char.isascii() and not (char.isalnum() or char in "-_"):
            escaped.append(f"\\{char}")
        else:
            escaped.append(char)
    return "#" + "".join(escaped)


def _check_elements(elements: Elements | None, mode: str) -> str | None:
    if mode not in _MODES:
        raise ValueError(f"mode is {shorten(mode)}; accepted: {', '.join(PatchMode)}")
    if elements is None:
        if mode != "remove":
            raise ValueError("elements is None; accepted with mode 'remove' only")
        return None
    html = str(elements) if isinstance(elements, str) else html_text(elements)
    if mode == "remove":
        if html:
            raise ValueError("mode 'remove' takes no elements; select the elements to remove with selector= or to=")
        return None
    check_text(html, "elements")
    return html


def _option_lines(
    selector: str | None,
    to: str | None,
    mode: str,
    namespace: str,
    use_view_transition: bool,
    view_transition_selector: str | None,
) -> list[str]:
    """Check the options and return lines for those that differ from the client's defaults."""
    if namespace not in _NAMESPACES:
        raise ValueError(f"namespace is {shorten(namespace)}; accepted: {', '.join(Namespace)}")
    lines = []
    if to is not None:
        if selector is not None:
            raise ValueError(f"both to={shorten(to)} and selector={shorten(selector)} are given; give one of them")
        selector = css_id_selector(to)
    if selector is not None:
        lines.append(f"selector {_check_selector(selector, 'selector')}")
    elif mode not in _WITHOUT_SELECTOR:
        raise ValueError(f"mode {shorten(str(mode))} needs a selector (or to=, an element's id)")
    if mode != "outer":
        lines.append(f"mode {mode}")
    if namespace != "html":
        lines.append(f"namespace {namespace}")
    if use_view_transition:
        lines.append("useViewTransition true")
    if view_transition_selector is not None:
        if not use_view_transition:
            raise ValueError("view_transition_selector needs use_view_transition=True")
        lines.append(f"viewTransitionSelector {_check_selector(view_transition_selector, 'view_transition_selector')}")
    return lines


def _check_selector(selector: str, what: str) -> str:
    check_single_line(selector, what)
    if not selector.strip():
        raise ValueError(f"{what} is empty")
    return selector
