"""A client that leaves is noticed from its connection, without a write."""

from __future__ import annotations

import time

import pytest

from tests.servers.clients import Client
from tests.servers.crowd import Crowd
from tests.servers.serving import Server, wait_until

#: The keep-alive comes after 60: whoever is noticed by then was noticed without it.
NOTICE_SECONDS = 2


def leave_together(server: Server, crowd: Crowd, clients: list[Client]) -> float:
    """Let all leave, in several ways, and give how long it took until the last one was done with."""
    ways = ("close", "reset", "half")
    for client in clients:
        crowd.pause(client)
    begin = time.monotonic()
    for number, client in enumerate(clients):
        client.leave(ways[number % len(ways)])
    wait_until(lambda: len(server.figures()["closed"]) == len(clients), lambda: server.figures(), 10)
    return max(when for _, when in server.figures()["closed"]) - begin


def check_all_gone(server: Server, count: int, generators: int) -> None:
    figures = server.figures()
    assert [reason for reason, _ in figures["closed"]] == ["left"] * count
    assert figures["stats"]["open"] == 0
    assert figures["tabs"] == 0
    assert figures["topics_empty"]
    assert len(figures["finished"]) == generators


def test_clients_that_leave_together_are_noticed_at_once(server: Server, crowd: Crowd) -> None:
    count = 200 if server.kind == "gevent" else 30
    clients = [
        crowd.open(f"/ds/t/{'listen' if number % 2 else 'follow'}", scope=number, tab=f"t{number}.p", topic="news")
        for number in range(count)
    ]
    crowd.wait_open(clients)
    assert server.figures()["tabs"] == count

    seconds = leave_together(server, crowd, clients)

    print(f"{server.kind}: {count} clients that left were noticed in {seconds * 1000:.0f} ms")
    assert seconds < NOTICE_SECONDS
    check_all_gone(server, count, count // 2)


def test_thousand_clients_that_leave_together_are_noticed_at_once(gevent_server: Server) -> None:
    with Crowd(gevent_server.port) as crowd:
        clients = [crowd.open("/ds/t/follow", scope=number, tab="t.p", topic="news") for number in range(1000)]
        crowd.wait_open(clients)

        seconds = leave_together(gevent_server, crowd, clients)

    print(f"1,000 clients that left were noticed in {seconds * 1000:.0f} ms")
    assert seconds < NOTICE_SECONDS
    check_all_gone(gevent_server, 1000, 0)


@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "leaves"])
def test_unread_bytes_of_a_client_cost_nothing_and_hide_nothing(server: Server, crowd: Crowd, leaves: bool) -> None:
    clients = crowd.open_streams(10, "/ds/t/follow", topic="news") + crowd.open_streams(
        10, "/ds/t/listen", topic="news"
    )
    pid = server.figures()["pid"]

    for client in clients:
        # The begin of a next request, which nobody reads as long as the stream lives.
        client.socket.sendall(b"GET /figu")
        if leaves:
            crowd.leave(client, "half")
    if leaves:
        wait_until(lambda: server.figures()["stats"]["open"] == 0, lambda: server.figures(), NOTICE_SECONDS)
    before = server.cpu_seconds(pid)
    time.sleep(0.5)
    used = server.cpu_seconds(pid) - before

    assert used < 0.15
    assert server.figures()["stats"]["open"] == (0 if leaves else len(clients))
    if not leaves:
        # They still hear what is said, and their end is seen behind those bytes.
        crowd.ask("/broadcast", method="POST", topic="news", count=1)
        crowd.wait(lambda: all('"n":0' in client.text for client in clients[:10]), "the event")
        seconds = leave_together(server, crowd, clients)
        assert seconds < NOTICE_SECONDS
        check_all_gone(server, len(clients), 10)
