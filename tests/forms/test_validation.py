"""The signal `errors`: messages come, go, and are nested as the signals they are about."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask, render_template_string

from flask_datastar import Datastar, Signals
from flask_datastar.errors import InvalidSignals
from flask_datastar.models.messages import nest_messages
from flask_datastar.testing import DatastarClient
from tests.support.pages import LAYOUT, shown


@dataclass
class Person:
    name: str
    age: int = 0


@dataclass
class Team:
    title: str
    lead: Person
    members: list[Person] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.title == self.lead.name:
            raise ValueError("the team is called as its lead")


#: A page's form, with a place for each message.
FORM = """<div data-signals="{{ datastar.init_signals() }}"></div>
<form novalidate data-signals="{{ datastar.init_signals(model) }}" data-on:submit="{{ datastar.post('g.save') }}">
  <label>Title <input data-bind="title"></label>
  <label>Lead <input data-bind="lead.name"></label>
  <label>Age of the lead <input data-bind:lead.age__prop.value></label>
  <i id=age data-text="$errors.lead.age"></i> <i id=all data-text="$errors._"></i> <button>Save</button>
</form>
"""


@pytest.fixture
def tab(app: Flask, datastar: Datastar) -> DatastarClient:
    @datastar.handler(group="g", on_invalid=datastar.show_errors)
    def save(signals: Team) -> Signals:
        return {"saved": signals.title}

    return DatastarClient(app)


def test_messages_are_nested_as_the_signals_are(tab: DatastarClient) -> None:
    tab.signals = {"lead": {"age": "old"}, "members": [{"name": "Bob"}, {"age": []}], "tags": [1, "x"]}

    answer = tab.post("save")

    assert answer.patched == {
        "errors": {
            "_": "",
            "title": "missing",
            "lead": {"_": "", "name": "missing", "age": "expected a whole number, got 'old'"},
            "members": {"_": "", "1": {"name": "missing", "age": "expected a whole number, got []"}},
            # One place for a list of plain values.
            "tags": "expected a whole number, got 'x'",
        }
    }


def test_messages_stand_beside_the_inputs_until_they_are_corrected(app: Flask, tab: DatastarClient) -> None:
    datastar: Datastar = app.extensions["datastar"]

    @app.get("/team")
    def team() -> str:
        datastar.show_errors(Team)
        return render_template_string(LAYOUT.replace("BODY", FORM), model=Team)

    with shown(app, "/team") as visitor:
        visitor.fill(label="Age of the lead", value="old")
        visitor.click(text="Save")
        assert visitor.text("#age") == "expected a whole number, got 'old'"
        assert visitor.text("#all") == ""

        visitor.fill(label="Age of the lead", value="36")
        visitor.fill(label="Title", value="Ada")
        visitor.fill(label="Lead", value="Ada")
        visitor.click(text="Save")
        assert visitor.text("#age") == ""
        assert visitor.text("#all") == "the team is called as its lead"

        visitor.fill(label="Title", value="Engines")
        visitor.click(text="Save")
        assert visitor.signals["saved"] == "Engines"
        assert visitor.text("#all") == ""


def test_messages_of_corrected_fields_become_empty(tab: DatastarClient) -> None:
    tab.signals = {"lead": {"age": "old"}, "members": [{"age": 1}], "tags": ["x"]}
    tab.post("save")

    tab.signals.update({"title": "A", "lead": {"name": "Ada", "age": "old"}, "members": [{"name": "Bob"}], "tags": []})
    answer = tab.post("save")

    assert answer.signals["errors"] == {
        "_": "",
        "title": "",
        "lead": {"_": "", "name": "", "age": "expected a whole number, got 'old'"},
        "members": {"_": "", "0": {"_": "", "name": ""}},
        "tags": "",
    }


def test_all_messages_become_empty_when_all_fits(tab: DatastarClient) -> None:
    tab.post("save")
    tab.signals.update({"title": "A", "lead": {"name": "Ada"}})

    answer = tab.post("save")

    assert answer.patched["saved"] == "A"
    assert answer.signals["errors"]["title"] == answer.signals["errors"]["lead"]["name"] == ""


def test_a_message_about_the_whole_stands_beside_those_of_its_parts(tab: DatastarClient) -> None:
    tab.signals = {"title": "Ada", "lead": {"name": "Ada"}}
    assert tab.post("save").signals["errors"]["_"] == "the team is called as its lead"

    tab.signals["lead"] = 7
    errors = tab.post("save").signals["errors"]
    assert (errors["_"], errors["lead"]["_"], errors["lead"]["name"]) == ("", "expected an object, got 7", "")


def test_what_cannot_be_read_at_all_is_a_message_about_the_whole(tab: DatastarClient) -> None:
    answer = tab.post("save", _data="{", _content_type="application/json")

    assert answer.status_code == 200
    assert answer.patched["errors"]["_"].startswith("the signals are not JSON")


def test_a_handler_may_add_messages_of_its_own(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g", on_invalid=datastar.show_errors)
    def save(signals: Person) -> None:
        datastar.signal("errors.name", f"{signals.name} is taken")

    tab = DatastarClient(app, {"name": "Ada"})
    assert tab.post(save).patched == {"errors": {"_": "", "name": "Ada is taken", "age": ""}}


def test_what_a_handler_reads_itself_is_told_too(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g", on_invalid=datastar.show_errors)
    def save() -> None:
        datastar.signal("half", "done")
        datastar.read_signals(Person)

    # Nothing half-done goes out.
    assert DatastarClient(app).post(save).patched == {"errors": {"_": "", "name": "missing", "age": ""}}


def test_an_own_on_invalid_empties_nothing(app: Flask, datastar: Datastar) -> None:
    def explain(error: InvalidSignals) -> None:
        datastar.show_errors(error)

    @datastar.handler(group="g", on_invalid=explain)
    def save(signals: Person) -> None: ...

    tab = DatastarClient(app)
    assert tab.post(save).patched == {"errors": {"_": "", "name": "missing", "age": ""}}
    tab.signals["name"] = "Ada"
    assert tab.post(save).status_code == 204


def test_only_some_messages_are_added(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def check(only: list[str]) -> None:
        try:
            datastar.read_signals(Team)
        except InvalidSignals as error:
            datastar.show_errors(error, only=only)

    tab = DatastarClient(app, {"lead": {"age": "x"}, "tags": ["x"]})
    wrong = "expected a whole number, got 'x'"
    assert tab.post(check, only="title").patched == {"errors": {"title": "missing"}}
    # What is shown is kept right; of what is not, nothing is said, so that a late answer overwrites no newer message.
    assert tab.post(check, only="lead").patched == {
        "errors": {"title": "missing", "lead": {"_": "", "name": "missing", "age": wrong}}
    }
    tab.signals.update({"title": "A", "lead": {"age": 1}})
    assert tab.post(check, only=["tags", "x"]).patched == {
        "errors": {"title": "", "lead": {"name": "missing", "age": ""}, "tags": wrong}
    }


def test_late_check_wipes_no_message(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def check(only: list[str]) -> None:
        try:
            datastar.read_signals(Team)
        except InvalidSignals as error:
            datastar.show_errors(error, only=only)

    # As a page sends them that has started with all messages empty, before the answer to its form.
    empty = {"title": "", "lead": {"name": "", "age": ""}, "tags": "", "members": {"0": {"name": ""}}}
    tab = DatastarClient(app, {"title": "A", "lead": {"age": "x"}, "errors": empty})
    assert tab.post(check, only=["title", "lead.age"]).patched == {
        "errors": {"title": "", "lead": {"age": "expected a whole number, got 'x'"}}
    }
    # What is shown is emptied still, wherever it stands.
    tab.signals["errors"] = {**empty, "tags": "old", "members": {"0": {"name": "old"}}}
    assert tab.post(check, only=["title"]).patched == {
        "errors": {"title": "", "tags": "", "members": {"_": "", "0": {"_": "", "name": ""}}}
    }


def test_paths_that_are_a_text_are_refused(app: Flask, datastar: Datastar) -> None:
    with (
        app.test_request_context(),
        pytest.raises(
            TypeError, match=r"^show_errors: only is 'title'; accepted: a list of paths, such as \['title'\]$"
        ),
    ):
        datastar.show_errors(Team, only="title")


def test_a_page_begins_without_messages(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        datastar.show_errors(Person)
        datastar.show_errors(Team)

        assert json.loads(datastar.init_signals().js) == {
            "errors": {
                **{"_": "", "name": "", "age": "", "title": "", "tags": ""},
                **{"lead": {"_": "", "name": "", "age": ""}, "members": {"_": ""}},
            }
        }


@pytest.mark.parametrize("what", [None, "name", ValueError("x"), int, Person("Ada"), {}])
def test_nothing_else_has_messages(app: Flask, datastar: Datastar, what: Any) -> None:
    with app.test_request_context(), pytest.raises(TypeError, match=r"show_errors got .*; accepted: an InvalidSignals"):
        datastar.show_errors(what)


# What a browser may send as its messages


@pytest.mark.parametrize(
    "shown",
    [
        *["text", 7, None, [], [1], {"": "x"}, {"proto": {"a": "b"}}, {"lead": {"name.a": "x"}}],
        *[{"title": {"deep": {"er": "x"}}}, {"lead": "flat"}, {"a.b": "x"}, {"_": {"_": "x"}}, {"members": [["x"]]}],
    ],
)
def test_hostile_messages_of_the_browser_do_no_harm(tab: DatastarClient, shown: Any) -> None:
    answer = tab.post("save", _json={"title": "A", "errors": shown})

    assert answer.status_code == 200
    assert answer.patched["errors"]["lead"]["name"] == "missing"


@pytest.mark.parametrize("errors", [{"__proto__": {"a": "b"}}, {"lead": {"constructor": "x"}}])
def test_names_that_no_answer_could_send_back_are_told_of_the_whole(tab: DatastarClient, errors: Any) -> None:
    answer = tab.post("save", _json={"title": "A", "errors": errors})

    assert answer.status_code == 200
    assert answer.patched["errors"]["_"].endswith("would reach an object's prototype in the browser")


@pytest.mark.parametrize("name", ["proto", "", "a.b", "x" * 1000])
def test_hostile_names_in_paths_do_no_harm(app: Flask, datastar: Datastar, name: str) -> None:
    @datastar.handler(group="g", on_invalid=datastar.show_errors)
    def save(prices: dict[str, int], people: dict[str, Person]) -> None: ...

    answer = DatastarClient(app).post(save, _json={"prices": {name: "x"}, "people": {name: {"age": "y"}}})

    assert answer.status_code == 200
    assert answer.patched["errors"]["prices"] == "expected a whole number, got 'x'"
    assert answer.patched["errors"]["people"] == "missing"


def test_the_last_path_wins_nothing_it_stands_beside() -> None:
    tree = nest_messages(
        ["a", "b.c"], {"a.0": "first", "a.1": "second", "b": "whole", "x.__proto__": "cut", "": "all"}, {}
    )

    assert tree == {"a": "first", "b": {"c": "", "_": "whole"}, "x": "cut", "_": "all"}
