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
from tests.servers.serving import wait_until

TIMEOUT_SECONDS = 2
#: What a busy machine may add to what is promised.
SLACK_SECONDS = 1.5
RECOVERY_SECONDS = 5
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

    def wait_current(self, seconds: float = 0) -> None:
        """Wait until every page shows the state, which nobody changes meanwhile."""
        worker = self._visitors.cluster.workers()[0]
        state = int(self._visitors.ask_at(worker, "/state", topic=self.topic))

        def what() -> str:
            return f"{state} everywhere: {[(page.is_ended, values_of(page, 'state')[-1:]) for page in self.pages]}"

        self._visitors.wait(lambda: all(values_of(page, "state")[-1:] == [state] for page in self.pages), what, seconds)

    def wait_heard(self, first: int, seconds: float) -> float:
        """Broadcast from each worker until each follower has heard one of each; give the seconds that it took."""
        begin = time.monotonic()
        for number, worker in enumerate(self.workers, start=first):
            while not all(number in values_of(stream, "n") for stream in self.followers):
                heard = [values_of(stream, "n") for stream in self.followers]
                assert time.monotonic() - begin < seconds, f"{number} of {worker} not heard by all: {heard}"
                self._broadcast(worker, number)
                self._visitors.read(0.05)
        return time.monotonic() - begin

    def _broadcast(self, worker: Worker, number: int) -> None:
        options = {"topic": self.topic, "first": number, "connection": self._connections[worker]}
        ask = self._visitors.open_at(worker, "/broadcast", method="POST", **options)
        self._visitors.wait(lambda: ask.is_ended, f"the answer of {worker}")
        self._visitors.clients.remove(ask)

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
        self.longest = max(self.longest, ask.ended_at - ask.started_at)


@pytest.mark.parametrize("kind", ["gevent", "gthread"])
def test_killed_redis_loses_no_stream(start_cluster: Callable[..., Cluster], kind: str) -> None:
    cluster = start_cluster(kind)
    with Visitors(cluster) as visitors:
        board = Board(visitors)
        for outage in range(1, 3):
            load = Load(visitors, board.topic)
            load.until(lambda load=load: load.done > 50, "edits before")
            cluster.redis.kill()
            load.until(lambda load=load: load.failed > 20, "edits meanwhile")
            cluster.redis.start()
            begin = time.monotonic()
            took = board.wait_heard(100 * outage, RECOVERY_SECONDS)
            load.end()
            board.wait_current(max(0.1, RECOVERY_SECONDS - (time.monotonic() - begin)))

            print(f"{kind}: messages flow {took:.2f} s after the start, an edit took up to {load.longest:.2f} s")
            assert load.longest < TIMEOUT_SECONDS + SLACK_SECONDS
            board.check_none_was_lost()
            # Those who only follow were asked to fill the gap.
            visitors.wait(
                lambda n=outage: all(len(values_of(stream, "gap")) >= n for stream in board.followers), "no gap"
            )
        # What Redis had forgotten it knows again.
        count = len(board.pages) + len(board.followers)
        wait_until(lambda: all(f["everywhere"] == count for f in visitors.figures()), lambda: visitors.figures())


@pytest.mark.parametrize("kind", ["gevent", "gthread"])
def test_redis_that_hangs_holds_no_request_up(start_cluster: Callable[..., Cluster], kind: str) -> None:
    cluster = start_cluster(kind)
    with Visitors(cluster) as visitors:
        board = Board(visitors)
        # As above: none is held while Redis is.
        spare = {worker: [visitors.connect(worker) for _ in range(9)] for worker in board.workers}

        def ask(worker: Worker, path: str, **options: object) -> Client:
            return visitors.open_at(worker, path, connection=spare[worker].pop(), **options)

        cluster.redis.freeze()
        try:
            begin = time.monotonic()
            asks, streams = [], []
            for worker in board.workers:
                asks += [
                    ask(worker, "/ready"),
                    ask(worker, "/figures"),
                    ask(worker, "/edit", method="POST", topic=board.topic),
                    ask(worker, "/broadcast", method="POST", topic=board.topic, first=1, count=3),
                    ask(worker, "/tell", method="POST", scope="bob", text="hello"),
                    ask(worker, "/close", method="POST", scope="bob"),
                ]
                streams += [
                    ask(worker, "/ds/t/show", topic="new"),
                    ask(worker, "/ds/t/follow", topic=board.topic, scope="carl", tab=f"c{worker.pid}.p"),
                ]
            visitors.wait_answered(*asks)
            visitors.wait_open(streams)
            took = time.monotonic() - begin
            print(f"{kind}: Redis hung, and all was answered within {took:.2f} s")
            assert took < TIMEOUT_SECONDS + SLACK_SECONDS
            # What was published has come to the pages of its own process.
            for number in (1, 2, 3):
                visitors.wait(
                    lambda n=number: all(n in values_of(s, "n") for s in board.followers), f"{number} is lost"
                )

            # When it is known, nobody waits.
            begin = time.monotonic()
            later = [ask(worker, "/edit", method="POST", topic=board.topic) for worker in board.workers]
            visitors.wait_answered(*later)
            assert time.monotonic() - begin < SLACK_SECONDS
            assert all(answer_of(client)["failed"] for client in later)
            visitors.wait(lambda: time.monotonic() - begin > TIMEOUT_SECONDS, "more time")
        finally:
            cluster.redis.thaw()
        board.wait_current(RECOVERY_SECONDS)
        board.wait_heard(100, RECOVERY_SECONDS)
        board.check_none_was_lost()
        assert not any(stream.is_ended for stream in streams)


def test_killed_worker_leaves_nothing_behind(start_cluster: Callable[..., Cluster]) -> None:
    cluster = start_cluster("gevent")
    with Visitors(cluster) as visitors:
        board = Board(visitors)
        count = len(board.pages) + len(board.followers)
        wait_until(lambda: all(f["everywhere"] == count for f in visitors.figures()), lambda: visitors.figures())
        doomed, *_, other = board.workers

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
        board.wait_current(RECOVERY_SECONDS)
        state = board.edit(other)
        board.wait_current(RECOVERY_SECONDS)
        assert values_of(board.pages[0], "state")[-1] == state
        board.check_none_was_lost()

        # The other two do not come back, and are forgotten.
        wait_until(
            lambda: all(found["everywhere"] == count - 2 for found in visitors.figures()),
            lambda: visitors.figures(),
            FORGOTTEN_SECONDS - (time.monotonic() - begin),
        )
        wait_until(
            lambda: len(cluster.processes_in_redis()) == len(board.workers),
            lambda: cluster.redis.keys(),
            FORGOTTEN_SECONDS - (time.monotonic() - begin),
        )
        print(f"a killed worker is forgotten after {time.monotonic() - begin:.1f} s")
