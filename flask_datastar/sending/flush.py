"""The flush: everything that a request has queued and set since the last one, as bytes for the wire."""

from __future__ import annotations

from ..state.request import EventQueue, RequestState


def flush(state: RequestState, response: EventQueue | None) -> bytes:
    """Take what waits: the queued events, then the tracked signals.

    :param response: the response that sends the bytes, None without one. If it is not the request's current response,
        the events of the current one come first.
    :raises ValueError: if a signal has no strict JSON form. Everything that waits is dropped then.
    :raises TypeError: if a signal is of a type that JSON does not know, likewise.
    """
    current = state.response
    body = b""
    if current is not None and current is not response:
        body = b"".join(current.event_queue)
        current.event_queue.clear()
    if response is not None:
        body += b"".join(response.event_queue)
        response.event_queue.clear()
    tracked = state.tracked
    if tracked.is_pending:
        try:
            events = tracked.take_events(state.app_state.dumps)
        except Exception:
            # The errorhandler's own response must not meet the same value again.
            state.reset()
            raise
        for event in events:
            body += event.encode()
    return body
