"""Whatever clients do before a stream has begun, nothing of it stays behind."""

from __future__ import annotations

from typing import Any

from tests.servers.clients import Client
from tests.servers.crowd import Crowd
from tests.servers.serving import Server, wait_until

COUNT = 50
#: What gthread's threads, of which streams leave two to other requests, have room for.
THREADS_COUNT = 30


def vanish_while_it_waits(server: Server) -> None:
    """Leave all at the same time, when the server has taken the requests, and before it answers."""
    count = COUNT if server.kind == "gevent" else THREADS_COUNT
    server.wait_idle()
    server.ask("/forget", method="POST")
    with Crowd(server.port) as crowd:
        clients = [
            Client(server.port, "/ds/t/late", topic="news", scope=number, tab=f"t{number}.p") for number in range(count)
        ]
        wait_until(lambda: server.figures()["waiting"] == count, "their functions")
        for number, client in enumerate(clients):
            client.leave("reset" if number % 2 else "close")
        crowd.ask("/go", method="POST")
    wait_until(lambda: len(server.figures()["closed"]) == count, lambda: server.figures())
    assert {reason for reason, _ in server.figures()["closed"]} == {"left"}


def vanish_at_once(server: Server) -> None:
    """Leave at whatever moment it is, some with half a request only."""
    for number in range(COUNT):
        path = ("/ds/t/follow", "/ds/t/listen")[number % 2]
        client = Client(server.port, path, topic="news", scope=number, tab=f"t{number}.p")
        client.leave(("reset", "close")[number // 2 % 2])


def ask_for_no_stream(server: Server) -> None:
    """Ask with HEAD, and come back to what is done: no stream is opened for either."""
    opened = server.wait_idle()["stats"]["opened"]
    with Crowd(server.port) as crowd:
        for path in ("/ds/t/follow", "/ds/t/listen", "/plain"):
            for number in range(COUNT // 5):
                options = {"topic": "news", "scope": number, "tab": f"t{number}.p"}
                assert crowd.ask(path, method="HEAD", **options).status == 200
                assert crowd.ask(path, last_id="ds:done", **options).status == 204
    assert server.figures()["stats"]["opened"] == opened


def what_is_there(server: Server) -> dict[str, Any]:
    figures = server.wait_idle()
    figures = server.figures(collect=1)
    return {name: figures[name] for name in ("tabs", "topics_empty", "running", "descriptors")}


def test_clients_that_vanish_leave_nothing_behind(server: Server) -> None:
    with Crowd(server.port) as crowd:
        # What is made at first use stays.
        crowd.open_streams(1, "/ds/t/follow", topic="news")
    first = what_is_there(server)

    ask_for_no_stream(server)
    vanish_while_it_waits(server)
    vanish_at_once(server)

    def is_as_before() -> bool:
        now = what_is_there(server)
        is_empty = now["tabs"] == 0 and now["topics_empty"]
        return is_empty and all(now[name] <= first[name] for name in ("running", "descriptors"))

    wait_until(is_as_before, lambda: f"{first} before, {what_is_there(server)} now")
