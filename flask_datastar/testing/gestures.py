"""Gestures of a person in a page: clicks, fields, keys."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

from .answer import Answer
from .finding import find_visible
from .keys import parse_key
from .page import Page
from .page_errors import ElementError, FormNotSent, NotInTab
from .seeing import shown
from .tab_base import TabBase

#: The values that a field takes, by its type.
_VALUES = {
    "number": "a number",
    "range": "a number between its min and max, in its steps",
    "color": "a colour such as #00ff00",
    "date": "a date such as 2026-01-31",
    "month": "a month such as 2026-01",
    "week": "a week such as 2026-W05",
    "time": "a time such as 14:30",
    "datetime-local": "a date and time such as 2026-01-31T14:30",
}
#: A file to upload: a path, or its name and content.
File = str | Path | tuple[str, bytes]


class GestureMethods(TabBase):
    """Gestures. Each names an element by a CSS selector, by ``text=`` as a person reads it, or by ``label=``.

    A gesture returns when its own answer was applied, the delays of up to a second that it started have passed, and
    all streams of the page are at rest. It returns the answer of the last request that the page has sent, None if it
    sent none.

    It raises an ``ElementError`` if the page does not have exactly one such element, or nobody can reach it, because it
    is hidden, disabled, ``inert``, or behind a modal dialog; ``FormNotSent`` if a browser does not send a form, because
    a field is empty or wrong or its button is disabled, and the gesture has sent nothing else; ``RequestRefused`` if a
    request of the page, or the page that it leads to, was refused or failed, or nothing answers it; ``PageError`` if an
    expression or a script of the page failed; ``NotInTab`` if the page uses what only a real browser has; and the
    exception of a handler or a stream as it is, where Flask's client raises it.
    """

    def click(self, selector: str | None = None, *, text: str | None = None, label: str | None = None) -> Answer | None:
        """Click an element: it gets the focus, and does what it does when it is clicked."""
        return self._on("click", "click", selector, text, label)

    def hover(self, selector: str | None = None, *, text: str | None = None) -> Answer | None:
        """Move the pointer onto an element."""
        return self._on("hover", "hover", selector, text, None)

    def fill(self, selector: str | None = None, value: str = "", *, label: str | None = None) -> Answer | None:
        """Type a value into a field in place of the old one. As in a browser, its ``change`` comes with the next blur.

        What a ``maxlength`` does not take is cut off, as in a browser, too. WTForms writes one for ``Length(max=…)``.

        :raises ValueError: if the field does not take this value, such as letters in a field for numbers.
        """
        text = str(value)

        def act(page: Page) -> None:
            element = find_visible(page, "fill", selector, None, label)
            number = page.document.id(element)
            kind = page.call("describe", number)
            _check_field(page, element, kind)
            taken = page.call("fill", number, text)
            if taken is None or (taken == "" and text and not element.attr("maxlength")):
                accepted = _VALUES.get(kind["type"], "a value of its type")
                raise ValueError(f"{shown(element)} does not take {text!r}; accepted: {accepted}")

        return self._gesture(act)

    def check(self, selector: str | None = None, *, text: str | None = None, label: str | None = None) -> Answer | None:
        """Click a checkbox or a radio button, unless it is checked."""
        return self._set_checked(True, selector, text, label)

    def uncheck(
        self, selector: str | None = None, *, text: str | None = None, label: str | None = None
    ) -> Answer | None:
        """Click a checkbox, unless it is not checked."""
        return self._set_checked(False, selector, text, label)

    def select(self, selector: str | None = None, /, *values: str, label: str | None = None) -> Answer | None:
        """Choose options of a menu, by their values or their texts; several where it takes several.

        :raises ElementError: if the menu does not have an option, or it is disabled.
        """

        def act(page: Page) -> None:
            # With a label, all positional arguments are values.
            wanted = values if label is None or selector is None else (selector, *values)
            element = find_visible(page, "select", None if label is not None else selector, None, label)
            if element.tag != "select":
                raise ElementError(f"{shown(element)} is not a select; click it, or fill it")
            if len(wanted) != 1 and "multiple" not in element.attrs:
                got = f"{len(wanted)} values" if wanted else "no value"
                raise ElementError(f"select got {got}: {shown(element)} takes one value, because it is not multiple")
            wrong = page.call("select", page.document.id(element), [str(value) for value in wanted])
            if wrong is not None:
                options = ", ".join(repr(value) for value, _ in wrong["options"]) or "none"
                why = "is disabled" if wrong["isDisabled"] else "is not among its options"
                raise ElementError(f"{shown(element)}: {wrong['bad']!r} {why}; it has {options}")

        return self._gesture(act)

    def upload(self, selector: str | None = None, /, *files: File, label: str | None = None) -> Answer | None:
        """Choose files: paths, or pairs of a name and bytes."""

        def act(page: Page) -> None:
            wanted: tuple[Any, ...] = files if label is None or selector is None else (selector, *files)
            element = find_visible(page, "upload", None if label is not None else selector, None, label)
            if (element.attr("type") or "").lower() != "file":
                raise ElementError(f"{shown(element)} takes no files; use fill")
            if not wanted:
                raise ValueError(f"upload got no file for {shown(element)}; give paths, or pairs of a name and bytes")
            if len(wanted) > 1 and "multiple" not in element.attrs:
                raise ElementError(f"{shown(element)} takes one file: it is not multiple")
            page.call("upload", page.document.id(element), [_file(one) for one in wanted])

        return self._gesture(act)

    def submit(self, selector: str = "form") -> Answer | None:
        """Send a form, as its first button does."""

        def act(page: Page) -> None:
            element = find_visible(page, "submit", selector, None, None)
            if element.tag != "form":
                raise ElementError(f"{shown(element)} is not a form; click it, or name its form")
            disabled = page.call("submit", page.document.id(element))
            if disabled:
                raise FormNotSent(f"{shown(element)} cannot be sent: its button {page.shown(disabled)} is disabled")

        return self._gesture(act)

    def press(self, key: str, selector: str | None = None) -> Answer | None:
        """Press a key where the focus is, or on an element: ``"Enter"``, ``"Escape"``, ``"Control+k"``.

        :raises ValueError: if no keyboard has such a key.
        :raises NotInTab: if the key types or moves the cursor in a field: use :meth:`fill`.
        """
        name, keys = parse_key(key)

        def act(page: Page) -> None:
            number = 0
            if selector is not None:
                element = find_visible(page, "press", selector, None, None)
                number = page.document.id(element)
                if not page.call("isFocusable", number):
                    raise ElementError(f"{shown(element)} cannot have the focus, so it gets no key; press it elsewhere")
            page.call("press", number, name, keys)

        return self._gesture(act)

    def focus(self, selector: str | None = None, *, label: str | None = None) -> Answer | None:
        """Set the focus to an element."""

        def act(page: Page) -> None:
            element = find_visible(page, "focus", selector, None, label)
            if not page.call("isFocusable", page.document.id(element)):
                raise ElementError(f"{shown(element)} cannot have the focus")
            page.call("focus", page.document.id(element))

        return self._gesture(act)

    def blur(self, selector: str | None = None) -> Answer | None:
        """Take the focus from an element; without a selector from the one that has it, if any.

        :raises ElementError: if the element does not have the focus.
        """

        def act(page: Page) -> None:
            number = page.call("active")
            if selector is not None:
                element = find_visible(page, "blur", selector, None, None)
                if number != page.document.id(element):
                    focus = f"{page.shown(number)} has it" if number else "nothing has it"
                    raise ElementError(f"{shown(element)} does not have the focus, {focus}; focus it, or fill it")
            if number:
                page.call("blur", number)

        return self._gesture(act)

    def intersect(self, selector: str, *, leaves: bool = False) -> Answer | None:
        """Scroll an element into view, for ``data-on-intersect``, which does not fire by itself here.

        :param leaves: whether it is scrolled out of view.
        """

        def act(page: Page) -> None:
            element = find_visible(page, "intersect", selector, None, None)
            if not page.call("intersect", page.document.id(element), not leaves):
                raise ElementError(f"{shown(element)} has no data-on-intersect")

        return self._gesture(act)

    def _on(self, what: str, call: str, selector: str | None, text: str | None, label: str | None) -> Answer | None:
        def act(page: Page) -> None:
            element = find_visible(page, what, selector, text, label)
            if element.tag in ("option", "optgroup"):
                raise ElementError(f"{shown(element)} is an option of a menu; use select")
            page.call(call, page.document.id(element))

        return self._gesture(act)

    def _set_checked(self, wanted: bool, selector: str | None, text: str | None, label: str | None) -> Answer | None:
        def act(page: Page) -> None:
            element = find_visible(page, "check" if wanted else "uncheck", selector, text, label)
            number = page.document.id(element)
            if element.tag != "input" or page.call("describe", number)["type"] not in ("checkbox", "radio"):
                raise ElementError(f"{shown(element)} cannot be checked: it is neither a checkbox nor a radio button")
            if page.call("value", number) != wanted:
                page.call("click", number)
                if page.call("value", number) != wanted:
                    raise ElementError(f"{shown(element)} stays {'un' if wanted else ''}checked after a click")

        return self._gesture(act)


def _check_field(page: Page, element: Any, kind: dict[str, Any]) -> None:
    if element.tag not in ("input", "textarea"):
        if "contenteditable" in element.attrs:
            raise NotInTab(f"{shown(element)} is contenteditable, which only a real browser has")
        raise ElementError(f"{shown(element)} is not a field; use click or select")
    if kind["type"] in ("checkbox", "radio", "submit", "button", "reset", "image", "file", "hidden"):
        use = {"checkbox": "check", "radio": "check", "file": "upload"}.get(kind["type"], "click")
        raise ElementError(f"{shown(element)} is not a field to type into; use {use}")
    if kind["readOnly"]:
        raise ElementError(f"{shown(element)} is read-only")


def _file(file: File) -> dict[str, str]:
    name, content = file if isinstance(file, tuple) else (Path(file).name, Path(file).read_bytes())
    return {"name": name, "type": mimetypes.guess_type(name)[0] or "", "bytes": content.decode("latin-1")}
