"""Validation messages beside the inputs that they are about: the signal ``errors``, and forms of WTForms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from flask import request

from ..errors import InvalidSignals
from ..models.kinds import model_of
from ..models.messages import WHOLE, is_of_interest, nest_messages, without_empty
from ..sansio.consts import ERRORS_SIGNAL
from ..sansio.events import shorten
from ..sansio.signal_merging import merge_patch
from ..sending.response import EventResponse, response_of
from ..state.request import RequestState, current_request_state
from .messages import is_form_object, read_messages
from .wtforms import make_form

W = TypeVar("W")


class FormMethods:
    """The methods of ``Datastar`` for forms and their messages."""

    def form(self, form_class: type[W], /, **options: Any) -> W:
        """Create a form of WTForms, filled from the signals of a Datastar request, else from a form post.

        Needs WTForms: ``pip install "Flask-Datastar[wtf]"``. On a page load it is not filled. A class that sets a
        prefix or adds fields in its ``__init__`` is instantiated twice.

        :param form_class: a ``FlaskForm``, or a plain ``wtforms.Form``. Nested forms are nested signals.
        :param options: of the form: ``obj``, ``data``, ``prefix``, ``meta``, and defaults by field.
        :raises InvalidSignals: if the signals cannot be read, a list in them has a gap, or the form gets more than 1000
            values (400).
        :raises TypeError: if the class is not a form.
        """
        return make_form(form_class, request, current_request_state(self), options)

    def show_errors(self, what: object, /, *, only: Collection[str] | None = None) -> EventResponse:
        """Set the signal ``errors``: path → message, nested as the signals are, and "" for all that fits.

        Ready-made for ``on_invalid=datastar.show_errors``: the handler then also empties the messages when all fits.

        :param what: an :class:`~flask_datastar.errors.InvalidSignals`; a form; or a model's class, whose messages are
            all empty, for page loads.
        :param only: the paths that may get a message, while others are still to be filled in. Messages that the page
            shows already at others are kept up to date, and none is added.
        :raises TypeError: if ``what`` is something else, or ``only`` is a text.
        """
        if isinstance(only, str):
            # Parts of it would count as paths.
            raise TypeError(f"show_errors: only is {only!r}; accepted: a list of paths, such as [{only!r}]")
        state = current_request_state(self)
        paths, errors = _messages_of(what)
        shown = shown_messages(state)
        if only is not None:
            # An empty message is not sent back: a newer one may stand there when this response arrives.
            shown = without_empty(shown)
            paths = [path for path in paths if is_of_interest(path, only, shown)]
            errors = {path: text for path, text in errors.items() if is_of_interest(path, only, shown)}
        show_messages(state, paths, errors, shown)
        return response_of(state)


def is_show_errors(function: object) -> bool:
    """Return whether an ``on_invalid`` is the ready-made one."""
    return getattr(function, "__func__", None) is FormMethods.show_errors


def show_messages(state: RequestState, paths: Collection[str], errors: Mapping[str, str], shown: object) -> None:
    """Set the signal ``errors``; messages that this request set before, such as those of another form, stay.

    :param shown: the messages that the page shows; those without a successor become empty.
    """
    earlier = state.tracked.signals.get(ERRORS_SIGNAL)
    if isinstance(earlier, dict):
        # Messages that this request set before win over those that the page shows.
        tree = nest_messages((), {}, shown)
        merge_patch(tree, earlier)
        merge_patch(tree, nest_messages(paths, errors, None))
    else:
        tree = nest_messages(paths, errors, shown)
    state.tracked.set(ERRORS_SIGNAL, tree)


def shown_messages(state: RequestState) -> object:
    """Return the messages that the page shows, as it sent them."""
    return (state.received or {}).get(ERRORS_SIGNAL)


def _messages_of(what: object) -> tuple[Collection[str], Mapping[str, str]]:
    if isinstance(what, InvalidSignals):
        return what.paths, what.errors or {WHOLE: str(what.description)}
    if is_form_object(what):
        return read_messages(what)
    if (model := model_of(what)) is not None:
        return model.paths(), {}
    raise TypeError(
        f"show_errors got {shorten(what)}; accepted: an InvalidSignals, a form, or the class of a dataclass, "
        "TypedDict, pydantic or msgspec model"
    )
