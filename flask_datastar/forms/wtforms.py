"""Forms of WTForms: filled from signals as from a form post, and what is wrong with them by path."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TypeVar

from flask import Request
from werkzeug.datastructures import CombinedMultiDict, MultiDict

from ..errors import InvalidSignals, SetupError
from ..models.messages import WHOLE
from ..reading.signals import is_datastar_request, is_form, read_signals
from ..sansio.consts import CARRIED_TOKEN
from ..security.tokens import session_key
from ..state.request import RequestState

W = TypeVar("W")

#: As many as Werkzeug takes of a multipart form.
MAX_VALUES = 1000
_LONGEST_NAME = 100
#: What a form's prefix may end with; WTForms puts a hyphen after any other.
_SEPARATORS = "-_;:/."


def make_form(form_class: type[W], request: Request, state: RequestState, options: Mapping[str, Any]) -> W:
    """Make a form and fill it from the request.

    :raises SetupError: WTForms is not installed.
    :raises TypeError: the class is no form.
    :raises InvalidSignals: the signals cannot be read, or are too many for a form (400).
    """
    try:
        from wtforms.form import BaseForm
    except ImportError as error:
        raise SetupError('forms need WTForms: pip install "Flask-Datastar[wtf]"') from error
    if not (isinstance(form_class, type) and issubclass(form_class, BaseForm)):
        raise TypeError(f"form() got {form_class!r}; accepted: a class that is a FlaskForm or wtforms.Form")
    prefix = _full_prefix(str(options.get("prefix", "")))
    values: MultiDict[str, Any] | CombinedMultiDict[str, Any] | None = None
    token_name = session_key(state.app_state.app)
    tokens = _header_tokens(request, state)
    if is_form(request):
        values = CombinedMultiDict([request.files, request.form])
    elif is_datastar_request(request):
        signals = read_signals(request, state)
        values = _form_values(form_class, signals, prefix)
        tokens += [token for name in (CARRIED_TOKEN, token_name) if isinstance(token := signals.get(name), str)]
    if values is not None:
        values = _with_token(values, f"{prefix}{token_name}", tokens)
    # A form that takes its data by itself must not take what is none: on a page load there is nothing.
    return form_class(formdata=values, **options)  # type: ignore[call-arg]


def is_form_object(what: object) -> bool:
    """Whether an object is a form of WTForms."""
    module = sys.modules.get("wtforms.form")
    return module is not None and isinstance(what, module.BaseForm)


def read_messages(form: Any) -> tuple[list[str], dict[str, str]]:
    """Give the paths of a form's fields, and path → message for those that do not fit.

    They are those of the signals: two forms of one page, told apart by their prefixes, have messages of their own.
    """
    paths: list[str] = []
    errors: dict[str, str] = {}
    first: Any = next(iter(form), None)
    prefix = first.name.removesuffix(first.short_name) if first is not None else ""
    *around, start = _steps(prefix)
    _read_form(form, "".join(f"{step}." for step in around), paths, errors, start)
    return paths, errors


def _read_form(form: Any, outer: str, paths: list[str], errors: dict[str, str], start: str = "") -> None:
    _enter(f"{outer}{WHOLE}", getattr(form, "form_errors", ()), paths, errors)
    for field in form:
        if field.type == "CSRFTokenField":
            # Nobody sees that field: what is wrong with it concerns the form.
            _enter(f"{outer}{WHOLE}", [*getattr(form, "form_errors", ()), *field.errors], [], errors)
        else:
            _read_field(field, f"{outer}{start}{field.short_name}", paths, errors)


def _read_field(field: Any, path: str, paths: list[str], errors: dict[str, str]) -> None:
    from wtforms import FieldList, FormField

    if isinstance(field, FormField):
        _read_form(field.form, f"{path}.", paths, errors)
    elif isinstance(field, FieldList):
        # Of the list as a whole are those messages that are texts; the others are those of its entries.
        _enter(f"{path}.{WHOLE}", [text for text in field.errors if not isinstance(text, list | dict)], paths, errors)
        for index, entry in enumerate(field.entries):
            _read_field(entry, f"{path}.{index}", paths, errors)
    else:
        _enter(path, field.errors, paths, errors)


def _enter(path: str, texts: Any, paths: list[str], errors: dict[str, str]) -> None:
    paths.append(path)
    if texts:
        errors[path] = " ".join(str(text) for text in texts)


def _full_prefix(prefix: str) -> str:
    """Put WTForms' separator after a prefix that has none."""
    return f"{prefix}-" if prefix and prefix[-1] not in _SEPARATORS else prefix


def _steps(name: str) -> list[str]:
    """Take the name of a field, or a prefix, apart: what is before a hyphen or a dot is an object of signals."""
    return name.replace("-", ".").split(".")


def _form_values(form_class: type, signals: Mapping[str, Any], prefix: str) -> MultiDict[str, Any]:
    """Write the signals that a form has fields for as a browser writes a form."""
    values: MultiDict[str, Any] = MultiDict()
    for field in dir(form_class):
        if hasattr(getattr(form_class, field, None), "_formfield"):
            name = f"{prefix}{field}"
            value: Any = signals
            for step in _steps(name):
                value = value.get(step) if isinstance(value, dict) else None
            _add_values(values, name, value)
    return values


def _add_values(values: MultiDict[str, Any], name: str, value: Any) -> None:
    if len(values) > MAX_VALUES:
        raise InvalidSignals(f"the form gets more than {MAX_VALUES} values; send it fewer signals")
    if isinstance(value, dict):
        for key, part in value.items():
            if key.isidentifier() and len(key) <= _LONGEST_NAME:
                _add_values(values, f"{name}-{key}", part)
    elif isinstance(value, list):
        # Several values of one field, or a field an item: which, the field decides by the names that it asks for.
        values.setlist(name, [_to_text(part) for part in value[:MAX_VALUES] if _is_chosen(part)])
        for index, part in enumerate(value):
            _add_values(values, f"{name}-{index}", part)
    elif value is not None and value is not False:
        # A checkbox that is not ticked is not in a form at all.
        values.add(name, _to_text(value))


def _is_chosen(value: object) -> bool:
    """Whether an item of a list is one that was chosen: the client puts "" for a checkbox that is not ticked."""
    return isinstance(value, str | int | float) and value is not False and value != ""


def _to_text(value: object) -> str:
    return "true" if value is True else str(value)


def _header_tokens(request: Request, state: RequestState) -> list[str]:
    """Find the tokens that came with the request itself, as those of the client's actions do."""
    names = state.app_state.app.config.get("WTF_CSRF_HEADERS", ("X-CSRFToken", "X-CSRF-Token"))
    return [token for name in names if (token := request.headers.get(name))]


def _with_token(
    values: MultiDict[str, Any] | CombinedMultiDict[str, Any], name: str, tokens: list[str]
) -> MultiDict[str, Any] | CombinedMultiDict[str, Any]:
    """Put the token where a form looks for it, if there is none."""
    if tokens and name not in values:
        return CombinedMultiDict([MultiDict({name: tokens[0]}), values])
    return values
