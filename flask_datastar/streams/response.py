"""The response of a stream: what the server gets instead of a finished body."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from flask import Response, has_request_context, session
from werkzeug.datastructures import Headers

from ..errors import SetupError
from ..sending.flush import flush
from ..sending.response import EventResponse, become_stream, response_of
from ..state.request import RequestState
from .body import StreamBody


class StreamResponse(EventResponse):
    """The response of a stream, made when its function has returned."""

    body: StreamBody

    def get_wsgi_headers(self, environ: dict[str, Any]) -> Headers:
        """Return the headers as they are sent."""
        headers = super().get_wsgi_headers(environ)
        if "Set-Cookie" in headers:
            self._drop_unchanged_session(headers)
        return headers

    def make_sequence(self) -> None:
        """Refuse to collect a body that has no end; called when somebody asks for all of it.

        :raises SetupError: always.
        """
        raise SetupError(
            "a stream's body has no end and cannot be read before it is sent, as add_etag(), get_data() and data do; "
            "leave it alone in after_request functions: if response.is_streamed: return response"
        )

    def finish(self, state: RequestState) -> StreamResponse:
        """Put what was sent since the stream was opened in front of its body."""
        self.body.send_first(flush(state, self))
        return self

    def _drop_unchanged_session(self, headers: Headers) -> None:
        """Drop the cookie that Flask sends only because a session is permanent.

        A page whose stream comes back would overwrite what another request has set meanwhile. Asked late, because
        to ask is to use the session, which would add ``Vary: Cookie``.
        """
        if self._app_state is not None and has_request_context() and not session.modified:
            name = self._app_state.app.config["SESSION_COOKIE_NAME"]
            kept = [cookie for cookie in headers.getlist("Set-Cookie") if not cookie.startswith(f"{name}=")]
            headers.setlist("Set-Cookie", kept)


def stream_response(state: RequestState, body: StreamBody) -> Response:
    """Make the response of a stream, with the headers and cookies that the function has set on its own so far."""
    # mypy takes the hash of the class for that of its instances.
    response = _class_for(state.app_state.app.response_class)(state.app_state)  # type: ignore[arg-type]
    become_stream(response, body)
    if state.response is not None:
        own = set(response.headers.keys())
        response.headers.extend((name, value) for name, value in response_of(state).headers if name not in own)
    return response


@cache
def _class_for(response_class: type[Response]) -> type[StreamResponse]:
    """Give a stream's response of the app's own ``response_class``: Flask makes any other one into that."""
    if issubclass(StreamResponse, response_class):
        return StreamResponse
    return cast(type[StreamResponse], type(response_class.__name__, (StreamResponse, response_class), {}))
