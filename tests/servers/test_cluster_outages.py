"""Workers that are killed, and a Redis that is killed or hangs: no stream is lost, and every page is current again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.clients import Client
from tests.servers.cluster import Cluster, Visitors, Worker, answer_of, values_of
from tests.servers.crowd import DEADLINE_SECONDS
from tests.servers.serving import wait_until

TIMEOUT_SECONDS = 2
#: What a busy machine may add to what is promised.
SLACK_SECONDS = 1.5
RECOVERY_SECONDS = 5
#: How often the same is tried: a pause of a busy machine makes one attempt late, not all.
ATTEMPTS = 4
#: In which nothing is left of a worker that was killed.
FORGOTTEN_SECONDS = 30


@pytest.fixture
def start_cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Start a cluster to be broken; arguments are those of :class:`Cluster`."""
    clusters: list[Cluster] = []

    def start(kind: str, workers: tuple[int, ...] = (2, 1)) -> Cluster:
        clusters.append(Cluster(tmp_path, kind, workers=workers))
        return clusters[-1]

    yield start
    try:
        for cluster in clusters:
            cluster.stop()
            assert "Traceback" not in cluster.logs(), cluster.logs()
    finally:
        for cluster in clusters:
            cluster.kill()


class Board:
    """On each worker two pages that show the state of one topic, and a stream that gets what is broadcast to it."""

    topic = "board"

    def __init__(self, visitors: Visitors) -> None:
        self._visitors = visitors
        self.workers = visitors.cluster.workers()
        # To choose a worker holds the others for a moment, which is not to count.
        self._connections = {worker: visitors.connect(worker) for worker in self.workers}
        self.pages: list[Client] = []
        self.followers: list[Client] = []
        for number, worker in enumerate(self.workers):
            self.pages += self.open(worker, "show", f"s{number}"), self.open(worker, "show", f"t{number}")
            self.followers.append(self.open(worker, "follow", f"f{number}"))
        # What is connected at first use is there.
        for worker in self.workers:
            self.edit(worker)
        self.wait_current()

    def open(self, worker: Worker, stream: str, tab: str, page: str = "p") -> Client:
        """Open a stream of a tab of its own."""
        options = {"topic": self.topic, "scope": "ann", "tab": f"{tab}.{page}"}
        return self._visitors.open_streams_at(worker, 1, f"/ds/t/{stream}", **options)[0]

    def edit(self, worker: Worker) -> int:
        """Change the state, and give it."""
        return int(self._visitors.ask_at(worker, "/edit", method="POST", topic=self.topic)["state"])

    def wait_current(self) -> float:
        """Wait until every page shows the state, which nobody changes meanwhile; give the seconds that it took."""
        worker, begin = self._visitors.cluster.workers()[0], time.monotonic()
        state = int(self._visitors.ask_at(worker, "/state", topic=self.topic))

        def what() -> str:
            return f"{state} everywhere: {[(page.is_ended, values_of(page, 'state')[-1:]) for page in self.pages]}"

        self._visitors.wait(lambda: all(values_of(page, "state")[-1:] == [state] for page in self.pages), what)
        return time.monotonic() - begin

    def wait_heard(self, first: int) -> float:
        """Broadcast from each worker until each follower has heard one of each; give the seconds that it took."""
        begin = time.monotonic()
        for number, worker in enumerate(self.workers, start=first):
            while not all(number in values_of(stream, "n") for stream in self.followers):
                heard = [values_of(stream, "n") for stream in self.followers]
                assert time.monotonic() - begin < DEADLINE_SECONDS, f"{number} of {worker} not heard by all: {heard}"
                self._broadcast(worker, number)
                self._visitors.read(0.05)
        return time.monotonic() - begin

    def _broadcast(self, worker: Worker, number: int) -> None:
        options = {"topic": self.topic, "first": number, "connection": self._connections[worker]}
        ask = self._visitors.open_at(worker, "/broadcast", method="POST", **options)
        self._visitors.wait(lambda: ask.is_ended, f"the answer of {worker}")
        self._visitors.clients.remove(ask)

    def check_current_soon(self, worker: Worker) -> None:
        """Change the state, which every page is to show soon."""
        seconds: list[float] = []
        while not seconds or min(seconds) > RECOVERY_SECONDS:
            assert len(seconds) < ATTEMPTS, seconds
            self.edit(worker)
            seconds.append(self.wait_current())

    def check_none_was_lost(self) -> None:
        assert [client.ids for client in [*self.pages, *self.followers] if client.is_ended] == []


