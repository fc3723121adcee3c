"""The sending methods: each gives the event that ``sse`` gives, through the app's JSON, in one order."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask, url_for
from flask.json.provider import DefaultJSONProvider, JSONProvider
from markupsafe import Markup

from flask_datastar import Datastar, Event, sse
from flask_datastar.sansio import scripts
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp


def sent(app: Flask, act: Callable[[Datastar], object], path: str = "/", **options: Any) -> tuple[Event, ...]:
    """Run something in a handler and give the events that reached the browser."""
    datastar: Datastar = app.extensions["datastar"]

    @datastar.handler(group="g")
    def handler() -> None:
        act(datastar)

    return DatastarClient(app).post("/ds/g/handler", **options).events


class Component:
    """What libraries such as htpy make: it has ``__html__`` and can be called with children."""

    def __html__(self) -> str:
        return "<p id='c'></p>"

    def __call__(self, *children: object) -> Component:
        raise AssertionError("called")


SAME: list[tuple[Callable[[Datastar], object], Event]] = [
    (lambda d: d.patch_signals({"a": {"b": 1}}), sse.patch_signals({"a": {"b": 1}})),
    (
        lambda d: d.patch_signals({"a": 1}, only_if_missing=True, event_id="7", retry_ms=5),
        sse.patch_signals({"a": 1}, only_if_missing=True, event_id="7", retry_ms=5),
    ),
    (lambda d: d.patch_signals_raw('{"a": \n1}'), sse.patch_signals_raw('{"a": \n1}')),
    (
        lambda d: d.patch_signals_raw("{}", only_if_missing=True, event_id="", retry_ms=0),
        sse.patch_signals_raw("{}", only_if_missing=True, event_id="", retry_ms=0),
    ),
    (lambda d: d.remove_signals("a.b"), sse.remove_signals("a.b")),
    (lambda d: d.remove_signals(["a.b", "c"], event_id="1"), sse.remove_signals(["a.b", "c"], event_id="1")),
    (lambda d: d.patch_elements("<p id='a'>\r\n</p>"), sse.patch_elements("<p id='a'>\r\n</p>")),
    (lambda d: d.patch_element(Markup("<p id='a'></p>")), sse.patch_elements("<p id='a'></p>")),
    (lambda d: d.patch_elements(Component()), sse.patch_elements("<p id='c'></p>")),
    (lambda d: d.patch_elements(["<p id='a'></p>", Component()]), sse.patch_elements("<p id='a'></p>\n<p id='c'></p>")),
    (lambda d: d.patch_elements(lambda names: "<p id='a'></p>"), sse.patch_elements("<p id='a'></p>")),
    (lambda d: d.patch_elements(lambda names: Component()), sse.patch_elements("<p id='c'></p>")),
    (lambda d: d.patch_elements(lambda names: [Component(), "x"]), sse.patch_elements("<p id='c'></p>\nx")),
    (
        lambda d: d.patch_elements("<li>", to="1st row", mode="append", use_view_transition=True),
        sse.patch_elements("<li>", to="1st row", mode="append", use_view_transition=True),
    ),
    (
        lambda d: d.patch_elements("<g/><g/>", selector="svg", mode="inner", namespace="svg"),
        sse.patch_elements("<g/><g/>", selector="svg", mode="inner", namespace="svg"),
    ),
    (lambda d: d.patch_elements(None, mode="remove", to="a"), sse.remove_elements("#a")),
    (
        lambda d: d.remove_elements(".old", event_id="1", retry_ms=2),
        sse.remove_elements(".old", event_id="1", retry_ms=2),
    ),
    (lambda d: d.execute_script("alert('</script>')"), sse.execute_script("alert('</script>')")),
    (
        lambda d: d.execute_script("x", auto_remove=False, attributes={"type": "module", "async": True}),
        sse.execute_script("x", auto_remove=False, attributes={"type": "module", "async": True}),
    ),
    (lambda d: d.redirect("/login?next=%22"), sse.redirect("/login?next=%22")),
    (lambda d: d.push_url("/page/2"), scripts.push_url("/page/2")),
    (lambda d: d.replace_url("?page=2", event_id="1"), scripts.replace_url("?page=2", event_id="1")),
    (
        lambda d: d.console_log({"b": 1, "a": "</script>"}, level="warn"),
        sse.console_log({"a": "</script>", "b": 1}, level="warn"),
    ),
    (lambda d: d.dispatch_event("toast", {"text": "hi"}), sse.dispatch_event("toast", {"text": "hi"})),
    (lambda d: d.dispatch_event("saved", event_id="1"), sse.dispatch_event("saved", event_id="1")),
    (lambda d: d.send("datastar-x", ["a 1", "a 2"], event_id="9"), sse.raw("datastar-x", ["a 1", "a 2"], event_id="9")),
    (lambda d: d.send("datastar-x"), sse.raw("datastar-x")),
]


@pytest.mark.parametrize(("act", "event"), SAME)
def test_method_sends_the_event_of_sse(app: Flask, act: Callable[[Datastar], object], event: Event) -> None:
    assert sent(app, act) == (event,)


@pytest.mark.parametrize(("act", "event"), SAME)
def test_method_of_a_started_response_does_the_same(app: Flask, datastar: Datastar, act: Any, event: Event) -> None:
    @datastar.handler
    def start() -> Any:
        return act(datastar.start())

    assert DatastarClient(app).post(start).events == (event,)


def test_events_go_out_in_call_order_before_the_tracked_signals(app: Flask) -> None:
    def act(datastar: Datastar) -> None:
        datastar.signal("count", 1)
        for make, _ in SAME:
            make(datastar)

    assert sent(app, act) == (*(event for _, event in SAME), sse.patch_signals({"count": 1}))


@pytest.mark.parametrize(
    ("act", "error", "text"),
    [
        (lambda d: d.patch_signals([1]), TypeError, "signals is list; accepted: a mapping"),
        (
            lambda d: d.patch_signals({"a": [{"b": float("nan")}]}),
            ValueError,
            r"^'a\.0\.b' cannot be sent as JSON: nan",
        ),
        (lambda d: d.patch_signals({"a": "\ud800"}), ValueError, "lone surrogate U\\+D800"),
        (lambda d: d.patch_signals({"__proto__": 1}), ValueError, "would reach an object's prototype"),
        (lambda d: d.patch_signals_raw("[1]"), ValueError, "is not a JSON object"),
        (lambda d: d.patch_signals_raw("{a: 1}"), ValueError, "is not strict JSON"),
        (lambda d: d.remove_signals([]), ValueError, "got no path"),
        (lambda d: d.remove_signals("a..b"), ValueError, "empty segment"),
        (lambda d: d.patch_elements(None), ValueError, "elements is None"),
        (lambda d: d.patch_elements(5), TypeError, "elements is int; accepted: str, Markup"),
        (lambda d: d.patch_elements(lambda names: 5), TypeError, "elements is int; accepted"),
        (lambda d: d.patch_elements("x", mode="inside"), ValueError, "mode is 'inside'; accepted: outer"),
        (lambda d: d.patch_elements("x", to="a", selector="#a"), ValueError, "both to='a' and selector='#a'"),
        (lambda d: d.patch_elements("x", mode="append"), ValueError, "mode 'append' needs a selector"),
        (lambda d: d.patch_elements("x", colour="red"), TypeError, "unexpected keyword argument 'colour'"),
        (lambda d: d.remove_elements(""), ValueError, "selector is empty"),
        (lambda d: d.remove_elements("a\ndata: x"), ValueError, "contains a line break"),
        (lambda d: d.redirect("javascript:alert(1)"), ValueError, "has the scheme 'javascript'"),
        (lambda d: d.redirect("java\tscript:alert(1)"), ValueError, "has the scheme 'javascript'"),
        (lambda d: d.push_url("https://elsewhere.example/"), ValueError, "names a scheme or a host"),
        (lambda d: d.replace_url("//elsewhere.example/"), ValueError, "names a scheme or a host"),
        (lambda d: d.push_url("http://localhost//elsewhere.example/"), ValueError, "names a scheme or a host"),
        (lambda d: d.push_url(None), TypeError, "url is NoneType"),
        (lambda d: d.console_log("x", level="shout"), ValueError, "level is 'shout'; accepted: log, warn"),
        (lambda d: d.dispatch_event("toast", {"a": float("inf")}), ValueError, "inf is not a JSON number"),
        (lambda d: d.send("message"), ValueError, "is dropped by the client"),
        (lambda d: d.send("datastar-x", "a 1"), TypeError, "give a list of lines"),
        (lambda d: d.send("datastar-x", ["a 1\ndata: b"]), ValueError, "contains a line break"),
        (lambda d: d.patch_elements("x", event_id="ds:1"), ValueError, "starts with 'ds:', which is reserved"),
        (lambda d: d.patch_elements("x", event_id=" 1"), ValueError, "has a space at an end"),
        (lambda d: d.patch_elements("x", event_id="é"), ValueError, "not printable ASCII"),
        (lambda d: d.patch_elements("x", retry_ms=-1), ValueError, "retry_ms is -1"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_once_and_nothing_is_queued(
    app: Flask, datastar: Datastar, act: Callable[[Any], object], error: type[Exception], text: str
) -> None:
    @datastar.handler
    def handler() -> None:
        with pytest.raises(error, match=text):
            act(datastar)

    assert DatastarClient(app).post(handler).status_code == 204


def test_component_gets_assigns_and_signals_by_name(app: Flask) -> None:
    def people(names: Mapping[str, Any]) -> str:
        return f"<p id='a'>{names['user']} {names['count']}</p>"

    def act(datastar: Datastar) -> None:
        datastar.assign("user", "Ada")
        datastar.signal("count", 1)
        datastar.patch_elements(people)

    assert sent(app, act)[0] == sse.patch_elements("<p id='a'>Ada 1</p>")


def test_component_is_called_again_each_time(app: Flask) -> None:
    def act(datastar: Datastar) -> None:
        for count in (1, 2):
            datastar.signal("count", count)
            datastar.patch_elements(lambda names: f"<p id='a'>{names['count']}</p>")

    assert sent(app, act)[:2] == (sse.patch_elements("<p id='a'>1</p>"), sse.patch_elements("<p id='a'>2</p>"))


def test_push_url_takes_the_applications_own_absolute_urls(make_app: MakeApp) -> None:
    app = make_app(APPLICATION_ROOT="/mount")
    app.add_url_rule("/page/<int:number>", endpoint="page")

    def act(datastar: Datastar) -> None:
        datastar.push_url(url_for("page", number=2, _external=True))
        datastar.replace_url(url_for("page", number=3))

    assert sent(app, act) == (scripts.push_url("/mount/page/2"), scripts.replace_url("/mount/page/3"))


def test_push_url_refuses_its_own_host_by_another_scheme(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context(base_url="https://shop.example"):
        datastar.push_url("https://shop.example/a")
        with pytest.raises(ValueError, match="names a scheme or a host"):
            datastar.push_url("http://shop.example/a")


def test_signals_are_compact_json_by_flasks_own_rules(app: Flask) -> None:
    uid = uuid.UUID(int=1)
    value = {
        "z": date(2026, 11, 21),
        "y": datetime(2026, 11, 21, 12, 30, tzinfo=UTC),
        "x": Decimal("1.10"),
        "w": uid,
        "v": Markup("<b>ü</b>"),
        "u": (1, 2),
    }

    (event,) = sent(app, lambda datastar: datastar.patch_signals(value))

    assert json.loads(event.arguments["signals"]) == json.loads(app.json.dumps(value))
    assert event.data_lines == (
        f'signals {{"u":[1,2],"v":"<b>\\u00fc</b>","w":"{uid}","x":"1.10",'
        '"y":"Sat, 21 Nov 2026 12:30:00 GMT","z":"Sat, 21 Nov 2026 00:00:00 GMT"}',
    )


def test_provider_settings_made_late_are_honoured(app: Flask) -> None:
    assert isinstance(app.json, DefaultJSONProvider)
    app.json.sort_keys = False
    app.json.ensure_ascii = False

    assert sent(app, lambda datastar: datastar.patch_signals({"b": "ü", "a": 1})) == (
        sse.patch_signals_raw('{"b":"ü","a":1}'),
    )


def test_default_of_the_provider_is_honoured(app: Flask) -> None:
    assert isinstance(app.json, DefaultJSONProvider)
    app.json.default = lambda value: f"<{type(value).__name__}>"  # type: ignore[method-assign]

    assert sent(app, lambda datastar: datastar.patch_signals({"a": object()})) == (
        sse.patch_signals({"a": "<object>"}),
    )


class Provider(JSONProvider):
    """One of a user's own, as for orjson."""

    text = ""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        if kwargs:  # the session's
            return json.dumps(obj, **kwargs)
        return self.text or json.dumps({"mine": obj})

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return json.loads(s)


