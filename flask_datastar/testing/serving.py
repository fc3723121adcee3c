"""One request of a test, served as a server does: what a stream sends while it waits arrives at once."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from itertools import chain
from typing import Any

from flask import Flask, Response, got_request_exception, request, request_finished
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ..hub.stream import Stream
from ..sansio.consts import STREAM_REFUSAL_KEY, TESTED_PAGE_KEY
from ..sansio.decoding import BodyDecoder
from ..streams.body import StreamBody
from ..streams.response import StreamResponse
from .handover import Handover

_KEY = "flask_datastar.testing.request"

#: Sends the request by the client that it gets.
Ask = Callable[[FlaskClient], TestResponse]
#: Returns the next piece of a body, None at the end, and raises TimeoutError at a deadline (``time.monotonic()``).
Take = Callable[[float], bytes | None]


class ServedRequest:
    """One request of a tab, and the body of its response.

    An exception after the first byte, in a generator or a stream, is raised in the test as well, where Flask's client
    raises those that come before it: with ``TESTING``, unless ``PROPAGATE_EXCEPTIONS`` says otherwise.

    :param client: the test client whose cookies the request has.
    :param within: seconds after which reading is given up.
    """

    def __init__(self, app: Flask, client: FlaskClient, within: float) -> None:
        self._app = app
        self._within = within
        #: Whether the response is a stream, which may have no end.
        self.is_stream = False
        #: The stream that the response is; None for any other response.
        self.stream: Stream | None = None
        #: The stream's body; None for any other response.
        self.body: StreamBody | None = None
        #: Whether no URL rule matched.
        self.is_unrouted = False
        # Whether a stream's body is left to the caller.
        self._goes_on = False
        # Whether the body is read; what is written before waits for that.
        self._is_read = False
        #: The exception that no error handler of the app took, raised or not.
        self.exception: BaseException | None = None
        self._environ: dict[str, Any] = {}
        self._error: BaseException | None = None
        self._content_encoding: str | None = None
        self._handover: Handover | None = None
        # The browser's end, whose closing the stream notices, and the server's.
        self._browser, self._server = socket.socketpair()
        # Copies share the cookies.
        transport, self._client = copy(client), copy(client)
        transport.application = self._serve  # type: ignore[assignment]
        self._client.run_wsgi_app = transport.run_wsgi_app  # type: ignore[method-assign]

    @property
    def refusal(self) -> Response | None:
        """The response that refused the stream, whose end the client gets with status 200; None for a redirect."""
        refusal: Response | None = self._environ.get(STREAM_REFUSAL_KEY)
        return refusal if refusal is not None and refusal.status_code >= 400 else None

    def finish(self, ask: Ask) -> TestResponse:
        """Send the request, and read the response to its end.

        :raises TimeoutError: if it is a stream that has not ended in time.
        """
        try:
            with self._watching():
                response = ask(self._client)
            self._raise_error()
            return response
        finally:
            self._close(self._handover)

    def begin(self, ask: Ask, stack: ExitStack) -> tuple[TestResponse, Take | None]:
        """Send the request in the caller's thread. Only what a stream sends is produced in a thread of its own.

        :param stack: its end leaves the stream, and raises the stream's own exception.
        :return: the response, and what reads its body if it is a stream.
        """
        self._goes_on = True
        # A context can only end where it started: a client that keeps its contexts keeps none of a page's requests.
        self._client.preserve_context = False
        stack.callback(self._raise_error)
        stack.enter_context(self._watching())
        stack.callback(self._leave)
        response = ask(self._client)
        if not self.is_stream:
            return response, None

        def produce(own: Handover) -> None:
            self._produce(own, response.iter_encoded(), response.close)

        handover = self._handover = Handover(produce, self._server.close)
        handover.start()
        return response, handover.take

    @contextmanager
    def opened(self, ask: Ask) -> Iterator[tuple[TestResponse, Take]]:
        """Send the request, and give the response and what reads its body. All of it runs in a thread of its own.

        :raises TimeoutError: if no response came in time.
        """

        def produce(handover: Handover) -> None:
            with self._watching():
                response = ask(self._client)
                self._produce(handover, chain([response], response.iter_encoded()), response.close)

        handover = self._handover = Handover(produce, self._server.close)
        handover.start()
        try:
            yield self._take_response(handover), handover.take
        except BaseException as error:
            self._close(handover)
            if isinstance(error, GeneratorExit):
                self._raise_error()
            raise
        self._close(handover)
        self._raise_error()

    def _take_response(self, handover: Handover) -> TestResponse:
        try:
            response: TestResponse = handover.take(time.monotonic() + self._within)
        except TimeoutError:
            raise TimeoutError(f"no response came within {self._within:g} s: the view is still running") from None
        return response

    def _serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Call the app as a server does that has threads."""
        self._environ = environ
        environ |= {"wsgi.multithread": True, "werkzeug.socket": self._server, _KEY: self}
        if self._goes_on:
            environ[TESTED_PAGE_KEY] = True

        def start(*arguments: Any) -> Callable[[bytes], object]:
            self._content_encoding = dict(arguments[1]).get("Content-Encoding")
            buffer = start_response(*arguments)
            return lambda data: self._handover.put(data) if self._is_read and self._handover else buffer(data)

        body = self._app(environ, start)
        if self._goes_on and self.is_stream:
            return _Untouched(body)
        return self._read_stream(body) if self.is_stream and self._handover is None else body

    def _read_stream(self, body: Iterable[bytes]) -> Iterator[bytes]:
        """Read all of a stream, which may have no end."""

        def produce(own: Handover) -> None:
            self._produce(own, body, getattr(body, "close", None))

        handover = self._handover = Handover(produce, self._server.close)
        handover.start()
        deadline = time.monotonic() + self._within
        received = b""
        try:
            while (chunk := handover.take(deadline)) is not None:
                received += chunk
                yield chunk
        except TimeoutError:
            sent = BodyDecoder(self._content_encoding).decode(received).decode(errors="replace")
            raise TimeoutError(
                f"the stream has not ended within {self._within:g} s: it has sent {sent!r} and goes on; read it with "
                "iter_events(…, method='GET'), or end it"
            ) from None

    def _produce(self, handover: Handover, items: Iterable[object], close: Callable[[], object] | None) -> None:
        try:
            self._is_read = True
            for item in items:
                # Instead of the chunk, which ends the response as if nothing had happened.
                self._raise_error()
                handover.put(item)
        except BrokenPipeError:
            if not handover.is_closing:
                raise
        finally:
            if close is not None:
                close()

    def _leave(self) -> None:
        """Leave a stream that goes on, which need not notice it by its connection."""
        if self.stream is not None and not self.stream.must_end:
            self.stream.leave()
        self._close(self._handover)

    def _close(self, handover: Handover | None) -> None:
        """Leave, as a browser does that closes its tab."""
        self._browser.close()
        if handover is None:
            self._server.close()
        else:
            handover.close(self._within)

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Notice the response and late exceptions of this request."""

        def note_response(sender: Flask, response: Response, **_: Any) -> None:
            if request.environ.get(_KEY) is self:
                self.is_stream = isinstance(response, StreamResponse)
                self.body = response.body if isinstance(response, StreamResponse) else None
                self.stream = self.body.stream if self.body is not None else None
                self.is_unrouted = request.routing_exception is not None

        def note_error(sender: Flask, exception: BaseException, **_: Any) -> None:
            if request.environ.get(_KEY) is self:
                self.exception = self._error = exception

        noting_response = request_finished.connected_to(note_response, self._app)
        with noting_response, got_request_exception.connected_to(note_error, self._app):
            yield

    def _raise_error(self) -> None:
        """Raise the exception that ended the response after its first byte.

        :raises BaseException: if there was one, and Flask's client would have raised it.
        """
        error, self._error = self._error, None
        raises = self._app.config["PROPAGATE_EXCEPTIONS"]
        # In debug mode an action by its handler has the overlay instead, which a page of a test does not get.
        is_raised = self._app.testing or (self._app.debug and self._goes_on)
        if error is not None and (is_raised if raises is None else raises):
            raise error


class _Untouched:
    """A stream's body of which a client that looks for the first piece takes none."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._pieces = chain([b""], body)
        self.close: Callable[[], object] = getattr(body, "close", lambda: None)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)
