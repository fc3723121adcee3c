"""The connection for commands. One thread or greenlet uses it, and sends waiting commands together."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from redis.exceptions import ReadOnlyError, ResponseError

from ..errors import BrokerError
from ..transport.wakeups import make_lock, make_wakeup, spawn
from .backoff import Backoff
from .redis_client import check_usable

_LARGEST_BATCH = 500
#: The most commands that may wait to be sent; posted commands beyond it are dropped, and restored after an outage.
_MOST_POSTED = 100_000

_logger = logging.getLogger(__name__)


class _Command:
    __slots__ = ("answer", "arguments", "error", "given_up", "is_done", "wakeup")

    def __init__(self, arguments: tuple[Any, ...], *, waits: bool) -> None:
        self.arguments = arguments
        self.answer: Any = None
        self.error: BaseException | None = None
        self.is_done = False
        #: Whether its caller no longer waits, so that it need not be sent.
        self.given_up = False
        self.wakeup = make_wakeup() if waits else None

    def finish(self, answer: Any, error: BaseException | None) -> None:
        self.answer, self.error, self.is_done = answer, error, True
        if self.wakeup is not None:
            self.wakeup.set()


class Commands:
    """A sender of commands; after a failure, calls fail at once, without waiting, until the server responds again.

    :param probe: a harmless command that writes, so that a replica refuses it.
    :param on_lost: called when the server does not respond, so that posted commands are lost; must not wait.
    :param on_restored: called when it responds again; must not wait for a command.
    """

    def __init__(
        self,
        client: Any,
        probe: tuple[Any, ...],
        timeout_seconds: float,
        on_lost: Callable[[], object],
        on_restored: Callable[[], object],
    ) -> None:
        self._client = client
        self._probe = probe
        self._timeout_seconds = timeout_seconds
        self._on_lost = on_lost
        self._on_restored = on_restored
        self._process = os.getpid()
        self._lock = make_lock()
        self._waiting: deque[_Command] = deque()
        self._work = make_wakeup()
        self._retry = make_wakeup()
        self._ended = make_wakeup()
        self._is_running = False
        self._is_closed = False
        self._complaints: set[str] = set()
        #: The reason why the server counts as unreachable; None while it is reachable.
        self.down: BaseException | None = None
        #: Whether the server has turned out to be a replica since this was last set to False: after a failover another
        #: server has its name, or will have it.
        self.has_moved = False

    def call(self, *arguments: Any) -> Any:
        """Send a command and return its response.

        :raises BrokerError: if no response came in time, or the response was an error.
        """
        return self.call_all([arguments])[0]

    def call_all(self, commands: Iterable[tuple[Any, ...]], deadline: float | None = None) -> list[Any]:
        """Send commands together and return their responses.

        :param deadline: ``time.monotonic()`` until which to wait; by default the timeout from now.
        :raises BrokerError: if not all responses came in time, or one of them was an error.
        """
        deadline = time.monotonic() + self._timeout_seconds if deadline is None else deadline
        sent = [_Command(arguments, waits=True) for arguments in commands]
        self._add(sent)
        for command in sent:
            self._wait_for(command, deadline)
        for command in sent:
            if command.error is not None:
                raise BrokerError(f"Redis cannot be used: {command.error}") from command.error
        return [command.answer for command in sent]

    def _wait_for(self, command: _Command, deadline: float) -> None:
        assert command.wakeup is not None
        while not command.is_done:
            left = deadline - time.monotonic()
            if left <= 0:
                error = BrokerError(f"Redis has not responded within {self._timeout_seconds:g} s")
                command.given_up = True
                self.suspect(error, lambda: not command.is_done)
                raise error
            command.wakeup.wait(left)

    def post(self, *arguments: Any) -> None:
        """Send a command soon, without waiting for its response."""
        if self.down is None and len(self._waiting) < _MOST_POSTED:
            self._add([_Command(arguments, waits=False)])

    def suspect(self, error: BaseException, is_so: Callable[[], bool] = lambda: True) -> None:
        """Treat the server as unreachable until it responds, so that no other caller waits."""
        with self._lock:
            if self.down is None and not self._is_closed and is_so():
                self.down = error
                self._on_lost()
                # The loop tries until the server responds.
                self._run_beside()
        self._work.set()

    def retry(self) -> None:
        """Retry at once if the server is unreachable."""
        self._retry.set()

    def close(self) -> None:
        """Send the waiting commands, if the server responds, and disconnect."""
        with self._lock:
            self._is_closed = True
            is_running = self._is_running
        self._work.set()
        self._retry.set()
        if is_running and self.down is None:
            self._ended.wait(self._timeout_seconds)

    def _add(self, commands: list[_Command]) -> None:
        with self._lock:
            error = BrokerError("the broker is closed") if self._is_closed else self.down
            if error is None:
                self._waiting.extend(commands)
                self._run_beside()
        if error is not None:
            for command in commands:
                command.finish(None, error)
        self._work.set()

    def _run_beside(self) -> None:
        """Start the thread or greenlet that sends, if it does not run; the lock is held."""
        if not self._is_running:
            self._is_running = True
            spawn(self._run, "datastar-redis-commands")

    def _run(self) -> None:
        try:
            # gevent keeps greenlets across a fork: the child's copy of this one has nothing to do.
            while os.getpid() == self._process:
                self._work.clear()
                if self.down is not None:
                    self._wait_for_server()
                elif batch := self._take():
                    self._send(batch)
                elif self._is_closed:
                    return
                else:
                    self._work.wait()
                if self._is_closed and self.down is not None:
                    return
        finally:
            self._is_running = False
            if os.getpid() == self._process:
                # Clients of redis-py before 5.0.1 leave the connection open when they are closed.
                self._client.connection_pool.disconnect()
                self._ended.set()

    def _take(self) -> list[_Command]:
        with self._lock:
            count = min(len(self._waiting), _LARGEST_BATCH)
            taken = [self._waiting.popleft() for _ in range(count)]
        return [command for command in taken if not command.given_up]

    def _send(self, batch: list[_Command]) -> None:
        try:
            answers = self._round_trip(batch)
        except Exception as error:
            # A forked child has no connection; the response belongs to its parent.
            if os.getpid() == self._process:
                self._fail(batch, error)
            return
        for command, answer in zip(batch, answers, strict=True):
            refusal = answer if isinstance(answer, ResponseError) else None
            if refusal is not None and command.wakeup is None:
                self._complain(command, refusal)
            command.finish(answer, refusal)
        moved = next((answer for answer in answers if isinstance(answer, ReadOnlyError)), None)
        if moved is not None:
            # A replica would accept every message, but deliver it only to clients that are still connected to it.
            self.has_moved = True
            self._fail([], moved)

    def _round_trip(self, batch: list[_Command]) -> list[Any]:
        if len(batch) == 1:
            try:
                return [self._client.execute_command(*batch[0].arguments)]
            except ResponseError as error:
                return [error]
        with self._client.pipeline(transaction=False) as pipeline:
            for command in batch:
                pipeline.execute_command(*command.arguments)
            answers: list[Any] = pipeline.execute(raise_on_error=False)
        return answers

    def _complain(self, command: _Command, error: ResponseError) -> None:
        """Log, once, why Redis refuses a command that nobody waits for."""
        text = f"{command.arguments[0]}: {error}"
        if text not in self._complaints:
            self._complaints.add(text)
            _logger.warning("Datastar: Redis refuses %s", text)

    def _fail(self, batch: list[_Command], error: BaseException) -> None:
        with self._lock:
            self.down = error
            self._on_lost()
            batch = [*batch, *self._waiting]
            self._waiting.clear()
        for command in batch:
            command.finish(None, error)

    def _wait_for_server(self) -> None:
        backoff = Backoff()
        with self._lock:
            given_up, self._waiting = self._waiting, deque()
        for command in given_up:
            command.finish(None, self.down)
        while not self._is_closed:
            self._retry.wait(backoff.next_wait())
            self._retry.clear()
            try:
                self._client.connection_pool.disconnect()
                check_usable(self._client, self._probe)
            except Exception as error:
                self.down = error
                self.has_moved = self.has_moved or isinstance(error, ReadOnlyError)
            else:
                self.down = None
                self._on_restored()
                return
