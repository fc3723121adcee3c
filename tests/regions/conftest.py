"""Fixtures for the tests of regions: a PostgreSQL server, and databases of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.regions.postgres_server import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Start a server when the first test needs it."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Return an empty database: a file of SQLite, or the URL of PostgreSQL."""
    if request.param == "sqlite":
        return tmp_path / "board.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_schema()
