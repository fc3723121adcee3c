"""Tracked signals: the last value once, nested paths, what templates see, what only a new page gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple

import pydantic
import pytest
from flask import Flask, render_template_string
from flask.json.provider import DefaultJSONProvider

from flask_datastar import Datastar, Event, sse
from flask_datastar.sansio import strictjson
from flask_datastar.sansio.parser import parse_events
from flask_datastar.sansio.signal_merging import merge_patch
from flask_datastar.state.app import app_state_of
from flask_datastar.state.tracked import TrackedSignals
from flask_datastar.streams.broadcast import Broadcast
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp


def take(tracked: TrackedSignals) -> list[Event]:
    return tracked.take_events(strictjson.dumps)


def apply(events: list[Event], signals: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what a page makes of the events, as the client does."""
    state = json.loads(json.dumps(signals or {}))
    for event in events:
        if event.type == "datastar-patch-signals":
            arguments = event.arguments
            patch = json.loads(arguments["signals"])
            merge_patch(state, patch, only_if_missing=arguments.get("onlyIfMissing") == "true")
    return state


@pytest.fixture
def tracked() -> TrackedSignals:
    return TrackedSignals()


def test_signal_set_twice_is_sent_once_with_the_last_value(tracked: TrackedSignals) -> None:
    tracked.set("count", 1)
    tracked.set("name", "Ada")
    tracked.set("count", 2)

    assert take(tracked) == [sse.patch_signals({"count": 2, "name": "Ada"})]
    assert tracked.visible == tracked.signals == {"count": 2, "name": "Ada"}


def test_signals_are_taken_once(tracked: TrackedSignals) -> None:
    tracked.set("count", 1)
    tracked.set("name", "Ada", only_if_missing=True)
    assert tracked.is_pending

    assert len(take(tracked)) == 2

    assert not tracked.is_pending
    assert take(tracked) == []
    assert tracked.signals == {"count": 1, "name": "Ada"}


def test_signal_set_after_a_flush_is_sent_alone(tracked: TrackedSignals) -> None:
    tracked.set("user.name", "Ada")
    take(tracked)

    tracked.set("user.age", 36)

    assert take(tracked) == [sse.patch_signals({"user": {"age": 36}})]
    assert tracked.visible == tracked.signals == {"user": {"name": "Ada", "age": 36}}


def test_dotted_name_is_a_nested_path(tracked: TrackedSignals) -> None:
    tracked.set("user.name.first", "Ada")
    tracked.set("user.name.last", "Lovelace")

    assert take(tracked) == [sse.patch_signals({"user": {"name": {"first": "Ada", "last": "Lovelace"}}})]
    assert tracked.visible == {"user": {"name": {"first": "Ada", "last": "Lovelace"}}}


def test_dotted_name_does_not_change_the_callers_own_mapping(tracked: TrackedSignals) -> None:
    user = {"name": "Ada", "address": {"city": "London"}}
    tracked.set("user", user)

    tracked.set("user.address.city", "Paris")

    assert user == {"name": "Ada", "address": {"city": "London"}}
    assert take(tracked) == [sse.patch_signals({"user": {"name": "Ada", "address": {"city": "Paris"}}})]


def test_dotted_name_replaces_a_plain_value_on_its_way(tracked: TrackedSignals) -> None:
    tracked.set("user", "Ada")
    tracked.set("user.name", "Ada")

    assert take(tracked) == [sse.patch_signals({"user": {"name": "Ada"}})]


def test_plain_name_replaces_what_was_nested_below_it(tracked: TrackedSignals) -> None:
    tracked.set("user.name", "Ada")
    tracked.set("user", None)

    assert take(tracked) == [sse.patch_signals({"user": None})]


def test_only_if_missing_is_a_patch_of_its_own_after_the_others(tracked: TrackedSignals) -> None:
    tracked.set("theme", "dark", only_if_missing=True)
    tracked.set("filter.page", 1, only_if_missing=True)
    tracked.set("count", 1)

    assert take(tracked) == [
        sse.patch_signals({"count": 1}),
        sse.patch_signals({"theme": "dark", "filter": {"page": 1}}, only_if_missing=True),
    ]
    assert tracked.visible == {"theme": "dark", "filter": {"page": 1}, "count": 1}


