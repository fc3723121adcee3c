"""Forms of WTForms, filled from signals as from a form post."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from flask import Request
from werkzeug.datastructures import CombinedMultiDict, MultiDict

from ..errors import SetupError
from ..reading.bodies import is_form, read_form, read_query
from ..reading.signals import SIGNALS_IN_QUERY, is_datastar_request, read_signals
from ..sansio.consts import CARRIED_TOKEN
from ..sansio.signal_paths import find_path
from ..security.tokens import session_key
from ..state.request import RequestState
from .shapes import Shape, full_prefix, prefix_of, shapes_of_class, shapes_of_form
from .values import form_values, path_steps

W = TypeVar("W")
Values = MultiDict[str, Any] | CombinedMultiDict[str, Any]
#: Writes the values of the fields, given their shapes and their prefix.
Fill = Callable[[Iterable[Shape], str], Values]


def make_form(form_class: type[W], request: Request, state: RequestState, options: Mapping[str, Any]) -> W:
    """Create a form and fill it from the request.

    :raises SetupError: if WTForms is not installed.
    :raises TypeError: if the class is not a form.
    :raises InvalidSignals: if the signals cannot be read, or are too many for a form (400).
    """
    try:
        from wtforms.form import BaseForm
    except ImportError as error:
        raise SetupError('forms need WTForms: pip install "Flask-Datastar[wtf]"') from error
    if not (isinstance(form_class, type) and issubclass(form_class, BaseForm)):
        raise TypeError(f"form() got {form_class!r}; accepted: a class that is a FlaskForm or wtforms.Form")
    fill = _filler(request, state)
    if fill is None:
        # FlaskForm would read the request itself; on a page load there is nothing to read.
        return form_class(formdata=None, **options)  # type: ignore[call-arg]
    form = _fill(form_class, fill, options)
    _warn_of_missing_token(form, state)
    return form


def _fill(form_class: type[W], fill: Fill, options: Mapping[str, Any]) -> W:
    shapes, prefix = list(shapes_of_class(form_class)), full_prefix(str(options.get("prefix", "")))
    form = form_class(formdata=fill(shapes, prefix), **options)  # type: ignore[call-arg]
    own_shapes, own_prefix = list(shapes_of_form(form)), prefix_of(form)
    if own_prefix == prefix and {shape.name for shape in own_shapes} <= {shape.name for shape in shapes}:
        return form
    # Its ``__init__`` has set a prefix of its own, or made fields.
    return form_class(formdata=fill(own_shapes, own_prefix), **options)  # type: ignore[call-arg]


def _warn_of_missing_token(form: Any, state: RequestState) -> None:
    """Log what makes a form fail with a message that pages easily have no place for."""
    # With any extension that protects the app, the request has been checked, and Flask-WTF's form knows that.
    token = form._fields.get(getattr(form.meta, "csrf_field_name", None))
    if token is not None and not token.data and "csrf" not in state.app_state.app.extensions:
        state.app_state.warn_once(
            "Datastar: the form %s wants a CSRF token, and the request brought none, so it does not validate, as the "
            "signal errors._ says; use CSRFProtect(app), with which all actions send a token, or render "
            "form.csrf_token with a data-bind",
            type(form).__name__,
        )


def _filler(request: Request, state: RequestState) -> Fill | None:
    """Return what fills a form from the request, None if nothing does."""
    token_name = session_key(state.app_state.app)
    tokens = _header_tokens(request, state)
    if is_form(request):
        posted = _posted(request, token_name)
        return lambda shapes, prefix: _with_token(posted, f"{prefix}{token_name}", tokens)
    if not is_datastar_request(request):
        return None
    signals = read_signals(request, state)
    tokens += [token for name in (CARRIED_TOKEN, token_name) if isinstance(token := signals.get(name), str)]

    def fill(shapes: Iterable[Shape], prefix: str) -> Values:
        name = f"{prefix}{token_name}"
        own = find_path(signals, path_steps(name))
        return _with_token(form_values(shapes, signals, prefix), name, tokens + [own] * isinstance(own, str))

    return fill


def _posted(request: Request, token_name: str) -> Values:
    """Return the fields and files of a form post; the client puts those of a GET or DELETE into the query."""
    if request.method in SIGNALS_IN_QUERY:
        # Never a token: what stands in a URL stands in access logs, and links could put it there.
        return MultiDict(item for item in read_query(request).items(multi=True) if not item[0].endswith(token_name))
    form = read_form(request)
    if None in form or None in request.files:
        # A part without a name, which WTForms could not take.
        form = MultiDict(item for item in form.items(multi=True) if item[0] is not None)
        files = MultiDict(item for item in request.files.items(multi=True) if item[0] is not None)
        return CombinedMultiDict([files, form])
    return CombinedMultiDict([request.files, form])


def _header_tokens(request: Request, state: RequestState) -> list[str]:
    """Find the tokens that came with the request itself, as those of the client's actions do."""
    names = state.app_state.app.config.get("WTF_CSRF_HEADERS", ("X-CSRFToken", "X-CSRF-Token"))
    return [token for name in names if (token := request.headers.get(name))]


def _with_token(values: Values, name: str, tokens: list[str]) -> Values:
    """Return the values with the token where a form looks for it, unless a token is there."""
    if tokens and name not in values:
        return CombinedMultiDict([MultiDict({name: tokens[0]}), values])
    return values
