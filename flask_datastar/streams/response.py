"""The response of a stream, which passes its body to the server."""

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

_HEADER = "Content-Encoding"


class StreamResponse(EventResponse):
    """A response that returns the body itself when the server calls it, and keeps nothing."""

    body: StreamBody
    #: The value of ``Content-Encoding`` that stands for the body's own coding; None without a coding.
    own_coding: str | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Start the response and connect the body with the server."""
        body, is_wrapped = self.body, self.response is not self.body
        if self.own_coding is not None:
            self._check_coding(is_wrapped)
        headers = self.get_wsgi_headers(environ)
        if "Set-Cookie" in headers:
            self._drop_unchanged_session(headers)
        write = start_response(self.status, headers.to_wsgi_list())
        # The environ would keep the request alive, which a stream that only follows does not need.
        environ.pop("werkzeug.request", None)
        if is_wrapped:
            # An after_request function has wrapped the body, perhaps to compress it: nothing may bypass the wrapper.
            body.connect(environ, start_response, None)
            # The body first, in case another callback fails.
            return ClosingIterator(self.iter_encoded(), [body.close, self.close])
        body.connect(environ, start_response, write)
        # From now on, only the server keeps the body.
        del self.body
        self.response = ()
        return ClosingIterator(body, self.close) if self._on_close else body

    def _check_coding(self, is_wrapped: bool) -> None:
        """Send the body as it is if an ``after_request`` function needs it so: it has wrapped it, or taken the header.

        A wrapper may read what passes, or encode it itself. Then it has put a header of its own in the place of this.
        """
        is_own = self.headers.get(_HEADER) is self.own_coding
        if is_wrapped or not is_own:
            self.body.stream.uncode()
            if is_own:
                del self.headers[_HEADER]

    def make_sequence(self) -> None:
        """Refuse to collect a body that has no end.

        :raises SetupError: when it is called, which Werkzeug does to read the whole body.
        """
        raise SetupError(
            "a stream's body has no end and cannot be read before it is sent, as add_etag(), get_data() and data do; "
            "leave it alone in after_request functions: if response.is_streamed: return response"
        )

    def _drop_unchanged_session(self, headers: Headers) -> None:
        """Drop the cookie that Flask sends only because a session is permanent.

        A stream that comes back would overwrite what another request has set meanwhile. This is checked late, because
        the check uses the session, which would add ``Vary: Cookie``.
        """
        if self._app_state is not None and has_request_context() and not session.modified:
            name = self._app_state.app.config["SESSION_COOKIE_NAME"]
            kept = [cookie for cookie in headers.getlist("Set-Cookie") if not cookie.startswith(f"{name}=")]
            headers.setlist("Set-Cookie", kept)


def stream_response(state: RequestState, body: StreamBody) -> Response:
    """Create the response of a stream, with the headers and cookies that its function has set so far."""
    # mypy takes the hash of the class for that of its instances.
    response = _class_for(state.app_state.app.response_class)(state.app_state)  # type: ignore[arg-type]
    response.response = response.body = body
    response.body_kind = BodyKind.STREAM
    current = state.response
    if isinstance(current, EventResponse):
        own = set(response.headers.keys())
        response.headers.extend((name, value) for name, value in current.headers if name not in own)
    coding = body.stream.coding
    if coding is not None:
        # A text of its own, which is recognised later even beside an equal one.
        response.own_coding = response.headers[_HEADER] = coding.encode().decode()
    return response


@cache
def _class_for(response_class: type[Response]) -> type[StreamResponse]:
    """Return a class of stream responses that also inherits the app's ``response_class``: Flask converts others."""
    if issubclass(StreamResponse, response_class):
        return StreamResponse
    return cast(type[StreamResponse], type(response_class.__name__, (StreamResponse, response_class), {}))