@pytest.mark.parametrize("name", ["theme", "look.theme"])
def test_only_if_missing_leaves_alone_what_is_set(tracked: TrackedSignals, name: str) -> None:
    tracked.set(name, "light")
    tracked.set(name, "dark", only_if_missing=True)

    assert take(tracked) == [sse.patch_signals({"theme": "light"} if name == "theme" else {"look": {"theme": "light"}})]


def test_only_if_missing_below_a_plain_value_replaces_it_here_too(tracked: TrackedSignals) -> None:
    tracked.set("look", 1)
    tracked.set("look.theme", "dark", only_if_missing=True)

    assert tracked.visible == {"look": {"theme": "dark"}}


def test_signal_set_after_only_if_missing_takes_its_place(tracked: TrackedSignals) -> None:
    tracked.set("theme", "dark", only_if_missing=True)
    tracked.set("other", "kept", only_if_missing=True)
    tracked.set("theme", "light")

    assert take(tracked) == [
        sse.patch_signals({"theme": "light"}),
        sse.patch_signals({"other": "kept"}, only_if_missing=True),
    ]
    assert tracked.visible == {"theme": "light", "other": "kept"}


def test_nested_signal_set_after_only_if_missing_takes_its_place(tracked: TrackedSignals) -> None:
    filters = {"page": 1, "size": 20}
    tracked.set("filter", filters, only_if_missing=True)
    tracked.set("look.theme", "dark", only_if_missing=True)
    tracked.set("text", "plain", only_if_missing=True)
    tracked.set("filter.page", 2)
    tracked.set("look.theme", "light")
    tracked.set("text.now", "nested")

    assert filters == {"page": 1, "size": 20}
    assert take(tracked) == [
        sse.patch_signals({"filter": {"page": 2}, "look": {"theme": "light"}, "text": {"now": "nested"}}),
        sse.patch_signals({"filter": {"size": 20}}, only_if_missing=True),
    ]


# Paths into lists and other containers


ITEMS = [{"n": "a", "m": 1}, {"n": "b"}]


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Address:
    city: str
    since: date = date(2026, 11, 21)


@dataclass
class User:
    name: str
    age: int = 36
    address: Address = field(default_factory=lambda: Address("London"))
    tags: tuple[str, ...] = ("x", "y")


class Level(IntEnum):
    LOW = 1


@pytest.mark.parametrize(
    ("value", "path", "expected"),
    [
        (ITEMS, "0.n", [{"n": "x", "m": 1}, {"n": "b"}]),
        (ITEMS, "1.m", [{"n": "a", "m": 1}, {"n": "b", "m": "x"}]),
        (ITEMS, "0", ["x", {"n": "b"}]),
        (ITEMS, "2", [{"n": "a", "m": 1}, {"n": "b"}, "x"]),
        (ITEMS, "2.n", [{"n": "a", "m": 1}, {"n": "b"}, {"n": "x"}]),
        ([[1, 2], [3]], "1.0", [[1, 2], ["x"]]),
        ([], "0.n", [{"n": "x"}]),
        (({"n": "a"}, {"n": "b"}), "0.n", [{"n": "x"}, {"n": "b"}]),
        (Point(1, 2), "1", [1, "x"]),
        ({"rows": ITEMS}, "rows.1.n", {"rows": [{"n": "a", "m": 1}, {"n": "x"}]}),
        ({1: "a", 2: "b"}, "2", {"1": "a", "2": "x"}),
        ({1: "a"}, "2", {"1": "a", "2": "x"}),
        ({1: {"n": "a"}}, "1.n", {"1": {"n": "x"}}),
        ({True: 1, None: 2, 1.5: 3, Level.LOW: 4}, "1", {"true": 4, "null": 2, "1.5": 3, "1": "x"}),
        ({"0": "a"}, "1", {"0": "a", "1": "x"}),
    ],
)
def test_path_leads_into_what_was_set_in_the_same_answer(
    tracked: TrackedSignals, value: object, path: str, expected: object
) -> None:
    before = repr(value)
    tracked.set("items", value)
    tracked.set(f"items.{path}", "x")

    assert take(tracked) == [sse.patch_signals({"items": expected})]
    assert json.loads(json.dumps(tracked.signals)) == {"items": expected}
    assert tracked.visible == tracked.signals
    assert repr(value) == before


