"""Large messages to clients that do not read: shared by all of them, so that they cost the memory of one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from tests.servers.crowd import Crowd
from tests.servers.serving import Server

CLIENTS = 60
#: Of a megabyte of line breaks, which is what a handler takes; 8.3 MB on the wire.
LINES = 520_000
WIRE_BYTES = LINES * 16
#: The message itself, framed and not, and a write for each client. A copy for each client would be 480 MiB.
GROWTH_LIMIT_KIB = 60 * 1024


@pytest.mark.parametrize("path", ["/ds/t/follow", "/ds/t/forward"])
@pytest.mark.parametrize(
    ("kind", "is_direct"),
    [("gevent", True), ("gevent", False), ("gthread", False)],
    ids=["direct", "queued", "threads"],
)
def test_message_that_nobody_reads_is_kept_once(
    start: Callable[..., Server], kind: str, is_direct: bool, path: str
) -> None:
    options = ["--threads", str(CLIENTS + 10)] if kind == "gthread" else []
    server = start(
        kind,
        *options,
        EXTRA_DATASTAR_DIRECT_WRITES=json.dumps(is_direct),
        EXTRA_DATASTAR_MAX_MESSAGE_BYTES=str(2 * WIRE_BYTES),
    )
    with Crowd(server.port) as crowd:
        silent = crowd.open_streams(CLIENTS, path, topic="news", receive_buffer=16_384)
        (reader,) = crowd.open_streams(1, path, topic="news")
        # What a broadcast needs, and the allocator keeps, is not what the clients cost.
        crowd.ask("/lines", method="POST", topic="nothing", count=LINES)
        for client in silent:
            crowd.pause(client)
        before = server.figures(collect=1)["memory_kib"]
        reader.blocks.clear()

        crowd.ask("/lines", method="POST", topic="news", count=LINES)
        most = 0
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            most = max(most, server.figures()["memory_kib"])
            time.sleep(0.1)
        growth = most - before
        print(f"{kind}, direct {is_direct}, {path}: {before} KiB, {growth} KiB more")

        crowd.wait(lambda: any(len(block) > WIRE_BYTES for block in reader.blocks), "the whole message")
        assert growth <= GROWTH_LIMIT_KIB
        stats = server.figures()["stats"]
        assert (stats["open"], stats["dropped"]) == (CLIENTS + 1, 0)
        for client in silent[:3]:
            crowd.resume(client)
        crowd.wait(
            lambda: all(any(len(block) > WIRE_BYTES for block in client.blocks) for client in silent[:3]),
            "the whole message, late",
        )
