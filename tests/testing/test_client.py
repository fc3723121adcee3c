"""The test client: it sends and applies as the Datastar client in a browser tab does."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, make_response, request, session

from flask_datastar import Datastar, Signals, sse
from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.support.actions import keyed

VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"]


@pytest.fixture
def echo(datastar: Datastar) -> Any:
    """A handler that answers with what it got."""

    @datastar.handler(group="g", methods=VERBS)
    def echo(signals: Signals, **more: Any) -> Signals:
        return {
            "got": {
                "signals": signals,
                "method": request.method,
                "args": sorted(request.args),
                "headers": {
                    name: request.headers.get(name)
                    for name in ("Datastar-Request", "Accept", "Sec-Fetch-Site", "X-Mine", "Content-Type")
                },
            }
        }

    return echo


@pytest.mark.parametrize("verb", VERBS)
def test_requests_are_those_of_the_datastar_client(app: Flask, echo: Any, verb: str) -> None:
    tab = DatastarClient(app, {"count": 1})

    got = getattr(tab, verb.lower())(echo, id=3).patched["got"]

    in_query = verb in ("GET", "DELETE")
    assert got == {
        "signals": {"count": 1},
        "method": verb,
        "args": ["datastar", "id"] if in_query else ["id"],
        "headers": {
            "Datastar-Request": "true",
            "Accept": "text/event-stream, text/html, application/json",
            "Sec-Fetch-Site": "same-origin",
            "X-Mine": None,
            "Content-Type": None if in_query else "application/json",
        },
    }


def test_private_and_empty_signals_stay_in_the_tab(app: Flask, echo: Any) -> None:
    tab = DatastarClient(
        app, {"_own": 1, "a": {"_b": 1}, "c": {"d": 1, "_e": 2, "f": None}, "g": None, "h": [], "i": ""}
    )

    assert tab.post(echo).patched["got"]["signals"] == {"c": {"d": 1}, "h": [], "i": ""}


def test_signals_are_copied_from_the_caller(app: Flask, echo: Any) -> None:
    signals = {"a": {"b": 1}}
    tab = DatastarClient(app, signals)

    tab.signals["a"]["b"] = 2

    assert signals == {"a": {"b": 1}}
    answer = tab.post(echo)
    tab.signals["a"]["b"] = 3
    assert answer.signals["a"] == {"b": 2}


def test_patches_are_applied_as_in_the_browser(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def act() -> None:
        datastar.patch_signals({"user": {"name": "Ada"}, "list": [1]})
        datastar.patch_signals({"user": {"name": "Bob", "age": 3}, "theme": "dark"}, only_if_missing=True)
        datastar.remove_signals(["old", "deep.one"])

    tab = DatastarClient(
        app, {"user": {"mail": "a@b"}, "theme": "light", "old": 1, "deep": {"one": 1, "two": 2}, "_own": 1}
    )

    answer = tab.post(act)

    assert (
        answer.signals
        == tab.signals
        == {
            "user": {"mail": "a@b", "name": "Ada", "age": 3},
            "theme": "light",
            "deep": {"two": 2},
            "_own": 1,
            "list": [1],
        }
    )
    assert answer.patched == {
        "user": {"name": "Bob", "age": 3},
        "list": [1],
        "theme": "dark",
        "old": None,
        "deep": {"one": None},
    }


def test_html_joins_the_element_patches(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> None:
        datastar.patch_signals({"a": 1})
        datastar.patch_elements("<p id='a'></p>")
        datastar.remove_elements("#b")
        datastar.patch_elements("<p id='c'>\n</p>")
        datastar.dispatch_event("toast", {"elements": "no html"})

    answer = tab.post(act)

    assert answer.html == "<p id='a'></p>\n<p id='c'>\n</p>"
    assert answer.patched == {"a": 1}


def test_answer_with_another_status_is_not_applied(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def act() -> Response:
        response = datastar.patch_signals({"count": 2})
        response.status_code = 422
        return response

    tab = DatastarClient(app, {"count": 1})
    answer = tab.post(act)

    assert (answer.status_code, answer.events, answer.signals, answer.patched, answer.html) == (
        422,
        (),
        {"count": 1},
        {},
        "",
    )
    assert b'{"count":2}' in answer.response.data
    assert list(tab.iter_events(act)) == []


@pytest.mark.parametrize(
    ("mimetype", "headers", "body", "events"),
    [
        ("text/html", {}, "<p id='a'></p>", (sse.patch_elements("<p id='a'></p>"),)),
        (
            "text/html",
            {"datastar-selector": "#a", "datastar-mode": "inner"},
            "x",
            (sse.patch_elements("x", selector="#a", mode="inner"),),
        ),
        ("application/json", {}, '{"a": 1}', (sse.patch_signals_raw('{"a": 1}'),)),
        (
            "application/json",
            {"datastar-only-if-missing": "true"},
            '{"a": 1}',
            (sse.patch_signals_raw('{"a": 1}', only_if_missing=True),),
        ),
    ],
)
def test_other_bodies_are_read_by_their_type(
    datastar: Datastar, tab: DatastarClient, mimetype: str, headers: dict[str, str], body: str, events: Any
) -> None:
    @datastar.handler
    def act() -> Response:
        return make_response(body, 200, {"Content-Type": mimetype, **headers})

    answer = tab.post(act)

    assert answer.events == events
    assert answer.signals == ({"a": 1} if mimetype == "application/json" else {})


def test_options_are_the_test_clients(app: Flask, datastar: Datastar, echo: Any) -> None:
    tab = DatastarClient(app, {"count": 1})

    assert tab.post(echo, _headers={"X-Mine": "1"}).patched["got"]["headers"]["X-Mine"] == "1"
    assert tab.post(echo, _headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert tab.post(echo, _json={"other": 2}).patched["got"]["signals"] == {"other": 2}


def test_form_post_carries_files_and_no_signals(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def act(signals: Signals) -> Signals:
        return {"got": [signals, request.form["name"], request.files["file"].read().decode()]}

    tab = DatastarClient(app, {"count": 1})

    answer = tab.post(act, _data={"name": "Ada", "file": (io.BytesIO(b"content"), "a.txt")})

    assert answer.patched == {"got": [{}, "Ada", "content"]}
    assert answer.signals["count"] == 1


@pytest.mark.parametrize("target", ["/ds/g/echo", "/ds/g/echo?x=1"])
def test_target_may_be_a_path(tab: DatastarClient, echo: Any, target: str) -> None:
    for verb in ("get", "post"):
        tab.signals = {"a": 1}
        got = getattr(tab, verb)(target, id=1).patched["got"]
        assert (got["signals"], set(got["args"]) - {"x", "datastar"}) == ({"a": 1}, {"id"})


@pytest.mark.parametrize("target", [("g.echo",), ("g", "echo"), ("echo",)])
def test_target_may_be_a_name(tab: DatastarClient, echo: Any, target: tuple[str, ...]) -> None:
    assert tab.post(*target).status_code == 200


def test_unknown_target_is_an_error(tab: DatastarClient) -> None:
    with pytest.raises(SetupError, match="no handler fits 'missing'"):
        tab.post("missing")


def test_mounted_app_is_reached(make_app: MakeApp) -> None:
    app = make_app(APPLICATION_ROOT="/mount")
    datastar: Datastar = app.extensions["datastar"]

    @datastar.handler(group="g")
    def act() -> Signals:
        return {"root": request.root_path, "path": request.path}

    tab = DatastarClient(app)

    assert tab.post(act).patched == tab.post("/ds/g/act").patched == {"root": "/mount", "path": "/ds/g/act"}


def test_cookies_last_and_may_be_shared(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def act() -> Signals:
        session["count"] = session.get("count", 0) + 1
        return {"count": session["count"]}

    tab = DatastarClient(app)
    twin = DatastarClient(app, client=tab.client)
    stranger = DatastarClient(app)

    assert [client.post(act).patched["count"] for client in (tab, twin, tab, stranger)] == [1, 2, 3, 1]


def test_iter_events_applies_each_as_it_arrives(app: Flask, datastar: Datastar) -> None:
    steps: list[int] = []

    @datastar.handler(methods=["GET", "POST"])
    def act() -> Iterator[Signals]:
        for step in range(3):
            steps.append(step)
            yield {"step": step}

    tab = DatastarClient(app)
    for method in ("POST", "GET"):
        steps.clear()
        for number, event in enumerate(tab.iter_events(act, method=method)):
            assert event == sse.patch_signals({"step": number})
            assert tab.signals == {"step": number}
            assert steps == list(range(number + 1))


def test_iter_events_of_two_tabs_may_be_taken_in_turn(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def act(name: str) -> Iterator[None]:
        for step in range(2):
            datastar.signal("at", f"{name}{step}")
            yield

    tabs = [DatastarClient(app, {"name": name}) for name in "ab"]

    taken = [
        [event.arguments["signals"] for event in events]
        for events in zip(*(tab.iter_events(act) for tab in tabs), strict=True)
    ]

    assert taken == [['{"at":"a0"}', '{"at":"b0"}'], ['{"at":"a1"}', '{"at":"b1"}']]


@pytest.mark.parametrize("root", ["/", "/app"])
def test_handler_on_another_subdomain_is_reached(make_app: MakeApp, root: str) -> None:
    datastar = Datastar()
    app = make_app(datastar, SERVER_NAME="shop.example:5000", APPLICATION_ROOT=root, PREFERRED_URL_SCHEME="https")
    app.subdomain_matching = True
    api = Blueprint("api", __name__, subdomain="api")

    @datastar.handler(group="g", blueprint=api)
    def act() -> Signals:
        return {"url": request.base_url}

    app.register_blueprint(api)

    url = f"https://api.shop.example:5000{root.rstrip('/')}/ds/g/act"
    assert DatastarClient(app).post(act).patched == {"url": url}
    with app.app_context():
        assert datastar.post(act).js == keyed(f"@post('{url}')")


def test_iter_events_by_a_verb_that_is_not_taken_is_refused(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.stream(group="g")
    def live() -> Iterator[Signals]:
        yield {"a": 1}

    with pytest.raises(ValueError, match=r"live.* does not take POST; it takes .*GET.*, so give method=…$"):
        next(tab.iter_events(live))


def test_iter_events_works_with_a_client_that_keeps_contexts(app: Flask, datastar: Datastar) -> None:
    """As a fixture gives it that yields the client of ``with app.test_client() as client``."""

    @datastar.handler(group="g")
    def count() -> Iterator[Signals]:
        for number in range(3):
            yield {"number": number}

    @datastar.handler(group="g")
    def act() -> None:
        session["name"] = "ann"

    with app.test_client() as client:
        tab = DatastarClient(app, client=client)
        tab.post(act)
        assert session["name"] == "ann"
        events = tab.iter_events(count)
        next(events)
        tab.post(act)
        next(events)
        # The contexts of the last request are kept all the same.
        assert session["name"] == "ann"
        events.close()
    assert tab.signals == {"number": 1}


def test_iter_events_left_early_leaves_no_context(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> Iterator[Signals]:
        yield {"a": 1}
        yield {"a": 2}

    next(tab.iter_events(act))


def test_two_apps_have_tabs_of_their_own(make_app: MakeApp) -> None:
    datastar = Datastar()
    apps = make_app(datastar, DATASTAR_URL_PREFIX="/one"), make_app(datastar)

    @datastar.handler(group="g")
    def act() -> Signals:
        return {"path": request.path}

    assert [DatastarClient(app).post(act).patched["path"] for app in apps] == ["/one/g/act", "/ds/g/act"]
