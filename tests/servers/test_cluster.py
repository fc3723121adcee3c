"""Two servers of several workers on one Redis are to the browser like one process."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.servers.clients import Client
from tests.servers.cluster import Cluster, Visitors, Worker, answer_of, values_of
from tests.servers.serving import wait_until

#: Processor time is scarce for the first seconds, and whatever else the machine does, nothing counts as late here.
PATIENT = {"EXTRA_PATIENCE": "30", "EXTRA_DATASTAR_BROKER_TIMEOUT_SECONDS": "20"}
LIMIT = 6
SCRIPT = """
from tests.servers.apps.cluster import app, datastar
with app.app_context():
    datastar.broadcast("news").patch_signals({"n": 101, "by": 0})
"""


@pytest.fixture(scope="module", params=["gevent", "gthread"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp(f"cluster-{request.param}")
    workers = (3, 1) if request.param == "gevent" else (2, 1)
    limit = {"EXTRA_DATASTAR_MAX_STREAMS_PER_SCOPE": str(LIMIT)}
    cluster = Cluster(folder, request.param, workers=workers, **PATIENT, **limit)
    try:
        yield cluster
        cluster.stop()
        # What stops in its own way takes back all that it said; who was there is forgotten a little later.
        left = cluster.redis.keys()
        assert [key for key in left if not key.endswith(b":processes")] == []
    finally:
        cluster.kill()
    assert "Traceback" not in cluster.logs(), cluster.logs()


@pytest.fixture
def visitors(cluster: Cluster) -> Iterator[Visitors]:
    with Visitors(cluster) as visitors:
        yield visitors
        visitors.leave_all()
        wait_until(lambda: everything_of(visitors) == (0, 0), lambda: visitors.figures())


def everything_of(visitors: Visitors) -> tuple[int, int]:
    """Give how many streams there are, and how many tabs the processes see everywhere when they agree on it."""
    figures = visitors.figures()
    counts = {found["everywhere"] for found in figures}
    return sum(found["stats"]["open"] for found in figures), counts.pop() if len(counts) == 1 else -1


def open_everywhere(visitors: Visitors, path: str, count: int = 1, **options: object) -> dict[Worker, list[Client]]:
    workers = visitors.cluster.workers()
    return {worker: visitors.open_streams_at(worker, count, path, **options) for worker in workers}


def all_of(streams: dict[Worker, list[Client]]) -> list[Client]:
    return [stream for opened in streams.values() for stream in opened]


def test_broadcast_of_any_process_reaches_every_stream_once(cluster: Cluster, visitors: Visitors) -> None:
    streams = open_everywhere(visitors, "/ds/t/follow", 2, topic="news")
    for worker, opened in open_everywhere(visitors, "/ds/t/listen", topic="news").items():
        streams[worker] += opened
    visitors.wait(lambda: all(values_of(stream, "pid") for stream in all_of(streams)), "all say where they are")
    assert all(values_of(stream, "pid") == [worker.pid] for worker in streams for stream in streams[worker])
    expected: list[int] = []

    for number, worker in enumerate(streams):
        answer = visitors.ask_at(worker, "/broadcast", method="POST", topic="news", first=number, publish=1)
        assert answer == {"pid": worker.pid, "failed": 0}
        expected.append(number)
        visitors.wait(lambda e=expected: has_all(streams, e), lambda e=expected: received(streams, e))

    # Those who do not serve reach those who broadcast.
    followers = {worker: opened[:2] for worker, opened in streams.items()}
    cluster.run("-m", "flask", "--app", "tests.servers.apps.cluster", "shout", "news", "100")
    cluster.run("-c", SCRIPT)
    expected += [100, 101]
    visitors.wait(lambda: has_all(followers, expected), lambda: received(followers, expected))
    # Whatever came twice has come before these.
    for number, worker in enumerate(streams, start=200):
        visitors.ask_at(worker, "/broadcast", method="POST", topic="news", first=number, publish=1)
        expected.append(number)
    visitors.wait(lambda: has_all(followers, expected), lambda: received(followers, expected))
    assert [values_of(stream, "n") for stream in all_of(followers)] == [expected] * len(all_of(followers))
    only_published = [number for number in expected if number not in (100, 101)]
    listeners = [opened[2] for opened in streams.values()]
    visitors.wait(lambda: all(200 + len(streams) - 1 in values_of(one, "n") for one in listeners), "all are heard")
    assert [values_of(stream, "n") for stream in listeners] == [only_published] * len(listeners)


def has_all(streams: dict[Worker, list[Client]], numbers: list[int]) -> bool:
    return all(set(numbers) <= set(values_of(stream, "n")) for stream in all_of(streams))


def received(streams: dict[Worker, list[Client]], numbers: list[int]) -> object:
    found = {worker.pid: [values_of(stream, "n") for stream in opened] for worker, opened in streams.items()}
    return f"{numbers} expected, {found}"


def test_messages_of_two_publishers_come_everywhere_in_one_order(cluster: Cluster, visitors: Visitors) -> None:
    streams = all_of(open_everywhere(visitors, "/ds/t/follow", topic="news"))
    one, *_, other = cluster.workers()
    count = 200

    # They may miss each other once; that all see one order shows nothing then.
    for attempt in range(10):
        first = attempt * count
        connections = [visitors.connect(one), visitors.connect(other)]
        asks = [
            visitors.open_at(w, "/broadcast", connection=c, method="POST", topic="news", first=first, count=count)
            for w, c in zip((one, other), connections, strict=True)
        ]
        visitors.wait_answered(*asks)
        assert [answer_of(ask)["failed"] for ask in asks] == [0, 0]
        wanted = (attempt + 1) * count * 2
        visitors.wait(lambda n=wanted: all(len(values_of(s, "n")) >= n for s in streams), "all messages")
        orders = [list(zip(values_of(s, "by"), values_of(s, "n"), strict=True)) for s in streams]
        assert all(order == orders[0] for order in orders)
        for worker in (one, other):
            assert [n for by, n in orders[0] if by == worker.pid] == list(range(first + count))
        changes = sum(a[0] != b[0] for a, b in zip(orders[0], orders[0][1:], strict=False))
        if changes > 4 * (attempt + 1):
            break
    else:
        pytest.fail("the publishers never published at the same time")
    assert [found["stats"]["broker"]["late"] for found in visitors.figures()] == [0] * len(cluster.workers())


def spread(cluster: Cluster, count: int) -> list[Worker]:
    """Choose workers, each of them about as often, in a random order."""
    workers = cluster.workers()
    chosen = [workers[number % len(workers)] for number in range(count)]
    random.shuffle(chosen)
    return chosen


def test_six_opens_of_a_tab_at_one_moment_leave_one(cluster: Cluster, visitors: Visitors) -> None:
    for attempt in range(8):
        workers = spread(cluster, 6)
        connections = [visitors.connect(worker) for worker in workers]
        tabs = [f"tab.p{attempt}x{number}" for number in range(6)]
        opened = [
            visitors.open_at(worker, "/ds/t/follow", connection=connection, topic="news", scope="ann", tab=tab)
            for worker, connection, tab in zip(workers, connections, tabs, strict=True)
        ]

        visitors.wait(lambda o=opened: sum(c.is_ended for c in o) == 5, lambda o=opened: [c.ids for c in o])
        visitors.wait_open(opened)
        (winner,) = [client for client in opened if not client.is_ended]
        losers = [client for client in opened if client.is_ended]
        for loser in losers:
            assert loser.ids[-1].removeprefix("ds:replaced:") in [tab.removeprefix("tab.") for tab in tabs]
        wait_until(lambda: everything_of(visitors) == (1, 1), lambda: visitors.figures())
        # It is the one that all of them tell.
        for worker in cluster.workers():
            visitors.ask_at(worker, "/tell", method="POST", scope="ann", only="tab", text=f"{worker.pid}")
        told = [f"{worker.pid}" for worker in cluster.workers()]
        visitors.wait(lambda w=winner, t=told: values_of(w, "told") == t, lambda w=winner: w.text)
        assert not any(values_of(loser, "told") for loser in losers)
    wait_until(lambda: everything_of(visitors) == (1, 1), lambda: visitors.figures())


def test_opens_of_a_tab_one_after_another_leave_the_last(cluster: Cluster, visitors: Visitors) -> None:
    # Workers are held meanwhile, and may announce their stream after the next one.
    before: Client | None = None
    for number, worker in enumerate(spread(cluster, 6)):
        (last,) = visitors.open_streams_at(worker, 1, "/ds/t/listen", topic="news", scope="ann", tab=f"tab.p{number}")
        if before is not None:
            visitors.wait(lambda b=before: b.is_ended, lambda b=before: b.text)
            assert before.ids[-1] == f"ds:replaced:p{number}"
        assert not last.is_ended
        before = last


def test_streams_of_one_page_under_other_urls_live_side_by_side(cluster: Cluster, visitors: Visitors) -> None:
    options = {"topic": "news", "scope": "ann", "tab": "tab.page"}
    one, *_, other = cluster.workers()
    pair = visitors.open_streams_at(one, 1, "/ds/t/follow", **options)
    pair += visitors.open_streams_at(other, 1, "/ds/t/listen", **options)
    visitors.ask_at(one, "/tell", method="POST", scope="ann", only="tab", text="hello")
    visitors.ask_at(other, "/tell", method="POST", scope="ann", text="again")
    # The page gets each once, by one of the two.
    visitors.ask_at(one, "/broadcast", method="POST", topic="news", count=1, publish=1)
    visitors.wait(lambda: all(values_of(client, "n") for client in pair), lambda: [client.text for client in pair])
    assert sorted(text for client in pair for text in values_of(client, "told")) == ["again", "hello"]

    # Another page of the tab ends both, wherever it is.
    third = cluster.workers()[1]
    (last,) = visitors.open_streams_at(third, 1, "/ds/t/follow", topic="news", scope="ann", tab="tab.next")
    visitors.wait(lambda: all(client.is_ended for client in pair), "the end of both")
    assert {client.ids[-1] for client in pair} == {"ds:replaced:next"}
    assert not last.is_ended


def test_close_and_broadcast_to_reach_tabs_of_other_processes(cluster: Cluster, visitors: Visitors) -> None:
    workers = cluster.workers()
    by_tab = {
        f"t{number}": visitors.open_streams_at(
            worker, 1, "/ds/t/follow", topic="news", scope="ann", tab=f"t{number}.p"
        )[0]
        for number, worker in enumerate(workers)
    }
    (bob,) = visitors.open_streams_at(workers[0], 1, "/ds/t/follow", topic="news", scope="bob", tab="t0.p")

    for asked, worker in enumerate(workers):
        for name, stream in by_tab.items():
            visitors.ask_at(worker, "/tell", method="POST", scope="ann", only=name, text=f"{asked} {name}")
            visitors.wait(lambda s=stream, t=f"{asked} {name}": values_of(s, "told")[-1:] == [t], name)
    visitors.ask_at(workers[0], "/tell", method="POST", scope="ann", text="all")
    visitors.wait(lambda: all(values_of(s, "told")[-1] == "all" for s in by_tab.values()), "all are told")
    for name, stream in by_tab.items():
        assert values_of(stream, "told") == [*(f"{asked} {name}" for asked in range(len(workers))), "all"]

    first, *others = by_tab
    assert visitors.ask_at(workers[-1], "/close", method="POST", scope="ann", only=first) == "0"
    visitors.wait(lambda: by_tab[first].is_ended, "the end of one tab")
    assert by_tab[first].ids[-1] == "ds:done"
    assert not any(by_tab[name].is_ended for name in others)

    assert visitors.ask_at(workers[0], "/close", method="POST", scope="ann", restart=1) == "0"
    visitors.wait(lambda: all(by_tab[name].is_ended for name in others), "the end of the others")
    for name in others:
        assert by_tab[name].ids[-1].startswith("ds:restart:0:")
        assert 1500 <= by_tab[name].retries[-1] <= 2000
    assert not bob.is_ended
    assert values_of(bob, "told") == []


def test_limit_of_a_scope_and_count_hold_for_all_processes(cluster: Cluster, visitors: Visitors) -> None:
    options = {"topic": "news", "scope": "ann"}
    opened = []
    for number, worker in enumerate(spread(cluster, LIMIT)):
        opened += visitors.open_streams_at(worker, 1, "/ds/t/follow", tab=f"t{number}.p", **options)
    (bob,) = visitors.open_streams_at(cluster.workers()[0], 1, "/ds/t/follow", topic="news", scope="bob", tab="t0.p")
    wait_until(lambda: everything_of(visitors) == (LIMIT + 1, LIMIT + 1), lambda: visitors.figures())

    def status_of(worker: Worker, tab: str) -> int:
        client = visitors.open_at(worker, "/ds/t/follow", tab=tab, **options)
        visitors.wait(lambda: client.status, "an answer")
        if client.status == 200:
            opened.append(client)
        return client.status

    for worker in cluster.workers():
        assert status_of(worker, "more.p") == 503
    # One that takes another one's place is not more.
    assert status_of(cluster.workers()[-1], "t0.other") == 200
    visitors.wait(lambda: opened[0].is_ended, "the end of the one that was there")

    visitors.leave(opened.pop())
    wait_until(lambda: everything_of(visitors) == (LIMIT, LIMIT), lambda: visitors.figures())
    wait_until(lambda: status_of(cluster.workers()[0], "more.p") == 200, "a new tab after one has left")
    assert not bob.is_ended


def test_process_has_two_connections_to_redis(cluster: Cluster, visitors: Visitors) -> None:
    for number in range(12):
        open_everywhere(visitors, "/ds/t/follow", topic=f"news{number}")
    open_everywhere(visitors, "/ds/t/show", topic="news", scope="ann", tab="t.p")
    for worker in cluster.workers():
        visitors.ask_at(worker, "/broadcast", method="POST", topic="news1", count=20)
        visitors.ask_at(worker, "/figures")

    def named() -> int:
        with cluster.redis.client() as client:
            return [found["name"] for found in client.client_list()].count("flask-datastar")

    def counts() -> list[int]:
        return [worker.connections_to(cluster.redis.port) for worker in cluster.workers()]

    settled: list[int] = []

    def is_settled() -> bool:
        settled[:] = counts()
        return sum(settled) == named()

    # Redis may notice only now that others were closed.
    wait_until(is_settled, lambda: (settled, named()))
    assert settled == [2] * len(settled)
