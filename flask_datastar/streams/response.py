"""The response of a stream: what the server gets instead of a finished body."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, cast

from flask import Response, has_request_context, session
from werkzeug.datastructures import Headers
from werkzeug.wsgi import ClosingIterator

from ..errors import SetupError
from ..sending.response import BodyKind, EventResponse
from ..state.request import RequestState
from .body import StreamBody


class StreamResponse(EventResponse):
    """Called by the server, it hands out the body itself, and keeps nothing."""

    body: StreamBody

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Start the response and connect the body with the server."""
        body, headers = self.body, self.get_wsgi_headers(environ)
        if "Set-Cookie" in headers:
            self._drop_unchanged_session(headers)
        write = start_response(self.status, headers.to_wsgi_list())
        # What holds the request: a stream that only follows lives for hours without it.
        environ.pop("werkzeug.request", None)
        if self.response is not body:
            # Somebody's after_request function wrapped the body, and compresses it perhaps: nothing may pass that by.
            body.connect(environ, start_response, None)
            # First of all the body, whatever others do at the end.
            return ClosingIterator(self.iter_encoded(), [body.close, self.close])
        body.connect(environ, start_response, write)
        # The server alone holds it from now on.
        del self.body
        self.response = ()
        return ClosingIterator(body, self.close) if self._on_close else body

    def make_sequence(self) -> None:
        """Refuse to collect a body that has no end; called when somebody asks for all of it.

        :raises SetupError: always.
        """
        raise SetupError(
            "a stream's body has no end and cannot be read before it is sent, as add_etag(), get_data() and data do; "
            "leave it alone in after_request functions: if response.is_streamed: return response"
        )

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
    response.response = response.body = body
    response.body_kind = BodyKind.STREAM
    current = state.response
    if isinstance(current, EventResponse):
        own = set(response.headers.keys())
        response.headers.extend((name, value) for name, value in current.headers if name not in own)
    return response


@cache
def _class_for(response_class: type[Response]) -> type[StreamResponse]:
    """Give a stream's response of the app's own ``response_class``: Flask makes any other one into that."""
    if issubclass(StreamResponse, response_class):
        return StreamResponse
    return cast(type[StreamResponse], type(response_class.__name__, (StreamResponse, response_class), {}))
