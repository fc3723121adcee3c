"""Tracked signals: the last value once, nested paths, what templates see, what only a new page gets."""

from __future__ import annotations

import pytest
from flask import Flask, render_template_string

from flask_datastar import Datastar, Event, sse
from flask_datastar.sansio import strictjson
from flask_datastar.state.tracked import TrackedSignals
from flask_datastar.testing import DatastarClient


def take(tracked: TrackedSignals) -> list[Event]:
    return tracked.take_events(strictjson.dumps)


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
