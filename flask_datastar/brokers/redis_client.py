"""Clients of redis-py as this package needs them: without waits beyond the timeout, and without hidden retries."""

from __future__ import annotations

import os
import selectors
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from weakref import ref

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import ReadOnlyError, RedisError, ResponseError
from redis.retry import Retry

from ..errors import ConfigError, SetupError
from ..transport.wakeups import is_gevent, make_lock


def make_client(url: str, timeout_seconds: float) -> Redis:
    """Create a client with at most one connection, which opens at its first command.

    :raises ConfigError: if the URL has an option that redis-py does not know, or one that the broker chooses.
    """
    own: dict[str, Any] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": 1,
        "protocol": 2,
        "decode_responses": False,
    }
    try:
        # In redis-py the URL's query overrides arguments.
        refused = sorted(own.keys() & parse_url(url).keys())  # type: ignore[no-untyped-call]
        # No client is created with refused options, because redis-py's errors about them depend on its version.
        client = None if refused else _make_checked_client(url, {"client_name": "flask-datastar", **own})
    except (ValueError, TypeError, RedisError) as error:
        # The message leaves the URL out, because it may contain a password.
        raise ConfigError(f"DATASTAR_BROKER_URL is not accepted by redis-py: {error}") from None
    if client is None:
        raise ConfigError(
            f"DATASTAR_BROKER_URL sets {', '.join(refused)}, which the broker chooses; leave it out. The time to wait "
            "is DATASTAR_BROKER_TIMEOUT_SECONDS"
        )
    _let_go_in_children(client.connection_pool, lambda pool: [*pool._available_connections, *pool._in_use_connections])
    return client


def _make_checked_client(url: str, options: dict[str, Any]) -> Redis:
    client = Redis.from_url(url, **options)
    # Only creating a connection checks the query.
    client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
    return client


def check_usable(client: Any, probe: tuple[Any, ...]) -> None:
    """Check that a server responds, and is not a replica.

    :param probe: a command that writes, which a replica refuses.
    :raises RedisError: if the server does not respond, or is a replica.
    """
    client.ping()
    try:
        client.execute_command(*probe)
    except ReadOnlyError:
        raise
    except ResponseError:
        # It refuses the command for another reason, but it responds.
        pass


class PubSubConnection:
    """A connection that one thread or greenlet reads, while others send.

    It is not redis-py's own ``PubSub``, which connects and subscribes again by itself and so hides gaps.
    """

    def __init__(self, client: Redis) -> None:
        self._connection: Any = client.connection_pool.make_connection()
        # Two threads must not use a TLS connection at the same moment. Greenlets never do so.
        self._turn: AbstractContextManager[object] = nullcontext() if is_gevent() else make_lock()
        # With it, a thread waits for data without the lock, so that other threads can send.
        self._selector: selectors.BaseSelector | None = None
        _let_go_in_children(self, lambda own: [own._connection])

    def connect(self) -> None:
        """Close the connection if it is open, and connect again."""
        self.close()
        self._connection.connect()
        if not is_gevent():
            self._selector = selectors.DefaultSelector()
            self._selector.register(self._connection._sock, selectors.EVENT_READ)

    def send(self, *arguments: str | bytes) -> None:
        """Send a command. Callers must not send two at the same time."""
        with self._turn:
            self._connection.send_command(*arguments, check_health=False)

    def read(self, seconds: float) -> Any:
        """Return the next response; None if nothing comes in time."""
        if self._selector is None:
            return self._read(seconds)
        with self._turn:
            answer = self._read(0)
        if answer is None and self._selector.select(seconds):
            with self._turn:
                answer = self._read(0)
        return answer

    def _read(self, seconds: float) -> Any:
        if not self._connection.can_read(timeout=seconds):
            return None
        return self._connection.read_response(disconnect_on_error=False)

    def close(self) -> None:
        """Disconnect."""
        selector, self._selector = self._selector, None
        if selector is not None:
            selector.close()
        with self._turn:
            self._connection.disconnect()


def _let_go_in_children(owner: object, connections_of: Callable[[Any], Iterable[Any]]) -> None:
    """Replace connections by the null device in forked children.

    There, copies of the reading greenlets go on, and would take their parent's messages and responses. Closing the
    connections instead would reach the parent's loop through gevent.

    :param owner: the object that has the connections; it is not kept alive.
    """
    reference = ref(owner)

    def let_go() -> None:
        found = reference()
        for connection in connections_of(found) if found is not None else ():
            connected = getattr(connection, "_sock", None)
            if connected is not None and connected.fileno() >= 0:
                nothing = os.open(os.devnull, os.O_RDWR)
                os.dup2(nothing, connected.fileno())
                os.close(nothing)

    os.register_at_fork(after_in_child=let_go)


def check_patched() -> None:
    """Check that waiting for Redis does not block gevent's loop.

    :raises SetupError: if greenlets run in this thread, and sockets are not gevent's.
    """
    hub_local = sys.modules.get("gevent._hub_local")
    if hub_local is None or hub_local.get_hub_if_exists() is None:
        return
    from gevent.monkey import is_module_patched

    if not is_module_patched("socket"):
        raise SetupError(
            "gevent serves here, but sockets are not patched, so that waiting for Redis would stop all requests; call "
            "gevent.monkey.patch_all() before all else (gunicorn's gevent worker does it by itself)"
        )
