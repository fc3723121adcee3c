"""Random writes leave no page stale: in one process, and in two that share a failing Redis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_datastar.brokers import redis
from flask_datastar.regions import pacing
from tests.brokers.redis_server import RedisServer
from tests.conftest import MakeApp
from tests.regions import oracle
from tests.regions.board import Board
from tests.support.checks import wait_until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try failures again soon, and let threads use Redis although another test may have run gevent."""
    monkeypatch.setattr(pacing, "_FIRST_RETRY_SECONDS", 0.02)
    monkeypatch.setattr(redis, "check_patched", lambda: None)


@pytest.fixture
def make_boards(make_app: MakeApp, tmp_path: Path) -> Iterator[Callable[..., list[Board]]]:
    made: list[Board] = []

    def make(count: int, **config: Any) -> list[Board]:
        config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"timeout": 1}}
        made.extend(Board(make_app, tmp_path / "board.db", is_new=number == 0, **config) for number in range(count))
        return made

    yield make
    for board in made:
        board.close()


@pytest.mark.parametrize("failing", [0.0, 0.2])
def test_nothing_is_stale_in_one_process(make_boards: Callable[..., list[Board]], failing: float) -> None:
    found = oracle.run(make_boards(1), seed=1, bursts=6, failing=failing)

    assert found.compared > 10
    assert found.failed < found.writes / 2


@pytest.mark.redis
@pytest.mark.parametrize("trouble", ["none", "killed"])
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
