"""A click through a whole request: it runs once, and its repeats get what it answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from flask import Flask, Response, abort, flash, g, redirect, request, session
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_datastar import Datastar, StarView, event, hooks
from flask_datastar.errors import SetupError
from flask_datastar.repeats import running
from flask_datastar.repeats.app import Repeats
from flask_datastar.state.app import app_state_of
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.repeats.conftest import Click, counts, send_click
from tests.support.checks import wait_until


def same(one: TestResponse, other: TestResponse) -> bool:
    """Whether two responses are alike to the last byte."""
    return (one.status, list(one.headers), one.data) == (other.status, list(other.headers), other.data)


@pytest.fixture
def runs(datastar: Datastar) -> list[int]:
    """The runs of a handler ``g:add``."""
    found: list[int] = []

    @datastar.handler(group="g")
    def add() -> None:
        found.append(len(found) + 1)
        datastar.signal("count", found[-1])
        datastar.patch_elements(f"<p id='a'>{found[-1]}</p>")

    return found


def test_repeat_gets_the_same_answer_and_runs_nothing(app: Flask, click: Click, runs: list[int]) -> None:
    first = click("/ds/g/add")

    assert same(click("/ds/g/add"), first)
    assert same(click("/ds/g/add"), first)
    assert b'{"count":1}' in first.data
    assert b'{"count":2}' in click("/ds/g/add", "0.2").data
    assert runs == [1, 2]
    assert counts(app) == {"runs": 2, "answered": 2, "ignored": 0}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_verb_that_writes_runs_once(click: Click, runs: list[int], method: str) -> None:
    options: dict[str, Any] = {"json": {}} if method != "DELETE" else {"data": b""}
    for _ in range(2):
        assert click("/ds/g/add?datastar=%7B%7D", method=method, **options).status_code == 200

    assert runs == [1]


def test_request_without_a_key_runs(client: FlaskClient, runs: list[int]) -> None:
    for _ in range(2):
        client.post("/ds/g/add", headers={"Datastar-Request": "true"})

    assert runs == [1, 2]


def test_form_posts_of_two_tabs_are_two_clicks(client: FlaskClient, runs: list[int]) -> None:
    for tab in ("ann.1", "bob.1", "ann.1"):
        headers = {"Datastar-Request": "true", "Datastar-Tab": tab}
        client.post("/ds/g/add?_k=0.1", data={"name": "Ada"}, headers=headers)

    assert runs == [1, 2]


def test_test_client_sends_a_key_with_each_action(app: Flask, tab: DatastarClient, runs: list[int]) -> None:
    tab.post("g.add")
    tab.post("g.add")
    assert tab.post("g.add", _key="a").patched == tab.post("g.add", _key="a").patched == {"count": 3}

    assert runs == [1, 2, 3]
    assert counts(app)["answered"] == 1


def test_204_and_its_headers_are_repeated(datastar: Datastar, click: Click) -> None:
    @datastar.handler(group="g")
    def act() -> None:
        datastar.assign("seen", True)

    assert click("/ds/g/act").status == "204 NO CONTENT"
    assert same(click("/ds/g/act"), click("/ds/g/act"))
    assert "Datastar-Repeat-Ignored" not in click("/ds/g/act").headers


# What the browser gets again


def test_cookies_and_headers_of_others_are_repeated(app: Flask, datastar: Datastar, click: Click) -> None:
    @datastar.handler(group="g")
    def act() -> None:
        session["user"] = "ann"
        response = datastar.signal("a", 1)
        response.set_cookie("seen", "yes")

    @app.after_request
    def number(response: Response) -> Response:
        app.config["NUMBER"] = app.config.get("NUMBER", 0) + 1
        response.headers["X-Number"] = str(app.config["NUMBER"])
        return response

    first = click("/ds/g/act")
    # The browser has the old cookie, as the answer broke off before its headers, or the new one.
    assert same(click("/ds/g/act", client=app.test_client()), first)
    assert same(click("/ds/g/act"), first)
    assert len(first.headers.getlist("Set-Cookie")) == 2
    assert first.headers["X-Number"] == "1"


def test_redirect_is_repeated(datastar: Datastar, click: Click) -> None:
    @datastar.handler(group="g")
    def act() -> Any:
        flash("saved")
        return redirect("/next")

    first = click("/ds/g/act")

    assert b"/next" in first.data
    assert same(click("/ds/g/act"), first)


def test_what_a_view_returned_is_repeated(make_app: MakeApp) -> None:
    class Own(Response):
        default_mimetype = "text/x-own"

    datastar = Datastar()
    app = make_app(datastar)
    app.response_class = Own

    @datastar.handler(group="g")
    def act() -> Response:
        return Own("<p id='a'></p>", 200, {"Content-Type": "text/html"})

    client = app.test_client()
    assert same(send_click(client, "/ds/g/act"), send_click(client, "/ds/g/act"))


def test_refreshed_session_does_not_undo_the_answers_cookie(app: Flask, datastar: Datastar, click: Click) -> None:
    @datastar.handler(group="g")
    def act() -> None:
        session["n"] = session.get("n", 0) + 1

    @app.before_request
    def touch() -> None:
        session["touched"] = True
        session.permanent = True

    assert same(click("/ds/g/act"), click("/ds/g/act"))


# What is not kept


@pytest.mark.parametrize("failure", [ValueError, 400, 404, 500, "returned"])
def test_failed_click_may_run_again(make_app: MakeApp, failure: Any) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    datastar: Datastar = app.extensions["datastar"]
    runs = []

    @datastar.handler(group="g")
    def act() -> Any:
        runs.append(1)
        if len(runs) == 1:
            if failure is ValueError:
                raise ValueError
            if failure == "returned":
                return Response("no", 409)
            abort(failure)
        return None

    client = app.test_client()
    assert send_click(client, "/ds/g/act").status_code >= 400
    assert send_click(client, "/ds/g/act").status_code == 204
    assert send_click(client, "/ds/g/act").status_code == 204
    assert len(runs) == 2


def test_exception_that_is_answered_200_is_a_failure(app: Flask, datastar: Datastar, click: Click) -> None:
    runs = []

    @app.errorhandler(KeyError)
    def explain(error: KeyError) -> Response:
        return datastar.start().patch_signals({"error": str(error)})

    @datastar.handler(group="g")
    def act() -> None:
        runs.append(1)
        raise KeyError("x")

    assert click("/ds/g/act").status_code == click("/ds/g/act").status_code == 200
    assert len(runs) == 2


def test_exception_of_after_request_is_a_failure(make_app: MakeApp) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    datastar: Datastar = app.extensions["datastar"]
    runs = []

    @datastar.handler(group="g")
    def act() -> None:
        runs.append(1)

    @app.after_request
    def fail(response: Response) -> Response:
        if len(runs) == 1 and response.status_code < 400:
            raise ValueError
        return response

    client = app.test_client()
    assert send_click(client, "/ds/g/act").status_code == 500
    assert send_click(client, "/ds/g/act").status_code == 204
    assert len(runs) == 2


def test_refused_request_is_no_click(app: Flask, click: Click, runs: list[int]) -> None:
    refusals = [403]

    @app.before_request
    def guard() -> None:
        if refusals:
            abort(refusals.pop())

    assert click("/ds/g/add").status_code == 403
    assert click("/ds/g/add", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert click("/ds/g/add").status_code == 200
    assert runs == [1]


def test_guards_hold_for_repeats(app: Flask, click: Click, runs: list[int]) -> None:
    click("/ds/g/add")

    @app.before_request_funcs.setdefault(None, []).append
    def guard() -> None:
        abort(401)

    assert click("/ds/g/add").status_code == 401


def test_answer_that_is_too_large_is_not_repeated(make_app: MakeApp) -> None:
    app = make_app(DATASTAR_REPEATS_BYTES=40_000)
    datastar: Datastar = app.extensions["datastar"]
    runs = []

    @datastar.handler(group="g")
    def act(size: int) -> str:
        runs.append(size)
        return f"<p id='a'>{'x' * size}</p>"

    client = app.test_client()
    assert len(send_click(client, "/ds/g/act?size=20000").data) > 20_000
    repeat = send_click(client, "/ds/g/act?size=20000")
    assert (repeat.status_code, repeat.headers["Datastar-Repeat-Ignored"], repeat.data) == (204, "true", b"")
    assert runs == [20_000]
    assert counts(app) == {"runs": 1, "answered": 0, "ignored": 1}


def test_click_may_run_again_after_its_time(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(DATASTAR_REPEATS_SECONDS=5)
    datastar: Datastar = app.extensions["datastar"]
    runs = []

    @datastar.handler(group="g")
    def act() -> None:
        runs.append(1)

    client = app.test_client()
    send_click(client, "/ds/g/act")
    store = app_state_of(app).part(Repeats).store.get()
    now = store._clock()
    monkeypatch.setattr(store, "_clock", lambda: now + 4)
    send_click(client, "/ds/g/act")
    assert len(runs) == 1
    monkeypatch.setattr(store, "_clock", lambda: now + 6)
    send_click(client, "/ds/g/act")
    assert len(runs) == 2


# Generators, forms, uploads


def test_generator_handler_runs_once_and_its_repeats_are_told(app: Flask, datastar: Datastar, click: Click) -> None:
    runs = []

    @datastar.handler(group="g")
    def steps() -> Iterator[None]:
        runs.append(1)
        for number in range(3):
            datastar.signal("step", number)
            yield

    assert click("/ds/g/steps").data.count(b"event:") == 3
    repeat = click("/ds/g/steps")
    assert (repeat.status_code, repeat.headers["Datastar-Repeat-Ignored"]) == (204, "true")
    assert len(runs) == 1


def test_repeat_of_a_generator_handler_does_not_wait_for_its_end(app: Flask, datastar: Datastar) -> None:
    runs = []

    @datastar.handler(group="g")
    def steps() -> Iterator[None]:
        runs.append(1)
        yield
        runs.append(2)

    with send_click(app.test_client(), "/ds/g/steps", buffered=False) as first:
        assert send_click(app.test_client(), "/ds/g/steps").status_code == 204
        assert runs == [1]
        assert first.status_code == 200


def test_generator_that_fails_before_its_first_yield_runs_again(datastar: Datastar, click: Click) -> None:
    runs = []

    @datastar.handler(group="g")
    def steps() -> Iterator[None]:
        runs.append(1)
        abort(409)
        yield

    assert click("/ds/g/steps").status_code == click("/ds/g/steps").status_code == 409
    assert len(runs) == 2


def test_form_posts_and_uploads_run_once(datastar: Datastar, click: Click) -> None:
    got = []

    @datastar.handler(group="g")
    def save() -> None:
        file = request.files.get("file")
        got.append((request.form["name"], file.read() if file is not None else None))

    for _ in range(2):
        assert click("/ds/g/save", "1", data={"name": "Ada"}).status_code == 204
        upload = {"name": "Bob", "file": (BytesIO(b"text"), "a.txt")}
        assert click("/ds/g/save", "2", data=upload).status_code == 204

    assert got == [("Ada", None), ("Bob", b"text")]


def test_body_that_the_handler_reads_itself_is_left_alone(datastar: Datastar, click: Click) -> None:
    @datastar.handler(group="g")
    def save() -> dict[str, Any]:
        return {"got": request.stream.read().decode()}

    options = {"data": b"raw", "content_type": "application/octet-stream"}
    assert b'"raw"' in click("/ds/g/save", **options).data


@pytest.mark.parametrize("sent", [200_000, 100_000], ids=["whole", "broken off"])
def test_repeat_reads_its_body_to_the_end(datastar: Datastar, click: Click, sent: int) -> None:
    """A server that closes a connection with unread bytes resets it, and a proxy responds with a 502 instead."""

    @datastar.handler(group="g")
    def save() -> dict[str, Any]:
        return {"got": len(request.get_data())}

    first, repeat = BytesIO(b"x" * 200_000), BytesIO(b"x" * sent)
    options = {"content_type": "application/octet-stream", "content_length": 200_000}
    for body in (first, repeat):
        assert b"200000" in click("/ds/g/save", input_stream=body, **options).data

    assert repeat.tell() == sent


def test_unreadable_signals_are_answered_as_without_a_key(datastar: Datastar, click: Click) -> None:
    @datastar.handler(group="g")
    def act(count: int) -> None: ...

    response = click("/ds/g/act", data=b"{", content_type="application/json")
    assert response.status_code == 400


# Waiting


def test_repeat_waits_for_the_first_and_gets_its_answer(app: Flask, datastar: Datastar) -> None:
    goes_on = threading.Event()
    runs = []

    @datastar.handler(group="g")
    def act() -> None:
        runs.append(1)
        goes_on.wait(60)
        datastar.signal("count", len(runs))

    answers: list[TestResponse] = []
    threads = [
        threading.Thread(target=lambda: answers.append(send_click(app.test_client(), "/ds/g/act"))) for _ in range(3)
    ]
    threads[0].start()
    wait_until(lambda: len(runs) == 1)
    for thread in threads[1:]:
        thread.start()
    store = app_state_of(app).part(Repeats).store.get()
    (found,) = store._clicks.values()
    wait_until(lambda: len(found.waiting) == 2)
    goes_on.set()
    for thread in threads:
        thread.join(60)

    assert len(runs) == 1
    assert {answer.data for answer in answers} == {b'event: datastar-patch-signals\ndata: signals {"count":1}\n\n'}


def test_repeat_of_a_click_that_runs_for_too_long_is_told_so(
    app: Flask, datastar: Datastar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "WAIT_SECONDS", 0.05)
    inner: list[TestResponse] = []

    @datastar.handler(group="g")
    def act() -> None:
        thread = threading.Thread(target=lambda: inner.append(send_click(app.test_client(), "/ds/g/act")))
        thread.start()
        thread.join(60)

    assert send_click(app.test_client(), "/ds/g/act").status_code == 204
    # Not a success: nobody knows yet what becomes of it.
    assert inner[0].status_code == 503
    assert inner[0].headers["Datastar-Repeat-Ignored"] == "true"
    assert "still running" in inner[0].text


# What handlers see


def test_key_is_seen_by_nobody(app: Flask, datastar: Datastar, click: Click) -> None:
    seen: list[Any] = []

    @app.url_value_preprocessor
    def look(endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.looked = dict(request.args)

    @datastar.handler(group="g")
    def act(id: int) -> None:
        seen.append((dict(request.args), request.query_string, request.full_path, request.url, id))

    click("/ds/g/act?id=3")
    assert click("/ds/g/act?_k=0.2&id=4", key="x y").status_code == 204

    assert seen[0] == ({"id": "3"}, b"id=3", "/ds/g/act?id=3", "http://localhost/ds/g/act?id=3", 3)
    assert seen[1][0] == {"id": "4", "_k": "x y"}


def test_parameter_of_that_name_is_left_to_plain_requests(app: Flask) -> None:
    @app.route("/plain", methods=["GET", "POST"])
    def plain() -> dict[str, Any]:
        return dict(request.args)

    client = app.test_client()
    assert client.get("/plain?_k=1").json == {"_k": "1"}
    assert client.post("/plain?_k=1").json == {"_k": "1"}
    assert client.get("/plain?_k=1", headers={"Datastar-Request": "true"}).json == {"_k": "1"}


# Views


def test_events_of_views_run_once(app: Flask, datastar: Datastar, click: Click) -> None:
    calls: list[str] = []

    @datastar.view("/page/<int:number>", group="page")
    class Page(StarView):
        def load(self, number: int) -> None:
            calls.append(f"load {number}")

        @event
        def add(self) -> None:
            calls.append("add")

        @event(once=False)
        def look(self) -> None:
            calls.append("look")

        def handle_event(self, event: str, signals: dict[str, Any]) -> None:
            calls.append(event)

    for path in ("add", "add", "look", "look", "other", "other"):
        assert click(f"/ds/page/{path}?number=5").status_code == 204

    assert calls == ["load 5", "add", "load 5", "look", "load 5", "look", "load 5", "other"]
    with app.test_request_context():
        assert "_k=" in datastar.post(Page, "add", number=1).js
        assert datastar.post(Page, "look", number=1).js == "@post('/ds/page/look?number=1')"


# Switched off


def test_handler_may_run_as_often_as_it_is_asked(app: Flask, datastar: Datastar, click: Click) -> None:
    runs = []

    @datastar.handler(group="g", once=False)
    def search() -> None:
        runs.append(dict(request.args))

    click("/ds/g/search")
    click("/ds/g/search")

    assert runs == [{}, {}]
    with app.test_request_context():
        assert datastar.post(search).js == "@post('/ds/g/search')"


def test_action_may_be_written_without_a_key(app: Flask, datastar: Datastar, runs: list[int]) -> None:
    with app.test_request_context():
        assert datastar.post("g.add", _once=False).js == "@post('/ds/g/add')"
        assert datastar.post("add", _module="$m", _once=False).js == "@post('/ds/' + encodeURIComponent($m) + '/add')"
        with pytest.raises(TypeError, match=r"^action option _once is 1; accepted: True or False$"):
            datastar.post("g.add", _once=1)


def test_own_choice_of_cancelling_stays(app: Flask, datastar: Datastar, runs: list[int]) -> None:
    with app.test_request_context():
        action = datastar.post("g.add", _request_cancellation="auto").js

    assert action == "@post('/ds/g/add?_k=' + Math.random(), {requestCancellation: 'auto'})"


def test_configuration_switches_it_off(make_app: MakeApp) -> None:
    app = make_app(DATASTAR_REPEATS_SECONDS=0)
    datastar: Datastar = app.extensions["datastar"]
    runs = []

    @datastar.handler(group="g")
    def act() -> None:
        runs.append(dict(request.args))

    client = app.test_client()
    send_click(client, "/ds/g/act")
    send_click(client, "/ds/g/act")

    assert runs == [{}, {}]
    with app.test_request_context():
        assert datastar.post(act).js == "@post('/ds/g/act')"


# Hooks


def test_hook_tells_of_repeats(app: Flask, click: Click, runs: list[int]) -> None:
    told = []

    def tell(sender: Flask, **details: Any) -> None:
        told.append((sender, details["endpoint"], details["ignored"], details["response"].status_code))

    handled = []
    with (
        hooks.repeat_answered.connected_to(tell, app),
        hooks.event_handled.connected_to(lambda sender, **details: handled.append(details["event"]), app),
    ):
        click("/ds/g/add")
        assert told == []
        click("/ds/g/add")

    assert told == [(app, "datastar.g:add", False, 200)]
    assert handled == ["add"]


# Somebody else


def test_foreign_session_neither_reads_nor_blocks_a_click(app: Flask, datastar: Datastar) -> None:
    runs: list[str] = []

    @app.post("/sign-in/<name>")
    def sign_in(name: str) -> str:
        session["user"] = name
        return ""

    @datastar.handler(group="g")
    def act() -> None:
        runs.append(session["user"])
        datastar.signal("secret", f"{session['user']}'s")

    ann, bob, nobody = app.test_client(), app.test_client(), app.test_client()
    ann.post("/sign-in/ann")
    bob.post("/sign-in/bob")
    # The same key, the same tab: all that somebody could have read in a log.
    assert b"bob's" in send_click(bob, "/ds/g/act").data
    assert b"ann's" in send_click(ann, "/ds/g/act").data
    assert b"ann's" in send_click(ann, "/ds/g/act").data
    assert b"bob's" in send_click(bob, "/ds/g/act").data
    assert runs == ["bob", "ann"]
    with pytest.raises(KeyError):
        send_click(nobody, "/ds/g/act")


def test_forged_session_counts_for_nothing(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act() -> None:
        datastar.signal("user", session.get("user", "nobody"))

    @app.post("/sign-in")
    def sign_in() -> str:
        session["user"] = "ann"
        return ""

    ann, thief = app.test_client(), app.test_client()
    ann.post("/sign-in")
    assert b"ann" in send_click(ann, "/ds/g/act").data
    cookie = ann.get_cookie("session")
    assert cookie is not None
    thief.set_cookie("session", cookie.value.rpartition(".")[0] + ".AAAA")

    assert b"nobody" in send_click(thief, "/ds/g/act").data


def test_foreign_sessions_cannot_push_out_somebodys_answer(make_app: MakeApp) -> None:
    app = make_app(DATASTAR_REPEATS_BYTES=200_000)
    datastar: Datastar = app.extensions["datastar"]

    @app.post("/sign-in/<name>")
    def sign_in(name: str) -> str:
        session["user"] = name
        return ""

    @datastar.handler(group="g")
    def act() -> str:
        return f"<p id='a'>{session['user']} {'x' * 2000}</p>"

    ann, bob = app.test_client(), app.test_client()
    ann.post("/sign-in/ann")
    bob.post("/sign-in/bob")
    first = send_click(ann, "/ds/g/act", "ann's")
    for number in range(300):
        send_click(bob, "/ds/g/act", str(number))

    assert same(send_click(ann, "/ds/g/act", "ann's"), first)
    assert app_state_of(app).part(Repeats).store.get().size < 60_000


def test_session_that_another_click_changed_meanwhile_is_known(app: Flask, datastar: Datastar) -> None:
    goes_on = threading.Event()
    runs: list[str] = []

    @datastar.handler(group="g")
    def add(item: str) -> None:
        runs.append(item)
        if item == "a":
            goes_on.wait(60)
        session["items"] = [*session.get("items", []), item]

    browser = app.test_client()
    send_click(browser, "/ds/g/add?item=start", "0", json={})
    cookie = browser.get_cookie("session")
    assert cookie is not None
    beside = app.test_client()
    beside.set_cookie("session", cookie.value)
    first = threading.Thread(target=send_click, args=(beside, "/ds/g/add?item=a", "1"), kwargs={"json": {}})
    first.start()
    wait_until(lambda: "a" in runs)
    # B is answered before A, whose answer breaks off: the repeat of A brings what B has set.
    send_click(browser, "/ds/g/add?item=b", "2", json={})
    goes_on.set()
    first.join(60)
    assert send_click(browser, "/ds/g/add?item=a", "1", json={}).status_code == 204

    assert runs == ["start", "a", "b"]


def test_sign_in_is_not_repeated_for_somebody_who_names_key_and_tab(app: Flask, datastar: Datastar) -> None:
    runs: list[str] = []

    @datastar.handler(group="g")
    def sign_in() -> None:
        runs.append("run")
        session["user"] = f"user {len(runs)}"
        datastar.signal("who", session["user"])

    ann, bob = app.test_client(), app.test_client()
    first = send_click(ann, "/ds/g/sign_in", "a", json={"tabId": "ann.1"})
    send_click(bob, "/ds/g/sign_in", "b", json={"tabId": "bob.1"})
    stolen = send_click(bob, "/ds/g/sign_in", "a", json={"tabId": "ann.1"})

    assert b"user 3" in stolen.data
    assert not set(first.headers.getlist("Set-Cookie")) & set(stolen.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("key", ["a", "b"])
def test_session_that_two_clicks_start_at_once_is_known(app: Flask, datastar: Datastar, key: str) -> None:
    runs: list[str] = []

    @datastar.handler(group="g")
    def add(item: str) -> None:
        runs.append(item)
        session["items"] = [item]

    # Both are sent without a session; of one the browser gets no answer, and so the cookie of the other one.
    answers = {item: send_click(app.test_client(), f"/ds/g/add?item={item}", item) for item in "ab"}
    other = "b" if key == "a" else "a"
    browser = app.test_client()
    cookie = answers[other].headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    browser.set_cookie("session", cookie)

    assert same(send_click(browser, f"/ds/g/add?item={key}", key), answers[key])
    assert runs == ["a", "b"]


def test_asking_who_clicked_reads_no_session(app: Flask, datastar: Datastar, runs: list[int], click: Click) -> None:
    @app.post("/sign-in")
    def sign_in() -> str:
        session["user"] = "ann"
        return ""

    browser = app.test_client()
    browser.post("/sign-in")

    # It would make the answer vary by cookie.
    assert "Vary" not in click("/ds/g/add", client=browser).headers


def test_two_apps_share_no_clicks(make_app: MakeApp) -> None:
    datastar, runs = Datastar(), []

    @datastar.handler(group="g")
    def act() -> None:
        runs.append(1)

    for app in (make_app(datastar), make_app(datastar)):
        send_click(app.test_client(), "/ds/g/act")
        send_click(app.test_client(), "/ds/g/act")

    assert len(runs) == 2


def test_waiting_repeat_runs_what_failed(app: Flask, datastar: Datastar) -> None:
    goes_on = threading.Event()
    runs = []

    @datastar.handler(group="g")
    def act() -> None:
        runs.append(1)
        if len(runs) == 1:
            goes_on.wait(60)
            abort(503)
        datastar.signal("count", len(runs))

    answers: dict[str, TestResponse] = {}
    threads = [
        threading.Thread(target=lambda name=name: answers.update({name: send_click(app.test_client(), "/ds/g/act")}))  # type: ignore[misc]
        for name in ("first", "repeat")
    ]
    threads[0].start()
    wait_until(lambda: len(runs) == 1)
    threads[1].start()
    (found,) = app_state_of(app).part(Repeats).store.get()._clicks.values()
    wait_until(lambda: len(found.waiting) == 1)
    goes_on.set()
    for thread in threads:
        thread.join(60)

    assert [answers[name].status_code for name in ("first", "repeat")] == [503, 200]
    assert len(runs) == 2


@pytest.mark.parametrize("parts", [(b"a", b"b"), (), [b"a", "b"]])
def test_body_of_several_parts_is_repeated(datastar: Datastar, click: Click, parts: Any) -> None:
    runs = []

    @datastar.handler(group="g")
    def act() -> Response:
        runs.append(1)
        response = Response(status=200, mimetype="text/html")
        response.response = parts
        return response

    first, repeat = click("/ds/g/act"), click("/ds/g/act")
    assert same(first, repeat)
    assert first.data == b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    assert runs == [1]


def test_streamed_body_is_not_kept(datastar: Datastar, click: Click) -> None:
    @datastar.handler(group="g")
    def act() -> Response:
        return Response(iter([b"a"]), mimetype="text/html")

    assert click("/ds/g/act").data == b"a"
    assert (click("/ds/g/act").status_code, click("/ds/g/act").headers["Datastar-Repeat-Ignored"]) == (204, "true")


@pytest.mark.parametrize("value", ["no", 1, None])
def test_other_values_of_once_are_refused(datastar: Datastar, value: Any) -> None:
    with pytest.raises(SetupError, match=r"once is .*; accepted: True or False"):

        @datastar.handler(group="g", once=value)
        def act() -> None:
            raise AssertionError


def test_cookie_that_is_not_the_sessions_is_repeated(app: Flask, datastar: Datastar, click: Click) -> None:
    @app.before_request
    def read() -> None:
        datastar.read_signals()

    @datastar.handler(group="g")
    def act() -> None:
        datastar.signal("done", True)

    @app.after_request
    def set_cookie(response: Response) -> Response:
        response.set_cookie("theme", "dark")
        return response

    first, repeat = click("/ds/g/act"), click("/ds/g/act")
    assert same(first, repeat)
    assert first.headers.getlist("Set-Cookie") == ["theme=dark; Path=/"]
    assert counts(app) == {"runs": 1, "answered": 1, "ignored": 0}
