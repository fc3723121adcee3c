"""Responses to a stream's request whose exception an error handler, or Flask, has answered.

The client reads the body of a 200 only, and repeats most other statuses; versions before 1.0.2 do so once a second. So
what such a response can show becomes events, and its end brings the page back, later each time.
"""

from __future__ import annotations

import random
from itertools import chain
from typing import Any

from flask import Request, Response

from ..sansio import elements, scripts, signals
from ..sansio.consts import RESERVED_ID_PREFIX
from ..sending.response import EventResponse, finish, start_response
from ..sending.restarts import restart_block
from ..state.request import RequestState


def is_repeated(response: Response, state: RequestState) -> bool:
    """Return whether the page is to come back, later each time, after a response to an exception.

    An :class:`~werkzeug.exceptions.HTTPException` such as 503 keeps its status. After a redirect and after a 204 that
    an error handler chose, the client stays away; a response without events has that status only because it is empty.
    """
    status = response.status_code
    if status == 204:
        return isinstance(response, EventResponse)
    return 200 <= status < 300 or (status >= 400 and state.failed_with == 0)


def answer_failure(response: Response, current: Request, state: RequestState, ending: bytes | None) -> Response:
    """Return a response with status 200, what it can show, and an ending.

    Functions that run after the request have seen the response with its own status.

    :param ending: the ending; None for the one after which the page comes back, later each time.
    """
    if ending is None:
        ending = restart_block(current, state.app_state.settings.restart_spread_seconds, random.random)
    is_shown = response.status_code == 200 or isinstance(response, EventResponse)
    is_events = response.mimetype == "text/event-stream" and not isinstance(response, EventResponse)
    if is_shown and is_events and response.is_streamed:
        return _append(response, ending)
    if is_shown and is_events and f"\nid: {RESERVED_ID_PREFIX}".encode() in b"\n" + response.get_data():
        # It has an ending of its own.
        return response
    answered = as_events(response, state) if is_shown else start_with_cookies(response, state)
    if answered.status_code != 204:
        answered.status_code = 200
    answered.event_queue.append(ending)
    return finish(answered, state)


def _append(response: Response, block: bytes) -> Response:
    """Append a block to events that the application's own generator makes.

    The blank lines end an event that the generator has left open.
    """
    events: Any = response.response
    if hasattr(events, "close"):
        response.call_on_close(events.close)
    response.response = chain(events, [b"\n\n" + block])
    return response


def as_events(response: Response, state: RequestState) -> EventResponse:
    """Return a response as events: the client patches HTML and JSON as well, but these cannot carry an ending.

    :return: the response, with the cookies of the given one; without events for types that the client shows nothing of.
    """
    if isinstance(response, EventResponse):
        return response
    # A file is read as well.
    response.direct_passthrough = False
    try:
        block = _block_of(response)
    except (TypeError, ValueError):
        block = b""
    answered = start_with_cookies(response, state)
    answered.event_queue.append(block)
    return answered


def _block_of(response: Response) -> bytes:
    """Return the event that has the effect of a response; b"" for other types.

    :raises TypeError: if a header asks for something that no event does.
    :raises ValueError: if a header has a value that no event takes, or if the JSON is not an object.
    """
    headers, kind = response.headers, response.mimetype
    if kind == "text/event-stream":
        # Events that the application has written by hand.
        return response.get_data()
    text = response.get_data(as_text=True)
    if kind == "text/html":
        names = ("selector", "mode", "namespace")
        options: Any = {name: headers[f"datastar-{name}"] for name in names if f"datastar-{name}" in headers}
        return elements.patch_elements(text, **options).encode()
    if kind == "application/json":
        return signals.patch_signals_raw(text).encode()
    return scripts.execute_script(text).encode() if kind == "text/javascript" else b""


def start_with_cookies(response: Response, state: RequestState) -> EventResponse:
    """Create a response with the cookies of another one, and close that one."""
    started = start_response(state)
    for cookie in response.headers.getlist("Set-Cookie"):
        started.headers.add("Set-Cookie", cookie)
    response.close()
    return started
