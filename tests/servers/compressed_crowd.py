"""A crowd of clients with and without codings, which read fast, slowly or in pieces, and check every byte."""

from __future__ import annotations

import random
import time
from collections import Counter

from tests.servers.clients import Client
from tests.servers.crowd import Crowd
from tests.servers.fillers import content
from tests.servers.serving import Server, wait_until

PATHS = ("one", "two", "two", "apart", "forward", "mixed")
CODINGS = ("zstd", "gzip", "gzip, deflate, br, zstd", "zstd", "gzip", None)
USERS = 4
TICK_SECONDS = 0.02


class Numbered(Client):
    """Checks order, completeness and content of what it gets."""

    def __init__(self, port: int, path: str, **options: object) -> None:
        self.label = f"{path} {options}"
        #: Topic → the number of its last event.
        self.numbers: dict[str, int] = {}
        self.count = 0
        self._last = 0
        super().__init__(port, path, **options)  # type: ignore[arg-type]

    def took(self, block: bytes) -> None:
        # An event may have an id between its type and its data.
        lines = [line for line in block.decode().split("\n") if not line.startswith("id: ")] or [""]
        if lines[0] == "event: datastar-begin":
            self.numbers = {line.split()[1]: int(line.split()[2]) for line in lines[1:]}
        elif lines[0] in ("event: datastar-number", "event: datastar-own"):
            self._check(lines)
        elif not lines[0].startswith(":"):
            super().took(block)

    def _check(self, lines: list[str]) -> None:
        fields, text = lines[1].split()[1:], lines[2].removeprefix("data: fill ")
        self.count += 1
        if lines[0].endswith("own"):
            number = int(fields[1])
            assert text in (content(number, len(text)), content(7, len(text))), f"{self.label}: {text[:50]!r}"
            return
        topic, number, place = fields[0], int(fields[1]), int(fields[2])
        assert number == self.numbers[topic] + 1, f"{self.label}: {topic} {number} after {self.numbers[topic]}"
        assert text == content(number, len(text)), f"{self.label}: {text[:50]!r} for {number}"
        assert place > self._last, f"{self.label}: {place} after {self._last}"
        self.numbers[topic], self._last = number, place


class Chaos:
    """What happens to the streams of one server, at random.

    :param pages: how many streams are open at a time.
    """

    def __init__(self, server: Server, crowd: Crowd, pages: int, seed: int) -> None:
        self.server = server
        self.crowd = crowd
        self.open: list[Numbered] = []
        #: Endings by their id, and events that were checked.
        self.ended: Counter[str] = Counter()
        self.events = self.clients = 0
        #: Streams that were let go because they did not read.
        self._pages = pages
        self._chance = random.Random(seed)

    def run(self, seconds: float) -> None:
        """Open, close, stall and publish for so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            while len(self.open) < self._pages:
                self.open_one()
            for client in self._chance.sample(self.open, len(self.open) // 4):
                client.budget = self._chance.choice((1, 30, 700, 5000))
            seed, count = self._chance.randrange(10**9), self._chance.choice((1, 1, 3, 30))
            self.crowd.ask("/publish", method="POST", seed=seed, count=count)
            self._read(self._chance.random() * 0.1)
            for client in self.open:
                self.crowd.resume(client)
            self._read(TICK_SECONDS)
            if self._chance.random() < 0.05:
                user = f"user{self._chance.randrange(USERS)}"
                self.crowd.ask("/close", method="POST", user=user, restart=self._chance.randrange(2))
            if self._chance.random() < 0.2:
                gone = self.open.pop(self._chance.randrange(len(self.open)))
                self.crowd.leave(gone, self._chance.choice(("close", "reset")))
                self.crowd.clients.remove(gone)
            self._sweep()

    def open_one(self) -> None:
        """Open a stream of any kind."""
        chance = self._chance
        self.clients += 1
        client = self.crowd.open(
            f"/ds/t/{chance.choice(PATHS)}",
            make=Numbered,
            accepted=chance.choice(CODINGS),
            # gunicorn's threads wait for the end of such connections one after another.
            version="1.1" if self.server.kind == "gthread" else chance.choice(("1.1", "1.1", "1.0")),
            receive_buffer=None if self.server.kind == "gthread" else chance.choice((None, 8192, 16384)),
            user=f"user{chance.randrange(USERS)}",
            tab=f"t{self.clients}.p" if chance.random() < 0.5 else None,
        )
        assert isinstance(client, Numbered)
        self.open.append(client)

    def finish(self) -> dict[str, int]:
        """Close all streams, and check that each body is whole and that the server keeps nothing."""
        last = self.server.figures()["numbers"]
        for client in self.open:
            self.crowd.resume(client)
        self.crowd.wait(
            lambda: all(
                client.is_ended
                or (client.numbers and all(last.get(topic, 0) == number for topic, number in client.numbers.items()))
                for client in self.open
            ),
            lambda: [(client.label, client.numbers, last) for client in self.open if not client.is_ended][:4],
        )
        for user in range(USERS):
            self.crowd.ask("/close", method="POST", user=f"user{user}", restart=0)
        self.crowd.wait(lambda: all(client.is_ended for client in self.open), "the end of all")
        self._sweep()

        def is_empty() -> bool:
            figures = self.server.figures()
            return figures["stats"]["open"] == 0 and figures["topics_empty"] and figures["groups"] == 0

        wait_until(is_empty, lambda: self.server.figures())
        return dict(self.server.figures()["stats"]["compression"])

    def _read(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.crowd.read(left)

    def _sweep(self) -> None:
        """Count and drop the streams that have ended."""
        for client in [client for client in self.open if client.is_ended]:
            self.open.remove(client)
            self.crowd.leave(client)
            self.crowd.clients.remove(client)
            self.events += client.count
            assert client.status == 200, client.label
            assert client.ids, f"{client.label}: no ending"
            assert client.ids[-1].startswith("ds:"), f"{client.label}: {client.ids[-1]}"
            self.ended[client.ids[-1].split(":")[1]] += 1