class Load:
    """Edits without a pause: each worker is asked for the next one as soon as it has answered."""

    def __init__(self, visitors: Visitors, topic: str) -> None:
        self._visitors = visitors
        self._topic = topic
        self._asks = [self._ask(worker) for worker in visitors.cluster.workers()]
        self.done = 0
        self.failed = 0
        #: What an edit took the longest to let the others know, as its worker saw it.
        self.longest = 0.0

    def _ask(self, worker: Worker, **options: object) -> Client:
        return self._visitors.open_at(worker, "/edit", method="POST", topic=self._topic, **options)

    def go_on(self) -> None:
        """Take the answers that are there, and ask anew on their connections."""
        for worker, ask in zip(self._visitors.cluster.workers(), list(self._asks), strict=True):
            if ask.is_ended:
                self._note(ask)
                self._asks[self._asks.index(ask)] = self._ask(worker, connection=ask.socket)

    def until(self, check: Callable[[], bool], what: str) -> None:
        """Go on until a check holds."""

        def is_so() -> bool:
            self.go_on()
            return check()

        self._visitors.wait(is_so, what)

    def end(self) -> None:
        """Wait for the last ones."""
        self._visitors.wait(lambda: all(ask.is_ended for ask in self._asks), "the last edits")
        for ask in self._asks:
            self._note(ask)
            ask.socket.close()

    def _note(self, ask: Client) -> None:
        self._visitors.clients.remove(ask)
        self.done += 1
        self.failed += answer_of(ask)["failed"]
        self.longest = max(self.longest, answer_of(ask)["seconds"])


@pytest.mark.parametrize("kind", ["gevent", "gthread"])
def test_killed_redis_loses_no_stream(start_cluster: Callable[..., Cluster], kind: str) -> None:
    cluster = start_cluster(kind)
    with Visitors(cluster) as visitors:
        board = Board(visitors)
        is_in_time, outage = False, 0
        while outage < 2 or not is_in_time:
            outage += 1
            assert outage <= ATTEMPTS, "late after each outage"
            load = Load(visitors, board.topic)
            load.until(lambda load=load: load.done > 50, "edits before")
            cluster.redis.kill()
            load.until(lambda load=load: load.failed > 20, "edits meanwhile")
            cluster.redis.start()
            begin = time.monotonic()
            took = board.wait_heard(100 * outage)
            load.end()
            board.wait_current()
            all_took = time.monotonic() - begin

            print(f"{kind}: messages flow {took:.2f} s after the start, pages are current after {all_took:.2f} s,")
            print(f"an edit told the others, or gave up, within {load.longest:.2f} s")
            is_soon = all_took < RECOVERY_SECONDS and load.longest < TIMEOUT_SECONDS + SLACK_SECONDS
            is_in_time = is_in_time or is_soon
            board.check_none_was_lost()
            # Those who only follow were asked to fill the gap.
            visitors.wait(
                lambda n=outage: all(len(values_of(stream, "gap")) >= n for stream in board.followers), "no gap"
            )
        # What Redis had forgotten it knows again.
        count = len(board.pages) + len(board.followers)
        wait_until(lambda: all(f["everywhere"] == count for f in visitors.figures()), lambda: visitors.figures())


class Round:
    """Requests of each kind of each worker, on connections that are made before: none is held while Redis is."""

    def __init__(self, visitors: Visitors, board: Board, first: int) -> None:
        self._visitors = visitors
        self._board = board
        self._first = first
        self._spare = {worker: [visitors.connect(worker) for _ in range(9)] for worker in board.workers}
        self.streams: list[Client] = []

    def _ask(self, worker: Worker, path: str, **options: object) -> Client:
        return self._visitors.open_at(worker, path, connection=self._spare[worker].pop(), **options)

    def ask_all(self) -> float:
        """Make the requests, wait for the answers, and give the seconds that it took."""
        begin, asks, topic = time.monotonic(), [], self._board.topic
        for worker in self._board.workers:
            asks += [
                self._ask(worker, "/ready"),
                self._ask(worker, "/figures"),
                self._ask(worker, "/edit", method="POST", topic=topic),
                self._ask(worker, "/broadcast", method="POST", topic=topic, first=self._first, count=3),
                self._ask(worker, "/tell", method="POST", scope="bob", text="hello"),
                self._ask(worker, "/close", method="POST", scope="bob"),
            ]
            self.streams += [
                self._ask(worker, "/ds/t/show", topic="new"),
                self._ask(worker, "/ds/t/follow", topic=topic, scope=f"carl{self._first}", tab=f"c{worker.pid}.p"),
            ]
        self._visitors.wait_answered(*asks)
        self._visitors.wait_open(self.streams)
        return time.monotonic() - begin

    def edit_all(self) -> tuple[float, list[bool]]:
        """Let each worker edit; give the seconds that it took, and which of them could not tell the others."""
        begin = time.monotonic()
        edits = [self._ask(worker, "/edit", method="POST", topic=self._board.topic) for worker in self._board.workers]
        self._visitors.wait_answered(*edits)
        return time.monotonic() - begin, [bool(answer_of(client)["failed"]) for client in edits]

    def wait_heard(self) -> None:
        """Wait until what was broadcast has come to all pages."""
        for number in range(self._first, self._first + 3):
            self._visitors.wait(
                lambda n=number: all(n in values_of(s, "n") for s in self._board.followers), f"{number} is lost"
            )


