"""Every byte of every stream is in its place, whoever wrote it: the publisher past the queue, or the stream itself.

The connections take a few kilobytes at a time, clients stop in the middle of a frame and go on later, and events of up
to 200 kB, numbered, go to all kinds of streams through all kinds of middleware.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable

import pytest

from tests.servers.clients import Client
from tests.servers.crowd import Crowd
from tests.servers.fillers import filler, translate
from tests.servers.serving import Server, wait_until

KINDS = ("follow", "forward", "mixed")
WRAPS = ("", "start_response", "iterator", "gzip")
SEND_BUFFER = RECEIVE_BUFFER = 4096
#: Named, because the system lets others grow to megabytes, in which whatever a client does not read has room.
LARGE_RECEIVE_BUFFER = 65_536
BURSTS = 8
#: Less than the queue of a stream takes, and more.
BURST_BYTES, FLOOD_BYTES = 700_000, 3_000_000


class Numbered(Client):
    """Checks order, completeness and content of what it gets."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.is_translated = options.get("wrap") == "start_response"
        self.number: int | None = None
        self.tick: int | None = None
        self.label = " ".join(f"{name}={value}" for name, value in options.items()) + f" {arguments[1]}"

    def took(self, block: bytes) -> None:
        lines = block.split(b"\n")
        if lines[0] == b"event: datastar-begin":
            self.number = int(lines[1].split()[-1])
        elif lines[0] in (b"event: datastar-number", b"event: datastar-own"):
            self._check(lines)
        else:
            super().took(block)

    def _check(self, lines: list[bytes]) -> None:
        number = int(lines[1].split()[-1])
        text = lines[2].removeprefix(b"data: fill ")
        wanted = filler(number, len(text)).encode()
        assert text == (translate(wanted) if self.is_translated else wanted), (
            f"{self.label}: {text[:50]!r} for {number}"
        )
        if lines[0].endswith(b"own"):
            # Ticks that were missed are dropped.
            assert self.tick is None or number > self.tick, f"{self.label}: {number} after {self.tick}"
            self.tick = number
        else:
            assert number == (self.number or 0) + 1, f"{self.label}: {number} after {self.number}"
            self.number = number


def open_all(crowd: Crowd) -> list[Client]:
    """Open each kind of stream through each kind of middleware, with small and large buffers, by HTTP/1.1 and 1.0."""
    streams = []
    for kind, wrap in itertools.product(KINDS, WRAPS):
        for version, size in (("1.1", RECEIVE_BUFFER), ("1.1", LARGE_RECEIVE_BUFFER), ("1.0", RECEIVE_BUFFER)):
            options = {"version": version, "receive_buffer": size}
            streams.append(crowd.open(f"/ds/t/{kind}", make=Numbered, wrap=wrap, **options))
    crowd.wait(lambda: all(stream.number is not None for stream in streams), "the begin of all")
    return streams


@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "queued"])
def test_every_stream_stays_whole(start: Callable[..., Server], is_direct: bool) -> None:
    server = start("gevent", app="hostile", send_buffer=SEND_BUFFER, EXTRA_DATASTAR_DIRECT_WRITES=json.dumps(is_direct))
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with Crowd(server.port) as crowd:
        streams = open_all(crowd)
        # Those whose body or start_response is wrapped are left out, and all when it is switched off.
        assert server.figures()["direct"] == (2 * 9 if is_direct else 0)

        for _ in range(BURSTS):
            stalled = chance.sample(streams, len(streams) // 3)
            for stream in stalled:
                stream.budget = chance.choice((1, 3, 50, chance.randrange(1, 200_000)))
            last = int(crowd.ask("/publish", method="POST", seed=chance.randrange(10**9), size=BURST_BYTES).body)
            assert crowd.ask("/ds/t/follow", method="HEAD").status == 200
            wait_for_number(crowd, [stream for stream in streams if stream not in stalled], last)
            for stream in stalled:
                crowd.resume(stream)
            wait_for_number(crowd, streams, last)
        assert server.figures()["stats"]["dropped"] == 0

        # More than fits into any queue: whoever stops has an end that is as whole.
        stalled = chance.sample(streams, len(streams) // 3)
        for stream in stalled:
            stream.budget = chance.randrange(1, 50_000)
        last = int(crowd.ask("/publish", method="POST", seed=1, size=FLOOD_BYTES).body)
        for stream in stalled:
            crowd.resume(stream)
        crowd.wait(
            lambda: all(stream.is_ended or stream.number == last for stream in streams),
            lambda: [(stream.label, stream.number, last) for stream in streams if not stream.is_ended],
        )
        for stream in stalled:
            # Compressed, all of it fits into the buffers.
            assert stream.is_ended or stream.headers.get("content-encoding") == "gzip", stream.label
        for stream in streams:
            if stream.is_ended:
                assert stream.ids[-1].startswith("ds:restart:0:")
        ended = sum(stream.is_ended for stream in streams)
        wait_until(lambda: server.figures()["stats"]["ended"] == {"slow": ended}, lambda: server.figures())
    assert "Traceback" not in server.log(), server.log()


def wait_for_number(crowd: Crowd, streams: list[Client], number: int) -> None:
    crowd.wait(
        lambda: all(stream.number == number for stream in streams),
        lambda: [(stream.label, stream.number, number) for stream in streams if stream.number != number],
    )
