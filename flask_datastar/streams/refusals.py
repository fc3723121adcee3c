"""Streams that the application refuses: a login that has run out, a page that is gone.

The client asks for ever for a stream that answers with an error, and follows a redirect unseen. So the refusal becomes
an answer that it understands: the redirect, if there is one, and the id of a stream that is done.
"""

from __future__ import annotations

from flask import Request, Response

from ..reading.signals import is_datastar_request
from ..sansio.endings import Ending, EndingKind, ending_block
from ..sending.redirects import convert_redirect
from ..sending.response import EventResponse, finish, start_response
from ..state.request import RequestState

_REDIRECTS = frozenset({301, 302, 303})
_REFUSALS = frozenset({401, 403, 404, 405, 410})


def is_refusal(response: Response, request: Request) -> bool:
    """Whether a response refuses the stream that the client asked for."""
    return response.status_code in _REFUSALS | _REDIRECTS and is_datastar_request(request)


def refuse_stream(response: Response, request: Request, state: RequestState) -> Response:
    """Answer with status 200, the redirect event if there is one, and the id after which the client stays away."""
    converted = convert_redirect(response, request, state)
    if not isinstance(converted, EventResponse):
        converted = start_response(state)
        for cookie in response.headers.getlist("Set-Cookie"):
            converted.headers.add("Set-Cookie", cookie)
        response.close()
    converted.event_queue.append(ending_block(Ending(EndingKind.DONE), None))
    return finish(converted, state)
