"""Gestures that a browser takes and that do nothing: a form that it does not send, a label of a disabled field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import seeing
from .document import Document
from .page_errors import ElementError, FormNotSent

_TO_FILL = "fill it, or expect FormNotSent where the test is about the message of the browser"
#: The flaws of a field, by their names in ``ValidityState``; the names in braces are attributes.
_FLAWS = {
    "valueMissing": "is required, and empty",
    "typeMismatch": "has {value!r}, which is not of its type {type}",
    "patternMismatch": "has {value!r}, which does not match its pattern {pattern}",
    "tooShort": "has {value!r}, which is shorter than {minlength} characters",
    "tooLong": "has {value!r}, which is longer than {maxlength} characters",
    "rangeUnderflow": "has {value!r}, which is less than {min}",
    "rangeOverflow": "has {value!r}, which is more than {max}",
    "stepMismatch": "has {value!r}, which is not in its steps",
}
_MISSING = {"checkbox": "is required, and not checked", "radio": "is required, and none of its group is checked"}


@dataclass(frozen=True, slots=True)
class NoEffect:
    """A gesture that has not done what it does elsewhere."""

    #: ``"invalid"``: a field of the form is wrong; ``"button"``: the form's button is disabled; ``"fields"``: the form
    #: has several fields and no button; ``"label"``: the label's field is disabled.
    kind: str
    #: The number of the form or field.
    element: int
    #: For ``"invalid"`` the fields with their flaws and messages, for ``"button"`` the button.
    detail: Any


def no_effect_error(url: str, document: Document, found: NoEffect, values: dict[int, object]) -> AssertionError:
    """Return the error that a test gets.

    :param values: what is entered in the invalid fields.
    """
    element = seeing.shown(document.node(found.element))
    if found.kind == "label":
        return ElementError(f"page {url}: the click does nothing: its label is that of {element}, which is disabled")
    if found.kind == "button":
        button = seeing.shown(document.node(found.detail))
        return FormNotSent(f"page {url}: {element} cannot be sent: its button {button} is disabled")
    if found.kind == "fields":
        return FormNotSent(
            f"page {url}: Enter does not send {element}: it has several fields, and no button; give it a button"
        )
    fields = [document.node(number) for number, _, _ in found.detail]
    told = [
        f"{seeing.shown(field)} {_flaw(field, flaw, message, values[number])}{_unseen(field)}"
        for field, (number, flaw, message) in zip(fields, found.detail, strict=True)
    ]
    names = {
        field.attr("name") or field.attr("id") or field.tag: flaw
        for field, (_, flaw, _) in zip(fields, found.detail, strict=True)
    }
    return FormNotSent(f"page {url}: a browser does not send {element}: {'; '.join(told)}; {_TO_FILL}", names)


def _flaw(field: Any, flaw: str | None, message: str, value: object) -> str:
    kind = (field.attr("type") or "text").lower()
    if flaw == "customError":
        return f"is refused by the page: {message!r}"
    text = _MISSING.get(kind) if flaw == "valueMissing" else None
    attributes = {name: field.attr(name) for name in field.attrs}
    return (text or _FLAWS.get(flaw or "", "is invalid")).format(**{**attributes, "value": value, "type": kind})


def _unseen(field: Any) -> str:
    why = seeing.why_hidden(field)
    return f" (nobody is told, because {why})" if why is not None else ""
