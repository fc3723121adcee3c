"""The connection that commands go out on. One thread or greenlet uses it, and sends together what waits together."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from redis.exceptions import RedisError, ResponseError

from ..errors import BrokerError
from ..transport.wakeups import make_lock, make_wakeup, spawn
from .backoff import Backoff

_LARGEST_BATCH = 500
#: Commands that nobody waits for; more are dropped, because what they say is said again after an outage.
_MOST_POSTED = 100_000


class _Command:
    __slots__ = ("answer", "arguments", "error", "given_up", "is_done", "wakeup")

    def __init__(self, arguments: tuple[Any, ...], *, waits: bool) -> None:
        self.arguments = arguments
        self.answer: Any = None
        self.error: BaseException | None = None
        self.is_done = False
        #: Nobody waits any more: not to be sent, if it was not yet.
        self.given_up = False
        self.wakeup = make_wakeup() if waits else None

    def finish(self, answer: Any, error: BaseException | None) -> None:
        self.answer, self.error, self.is_done = answer, error, True
        if self.wakeup is not None:
            self.wakeup.set()


class Commands:
    """Sends commands; after a failure it fails at once, without waiting, until the server answers again."""

    def __init__(self, connect: Callable[[], Any], timeout_seconds: float, on_restored: Callable[[], object]) -> None:
        self._connect = connect
        self._timeout_seconds = timeout_seconds
        self._on_restored = on_restored
        self._process = os.getpid()
        self._lock = make_lock()
        self._waiting: deque[_Command] = deque()
        self._work = make_wakeup()
        self._is_running = False
        self._is_closed = False
        #: Why the server counts as unreachable; None while it does not.
        self.down: BaseException | None = None

    def call(self, *arguments: Any) -> Any:
        """Send a command and give its answer.

        :raises BrokerError: no answer came in time, or it was an error.
        """
        command = _Command(arguments, waits=True)
        assert command.wakeup is not None
        deadline = time.monotonic() + self._timeout_seconds
        self._add(command)
        while not command.is_done:
            left = deadline - time.monotonic()
            if left <= 0:
                command.given_up = True
                raise BrokerError(f"Redis has not answered within {self._timeout_seconds:g} s")
            command.wakeup.wait(left)
        if command.error is not None:
            raise BrokerError(f"Redis cannot be used: {command.error}") from command.error
        return command.answer

    def post(self, *arguments: Any) -> None:
        """Send a command at some time soon; nobody hears what became of it."""
        if self.down is None and len(self._waiting) < _MOST_POSTED:
            self._add(_Command(arguments, waits=False))

    def close(self) -> None:
        """Send what waits, and disconnect."""
        self._is_closed = True
        self._work.set()

    def _add(self, command: _Command) -> None:
        with self._lock:
            if self.down is not None:
                command.finish(None, self.down)
                return
            self._waiting.append(command)
            if not self._is_running:
                self._is_running = True
                spawn(self._run, "datastar-redis-commands")
        self._work.set()

    def _run(self) -> None:
        client: Any = None
        try:
            client = self._connect()
            # gevent keeps the greenlets over a fork: the child's copy of this one has nothing to do.
            while os.getpid() == self._process:
                self._work.clear()
                batch = self._take()
                if batch:
                    self._send(client, batch)
                elif self._is_closed:
                    return
                else:
                    self._work.wait()
        finally:
            self._is_running = False
            if client is not None and os.getpid() == self._process:
                client.close()

    def _take(self) -> list[_Command]:
        with self._lock:
            count = min(len(self._waiting), _LARGEST_BATCH)
            taken = [self._waiting.popleft() for _ in range(count)]
        return [command for command in taken if not command.given_up]

    def _send(self, client: Any, batch: list[_Command]) -> None:
        try:
            answers = self._exchange(client, batch)
        except (RedisError, OSError) as error:
            self._fail(batch, error)
            self._wait_for_server(client)
            return
        for command, answer in zip(batch, answers, strict=True):
            is_error = isinstance(answer, ResponseError)
            command.finish(None if is_error else answer, answer if is_error else None)

    def _exchange(self, client: Any, batch: list[_Command]) -> list[Any]:
        if len(batch) == 1:
            try:
                return [client.execute_command(*batch[0].arguments)]
            except ResponseError as error:
                return [error]
        with client.pipeline(transaction=False) as pipeline:
            for command in batch:
                pipeline.execute_command(*command.arguments)
            answers: list[Any] = pipeline.execute(raise_on_error=False)
        return answers

    def _fail(self, batch: list[_Command], error: BaseException) -> None:
        with self._lock:
            self.down = error
            batch = [*batch, *self._waiting]
            self._waiting.clear()
        for command in batch:
            command.finish(None, error)

    def _wait_for_server(self, client: Any) -> None:
        backoff = Backoff()
        while not self._is_closed:
            time.sleep(backoff.next_wait())
            try:
                client.connection_pool.disconnect()
                client.ping()
            except (RedisError, OSError) as error:
                self.down = error
            else:
                self.down = None
                self._on_restored()
                return
