from __future__ import annotations

from flask import Flask

from example.extensions import db
from example.todo import Item
from flask_datastar.testing import DatastarClient
from tests.example.conftest import Visit


def add(visitor: DatastarClient, *entries: str) -> None:
    for entry in entries:
        visitor.fill(label="New entry", value=entry)
        visitor.click(text="Add")


def entries(visitor: DatastarClient) -> list[str]:
    return [label.text for label in visitor.find_all("#items label")]


def test_entries_are_added_ticked_and_filtered(visit: Visit) -> None:
    visitor = visit("/todo")
    assert visitor.text("#left") == "Nothing to do yet"

    add(visitor, "Tea", "Milk")
    visitor.check(label="Tea")

    visitor.click(text="Open")
    assert entries(visitor) == ["Milk"]
    assert visitor.text("#left") == "1 of 2 left to do"
    assert visitor.value(label="New entry") == ""
    assert visitor.url == "/todo?shown=open"


def test_filter_outlives_a_reload(visit: Visit) -> None:
    visitor = visit("/todo")
    add(visitor, "Tea", "Milk")
    visitor.check(label="Tea")
    visitor.click(text="Done")

    visitor.reload()

    assert entries(visitor) == ["Tea"]
    assert visitor.find("#show-done")["aria-pressed"] == "true"


def test_entry_is_renamed_in_the_field_of_the_form(visit: Visit) -> None:
    visitor = visit("/todo")
    add(visitor, "Tea")

    visitor.click("#items button[aria-label='Rename: Tea']")
    assert visitor.value(label="Change the entry") == "Tea"
    visitor.fill("#text", "  Green   tea ")
    visitor.click(text="Save")

    assert entries(visitor) == ["Green tea"]
    assert visitor.value(label="New entry") == ""
    assert not visitor.is_visible("#cancel")


def test_renaming_is_cancelled(visit: Visit) -> None:
    visitor = visit("/todo")
    add(visitor, "Tea")
    visitor.click("#items button[aria-label='Rename: Tea']")
    assert visitor.is_visible("#cancel")

    visitor.click(text="Cancel")

    assert visitor.value(label="New entry") == ""
    add(visitor, "Milk")
    assert entries(visitor) == ["Tea", "Milk"]


def test_entry_is_deleted_also_while_it_is_renamed(visit: Visit) -> None:
    visitor = visit("/todo")
    add(visitor, "Tea", "Milk")
    visitor.click("#items button[aria-label='Rename: Tea']")

    visitor.click("#items button[aria-label='Delete: Tea']")

    assert entries(visitor) == ["Milk"]
    assert visitor.value(label="New entry") == ""


def test_lists_are_private(visit: Visit) -> None:
    first, second = visit("/todo"), visit("/todo")
    add(first, "Secret")
    item = first.find("#items input").id.removeprefix("item-").removesuffix("-done")

    second.reload()
    assert entries(second) == []
    second.delete("todo", "delete", item=int(item))
    second.post("todo", "check", item=int(item), done=True)

    first.reload()
    assert entries(first) == ["Secret"]
    assert first.value(label="Secret") is False


def test_list_has_an_end(app: Flask, visit: Visit) -> None:
    visitor = visit("/todo")
    add(visitor, "first")
    with app.app_context(), visitor.client.session_transaction() as session:
        db.session.add_all(Item(visitor=session["visitor"], text=f"entry {number}") for number in range(49))
        db.session.commit()
    visitor.reload()
    assert visitor.text("#left") == "50 of 50 left to do, and the list is full"

    add(visitor, "one more")

    assert len(entries(visitor)) == 50
