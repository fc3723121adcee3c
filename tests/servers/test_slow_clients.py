"""A client that does not read costs no memory, and the others nothing at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.servers.clients import Client
from tests.servers.crowd import Crowd
from tests.servers.serving import KINDS, Server, wait_until

TOTAL_BYTES = 40_000_000
EVENT_BYTES = 50_000
#: What is broadcast at a time; less than the queue of a client that reads may hold.
BURST_EVENTS = 10
GROWTH_LIMIT_KIB = 10 * 1024


class Counting(Client):
    """Checks the number of each event, and keeps none."""

    next_number = 0

    def took(self, block: bytes) -> None:
        if b'"n":' not in block:
            super().took(block)
            return
        number = int(block.split(b'"n":')[1].split(b",")[0])
        assert number == self.next_number, f"{number} instead of {self.next_number}"
        assert len(block) > EVENT_BYTES
        self.next_number += 1


def broadcast_much(server: Server, crowd: Crowd, fast: list[Client], total_bytes: int) -> int:
    """Broadcast to clients that read, and give the most memory that the server had meanwhile."""
    most = 0
    begin = fast[0].next_number
    for first in range(begin, begin + total_bytes // EVENT_BYTES, BURST_EVENTS):
        crowd.ask("/broadcast", method="POST", topic="news", first=first, count=BURST_EVENTS, size=EVENT_BYTES)
        last = first + BURST_EVENTS
        crowd.wait(
            lambda last=last: all(client.next_number == last for client in fast),
            lambda: [client.next_number for client in fast],
        )
        if last % (BURST_EVENTS * 10) == 0:
            most = max(most, server.figures()["memory_kib"])
    return most


def test_client_that_does_not_read_costs_no_memory(server: Server, crowd: Crowd) -> None:
    fast = crowd.open_streams(2, "/ds/t/follow", topic="news", make=Counting)
    # What broadcasts need, in each thread of the server, is not what a slow client costs.
    broadcast_much(server, crowd, fast, TOTAL_BYTES // 2)
    slow = crowd.open_streams(1, "/ds/t/follow", topic="news", make=Counting, receive_buffer=4096)[0]
    before, length = server.figures(collect=1), len(server.log())
    crowd.pause(slow)

    most = broadcast_much(server, crowd, fast, TOTAL_BYTES)

    growth = most - before["memory_kib"]
    print(f"{server.kind}: {TOTAL_BYTES:,} bytes past a client that does not read: {growth} KiB more")
    assert growth <= GROWTH_LIMIT_KIB
    assert server.figures()["stats"]["dropped"] - before["stats"]["dropped"] == 1
    assert server.log()[length:].count("reads too slowly") == 1
    assert not any(client.is_ended for client in fast)


def test_client_that_reads_too_late_is_told_so(server: Server, crowd: Crowd) -> None:
    fast = crowd.open_streams(1, "/ds/t/follow", topic="news", make=Counting)
    slow = crowd.open_streams(1, "/ds/t/follow", topic="news", make=Counting, receive_buffer=4096)[0]
    before = server.figures()["stats"]
    crowd.pause(slow)
    while server.figures()["stats"]["dropped"] == before["dropped"]:
        broadcast_much(server, crowd, fast, BURST_EVENTS * EVENT_BYTES)
        assert fast[0].next_number * EVENT_BYTES < TOTAL_BYTES

    # Within the seconds for which a connection that takes nothing is kept after the end.
    crowd.resume(slow)
    crowd.wait(lambda: slow.is_ended, "the end of the slow client's stream")

    # The body is whole as far as it goes.
    assert 0 < slow.next_number < fast[0].next_number
    assert slow.ids[-1].startswith("ds:restart:0:")
    assert 1500 <= slow.retries[-1] <= 5000
    wait_until(lambda: len(server.figures()["closed"]) == 1, "the slow client's end")
    assert server.figures()["closed"][0][0] == "slow"
    assert server.figures()["stats"]["ended"]["slow"] - before["ended"].get("slow", 0) == 1
    assert not fast[0].is_ended


def test_clients_that_never_read_are_let_go(use_server: Callable[[str], Server]) -> None:
    with ExitStack() as stack:
        servers = [use_server(kind) for kind in KINDS]
        # All servers at the same time, because it takes five seconds on purpose.
        for server in servers:
            crowd = stack.enter_context(Crowd(server.port))
            for path in ("/ds/t/follow", "/ds/t/forward"):
                (silent,) = crowd.open_streams(1, path, topic="news", receive_buffer=4096)
                crowd.pause(silent)
            crowd.ask("/broadcast", method="POST", topic="news", count=200, size=EVENT_BYTES)
        for server in servers:
            wait_until(lambda server=server: len(server.figures()["closed"]) == 2, "their end")
            figures = server.figures()
            assert [reason for reason, _ in figures["closed"]] == ["slow", "slow"]
            assert len(figures["finished"]) == 1
            assert figures["stats"]["open"] == 0
            assert figures["topics_empty"]


@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "queued"])
def test_three_thousand_broadcasts_of_one_request_all_arrive(start: Callable[..., Server], is_direct: bool) -> None:
    server = start("gevent", EXTRA_DATASTAR_DIRECT_WRITES=json.dumps(is_direct))
    with Crowd(server.port) as crowd:
        following = crowd.open_streams(3, "/ds/t/follow", topic="news")
        following += crowd.open_streams(3, "/ds/t/forward", topic="news")
        listening = crowd.open_streams(3, "/ds/t/listen", topic="news")
        for stream in following + listening:
            stream.blocks.clear()

        crowd.ask("/broadcast", method="POST", topic="news", count=3000, publish=1)
        crowd.wait(
            lambda: all(len(got(client)) == 3000 for client in following + listening),
            lambda: [len(got(client)) for client in following + listening],
        )

        for client in following:
            assert got(client) == [f'data: signals {{"n":{number},"text":""}}'.encode() for number in range(3000)]
        for client in listening:
            assert got(client) == [f'data: signals {{"n":{number}}}'.encode() for number in range(3000)]
        assert server.figures()["stats"]["dropped"] == 0


def got(client: Client) -> list[bytes]:
    """Give the last line of each event, without comments."""
    return [block.rpartition(b"\n")[2] for block in client.blocks if not block.startswith(b":")]
