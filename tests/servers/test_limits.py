"""A client without an account that takes every place, on a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.servers.crowd import Crowd
from tests.servers.serving import Server, wait_until

PLACES = 30
USERS = 12


@pytest.mark.parametrize("kind", ["gevent", "gthread"])
def test_users_get_in_whatever_an_anonymous_client_holds(start: Callable[..., Server], kind: str) -> None:
    options = ["--threads", str(PLACES + 2)] if kind == "gthread" else []
    server = start(kind, *options, EXTRA_DATASTAR_MAX_STREAMS=str(PLACES))
    with Crowd(server.port) as crowd:
        anonymous = crowd.open_streams(PLACES, "/ds/t/follow", topic="news")
        # Another request has no place, and would keep none of the threads either.
        late = crowd.open("/ds/t/follow", topic="news")
        crowd.wait(lambda: late.is_ended, "the refusal")
        assert late.status == 503

        for number in range(USERS):
            (user,) = crowd.open_streams(1, "/ds/t/follow", topic="news", scope=f"user{number}")
            assert user.status == 200
            # With threads the place is free as soon as the client has read its end, which this one does.
            wait_until(lambda: server.figures()["stats"]["open"] <= PLACES, "places")

        crowd.wait(lambda: sum(client.is_ended for client in anonymous) == USERS, "the ends")
        ended = [client for client in anonymous if client.is_ended]
        assert all(client.ids[-1].startswith("ds:restart:0:") and client.retries for client in ended)
        assert server.figures()["stats"]["ended"] == {"refused": USERS}
        assert server.log().count("streams without a scope end if") == 1