@pytest.mark.parametrize("kind", ["gevent", "gthread"])
def test_redis_that_hangs_holds_no_request_up(start_cluster: Callable[..., Cluster], kind: str) -> None:
    cluster = start_cluster(kind)
    with Visitors(cluster) as visitors:
        board = Board(visitors)
        for attempt in range(1, ATTEMPTS + 1):
            before, meanwhile = (Round(visitors, board, 100 * attempt + number) for number in (0, 10))
            # A machine that takes longer for all of it has as much more time.
            slack = max(SLACK_SECONDS, before.ask_all())
            before.wait_heard()
            cluster.redis.freeze()
            try:
                begin = time.monotonic()
                took = meanwhile.ask_all()
                # What was published has come to the pages of its own process.
                meanwhile.wait_heard()
                # When it is known, nobody waits.
                later, are_failed = meanwhile.edit_all()
                visitors.wait(lambda begin=begin: time.monotonic() - begin > 2 * TIMEOUT_SECONDS, "more time")
            finally:
                cluster.redis.thaw()
            print(f"{kind}: Redis hung, and all was answered within {took:.2f} s, what came later within {later:.2f} s")
            assert all(are_failed)
            recovered = [board.wait_current(), board.wait_heard(100 * attempt + 20)]
            board.check_none_was_lost()
            assert not any(stream.is_ended for stream in before.streams + meanwhile.streams)
            if took < TIMEOUT_SECONDS + slack and later < slack and max(recovered) < RECOVERY_SECONDS:
                return
        pytest.fail(f"late in each attempt: {took}, {later}, {recovered}")


def test_killed_worker_leaves_nothing_behind(start_cluster: Callable[..., Cluster]) -> None:
    cluster = start_cluster("gevent")
    with Visitors(cluster) as visitors:
        board = Board(visitors)
        count = len(board.pages) + len(board.followers)
        wait_until(lambda: all(f["everywhere"] == count for f in visitors.figures()), lambda: visitors.figures())
        doomed, *_, other = board.workers
        # How long a look at all workers takes is no lateness of theirs.
        begin = time.monotonic()
        visitors.figures()
        forgotten_seconds = FORGOTTEN_SECONDS + 2 * (time.monotonic() - begin)

        os.kill(doomed.pid, signal.SIGKILL)
        begin = time.monotonic()
        lost = [board.pages[0], board.pages[1], board.followers[0]]
        visitors.wait(lambda: all(client.is_ended for client in lost), "their connections break")
        assert all(client.is_broken for client in lost)  # type: ignore[attr-defined]
        board.edit(other)
        board.workers.remove(doomed)
        # One comes back, to another process, and finds what it missed.
        board.pages[:2] = [board.open(other, "show", "s0")]
        del board.followers[0]
        board.wait_current()
        board.check_current_soon(other)
        board.check_none_was_lost()

        # The other two do not come back, and are forgotten.
        wait_until(
            lambda: all(found["everywhere"] == count - 2 for found in visitors.figures()),
            lambda: visitors.figures(),
            forgotten_seconds - (time.monotonic() - begin),
        )
        wait_until(
            lambda: len(cluster.processes_in_redis()) == len(board.workers),
            lambda: cluster.redis.keys(),
            forgotten_seconds - (time.monotonic() - begin),
        )
        print(f"a killed worker is forgotten after {time.monotonic() - begin:.1f} s")