def test_custom_provider_is_used_as_it_is(app: Flask) -> None:
    app.json = Provider(app)

    def act(datastar: Datastar) -> None:
        datastar.patch_signals({"a": 1})
        datastar.signal("b", 2)

    assert sent(app, act) == (sse.patch_signals_raw('{"mine": {"a": 1}}'), sse.patch_signals_raw('{"mine": {"b": 2}}'))


def test_subclass_with_its_own_dumps_is_used_as_it_is(app: Flask) -> None:
    class Indented(DefaultJSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return super().dumps(obj, indent=1)

    app.json = Indented(app)

    assert sent(app, lambda datastar: datastar.patch_signals({"a": 1})) == (sse.patch_signals_raw('{\n "a": 1\n}'),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": Infinity}', "Infinity is not JSON"),
        ("{", "Expecting property name"),
        ('{"a": "\\ud800"}', "lone surrogate"),
    ],
)
def test_text_of_a_custom_provider_is_checked(app: Flask, datastar: Datastar, text: str, reason: str) -> None:
    app.json = Provider(app)
    app.json.text = text  # type: ignore[attr-defined]

    with (
        app.test_request_context(),
        pytest.raises(ValueError, match=rf"^Provider\.dumps\(\) gave text that is not strict JSON: .*{reason}"),
    ):
        datastar.patch_signals({"a": 1})


