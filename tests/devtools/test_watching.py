"""What is recorded of requests, streams, regions and failures, and that nothing is outside of debug mode."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from flask import Flask, Response, abort, got_request_exception, redirect
from flask.testing import FlaskClient
from werkzeug.test import create_environ

from flask_datastar import Datastar, StarView, event
from flask_datastar.devtools import visit
from flask_datastar.hooks import region_rendered
from flask_datastar.state.app import app_state_of
from tests.devtools.conftest import HEADERS, PANEL, Items, new_browser


def tab(signals: dict[str, Any]) -> dict[str, Any]:
    return {**signals, "tabId": "t1.p1"}


# Actions


def test_an_action_is_recorded_whole(datastar: Datastar, browser: FlaskClient, items: Items) -> None:
    @datastar.handler(group="cart")
    def add(title: str, by: int = 1) -> None:
        datastar.signal("count", by)
        datastar.patch_elements(f"<p id='last'>{title}</p>")

    browser.post("/ds/cart/add?by=3&_k=0.5", json=tab({"title": "Tea", "csrf": "secret"}), headers=HEADERS)

    (entry,) = items()
    assert entry["kind"] == "action"
    assert (entry["method"], entry["path"], entry["query"], entry["page"]) == (
        "POST",
        "/ds/cart/add",
        "by=3&_k=0.5",
        "/",
    )
    assert (entry["handler"], entry["target"]) == ("cart.add", "cart.add")
    assert entry["function"].endswith(".add")
    assert entry["source"] == f"tests/devtools/test_watching.py:{line_of(add)}"
    assert (entry["tab"], entry["page_id"]) == ("t1", "p1")
    assert entry["signals"] == tab({"title": "Tea"})
    assert entry["parameters"] == {"by": "3"}
    assert (entry["status"], entry["has_ended"]) == (200, True)
    assert [event["type"] for event in entry["events"]] == ["datastar-patch-elements", "datastar-patch-signals"]
    assert entry["events"][0]["arguments"] == {"elements": "<p id='last'>Tea</p>"}
    assert entry["headers"] == {"Datastar-Request": "true", "Content-Type": "application/json"}
    assert entry["has_cookies"] is False


def line_of(function: Any) -> int:
    line: int = function.__code__.co_firstlineno
    return line


def test_signals_of_get_and_fields_of_forms_are_recorded(
    datastar: Datastar, browser: FlaskClient, items: Items
) -> None:
    datastar.handler(group="g", name="find", methods=["GET"])(lambda q="": None)
    datastar.handler(group="g", name="send")(lambda: None)

    browser.get("/ds/g/find?a=1&datastar=%7B%22q%22%3A%22x%22%7D", headers=HEADERS)
    browser.post("/ds/g/send", data={"a": ["1", "2"], "b": "3", "f": (BytesIO(b"x"), "f.txt")}, headers=HEADERS)
    browser.post("/ds/g/send", data=b"x" * 70_000, content_type="multipart/form-data; boundary=b", headers=HEADERS)

    found, sent, large = items()
    assert (found["signals"], found["parameters"], found["query"]) == ({"q": "x"}, {"a": "1"}, "a=1")
    assert sent["form"] == {"a": ["1", "2"], "b": "3", "f": "file f.txt"}
    assert "form" not in large


def test_a_handler_that_runs_is_in_the_timeline_already(
    datastar: Datastar, app: Flask, browser: FlaskClient, items: Items
) -> None:
    seen: list[dict[str, Any]] = []
    other = app.test_client()
    other.set_cookie("datastar_timeline", browser.get_cookie("datastar_timeline").value)

    @datastar.handler(group="g")
    def slow() -> None:
        seen.extend(items(other))

    browser.post("/ds/g/slow", json={}, headers=HEADERS)

    assert [(entry["path"], entry.get("has_ended")) for entry in seen] == [("/ds/g/slow", None)]


@pytest.mark.parametrize(
    ("path", "headers", "status", "text"),
    [
        ("/ds/g/taken", HEADERS, 409, "Conflict the title is <taken>"),
        ("/ds/g/nothing", HEADERS, 404, "Not Found"),
        ("/ds/g/taken", {}, 403, "Datastar-Request"),
        ("/ds/g/taken", {**HEADERS, "Sec-Fetch-Site": "cross-site"}, 403, "another site"),
    ],
)
def test_a_refusal_is_recorded_with_its_text(
    datastar: Datastar, browser: FlaskClient, items: Items, path: str, headers: dict[str, str], status: int, text: str
) -> None:
    @datastar.handler(group="g")
    def taken() -> None:
        abort(409, "the title is <taken>")

    browser.post(path, json={"a": 1}, headers=headers).get_data()

    (entry,) = items()
    assert entry["status"] == status
    assert text in entry["refusal"]
    # Also what no handler has read.
    assert entry["signals"] == {"a": 1}


def test_a_wrong_verb_names_the_handler_and_its_verbs(datastar: Datastar, app: Flask, items: Items) -> None:
    @datastar.handler(group="g", methods=["POST", "PUT"])
    def save() -> None:
        pass

    app.add_url_rule("/plain", "plain", lambda: "", methods=["DELETE"])
    browser = new_browser(app)

    browser.get("/ds/g/save", headers=HEADERS).get_data()
    browser.post("/plain", headers=HEADERS).get_data()
    browser.post("/nowhere", headers=HEADERS).get_data()

    wrong, plain, unknown = items(browser)
    assert (wrong["handler"], wrong["status"], wrong["refusal"]) == (
        "g.save",
        405,
        "g.save takes POST and PUT, not GET",
    )
    assert wrong["function"].endswith(".save")
    assert plain["refusal"] == "plain takes DELETE, not POST"
    assert "refusal" in unknown
    assert "handler" not in unknown


@pytest.mark.parametrize("body", [b"{broken", b"[1]", b"\xff", b"x" * 70_000])
def test_any_body_can_be_refused(datastar: Datastar, browser: FlaskClient, items: Items, body: bytes) -> None:
    datastar.handler(group="g", name="go")(lambda signals: None)

    browser.post("/ds/g/go", data=body, content_type="application/json", headers=HEADERS).get_data()

    (entry,) = items()
    # In debug mode these are shown in the page.
    assert entry["status"] == 200
    assert "InvalidSignals" in entry["events"][0]["overlay"]


def test_an_exception_is_recorded_with_its_frames(datastar: Datastar, browser: FlaskClient, items: Items) -> None:
    @datastar.handler(group="g")
    def crash() -> None:
        raise RuntimeError("crashed on purpose")

    browser.post("/ds/g/crash", json={"a": 1}, headers=HEADERS).get_data()

    (entry,) = items()
    assert (entry["error"]["type"], entry["error"]["message"]) == ("RuntimeError", "crashed on purpose")
    assert "in crash" in entry["error"]["traceback"]
    assert "site-packages" not in entry["error"]["traceback"]
    assert (entry["handler"], entry["signals"], entry["has_ended"]) == ("g.crash", {"a": 1}, True)


def test_a_late_exception_is_recorded_after_the_events(datastar: Datastar, browser: FlaskClient, items: Items) -> None:
    @datastar.handler(group="g")
    def late() -> Iterator[None]:
        datastar.signal("a", 1)
        yield
        raise RuntimeError("late on purpose")

    browser.post("/ds/g/late", json={}, headers=HEADERS).get_data()

    (entry,) = items()
    assert entry["error"]["message"] == "late on purpose"
    assert entry["events"][0]["arguments"] == {"signals": '{"a":1}'}
    assert entry["events"][1]["overlay"].startswith("RuntimeError: late on purpose")


def test_an_exception_of_the_body_is_recorded(datastar: Datastar, app: Flask, items: Items) -> None:
    def parts() -> Iterator[bytes]:
        yield b"event: datastar-x\n\n"
        raise RuntimeError("in the body")

    app.add_url_rule("/own", view_func=lambda: Response(parts(), mimetype="text/event-stream"), endpoint="own")
    browser = new_browser(app)

    with pytest.raises(RuntimeError, match="in the body"):
        browser.get("/own", headers=HEADERS).get_data()

    (entry,) = items(browser)
    assert entry["error"]["message"] == "in the body"
    assert entry["events"][0]["type"] == "datastar-x"
    assert entry["function"].endswith("<lambda>")


def test_redirects_encodings_and_odd_bytes_are_recorded(datastar: Datastar, app: Flask, items: Items) -> None:
    def own(kind: str) -> Any:
        if kind == "moved":
            return redirect("/elsewhere", 307)
        encoding = {"Content-Encoding": "x"} if kind == "encoded" else {}
        return Response(b"data: \xff\n\n" if kind == "odd" else b"x", mimetype="text/event-stream", headers=encoding)

    app.add_url_rule("/own/<kind>", view_func=own)
    browser = new_browser(app)
    for kind in ("moved", "encoded", "odd"):
        assert "Accept-Encoding" not in app.test_client().get(f"/own/{kind}", headers=HEADERS).headers
        browser.get(f"/own/{kind}", headers={**HEADERS, "Accept-Encoding": "gzip"}).get_data()

    moved, encoded, odd = items(browser)
    assert moved["location"] == "/elsewhere"
    assert moved["parameters"] == {"kind": "moved"}
    assert encoded["content-encoding"] == "x"
    assert odd["events"] == []
    assert odd["has_ended"]


def test_pages_are_recorded_and_other_files_are_not(datastar: Datastar, app: Flask, items: Items) -> None:
    app.add_url_rule("/data", view_func=lambda: {"a": 1}, endpoint="data")
    browser = new_browser(app)

    browser.get("/", headers={"Accept": "text/html"}).get_data()
    browser.get("/data", headers={"Accept": "text/html"}).get_data()
    browser.get("/missing", headers={"Accept": "text/html"}).get_data()
    browser.get("/data", headers={"Accept": "*/*"}).get_data()
    browser.get("/", headers={"Accept": "text/html", "Sec-Fetch-Dest": "iframe"}).get_data()

    assert [(entry["kind"], entry["path"], entry["status"]) for entry in items(browser)] == [
        ("page", "/", 200),
        ("page", "/missing", 404),
    ]


@pytest.mark.parametrize("is_recorded", [True, False])
def test_queries_are_recorded_where_flask_sqlalchemy_does(app: Flask, datastar: Datastar, is_recorded: bool) -> None:
    from flask_sqlalchemy import SQLAlchemy
    from sqlalchemy import text

    app.config |= {"SQLALCHEMY_DATABASE_URI": "sqlite://", "SQLALCHEMY_RECORD_QUERIES": is_recorded}
    db = SQLAlchemy(app)

    @datastar.handler(group="g")
    def read() -> None:
        db.session.execute(text("SELECT :n"), {"n": 7})

    @datastar.handler(group="g")
    def read_late() -> Iterator[None]:
        yield
        db.session.execute(text("SELECT 2"))

    browser = new_browser(app)
    browser.post("/ds/g/read", json={}, headers=HEADERS).get_data()
    browser.post("/ds/g/read_late", json={}, headers=HEADERS).get_data()

    found = browser.get("/ds/-timeline/items.json", headers=PANEL).json["items"]
    queries = [item["queries"] for item in found if "queries" in item]
    if not is_recorded:
        assert (queries, [item for item in found if "has_unseen_queries" in item] != []) == ([], True)
        return
    assert [[query["statement"] for query in one] for one in queries] == [["SELECT ?"], ["SELECT 2"]]
    assert queries[0][0]["parameters"] == "[(7,)]"


def test_a_server_without_write_stays_one(app: Flask, browser: FlaskClient) -> None:
    name = browser.get_cookie("datastar_timeline").value
    environ = create_environ("/x", headers={**HEADERS, "Cookie": f"datastar_timeline={name}"})
    returned: list[Any] = []

    def inner(environ: dict[str, Any], start_response: Any) -> Any:
        returned.append(start_response("200 OK", []))
        return []

    list(app_state_of(app).watch_requests(inner)(environ, lambda *start: None))

    assert returned == [None]


def test_a_body_without_a_length_is_not_read(datastar: Datastar, browser: FlaskClient, items: Items) -> None:
    datastar.handler(group="g", name="go")(lambda: None)

    class Endless:
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("it is read")

    environ = {"wsgi.input": Endless(), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    for content_type in ("application/json", "application/x-www-form-urlencoded"):
        browser.post(
            "/ds/g/go", headers={**HEADERS, "Sec-Fetch-Site": "x"}, content_type=content_type, environ_overrides=environ
        ).get_data()

    assert [entry["status"] for entry in items()] == [403, 403]


def test_what_cannot_be_recorded_does_not_stop_the_app(
    datastar: Datastar, browser: FlaskClient, items: Items, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    datastar.handler(group="g", name="go")(lambda: "<p id='a'>x</p>")
    for name in ("answer_facts", "event_facts"):
        monkeypatch.setattr(visit, name, lambda *arguments: 1 / 0)

    response = browser.post("/ds/g/go", json={}, headers=HEADERS)

    assert (response.status_code, "elements <p" in response.text) == (200, True)
    assert "could not record" in caplog.text
    assert items()[0]["has_ended"]


# Streams and regions


def test_a_stream_is_recorded_with_what_it_follows_and_why_it_ended(
    datastar: Datastar, browser: FlaskClient, items: Items
) -> None:
    @datastar.stream(group="g", scope="ada")
    def feed() -> Any:
        return datastar.follow("news", "board")

    # Compressed, nothing of it could be read.
    response = browser.get("/ds/g/feed", headers={**HEADERS, "Accept-Encoding": "gzip, zstd"}, buffered=False)
    assert "Content-Encoding" not in response.headers
    body = iter(response.response)
    next(body)
    (entry,) = items()
    assert (entry["kind"], entry["follows"]) == ("stream", ["topic news", "topic board"])
    assert "reason" not in entry
    with browser.application.app_context():
        datastar.broadcast("news").patch_signals({"a": 1})
    next(body)
    response.close()

    (entry,) = items()
    assert entry["reason"] == "left"
    assert [event["type"] for event in entry["events"]] == ["datastar-stream-opened", "datastar-patch-signals"]


def test_what_a_generator_follows_is_recorded_once_it_runs(
    datastar: Datastar, browser: FlaskClient, items: Items
) -> None:
    @datastar.stream(group="g", scope="ada")
    def feed() -> Iterator[None]:
        yield
        for _ in datastar.changes("board"):
            yield

    response = browser.get("/ds/g/feed", headers=HEADERS, buffered=False)
    body = iter(response.response)
    next(body)
    assert items()[0]["follows"] == []
    next(body)
    next(body)

    assert items()[0]["follows"] == ["topic board"]
    response.close()


def test_events_of_views_are_recorded_with_their_methods(app: Flask, datastar: Datastar, items: Items) -> None:
    @datastar.view("/counter/<int:start>")
    class Counter(StarView):
        def html(self) -> str:
            return "<p>page</p>"

        @event
        def up(self, by: int = 1) -> None:
            datastar.signal("count", by)

        def handle_event(self, event: str, signals: dict[str, Any]) -> None:
            datastar.signal("other", event)

    browser = new_browser(app)
    browser.get("/counter/3", headers={"Accept": "text/html"}).get_data()
    group = next(info.group for info in datastar.handlers)
    for name in ("up", "down"):
        browser.post(f"/ds/{group}/{name}?start=3", json={}, headers=HEADERS).get_data()

    page, up, down = items(browser)
    assert (page["handler"], page.get("source")) == ("counter", None)
    assert (up["handler"], up["target"], up["parameters"]) == (f"{group}.up", f"{group}.up", {"start": "3"})
    assert up["function"].endswith("Counter.up")
    assert up["source"] == f"tests/devtools/test_watching.py:{line_of(Counter.up)}"
    assert down["function"].endswith("Counter.handle_event")
    assert "target" not in down


def test_what_a_stream_writes_while_it_waits_is_recorded(
    datastar: Datastar, app: Flask, browser: FlaskClient, items: Items
) -> None:
    # A server has a write(), through which generators send while they wait.
    written: list[bytes] = []

    def inner(environ: dict[str, Any], start_response: Any) -> Any:
        write = start_response("200 OK", [("Content-Type", "text/event-stream")])
        write(b"event: datastar-a\n\n")
        return [b"event: datastar-b\n\n"]

    name = browser.get_cookie("datastar_timeline").value
    environ = {
        **{"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "HTTP_DATASTAR_REQUEST": "true", "HTTP_HOST": "localhost"},
        "HTTP_COOKIE": f"datastar_timeline={name}",
    }
    body = app_state_of(app).watch_requests(inner)(environ, lambda *start: written.append)
    rest = list(body)

    assert (written, rest) == ([b"event: datastar-a\n\n"], [b"event: datastar-b\n\n"])
    assert [event["type"] for event in items()[0]["events"]] == ["datastar-a", "datastar-b"]


@pytest.fixture
def live(app: Flask, datastar: Datastar) -> Any:
    """An app with a live page of two regions, one in the other."""
    names = ["Ada"]

    @datastar.region(group="people", tables=())
    def people() -> str:
        if "crash" in names:
            raise RuntimeError("region on purpose")
        return f"<ul id='people'>{''.join(f'<li>{name}</li>' for name in names)}{count().__html__()}</ul>"

    @datastar.region(group="people", tables=())
    def count() -> str:
        return f"<li id='count'>{len(names)}</li>"

    app.add_url_rule(
        "/people", "people", lambda: f"<p>{people().__html__()}</p>{app.jinja_env.globals['datastar'].live()}"
    )
    return names, people, count


def test_renderings_are_seen_where_the_region_is_shown(
    app: Flask, live: Any, browser: FlaskClient, items: Items, request: pytest.FixtureRequest
) -> None:
    names, people, count = live
    stranger = new_browser(app)
    stranger.get("/ds/g/none", headers=HEADERS)
    streams = [browser.get("/people", headers={**HEADERS, "Datastar-Live": ""}, buffered=False) for _ in range(2)]
    for stream in streams:
        # The server keeps the body, and closes it, whatever fails here.
        request.addfinalizer(stream.close)
        next(iter(stream.response))

    def rendered(client: FlaskClient) -> list[tuple[str, str, int]]:
        return [
            (entry["region"], entry["cause"], entry["viewers"]) for entry in items(client) if entry["kind"] == "render"
        ]

    first = rendered(browser)
    assert sorted(first) == [("people:count", "first time", 0), ("people:people", "first time", 1)]
    assert rendered(stranger) == []
    assert [entry["follows"] for entry in items() if entry["kind"] == "stream"] == [["region people:people()"]] * 2

    # The inner one is shown inside of the other.
    with app.app_context():
        names.append("Bob")
        count.changed()
    wait_for(lambda: len(rendered(browser)) > 2)
    assert rendered(browser)[2:] == [("people:count", "changed()", 2)]

    names.append("crash")
    with app.app_context():
        people.changed()
    wait_for(lambda: len(rendered(browser)) > 3)
    (failed,) = [entry for entry in items() if "error" in entry]
    assert (failed["region"], failed["error"]["message"]) == ("people:people", "region on purpose")
    for stream in streams:
        stream.close()
    assert rendered(stranger) == []


def wait_for(check: Any) -> None:
    import time

    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# Where nothing is recorded


def test_without_a_name_nothing_is_recorded_and_a_page_gives_one(datastar: Datastar, app: Flask) -> None:
    client = app.test_client()

    assert "Set-Cookie" not in client.post("/ds/g/none", json={}, headers=HEADERS).headers
    assert "Set-Cookie" not in client.get("/missing", headers={"Accept": "text/html", "Host": "evil.example"}).headers
    assert client.get_cookie("datastar_timeline") is None
    client.get("/", headers={"Accept": "text/html"})
    named = client.get_cookie("datastar_timeline").value
    client.get("/", headers={"Accept": "text/html"})
    assert client.get_cookie("datastar_timeline").value == named


def test_under_a_foreign_name_there_is_no_timeline(
    datastar: Datastar, app: Flask, items: Items, caplog: pytest.LogCaptureFixture
) -> None:
    app.add_url_rule("/script", view_func=lambda: str(datastar.script()), endpoint="script")
    browser = new_browser(app)
    name = browser.get_cookie("datastar_timeline").value
    headers = {"Host": "evil.example", "Cookie": f"datastar_timeline={name}"}

    assert app.test_client().get("/ds/-timeline/items.json", headers={**headers, **PANEL}).status_code == 404
    assert app.test_client().post("/ds/g/none", json={}, headers={**HEADERS, **headers}).status_code == 404
    assert "-timeline" not in app.test_client().get("/script", headers=headers).text
    assert "evil.example" in caplog.text
    assert '<script type="module" src="/ds/-timeline/panel.js"></script>' in browser.get("/script").text
    assert items(browser) == []


@pytest.mark.parametrize("setting", ["testing", "production"])
def test_off_there_is_no_timeline(app: Flask, datastar: Datastar, setting: str) -> None:
    app.debug, app.testing = setting == "testing", setting == "testing"
    app.add_url_rule("/script", view_func=lambda: str(datastar.script()), endpoint="script")
    client = new_browser(app)

    assert client.get_cookie("datastar_timeline") is None
    assert client.get("/ds/-timeline/panel.js").status_code == 404
    assert "-timeline" not in client.get("/script").text
    assert not region_rendered.has_receivers_for(app)
    assert not got_request_exception.has_receivers_for(app)


def test_switched_off_again_it_is_gone(app: Flask, browser: FlaskClient) -> None:
    assert browser.get("/ds/-timeline/panel.js").status_code == 200
    app.debug = False
    assert browser.get("/ds/-timeline/panel.js").status_code == 404
    with app.test_request_context():
        assert app_state_of(app).page_script() == ""


def test_off_nothing_of_it_is_imported() -> None:
    code = """
import sys
from flask import Flask
from flask_datastar import Datastar, StarView, event
app = Flask("shop")
datastar = Datastar(app)
datastar.handler(group="g", name="go")(lambda: None)
client = app.test_client()
assert client.post("/ds/g/go", headers={"Datastar-Request": "true"}).status_code == 204
assert not [name for name in sys.modules if "devtools" in name]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_two_apps_share_nothing(app: Flask, browser: FlaskClient, items: Items) -> None:
    other = Flask("other")
    other.debug = True
    Datastar(other)
    client = other.test_client()
    client.set_cookie("datastar_timeline", browser.get_cookie("datastar_timeline").value)

    client.post("/ds/g/none", json={}, headers=HEADERS)

    assert items() == []
    assert len(items(client)) == 1


def test_a_dropped_body_ends_its_entry(app: Flask, browser: FlaskClient, items: Items) -> None:
    name = browser.get_cookie("datastar_timeline").value
    environ = create_environ("/ds/g/none", headers={**HEADERS, "Cookie": f"datastar_timeline={name}"})
    body = app.wsgi_app(environ, lambda *start: lambda data: None)
    assert "has_ended" not in items()[0]
    del body

    assert items()[0]["has_ended"]