def test_path_leads_into_a_dataclass_and_keeps_its_other_fields(app: Flask) -> None:
    tracked = TrackedSignals(app_state_of(app))
    user = User("Ada")
    with app.app_context():
        tracked.set("user", user)
        tracked.set("user.name", "Bob")
        tracked.set("user.address.city", "Paris")
        tracked.set("user.tags.1", "z")
        (event,) = tracked.take_events(app_state_of(app).dumps)

    since = "Sat, 21 Nov 2026 00:00:00 GMT"
    assert apply([event]) == {
        "user": {"name": "Bob", "age": 36, "address": {"city": "Paris", "since": since}, "tags": ["x", "z"]}
    }
    assert user == User("Ada")
    # Templates keep the values as they are.
    assert tracked.visible["user"]["address"]["since"] == date(2026, 11, 21)


def test_path_leads_into_what_the_apps_own_json_makes_of_a_value(make_app: MakeApp) -> None:
    class Member(pydantic.BaseModel):
        full_name: str
        age: int = 36

    class Provider(DefaultJSONProvider):
        @staticmethod
        def default(value: Any) -> Any:
            if isinstance(value, pydantic.BaseModel):
                return value.model_dump()
            if isinstance(value, User):
                return {"fullName": value.name}
            if isinstance(value, MappingProxyType):
                return dict(value)
            return DefaultJSONProvider.default(value)

    app = make_app()
    app.json = Provider(app)
    dumps = app_state_of(app).dumps
    for value, expected in (
        (Member(full_name="Ada"), {"full_name": "Ada", "age": 36, "x": "y"}),
        (User("Ada"), {"fullName": "Ada", "x": "y"}),
        (MappingProxyType({"a": 1}), {"a": 1, "x": "y"}),
        ([Member(full_name="Ada")], [{"full_name": "Ada", "age": 36, "x": "y"}]),
    ):
        tracked = TrackedSignals(app_state_of(app))
        tracked.set("user", value)
        tracked.set("user.0.x" if isinstance(value, list) else "user.x", "y")

        assert apply(tracked.take_events(dumps)) == {"user": expected}


@pytest.mark.parametrize("only_if_missing", [True, False])
def test_path_into_a_value_that_json_does_not_know_is_named(tracked: TrackedSignals, only_if_missing: bool) -> None:
    tracked.set("user", {"more": {"a", "b"}})
    text = r"^signal path 'user\.more\.x' leads into a value that cannot be sent: the value cannot be sent as JSON: {"
    with pytest.raises(TypeError, match=text):
        tracked.set("user.more.x", 1, only_if_missing=only_if_missing)

    tracked.set("rows", {(1, 2): "a"})
    with pytest.raises(TypeError, match=r"^signal path 'rows\.x' leads into a value .* the key \(1, 2\) is tuple; acc"):
        tracked.set("rows.x", 1)
    tracked.set("mean", [float("nan"), object()])
    tracked.set("mean.0", 1)
    with pytest.raises(
        ValueError, match=r"^signal path 'mean\.9\.x' leads out of a list: 'mean' has 2 items; accepted"
    ):
        tracked.set("mean.9.x", 1)
    with pytest.raises(TypeError, match=r"^signal path 'mean\.1\.x' leads into a value that cannot be sent: "):
        tracked.set("mean.1.x", 1)


@pytest.mark.parametrize("path", ["items.3", "items.-1", "items.n", "items.0x.n", "items.01"])
def test_path_that_leads_out_of_a_list_is_refused(tracked: TrackedSignals, path: str) -> None:
    tracked.set("items", ITEMS)

    with pytest.raises(
        ValueError, match=rf"^signal path '{path}' leads out of a list: 'items' has 2 items; accepted i"
    ):
        tracked.set(path, "x")
    assert take(tracked) == [sse.patch_signals({"items": ITEMS})]


def test_path_into_a_list_of_an_earlier_answer_is_sent_alone(tracked: TrackedSignals) -> None:
    tracked.set("items", ITEMS)
    page = apply(take(tracked))

    tracked.set("items.0.n", "x")
    tracked.set("items.2", {"n": "c"})

    events = take(tracked)
    assert events == [sse.patch_signals({"items": {"0": {"n": "x"}, "2": {"n": "c"}}})]
    assert apply(events, page) == tracked.signals == {"items": [{"n": "x", "m": 1}, {"n": "b"}, {"n": "c"}]}


