"""Clients of redis-py as this package needs them: no waiting beyond the timeout, no retry that nobody sees."""

from __future__ import annotations

import sys

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..errors import SetupError


def make_client(url: str, timeout_seconds: float) -> Redis:
    """Make a client that has one connection at the most; it connects at its first command."""
    return Redis.from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        client_name="flask-datastar",
        max_connections=1,
        protocol=2,
        decode_responses=False,
    )


def check_patched() -> None:
    """Refuse to block gevent's loop.

    :raises SetupError: greenlets run in this thread, and sockets are not gevent's.
    """
    hub_local = sys.modules.get("gevent._hub_local")
    if hub_local is None or hub_local.get_hub_if_exists() is None:
        return
    from gevent.monkey import is_module_patched

    if not is_module_patched("socket"):
        raise SetupError(
            "gevent serves here, but sockets are not patched, so that waiting for Redis would stop all requests; call "
            "gevent.monkey.patch_all() first of all (gunicorn's gevent worker does it by itself)"
        )
