"""A client that leaves is noticed from its connection, without a write."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.servers.clients import Client
from tests.servers.crowd import Crowd
from tests.servers.serving import Server, wait_until

#: The keep-alive comes after 60: whoever is noticed by then was noticed without it.
NOTICE_SECONDS = 2
#: A pause of a busy machine makes one of them late, not all.
ATTEMPTS = 5


def check_noticed_at_once(server: Server, crowd: Crowd, open_clients: Callable[[], list[Client]]) -> None:
    """Open clients and let all of them leave; again if they are not noticed at once."""
    for _ in range(ATTEMPTS):
        server.wait_idle()
        server.ask("/forget", method="POST")
        begin = time.monotonic()
        clients = open_clients()
        crowd.wait_open(clients)
        opening_seconds = time.monotonic() - begin
        seconds = leave_together(server, crowd, clients)
        print(f"{server.kind}: {len(clients)} clients that left were noticed in {seconds * 1000:.0f} ms")
        # To open them is the more work: as much time has a machine on which that takes longer.
        if seconds < max(NOTICE_SECONDS, opening_seconds):
            return
    pytest.fail(f"those who leave are not noticed at once: {seconds} s, {opening_seconds} s to open them")


def leave_together(server: Server, crowd: Crowd, clients: list[Client]) -> float:
    """Let all leave, in several ways, and give how long it took until the last one was done with."""
    ways = ("close", "reset", "half")
    for client in clients:
        crowd.pause(client)
    begin = time.monotonic()
    for number, client in enumerate(clients):
        client.leave(ways[number % len(ways)])
    wait_until(lambda: len(server.figures()["closed"]) == len(clients), lambda: server.figures())
    return max(when for _, when in server.figures()["closed"]) - begin


def check_all_gone(server: Server, count: int, generators: int) -> None:
    # A generator may still run its last lines when its stream has been closed.
    wait_until(lambda: len(server.figures()["finished"]) >= generators, lambda: server.figures())
    figures = server.figures()
    assert [reason for reason, _ in figures["closed"]] == ["left"] * count
    assert figures["stats"]["open"] == 0
    assert figures["tabs"] == 0
    assert figures["topics_empty"]
    assert len(figures["finished"]) == generators


def test_clients_that_leave_together_are_noticed_at_once(server: Server, crowd: Crowd) -> None:
    count = 200 if server.kind == "gevent" else 30

    def open_clients() -> list[Client]:
        return [
            crowd.open(f"/ds/t/{'listen' if number % 2 else 'follow'}", scope=number, tab=f"t{number}.p", topic="news")
            for number in range(count)
        ]

    check_noticed_at_once(server, crowd, open_clients)

    check_all_gone(server, count, count // 2)


def test_thousand_clients_that_leave_together_are_noticed_at_once(gevent_server: Server) -> None:
    with Crowd(gevent_server.port) as crowd:
        check_noticed_at_once(
            gevent_server,
            crowd,
            lambda: [crowd.open("/ds/t/follow", scope=number, tab="t.p", topic="news") for number in range(1000)],
        )

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
        wait_until(lambda: server.figures()["stats"]["open"] == 0, lambda: server.figures())
    used: list[float] = []

    def is_calm() -> bool:
        before = server.cpu_seconds(pid)
        time.sleep(0.5)
        used.append(server.cpu_seconds(pid) - before)
        return used[-1] < 0.15

    # What is still to be done after an answer may come late; what spins never ends.
    wait_until(is_calm, lambda: used)
    assert server.figures()["stats"]["open"] == (0 if leaves else len(clients))
    if not leaves:
        # They still hear what is said, and their end is seen behind those bytes.
        crowd.ask("/broadcast", method="POST", topic="news", count=1)
        crowd.wait(lambda: all('"n":0' in client.text for client in clients[:10]), "the event")
        leave_together(server, crowd, clients)
        check_all_gone(server, len(clients), 10)
