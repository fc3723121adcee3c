"""Many clients in one thread: what comes to any of them is read while one of them is waited for."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from types import TracebackType

import pytest

from tests.servers.clients import Client

#: For what does come, on a busy machine, too. Below the keep-alive of the applications: nothing that is waited for is
#: noticed by a write.
DEADLINE_SECONDS = 40


class Crowd:
    """All clients of a test, read by one selector; closes them at the end."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.clients: list[Client] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Crowd:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for client in self.clients:
            client.socket.close()
        self._selector.close()

    def open(self, path: str, *, make: type[Client] = Client, **options: object) -> Client:
        """Make a request and read its answer from now on."""
        client = make(self.port, path, **options)  # type: ignore[arg-type]
        self.add(client)
        return client

    def add(self, client: Client) -> None:
        self.clients.append(client)
        self.resume(client)

    def pause(self, client: Client) -> None:
        """Read no more of a client."""
        if client.socket.fileno() in self._selector.get_map():
            self._selector.unregister(client.socket)

    def resume(self, client: Client) -> None:
        """Read on, without a limit."""
        client.budget = None
        if client.socket.fileno() not in self._selector.get_map():
            self._selector.register(client.socket, selectors.EVENT_READ, client)

    def leave(self, client: Client, way: str = "close") -> None:
        self.pause(client)
        client.leave(way)

    def read(self, seconds: float) -> None:
        """Read what has come, waiting for at most so long."""
        for key, _ in self._selector.select(seconds):
            client: Client = key.data
            client.read()
            # One that has ended keeps its connection, and whoever has no budget left does not read on.
            if client.is_ended or client.budget == 0:
                self._selector.unregister(key.fileobj)

    def wait(self, check: Callable[[], object], what: Callable[[], object] | str, seconds: float = 0) -> None:
        """Read until a check holds; fail with a description when it does not by the deadline."""
        seconds = seconds or DEADLINE_SECONDS
        deadline = time.monotonic() + seconds
        while not check():
            if time.monotonic() > deadline:
                pytest.fail(f"not within {seconds} s: {what if isinstance(what, str) else what()}")
            self.read(0.02)

    def open_streams(self, count: int, path: str, **options: object) -> list[Client]:
        """Open streams and wait until all of them are open."""
        opened = [self.open(path, **options) for _ in range(count)]
        self.wait_open(opened)
        return opened

    def wait_open(self, clients: list[Client]) -> None:
        """Wait for the first byte of each."""
        self.wait(
            lambda: all(client.blocks or client.is_ended for client in clients),
            lambda: [(client.status, client.blocks) for client in clients if not client.blocks][:5],
        )
        assert {client.status for client in clients} == {200}, [client.body for client in clients if client.body][:3]

    def ask(self, path: str, *, method: str = "GET", **query: object) -> Client:
        """Make a request and read, also all others, until its answer is there."""
        client = self.open(path, method=method, **query)
        self.wait(lambda: client.is_ended, f"the answer to {path}")
        self.clients.remove(client)
        client.socket.close()
        assert client.status < 400, (path, client.status, bytes(client.body))
        return client