def test_provider_exchanged_between_two_requests_is_used(app: Flask) -> None:
    assert sent(app, lambda datastar: datastar.patch_signals({"a": 1})) == (sse.patch_signals({"a": 1}),)

    app.json = Provider(app)

    assert sent(app, lambda datastar: datastar.patch_signals({"a": 1})) == (
        sse.patch_signals_raw('{"mine": {"a": 1}}'),
    )


def test_two_apps_use_their_own_provider(make_app: MakeApp) -> None:
    datastar = Datastar()
    sorted_app, unsorted_app = make_app(datastar), make_app(datastar)
    assert isinstance(unsorted_app.json, DefaultJSONProvider)
    unsorted_app.json.sort_keys = False

    def act(_: Datastar) -> None:
        datastar.patch_signals({"b": 1, "a": 2})

    assert sent(sorted_app, act)[0].data_lines == ('signals {"a":2,"b":1}',)
    assert sent(unsorted_app, act)[0].data_lines == ('signals {"b":1,"a":2}',)


def test_hostile_text_arrives_unchanged_in_one_event(app: Flask) -> None:
    text = "a\r\nevent: x\ndata: y\n\n\u2028\u0085\x0c</script>\0"

    def act(datastar: Datastar) -> None:
        datastar.signal("text", text)

    (event,) = sent(app, act)

    assert json.loads(event.arguments["signals"]) == {"text": text}
