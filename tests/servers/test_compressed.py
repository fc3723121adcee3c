"""Compressed streams on real servers: whatever happens, each client decodes exactly the events, to a whole end."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from tests.servers.clients import Client
from tests.servers.compressed_crowd import Chaos
from tests.servers.crowd import Crowd
from tests.servers.serving import Server, wait_until

SECONDS = 4


@pytest.mark.parametrize(
    ("kind", "is_direct", "pages"),
    [("gevent", True, 60), ("gevent", False, 40), ("gthread", True, 15)],
    ids=["direct", "queued", "threads"],
)
def test_every_client_decodes_every_event(start: Callable[..., Server], kind: str, is_direct: bool, pages: int) -> None:
    # Half of the time, so that streams reach their age also where the machine is busy.
    ages = {"EXTRA_DATASTAR_STREAM_MAX_AGE_SECONDS": str(SECONDS / 2)}
    server = start(kind, app="compressed", EXTRA_DATASTAR_DIRECT_WRITES=json.dumps(is_direct), **ages)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    with Crowd(server.port) as crowd:
        chaos = Chaos(server, crowd, pages, seed)

        chaos.run(SECONDS)
        counts = chaos.finish()

    print(chaos.clients, chaos.events, chaos.ended, counts)
    assert chaos.events > 1000
    assert chaos.ended["done"] > 0
    assert chaos.ended["restart"] > 0
    assert "Traceback" not in server.log(), server.log()


@pytest.mark.parametrize(
    ("kind", "is_direct"), [("gevent", True), ("gevent", False), ("gthread", True)], ids=["direct", "queued", "threads"]
)
@pytest.mark.parametrize("coding", ["zstd", "gzip"])
def test_client_that_never_reads_is_let_go_after_twice_the_events_at_most(
    start: Callable[..., Server], coding: str, kind: str, is_direct: bool
) -> None:
    settings = {
        "EXTRA_DATASTAR_COMPRESSION": json.dumps([coding]),
        "EXTRA_DATASTAR_DIRECT_WRITES": json.dumps(is_direct),
    }
    server = start(kind, app="hostile", **settings)
    with Crowd(server.port) as crowd:
        needed = {}
        for accepted in (None, coding):
            before = server.figures()["stats"]["dropped"]
            reading = crowd.open("/ds/t/follow", accepted=accepted)
            silent: Client = crowd.open("/ds/t/follow", accepted=accepted)
            crowd.wait_open([reading, silent])
            crowd.pause(silent)
            first = last = int(crowd.ask("/publish", method="POST", seed=1, size=0).body)
            while server.figures()["stats"]["dropped"] == before:
                last = int(crowd.ask("/table", method="POST", count=20).body)
                assert last - first < 5000
                # A client that reads is let go by no burst.
                crowd.read(0.01)
                assert not reading.is_ended
            needed[accepted] = last - first
            for client in (reading, silent):
                crowd.leave(client)
            wait_until(lambda: server.figures()["stats"]["open"] == 0, "the end of both")

    print(needed)
    assert needed[coding] <= 2 * needed[None]
