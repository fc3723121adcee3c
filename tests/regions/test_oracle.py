"""Random writes leave no page stale: in one process, and in two that share a failing Redis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_datastar.brokers import redis, redis_presence
from flask_datastar.regions import pacing
from tests.brokers.redis_server import RedisServer
from tests.conftest import MakeApp
from tests.regions import oracle
from tests.regions.board import Board
from tests.support.checks import wait_until
from tests.support.streams import hub_for

# Coverage would double the time, and other tests measure the same lines.
pytestmark = pytest.mark.no_cover


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try failures again soon, and let threads use Redis although another test may have run gevent."""
    monkeypatch.setattr(pacing, "_FIRST_RETRY_SECONDS", 0.02)
    monkeypatch.setattr(redis, "check_patched", lambda: None)


@pytest.fixture
def make_boards(make_app: MakeApp, database: Path | str) -> Iterator[Callable[..., list[Board]]]:
    made: list[Board] = []

    def make(count: int, **config: Any) -> list[Board]:
        if isinstance(database, Path):
            config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"timeout": 1}}
        made.extend(Board(make_app, database, is_new=number == 0, **config) for number in range(count))
        return made

    yield make
    for board in made:
        board.close()


@pytest.mark.parametrize(
    ("database", "failing"), [("sqlite", 0.0), ("sqlite", 0.2), ("postgresql", 0.2)], indirect=["database"]
)
def test_nothing_is_stale_in_one_process(make_boards: Callable[..., list[Board]], failing: float) -> None:
    found = oracle.run(make_boards(1), seed=1, bursts=6, failing=failing)

    assert found.compared > 10
    assert found.failed < found.writes / 2


@pytest.mark.redis
@pytest.mark.parametrize(
    ("database", "trouble"),
    [("sqlite", "none"), ("sqlite", "killed"), ("postgresql", "killed")],
    indirect=["database"],
)
def test_nothing_is_stale_in_two_processes(make_boards: Callable[..., list[Board]], trouble: str) -> None:
    with RedisServer() as server:
        boards = make_boards(2, DATASTAR_BROKER_URL=server.url)

        def around(number: int) -> Callable[[], Callable[[], bool]]:
            if trouble == "killed" and number % 3 == 1:
                server.kill()

            def end() -> Callable[[], bool]:
                if trouble == "killed" and number % 3 == 1:
                    server.start()
                    wait_until(lambda: all(is_connected(board) for board in boards))
                # Published messages are still on their way.
                quiet_at = time.monotonic() + 0.3
                return lambda: time.monotonic() > quiet_at

            return end

        found = oracle.run(boards, seed=2, bursts=6, around=around)
        for board in boards:
            board.close()

    assert found.compared > 10


def is_connected(board: Board) -> bool:
    with board.app.app_context():
        return bool(board.datastar.stats()["broker"]["connected"])


@pytest.mark.redis
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_death_between_a_commit_and_its_message_is_made_good(
    make_boards: Callable[..., list[Board]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_presence, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(redis_presence, "ALIVE_SECONDS", 1.0)
    with RedisServer() as server:
        one, other = make_boards(2, DATASTAR_BROKER_URL=server.url)
        connection = one.open("people()")
        monkeypatch.setattr(other.live, "tell_writes", lambda writes: None)
        with other.app.app_context():
            other.db.session.add(other.Person(name="x"))
            other.db.session.flush()
            presence: Any = hub_for(other.app).bus.broker
            wait_until(lambda: presence.process.encode() in processes_of(server))
            other.db.session.commit()
        # As after SIGKILL: no more heartbeats.
        presence._presence._cancel_beat()
        presence._presence._is_closed = True

        connection.wait('<p id="people">1</p>')
        for board in (one, other):
            board.close()


def processes_of(server: RedisServer) -> list[bytes]:
    with server.client() as client:
        return [name for key in client.keys("*:processes") for name in client.zrange(key, 0, -1)]
