"""Boards in a database that all processes share: random writes by request, and a death between commit and message."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

from flask import Config, request

from flask_datastar.brokers import redis_presence
from flask_datastar.regions.process import LiveRegions
from flask_datastar.regions.writes import Writes
from tests.regions.board import Board
from tests.regions.oracle import COLLISIONS, write_at_random

config = Config("")
config.from_prefixed_env("EXTRA")
redis_presence.BEAT_SECONDS, redis_presence.ALIVE_SECONDS = config.pop("PRESENCE")
database = config.pop("DATABASE")
failing = config.pop("FAILING")
board = Board(None, database if "://" in database else Path(database), is_database_first=True, is_new=False, **config)
board.failing = failing
app = board.app

_tell_writes = LiveRegions.tell_writes
_ends_at_commit: list[bool] = []


def tell_writes_or_die(self: LiveRegions, writes: Writes) -> None:
    if _ends_at_commit:
        os.kill(os.getpid(), signal.SIGKILL)
    _tell_writes(self, writes)


LiveRegions.tell_writes = tell_writes_or_die  # type: ignore[method-assign]


@app.get("/ready")
def ready() -> dict[str, int]:
    return {"pid": os.getpid()}


@app.post("/write")
def write() -> dict[str, Any]:
    """Write several times, each in a transaction of its own."""
    rng, failed, count = random.Random(request.args["seed"]), 0, int(request.args["count"])
    if "dies" in request.args:
        _ends_at_commit.append(True)
    for _ in range(count):
        try:
            write_at_random(board, rng)
        except COLLISIONS:
            failed += 1
        finally:
            board.db.session.remove()
    return {"pid": os.getpid(), "writes": count, "failed": failed}