def test_path_into_a_list_that_only_the_page_has_is_sent_alone(tracked: TrackedSignals) -> None:
    tracked.set("items.0.n", "x")
    tracked.set("items.1.n", "y")

    events = take(tracked)
    assert events == [sse.patch_signals({"items": {"0": {"n": "x"}, "1": {"n": "y"}}})]
    assert apply(events, {"items": ITEMS}) == {"items": [{"n": "x", "m": 1}, {"n": "y"}]}


def test_only_if_missing_sees_the_places_of_a_list(tracked: TrackedSignals) -> None:
    tracked.set("items", ITEMS)
    tracked.set("items.0.n", "x", only_if_missing=True)
    tracked.set("items.1.m", 2, only_if_missing=True)

    assert tracked.signals["items"] == [{"n": "a", "m": 1}, {"n": "b", "m": 2}]
    assert apply(take(tracked)) == tracked.signals


def test_only_if_missing_sees_the_fields_of_a_dataclass(app: Flask) -> None:
    tracked = TrackedSignals(app_state_of(app))
    tracked.set("user", User("Ada"))
    tracked.set("user.name", "Bob", only_if_missing=True)

    assert apply(tracked.take_events(app_state_of(app).dumps))["user"]["name"] == "Ada"


def test_path_into_a_list_that_is_set_only_if_missing(tracked: TrackedSignals) -> None:
    tracked.set("items", ITEMS, only_if_missing=True)
    tracked.set("theme", "dark", only_if_missing=True)
    tracked.set("items.0.n", "x")
    events = take(tracked)

    changed = [{"n": "x", "m": 1}, {"n": "b"}]
    assert apply(events) == {"items": changed, "theme": "dark"}
    assert apply(events, {"items": [{"n": "own"}], "theme": "light"}) == {"items": [{"n": "x"}], "theme": "light"}
    assert tracked.signals == {"items": changed, "theme": "dark"}
    # Afterwards the order is the usual one.
    tracked.set("a", 1, only_if_missing=True)
    tracked.set("b", 1)
    assert [event.arguments.get("onlyIfMissing") for event in take(tracked)] == [None, "true"]


