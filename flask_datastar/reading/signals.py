"""Reading a request: its signals, a model made of them, its last event id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request

from ..errors import InvalidSignals
from ..models.kinds import required_model
from ..models.misfits import errors_of
from ..sansio.consts import CARRIED_TOKEN, REQUEST_HEADER, TAB_ID_SIGNAL
from ..sansio.endings import parse_ending
from ..sansio.signal_reading import read_object
from ..state.request import RequestState
from .bodies import body_text, query_text

#: Methods whose signals stand in the URL.
SIGNALS_IN_QUERY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
#: Where an environ has the header that every request of the client carries.
REQUEST_HEADER_KEY = f"HTTP_{REQUEST_HEADER.upper().replace('-', '_')}"
_OWN_SIGNALS = frozenset({TAB_ID_SIGNAL, CARRIED_TOKEN})


def is_datastar_request(request: Request) -> bool:
    """Return whether the Datastar client sent the request."""
    # Straight from the environ: the headers object is asked in every request and is ten times as slow.
    return bool(request.environ.get(REQUEST_HEADER_KEY, "").lower() == "true")


def read_signals(request: Request, state: RequestState) -> dict[str, Any]:
    """Return the request's signals, read once.

    GET and DELETE carry them in the query, POST, PUT, PATCH and QUERY as the JSON body; a form post has no signals
    (client, ``actions/fetch.ts``).

    :return: name → value, ``{}`` without signals.
    :raises InvalidSignals: if they are malformed, not an object, too large, nested too deeply, not UTF-8, or have a
        name or a number that no response could send back (400).
    :raises werkzeug.exceptions.RequestEntityTooLarge: if the body is larger than ``MAX_CONTENT_LENGTH`` (413).
    """
    received = state.received
    if received is None:
        limit = state.app_state.settings.max_signals_bytes
        text = query_text(request, limit) if request.method in SIGNALS_IN_QUERY else body_text(request, limit)
        try:
            received = state.received = read_object(text) if text else {}
        except ValueError as error:
            raise InvalidSignals(str(error)) from error
    return received


def model_signals(signals: dict[str, Any]) -> dict[str, Any]:
    """Return the signals that a model is made of: all but those of the extension."""
    return {name: value for name, value in signals.items() if name not in _OWN_SIGNALS}


def read_model(request: Request, state: RequestState, cls: type) -> Any:
    """Create a model of the request's signals.

    :raises InvalidSignals: if they cannot be read, or do not fit; each path is named (400).
    :raises TypeError: if the class is not a model.
    """
    model = required_model(cls)
    signals = model_signals(read_signals(request, state))
    try:
        return model.bind_signals(signals)
    except ValueError as error:
        errors = errors_of(error)
        raise InvalidSignals(describe_misfits(errors), errors, model.paths()) from error


def describe_misfits(errors: Mapping[str, str]) -> str:
    """Return what is wrong with the values of a model, each with its path."""
    return "; ".join(f"signal '{path}': {text}" if path else f"signals: {text}" for path, text in errors.items())


def read_last_event_id(request: Request) -> str | None:
    """Return the last id that the application, not the extension, sent in earlier responses to this action."""
    event_id = request.headers.get("Last-Event-ID")
    ending = parse_ending(event_id)
    return (ending.last_id if ending is not None else event_id) or None
