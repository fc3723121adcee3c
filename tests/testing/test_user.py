"""Three tests as users of the package write them, against the demos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from example import create_app
from flask_datastar.testing import DatastarClient


@pytest.fixture
def demos(tmp_path: Path) -> Flask:
    database = f"sqlite:///{tmp_path / 'demos.sqlite'}"
    return create_app(
        {"TESTING": True, "SECRET_KEY": "test", "SQLALCHEMY_DATABASE_URI": database, "IMPORT_PAUSE_SECONDS": 0}
    )


@pytest.fixture
def visitor(demos: Flask) -> Iterator[DatastarClient]:
    with DatastarClient(demos) as tab:
        yield tab


def test_entries_are_added_ticked_and_filtered(visitor: DatastarClient) -> None:
    visitor.load("/todo")
    assert visitor.text("#left") == "Nothing to do yet"

    for entry in ("Tea", "Milk"):
        visitor.fill(label="New entry", value=entry)
        visitor.click(text="Add")
    visitor.check(label="Tea")
    visitor.click(text="Open")

    assert visitor.text("#items label") == "Milk"
    assert visitor.text("#left") == "1 of 2 left to do"
    assert visitor.url == "/todo?shown=open"
    assert visitor.value(label="New entry") == ""


def test_messages_come_while_typing_and_an_account_is_made(visitor: DatastarClient) -> None:
    visitor.load("/signup")
    visitor.fill("#email", "ada")
    assert "address" in visitor.text("#email-problem").lower()

    visitor.fill("#name", "Ada")
    visitor.fill("#email", "ada@example.org")
    assert visitor.find_all("#email-problem")[0].text == ""
    visitor.fill("#password", "a long password")
    visitor.fill("#again", "a long password")
    visitor.click("#signup button")

    assert visitor.url == "/account"
    assert "Ada" in visitor.text("main")


def test_rows_of_an_uploaded_file_are_imported(visitor: DatastarClient) -> None:
    visitor.load("/import")
    visitor.upload("#file", Path(__file__).parents[2] / "example" / "static" / "expenses.csv")
    answer = visitor.click("#start")

    assert answer is not None
    assert answer.signals["progress"] == 100
    assert visitor.text("#rejected") == "2"
    assert len(visitor.find_all("#problems li")) == 2
    assert visitor.is_visible("#totals table")
