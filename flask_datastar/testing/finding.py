"""Elements as a test names them: by CSS, by their text, by a label; and what an error says when they are not there."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from . import seeing
from .page import Page
from .page_errors import ElementError

_SHOWN = 6
_TEXTS = "button,a,summary,label,input,li,p,td,th,h1,h2,h3,span"
_CONTROLS = "input,select,textarea,button,output,meter,progress"


def find_all(page: Page, selector: str | None, text: str | None, label: str | None) -> list[Any]:
    """Return the elements that a test names, in the page's order.

    :raises ValueError: if the selector is not CSS.
    :raises TypeError: if no description is given, or more than one.
    """
    given = [one for one in (selector, text, label) if one is not None]
    if len(given) != 1:
        raise TypeError("name the element in one way: a CSS selector, text=… or label=…")
    if selector is not None:
        try:
            numbers = page.call("select_all", selector)
        except Exception as error:
            raise ValueError(
                f"{selector!r} is not a CSS selector: {error}; for a text write text={selector!r}"
            ) from None
        return [page.document.node(number) for number in numbers]
    return _by_text(page, text) if text is not None else _by_label(page, label or "")


def find_one(page: Page, selector: str | None, text: str | None = None, label: str | None = None) -> Any:
    """Return the only element that a test names.

    :raises ElementError: if no element is named so, or more than one.
    """
    found = find_all(page, selector, text, label)
    if len(found) == 1:
        return found[0]
    what = describe(selector, text, label)
    if not found:
        raise ElementError(f"page {page.host.url} has no element {what}; {_nearest(page, selector, text, label)}")
    listed = ", ".join(map(seeing.shown, found[:_SHOWN]))
    more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    raise ElementError(f"page {page.host.url} has {len(found)} elements {what}: {listed}{more}; name one of them")


def find_visible(page: Page, what: str, selector: str | None, text: str | None, label: str | None) -> Any:
    """Return the only visible element that a test names: for a gesture, which cannot reach what is hidden.

    :param what: the gesture, for the error.
    :raises ElementError: if no element is named so, or several; or if it is hidden, disabled, inert, or behind a modal
        dialog.
    """
    found = find_all(page, selector, text, label)
    visible = [one for one in found if seeing.is_visible(one)]
    element = visible[0] if len(visible) == 1 else find_one(page, selector, text, label)
    named = describe(selector, text, label)
    if not seeing.is_visible(element):
        raise ElementError(
            f"page {page.host.url}: {what} {named}: "
            f"nobody can reach {seeing.shown(element)}, {seeing.why_hidden(element)}"
        )
    why = seeing.why_inert(element) or _obstacle(page, element)
    if why is not None:
        raise ElementError(f"page {page.host.url}: {what} {named}: {seeing.shown(element)} {why}")
    return element


def _obstacle(page: Page, element: Any) -> str | None:
    """Return what keeps a person from an element that is visible."""
    number = page.document.id(element)
    found = page.call("obstacle", number)
    if found is None:
        return None
    other = page.shown(found["id"])
    if found["isModal"]:
        return f"is behind the modal {other}; close that first"
    return "is disabled" if found["id"] == number else f"is inside {other}, which is disabled"


def describe(selector: str | None, text: str | None, label: str | None) -> str:
    """Return what a test has named, for an error's text."""
    if selector is not None:
        return repr(selector)
    return f"with the text {text!r}" if text is not None else f"with the label {label!r}"


def _by_text(page: Page, text: str) -> list[Any]:
    """Return the innermost visible elements that have exactly this text, and buttons that show it."""
    wanted = " ".join(text.split())
    found = [one for one in page.document.select_all("body *") if _shown_text(one) == wanted and seeing.is_visible(one)]
    return [one for one in found if not any(other is not one and _is_inside(other, one) for other in found)]


def _shown_text(element: Any) -> str:
    if element.tag == "input" and (element.attr("type") or "") in ("submit", "button", "reset"):
        return element.attr("value") or ""
    return " ".join(seeing.visible_text(element).split())


def _is_inside(element: Any, outer: Any) -> bool:
    node = element.parent
    while node is not None:
        if node == outer:
            return True
        node = node.parent
    return False


def _by_label(page: Page, label: str) -> list[Any]:
    wanted = " ".join(label.split())
    return [element for name, element in _labels(page) if name == wanted]


def _labels(page: Page) -> list[tuple[str, Any]]:
    """Return the controls with their labels: of a label element, ``aria-label``, ``aria-labelledby``, placeholder."""
    document = page.document
    found: list[tuple[str, Any]] = []
    for label in document.select_all("label"):
        number = page.call("label", document.id(label))
        if number:
            found.append((_label_text(label), document.node(number)))
    for control in document.select_all(_CONTROLS):
        names = [control.attr("aria-label"), control.attr("placeholder")]
        for name in (control.attr("aria-labelledby") or "").split():
            names += [seeing.visible_text(one) for one in document.select_all("[id]") if one.attr("id") == name]
        for name in filter(None, names):
            entry = (" ".join(name.split()), control)
            if entry not in found:
                found.append(entry)
    return found


def _label_text(label: Any) -> str:
    """Return a label's text, without that of the controls inside it."""
    pieces: list[str] = []

    def add(node: Any) -> None:
        for child in node:
            if seeing.is_element(child):
                if child.tag not in ("select", "textarea", "button", "output") and seeing.is_shown_itself(child):
                    add(child)
            elif type(child).__name__ == "Text":
                pieces.append(child.data)

    add(label)
    return " ".join("".join(pieces).split())


def _nearest(page: Page, selector: str | None, text: str | None, label: str | None) -> str:
    """Return what the page has instead, with the nearest match first."""
    document = page.document
    if selector is not None:
        ids = [one.attr("id") or "" for one in document.select_all("[id]")]
        return _closest(
            selector.lstrip("#"), ids, "it has the ids", "no element of it has an id", lambda name: f"#{name}"
        )
    if text is not None:
        texts = [
            _shown_text(one) for one in document.select_all("button,a,summary,label,input,li,p,td,th,h1,h2,h3,span")
        ]
        return _closest(text, texts, "it shows", "it shows no text", repr)
    return _closest(label or "", [name for name, _ in _labels(page)], "it has the labels", "it has no labels", repr)


def _closest(wanted: str, names: list[str], has: str, none: str, show: Callable[[str], str]) -> str:
    unique = [name for name in dict.fromkeys(names) if name and len(name) <= 80]
    if not unique:
        return none
    near = difflib.get_close_matches(wanted, unique, n=1, cutoff=0.6)
    first = f"the nearest is {show(near[0])}; " if near else ""
    rest = ", ".join(show(name) for name in unique[:20])
    return f"{first}{has} {rest}{', …' if len(unique) > 20 else ''}"
