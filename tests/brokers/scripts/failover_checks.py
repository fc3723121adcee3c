"""Checks of the Redis broker whose server becomes a replica of another one, which takes over its name."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from flask_datastar.brokers import Broker, redis_presence
from flask_datastar.errors import BrokerError
from flask_datastar.testing import Brokers
from flask_datastar.testing.brokers import send
from flask_datastar.testing.waiting import wait_until
from tests.brokers.redis_server import RedisServer

logging.getLogger("flask_datastar").addHandler(logging.NullHandler())


class Name:
    """What clients connect to: new connections go to another server from a failover on, old ones stay."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._closing = ExitStack()
        self._listener = self._closing.enter_context(socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def point_to(self, server: RedisServer) -> None:
        self._server = server

    def close(self) -> None:
        self._closing.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._closing.enter_context(self._listener.accept()[0])
                server = self._closing.enter_context(socket.create_connection(("127.0.0.1", self._server.port)))
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=_carry, args=(source, target), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def made() -> Iterator[tuple[RedisServer, RedisServer, Name]]:
    with RedisServer() as old, RedisServer("--repl-diskless-sync-delay", "0") as new:
        name = Name(old)
        try:
            yield old, new, name
        finally:
            name.close()


def make_replica(server: RedisServer, of: RedisServer) -> None:
    with server.client() as client:
        client.execute_command("REPLICAOF", "127.0.0.1", of.port)
        wait_until(lambda: client.info("replication")["master_link_status"] == "up", 30)


def error_of(broker: Broker, data: bytes) -> str:
    """Publish, and give why that failed; "" when it did not."""
    try:
        send(broker, data)
    except BrokerError as error:
        return str(error)
    return ""


def check_processes_meet_at_the_server_that_took_over() -> None:
    redis_presence.BEAT_SECONDS = 0.1
    with made() as (old, new, name), Brokers(name.url) as brokers:
        one, inbox = brokers.make()
        one.subscribe("news")
        one.note_streams("ann", "tab", 1)
        send(one, b"before")
        inbox.wait_for(b"before")

        make_replica(old, new)
        # The name is the last to change: until then nothing can be published, and nothing is said to be.
        wait_until(lambda: "read only replica" in error_of(one, b"own"))
        assert inbox.data[-1] == b"own"
        assert not one.stats()["connected"]
        assert inbox.catch_ups == 0
        name.point_to(new)

        wait_until(lambda: inbox.catch_ups == 1)
        assert one.stats()["connected"]
        other, other_taker = brokers.make()
        other.subscribe("news")
        send(one, b"from one")
        other_taker.wait_for(b"from one")
        send(other, b"from other")
        inbox.wait_for(b"from other")
        wait_until(lambda: other.scopes_elsewhere() == {"ann"})
        # Nothing is left of it on the old one, although that one would pass messages on.
        assert clients_of(old) == []
        assert inbox.catch_ups == 1


def clients_of(server: RedisServer) -> list[Any]:
    with server.client() as client:
        return [found for found in client.client_list() if found["name"] == "flask-datastar"]
