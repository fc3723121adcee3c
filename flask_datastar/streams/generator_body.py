"""The body of a stream that runs a user's generator, in the contexts of its request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from ..errors import SetupError
from ..hooks import Reason
from ..hub.endings import StreamEnds
from ..security.tokens import holds_token
from ..sending.producer import KEEPALIVE, Producer
from ..state.request import RequestState
from ..transport.coroutines import Coroutine, has_coroutines
from ..transport.wakeups import pause
from .body import Opening, StreamBody
from .commits import release_session
from .refusals import is_refusal, refusal_events, refusal_of


class GeneratorBody(StreamBody):
    """The body of a generator's stream."""

    __slots__ = ("_apart", "_before_wait", "_producer", "_state")

    def __init__(
        self, opening: Opening, producer: Producer, state: RequestState, before_wait: Iterable[Callable[[], object]]
    ) -> None:
        super().__init__(opening)
        self._producer = producer
        self._state = state
        self._before_wait = tuple(before_wait)
        # Runs all steps if the server has no write(): a waiting step then hands over chunks without ending.
        self._apart: Coroutine[GeneratorBody] | None = None

    def wait(
        self, is_ready: Callable[[], bool], deadline: float | None, ready_at: Callable[[], float | None] | None
    ) -> bool:
        """Wait inside the user's generator; meanwhile send keep-alives, and the events for this stream.

        :raises StreamEnds: if the stream has to end.
        """
        stream = self.stream
        self._give_back(is_waiting=True)
        has_rested = False
        while True:
            stream.wakeup.clear()
            if stream.must_end:
                raise StreamEnds
            now = time.monotonic()
            if (is_there := is_ready()) or (deadline is not None and now >= deadline):
                if has_rested:
                    return is_there
                # Nothing else has run since the last wait: neither other requests, nor the watcher that notices that
                # the client is gone.
                has_rested = True
                pause()
                continue
            has_rested = True
            if (self.write is not None or self._apart is not None) and (data := self._take_owed()):
                self._send_owed(data)
                continue
            until = [t for t in (deadline, ready_at() if ready_at is not None else None) if t is not None]
            self._park(max(0.0, min(until) - now) if until else None)

    def _send_owed(self, data: bytes) -> None:
        if self._apart is not None:
            self._apart.give(data)
        elif self.write is not None:
            self._send(self.write, data)

    def _give_back(self, *, is_waiting: bool) -> None:
        for callback in self._before_wait:
            callback()
        release_session(self._state.app_state, is_waiting=is_waiting)

    def _step(self) -> bytes:
        if self.write is not None or not has_coroutines():
            return self._run_in_contexts()
        if self._apart is None:
            self._apart = Coroutine(_run_apart)
        return self._resume(self._apart)

    def _resume(self, apart: Coroutine[GeneratorBody]) -> bytes:
        """Continue a step until it has a chunk, or has to send something while it waits."""
        given = apart.resume(self)
        if apart.has_ended:
            self._apart = None
        return given

    def _run_in_contexts(self) -> bytes:
        return self._producer.run(self._run)

    def _end_in_contexts(self) -> None:
        self._producer.run(self._end, None)

    def _run(self) -> bytes:
        """Run the generator to its next ``yield``, inside its contexts."""
        error: Exception | None = None
        chunk = b""
        try:
            chunk = self._run_step()
        except StreamEnds:
            pass
        except Exception as raised:
            refusal = refusal_of(raised, self._state)
            if refusal is not None:
                chunk = self._encode(self._refuse(refusal))
            else:
                error = raised
                self.stream.end(Reason.FAILED, failures=1)
                chunk = self._encode(self._producer.fail(error))
        if self.stream.must_end:
            self._end(error)
        return chunk

    def _run_step(self) -> bytes:
        producer = self._producer
        goes_on = producer.start()
        is_refused = not goes_on and is_refusal(producer.returned)
        if not goes_on and not is_refused:
            producer.add(producer.returned)
        body = producer.flush()
        self.stream.note_ids(body)
        if is_refused:
            return self._encode(body + self._refuse(producer.returned))
        if goes_on:
            # Sending may wait as well, for a client that does not read. Before anything is encoded, because the user's
            # callbacks may raise, and what is encoded has to be sent.
            self._give_back(is_waiting=False)
        chunk = self._with_shared(self._encode(body) + self._take_renewal())
        if not goes_on:
            self.stream.end(Reason.DONE)
            return chunk
        return chunk or self.stream.encode_keepalive(KEEPALIVE)

    def _encode(self, events: bytes) -> bytes:
        """Return events of the generator as they go out."""
        if self.stream.coding is None:
            return events
        return self.stream.encode(events, is_secret=holds_token(self._state.app_state, events))

    def _refuse(self, refusal: Any) -> bytes:
        """End the stream as *done*, with the redirect if the refusal is one; the page does not come back."""
        self.stream.end(Reason.DONE)
        return refusal_events(refusal, self._state)

    def _end(self, error: Exception | None) -> None:
        """Close the generator and tear its request down, inside its contexts."""
        # The generator may wait in its own ``finally``.
        with suppress(StreamEnds):
            self._producer.close(error)

    def connect(self, environ: dict[str, Any], start_response: object, write: object) -> None:
        """Connect the body with its server; the request's teardown waits for the end of the stream."""
        super().connect(environ, start_response, write)
        # Werkzeug's test client is accepted: it has a write(), although nothing can be sent with it.
        if write is None and not has_coroutines():
            self.is_connected = False
            raise SetupError(
                "nothing can be sent here while a generator waits, because the server has no write() or an "
                "after_request function has wrapped the body; install greenlet (pip install greenlet), return "
                "datastar.follow(…), or leave streams alone: if response.is_streamed: return response"
            )
        self._producer.keep()

    def abandon(self) -> None:
        """Close the generator in its contexts, and close the subscriptions."""
        try:
            if not self._producer.is_closed:
                self.stream.leave()
                self.stream.is_sending = False
            while self._apart is not None:
                self._resume(self._apart)
            if not self._producer.is_closed:
                self._end_in_contexts()
        finally:
            super().abandon()


def _run_apart(apart: Coroutine[GeneratorBody]) -> bytes:
    """Run all steps and the teardown of a body in one coroutine.

    Under gevent, what belongs to a thread, such as a ``scoped_session``, belongs to a greenlet.
    """
    while True:
        chunk = apart.argument._run_in_contexts()
        if apart.argument._producer.is_closed:
            return chunk
        # No local variable holds the body here, because a server may drop it without closing it.
        apart.give(chunk)
        if apart.argument.stream.must_end:
            apart.argument._end_in_contexts()
            return b""
