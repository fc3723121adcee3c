"""The end of a click's request: what fails or commits after the handler, and the response that goes out then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, g, request, stream_with_context
from flask.sessions import SecureCookieSessionInterface
from flask_sqlalchemy import SQLAlchemy

from flask_datastar import Datastar
from flask_datastar.hooks import repeat_answered
from flask_datastar.repeats.app import Repeats
from flask_datastar.state.app import app_state_of
from flask_datastar.state.click_end import _DelayedStart
from tests.conftest import MakeApp
from tests.repeats.conftest import counts, send_click

Commit = Callable[[Flask, Callable[[], None]], None]


def commit_in_teardown(app: Flask, commit: Callable[[], None]) -> None:
    app.teardown_request(lambda error: commit())


def commit_after_request(app: Flask, commit: Callable[[], None]) -> None:
    @app.after_request
    def after(response: Response) -> Response:
        commit()
        return response


def commit_with_the_session(app: Flask, commit: Callable[[], None]) -> None:
    class Interface(SecureCookieSessionInterface):
        def save_session(self, *arguments: Any) -> None:
            commit()
            super().save_session(*arguments)

    app.session_interface = Interface()


COMMITS = [commit_in_teardown, commit_after_request, commit_with_the_session]


class Shop:
    """A process of an app whose handlers leave the commit to the end of the request."""

    def __init__(self, uri: str, commit: Commit, *, has_table: bool = True) -> None:
        self.app = Flask("shop")
        self.app.config.update(SECRET_KEY="test", SQLALCHEMY_DATABASE_URI=uri)
        self.db = SQLAlchemy(self.app)

        class Order(self.db.Model):  # type: ignore[name-defined, misc]
            id = self.db.Column(self.db.Integer, primary_key=True)

        self.order: Any = Order
        self.datastar = Datastar(self.app, repeats=self.db if has_table else None)
        self.runs = 0
        self.failures = 0

        @self.datastar.handler(group="g")
        def act() -> None:
            self.runs += 1
            self.db.session.add(Order())
            self.datastar.signal("run", self.runs)

        commit(self.app, self.commit)
        with self.app.app_context():
            self.db.create_all()

    def commit(self) -> None:
        if self.failures and request.method == "POST":
            self.failures -= 1
            raise RuntimeError("no disk")
        self.db.session.commit()

    def click(self, **options: Any) -> Any:
        client = self.app.test_client()
        return send_click(client, "/ds/g/act", **options)

    def rows(self) -> int:
        with self.app.app_context():
            return int(self.db.session.query(self.order).count())

    def close(self) -> None:
        with self.app.app_context():
            self.db.engine.dispose()


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/shop.sqlite"


@pytest.mark.parametrize("commit", COMMITS)
def test_commit_that_meets_its_row_is_answered_as_a_repeat(uri: str, commit: Commit) -> None:
    killed, other = Shop(uri, commit), Shop(uri, commit)
    sent: list[tuple[str, bool]] = []

    def note(sender: Flask, endpoint: str, ignored: bool, response: Response) -> None:
        sent.append((endpoint, ignored))

    assert b'"run":1' in killed.click().data
    with repeat_answered.connected_to(note, other.app):
        answer = other.click()

    assert (answer.status_code, answer.headers["Datastar-Repeat-Ignored"], answer.data) == (204, "true", b"")
    assert sent == [("datastar.g:act", True)]
    assert other.rows() == 1
    # From now on this process knows it, too.
    assert other.click().status_code == 204
    assert other.runs == 1
    assert counts(other.app) == {"runs": 1, "answered": 0, "ignored": 2}
    for shop in (killed, other):
        shop.close()


@pytest.mark.parametrize("commit", COMMITS)
def test_commit_that_fails_at_the_end_is_not_called_done(uri: str, commit: Commit) -> None:
    shop = Shop(uri, commit)
    shop.failures = 1

    shop.app.testing = True
    with pytest.raises(RuntimeError, match="no disk"):
        shop.click()
    assert shop.rows() == 0
    again = shop.click()

    assert b'"run":2' in again.data
    assert shop.rows() == 1
    assert shop.click().data == again.data
    shop.close()


def test_without_the_table_nobody_knows_what_a_failed_teardown_has_written(uri: str) -> None:
    shop = Shop(uri, commit_in_teardown, has_table=False)
    shop.failures = 1

    with pytest.raises(RuntimeError, match="no disk"):
        shop.click()
    again = shop.click()

    assert (again.status_code, again.headers["Datastar-Repeat-Ignored"]) == (503, "true")
    assert again.text.startswith("the server stopped or failed while this click ran; look at the page again")
    assert (shop.runs, shop.rows()) == (1, 0)
    shop.close()


def test_teardown_that_fails_after_the_commit_runs_nothing_again(uri: str) -> None:
    shop = Shop(uri, commit_after_request)
    failures = [1]

    @shop.app.teardown_request
    def fail(error: BaseException | None) -> None:
        if failures and request.method == "POST":
            raise ValueError(failures.pop())

    with pytest.raises(ValueError, match="1"):
        shop.click()

    assert shop.click().headers["Datastar-Repeat-Ignored"] == "true"
    assert (shop.runs, shop.rows()) == (1, 1)
    shop.close()


def test_teardown_of_the_app_context_counts(make_app: MakeApp) -> None:
    app = make_app()
    datastar: Datastar = app.extensions["datastar"]

    @datastar.handler(group="g")
    def act() -> None:
        g.acts = True

    @app.teardown_appcontext
    def fail(error: BaseException | None) -> None:
        if g.pop("acts", False):
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        send_click(app.test_client(), "/ds/g/act")
    assert send_click(app.test_client(), "/ds/g/act").status_code == 503


def test_exception_before_the_end_of_the_request_may_run_again(make_app: MakeApp) -> None:
    app = make_app()
    datastar: Datastar = app.extensions["datastar"]
    failures = [1]

    @datastar.handler(group="g")
    def act() -> dict[str, bool]:
        return {"done": True}

    @app.after_request
    def fail(response: Response) -> Response:
        if failures:
            raise ValueError(failures.pop())
        return response

    with pytest.raises(ValueError, match="1"):
        send_click(app.test_client(), "/ds/g/act")
    assert b"done" in send_click(app.test_client(), "/ds/g/act").data


@pytest.mark.parametrize("commit", COMMITS)
def test_response_is_started_once(uri: str, commit: Commit) -> None:
    killed, other = Shop(uri, commit), Shop(uri, commit)
    killed.click()
    started: list[str] = []
    inner = other.app.wsgi_app

    def count(environ: Any, start_response: Any) -> Iterable[bytes]:
        def start(status: str, *arguments: Any) -> Any:
            started.append(status)
            return start_response(status, *arguments)

        return inner(environ, start)

    other.app.wsgi_app = count  # type: ignore[method-assign]
    assert other.click().status_code == 204
    other.click(key="0.2")
    assert started == ["204 NO CONTENT", "200 OK"]
    for shop in (killed, other):
        shop.close()


def test_middleware_inside_may_start_late_and_write(make_app: MakeApp) -> None:
    app = Flask("shop")
    flask_app = app.wsgi_app

    def late(environ: Any, start_response: Any) -> Iterator[bytes]:
        yield from flask_app(environ, start_response)

    def writing(environ: Any, start_response: Any) -> Iterable[bytes]:
        write: list[Any] = []
        body = b"".join(flask_app(environ, lambda *start: write.append(start_response(*start)) or write[-1]))
        for part in (body[:5], body[5:]):
            write[0](part)
        return []

    app.config["SECRET_KEY"] = "test"
    datastar = Datastar()

    @datastar.handler(group="g")
    def act() -> dict[str, bool]:
        return {"done": True}

    @app.post("/plain")
    def plain() -> str:
        return "plain"

    chosen: list[Any] = [late]
    app.wsgi_app = lambda *arguments: chosen[0](*arguments)  # type: ignore[method-assign]
    datastar.init_app(app)
    for number, chosen[0] in enumerate((late, writing)):
        first, again = (send_click(app.test_client(), "/ds/g/act", f"0.{number}") for _ in range(2))
        assert first.status_code == 200
        assert first.data == again.data
        assert first.data.endswith(b'{"done":true}\n\n')
        assert send_click(app.test_client(), "/plain").data == b"plain"
    assert counts(app) == {"runs": 2, "answered": 2, "ignored": 0}


def test_app_that_calls_another_with_its_request_keeps_its_own_click(make_app: MakeApp) -> None:
    outer, inner = make_app(Datastar()), make_app(Datastar())
    runs: list[str] = []

    @inner.extensions["datastar"].handler(group="g")
    def act() -> dict[str, bool]:
        runs.append("inner")
        return {"inner": True}

    @outer.extensions["datastar"].handler(group="g", name="act")
    def call() -> Response:
        runs.append("outer")
        environ = {**request.environ, "QUERY_STRING": "_k=0.1", "wsgi.input": BytesIO(b"{}"), "CONTENT_LENGTH": "2"}
        environ.pop("werkzeug.request", None)
        return Response.from_app(inner, environ, buffered=True)  # type: ignore[return-value]

    answers = [send_click(outer.test_client(), "/ds/g/act") for _ in range(2)]

    assert [answer.data for answer in answers] == [answers[0].data] * 2
    assert b"inner" in answers[0].data
    assert runs == ["outer", "inner"]


def test_context_that_a_test_keeps_ends_its_click(make_app: MakeApp) -> None:
    app = make_app()

    @app.extensions["datastar"].handler(group="g")
    def act() -> None: ...

    with app.test_client() as client:
        send_click(client, "/ds/g/act")
    with app.test_request_context("/ds/g/act?_k=0.2", method="POST", headers={"Datastar-Request": "true"}):
        assert app.full_dispatch_request().status_code == 204
    store = app_state_of(app).part(Repeats).store.get()
    assert len(store) == 2
    assert {send_click(app.test_client(), "/ds/g/act", key).status_code for key in ("0.1", "0.2")} == {204}
    assert counts(app)["answered"] >= 1


def test_body_that_goes_on_is_no_part_of_it(make_app: MakeApp) -> None:
    app = make_app()
    datastar: Datastar = app.extensions["datastar"]

    @app.post("/plain")
    @datastar.once
    def plain() -> Response:
        return Response(stream_with_context(iter(["a", "b"])))

    assert send_click(app.test_client(), "/plain").data == b"ab"
    assert send_click(app.test_client(), "/plain").headers["Datastar-Repeat-Ignored"] == "true"


def test_a_response_that_was_delayed_starts_once_and_can_be_written_to() -> None:
    started: list[Any] = []
    written: list[bytes] = []

    def start_response(*start: Any) -> Callable[[bytes], object]:
        started.append(start)
        return written.append

    delayed = _DelayedStart(start_response)
    delayed("200 OK", [])
    write = delayed("204 NO CONTENT", [])
    assert started == []
    write(b"one")
    delayed.send()
    write(b"two")

    assert started == [("204 NO CONTENT", [])]
    assert written == [b"one", b"two"]


def test_middleware_that_starts_a_response_late_starts_it_at_once() -> None:
    started: list[Any] = []
    delayed = _DelayedStart(lambda *start: started.append(start) or (lambda data: None))
    delayed.send()

    assert started == []
    delayed("200 OK", [])
    assert started == [("200 OK", [])]
