"""The messages of a form of WTForms, by the paths of its signals."""

from __future__ import annotations

import sys
from typing import Any

from ..models.messages import WHOLE
from .shapes import prefix_of
from .values import path_steps


def is_form_object(what: object) -> bool:
    """Return whether an object is a form of WTForms."""
    module = sys.modules.get("wtforms.form")
    return module is not None and isinstance(what, module.BaseForm)


def read_messages(form: Any) -> tuple[list[str], dict[str, str]]:
    """Return the paths of a form's fields, and path → message for those that do not fit.

    They are the paths of the signals: two forms of one page, told apart by their prefixes, have messages of their own.
    """
    paths: list[str] = []
    errors: dict[str, str] = {}
    *around, _ = path_steps(prefix_of(form))
    _read_form(form, "".join(f"{step}." for step in around), paths, errors)
    return paths, errors


def _read_form(form: Any, outer: str, paths: list[str], errors: dict[str, str]) -> None:
    _enter(f"{outer}{WHOLE}", getattr(form, "form_errors", ()), paths, errors)
    for field in form:
        if field.type == "CSRFTokenField":
            # Nobody sees that field: what is wrong with it concerns the form.
            _enter(f"{outer}{WHOLE}", [*getattr(form, "form_errors", ()), *field.errors], [], errors)
        else:
            _read_field(field, paths, errors)


def _read_field(field: Any, paths: list[str], errors: dict[str, str]) -> None:
    from wtforms import FieldList, FormField

    path = ".".join(path_steps(field.name))
    if isinstance(field, FormField):
        _read_form(field.form, f"{path}.", paths, errors)
    elif isinstance(field, FieldList):
        # Messages about the list as a whole are texts; the others are those of its entries.
        _enter(f"{path}.{WHOLE}", [text for text in field.errors if not isinstance(text, list | dict)], paths, errors)
        for entry in field.entries:
            _read_field(entry, paths, errors)
    else:
        _enter(path, field.errors, paths, errors)


def _enter(path: str, texts: Any, paths: list[str], errors: dict[str, str]) -> None:
    paths.append(path)
    if texts:
        errors[path] = " ".join(str(text) for text in texts)