def test_handler_sets_a_place_of_a_list(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> Iterator[None]:
        datastar.signal("items", ITEMS)
        datastar.signal("items.0.n", "x")
        yield
        datastar.signal("items.1.n", "y")

    answer = tab.post(act)

    assert answer.signals == {"items": [{"n": "x", "m": 1}, {"n": "y"}]}
    assert answer.patched == answer.signals


def test_wrong_path_of_a_handler_is_named_where_it_is_set(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> None:
        datastar.signal("items", ITEMS)
        datastar.signal("items.first.n", "x")

    with pytest.raises(ValueError, match=r"^signal path 'items\.first\.n' leads out of a list: 'items' has 2 items"):
        tab.post(act)


def test_keys_that_cannot_be_sorted_are_named_at_the_flush(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> None:
        datastar.signal("stock", {"rows": {1: "a", "2": "b"}})

    with pytest.raises(
        TypeError, match=r"^'stock\.rows' cannot be sent as JSON: its keys are int and str, which cannot"
    ):
        tab.post(act)


def test_broadcast_sets_a_place_of_a_list(app: Flask) -> None:
    sent: list[bytes] = []
    with Broadcast(app_state_of(app), lambda payload: sent.append(payload.data)) as out:
        out.signal("items", (ITEMS[0], User("Ada")))
        out.signal("items.0.n", "x")
        out.signal("items.1.name", "Bob")
        out.signal("rows", {1: "a"})
        out.signal("rows.2", "b")

    signals = apply(parse_events(b"".join(sent)))
    assert signals["items"][0] == {"n": "x", "m": 1}
    assert (signals["items"][1]["name"], signals["items"][1]["age"]) == ("Bob", 36)
    assert signals["rows"] == {"1": "a", "2": "b"}


def test_page_starts_with_a_changed_place_of_a_list(app: Flask, datastar: Datastar) -> None:
    @dataclass
    class Page:
        items: list[dict[str, str]] = field(default_factory=list)
        name: str = ""

    with app.test_request_context():
        datastar.signal("items", ITEMS)
        datastar.signal("items.0.n", "x")
        changed = [{"m": 1, "n": "x"}, {"n": "b"}]
        assert json.loads(datastar.init_signals().js) == {"items": changed}
        assert json.loads(datastar.init_signals(Page).js) == {"items": changed, "name": ""}
    with app.test_request_context():
        datastar.signal("items.0.n", "x")
        assert json.loads(datastar.init_signals(Page).js) == {"items": [{"n": "x"}], "name": ""}


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", "__proto__", "a.constructor", "prototype.x"])
@pytest.mark.parametrize("only_if_missing", [True, False])
def test_signal_name_that_is_no_path_is_refused(tracked: TrackedSignals, name: str, only_if_missing: bool) -> None:
    with pytest.raises(ValueError, match=r"^signal path "):
        tracked.set(name, 1, only_if_missing=only_if_missing)

    assert not tracked.is_pending
    assert tracked.visible == tracked.signals == {}


@pytest.mark.parametrize("name", [None, 1, b"count", ["a"]])
def test_signal_name_that_is_no_text_is_refused(tracked: TrackedSignals, name: object) -> None:
    with pytest.raises(TypeError, match=r"^signal path is \w+; accepted: str$"):
        tracked.set(name, 1)  # type: ignore[arg-type]


def test_signal_name_may_be_a_subclass_of_str(tracked: TrackedSignals) -> None:
    class Name(str):
        pass

    tracked.set(Name("count"), 1)

    assert take(tracked) == [sse.patch_signals({"count": 1})]


def test_assign_is_never_sent(tracked: TrackedSignals) -> None:
    tracked.assign("user", object)

    assert not tracked.is_pending
    assert take(tracked) == []
    assert tracked.signals == {}
    assert tracked.visible == {"user": object}


@pytest.mark.parametrize("name", ["", "a.b", "a b", "1st", "a-b", None, 1])
def test_assign_refuses_a_name_that_no_template_could_use(tracked: TrackedSignals, name: object) -> None:
    with pytest.raises(ValueError, match=r"^assign got the name .*; accepted: an identifier, for templates to use$"):
        tracked.assign(name, 1)  # type: ignore[arg-type]


def test_later_of_assign_and_signal_is_visible(tracked: TrackedSignals) -> None:
    tracked.assign("a", "assigned")
    tracked.set("a", "set")
    tracked.set("b", "set")
    tracked.assign("b", "assigned")

    assert tracked.visible == {"a": "set", "b": "assigned"}
    assert take(tracked) == [sse.patch_signals({"a": "set", "b": "set"})]


@pytest.mark.parametrize("only_if_missing", [True, False])
def test_value_that_is_no_json_is_named_and_nothing_is_lost(tracked: TrackedSignals, only_if_missing: bool) -> None:
    tracked.set("count", 1)
    tracked.set("chart.mean", float("nan"), only_if_missing=only_if_missing)

    with pytest.raises(ValueError, match=r"^'chart\.mean' cannot be sent as JSON: nan is not a JSON number"):
        take(tracked)

    assert tracked.is_pending
    tracked.set("chart.mean", 2.5)
    assert take(tracked)[0] == sse.patch_signals({"count": 1, "chart": {"mean": 2.5}})


def test_value_of_a_foreign_type_is_named(tracked: TrackedSignals) -> None:
    tracked.set("user", {"friends": [object()]})

    with pytest.raises(TypeError, match=r"^'user\.friends\.0' cannot be sent as JSON: .* which JSON does not know$"):
        take(tracked)


def test_two_apps_track_their_own_signals() -> None:
    first, second = Datastar(), Datastar()
    apps = Flask("first"), Flask("second")
    first.init_app(apps[0])
    second.init_app(apps[1])

    with apps[0].test_request_context():
        first.signal("count", 1)
        with apps[1].test_request_context():
            second.signal("count", 2)
            assert render_template_string("{{ count }}") == "2"
        assert render_template_string("{{ count }}") == "1"


def test_tracked_signals_follow_explicit_events(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> None:
        datastar.signal("count", 1)
        datastar.signal("theme", "dark", only_if_missing=True)
        datastar.patch_elements("<p id='a'></p>")
        datastar.signal("count", 2)
        datastar.patch_signals({"direct": True})

    assert tab.post(act).events == (
        sse.patch_elements("<p id='a'></p>"),
        sse.patch_signals({"direct": True}),
        sse.patch_signals({"count": 2}),
        sse.patch_signals({"theme": "dark"}, only_if_missing=True),
    )
