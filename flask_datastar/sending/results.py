"""Results: the values that a handler returns or yields, and the events made from them."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response
from werkzeug.wrappers import Response as WerkzeugResponse

from ..sansio.elements import gives_html
from ..sansio.events import Event
from ..state.request import RequestState
from .response import EventResponse


def queue_result(response: EventResponse, result: object, describe: Callable[[], str]) -> None:
    """Queue a value that a handler returned or yielded; an empty string or dict sends nothing, as in ``return ""``.

    :param describe: returns the name of the handler, for the error.
    :raises TypeError: if the result cannot be sent.
    """
    if result is None or result is response or (isinstance(result, str | dict) and not result):
        return
    if isinstance(result, Event):
        response._emit_elements(result)
    elif isinstance(result, EventResponse):
        response.event_queue += result.event_queue
        result.event_queue.clear()
    elif isinstance(result, list):
        for item in result:
            queue_result(response, item, describe)
    elif isinstance(result, dict):
        response.patch_signals(result)
    elif isinstance(result, str) or gives_html(result):
        response.patch_elements(result)
    elif isinstance(result, WerkzeugResponse):
        raise TypeError(
            f"handler {describe()} gave {type(result).__name__} as one of several results, but a response is the whole "
            "answer; return it alone, before anything is sent"
        )
    else:
        raise TypeError(
            f"handler {describe()} gave {type(result).__name__}; accepted: None, the current response, an HTML string, "
            "a dict of signals, an Event, a list or an iterator of those, or a flask.Response"
        )


def as_flask_response(result: object, state: RequestState) -> object:
    """Return a handler's result, a response of Werkzeug's own as one of the app's, as Flask does for views.

    ``werkzeug.utils.redirect``, for example, returns such a response.
    """
    if isinstance(result, WerkzeugResponse) and not isinstance(result, Response):
        return state.app_state.app.make_response(result)
    return result
