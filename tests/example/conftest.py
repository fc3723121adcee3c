from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from flask import Flask

from example import create_app
from flask_datastar.testing import DatastarClient

#: Opens another browser, with cookies of its own.
Visit = Callable[[str], DatastarClient]


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The demos, with one database for all tests: each is a visitor of its own."""
    database = tmp_path_factory.mktemp("demos") / "demos.sqlite"
    return create_app(
        {
            "TESTING": True,
            "SECRET_KEY": "test",
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{database}",
            "IMPORT_PAUSE_SECONDS": 0,
            # Visitors are gone with their test; the tab would wait for them at its end.
            "DATASTAR_PRESENCE_LINGER_SECONDS": 0,
            # A hash that is worth its name takes longer than all else in a test.
            "PASSWORD_METHOD": "pbkdf2:sha256:1",
        }
    )


@pytest.fixture
def visit(app: Flask) -> Iterator[Visit]:
    """Visitors: each has a browser tab that shows a page."""
    with ExitStack() as stack:

        def open_page(path: str) -> DatastarClient:
            tab = stack.enter_context(DatastarClient(app))
            tab.load(path)
            return tab

        yield open_page
