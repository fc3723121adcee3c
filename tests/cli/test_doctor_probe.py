"""The URL that answers `flask datastar doctor`: closed to everybody else, open to a token of the app's key."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, abort
from werkzeug.test import TestResponse

from flask_datastar import Datastar
from flask_datastar.cli.doctor_proxy import FORGED_ADDRESS
from flask_datastar.cli.doctor_token import LIFETIME_SECONDS, TOKEN_HEADER, sign
from flask_datastar.cli.probe import PROBE, SILENCE, STOP
from tests.conftest import MakeApp

URL = f"/ds/{PROBE}"
STREAM = {"ask": "stream", "topic": "doctor.1", "seconds": 0.01}
REPORT = {"ask": "report"}
#: What a server says of itself that runs several workers.
SEVERAL = {"wsgi.multiprocess": True}


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(DATASTAR_DOCTOR=True)


def ask(app: Flask, asked: dict[str, Any], *, key: str | None = None, **options: Any) -> TestResponse:
    signing = Flask("signing")
    signing.secret_key = key or app.secret_key
    headers = {TOKEN_HEADER: sign(signing, asked), "Datastar-Request": "true"}
    return app.test_client().get(URL, headers=headers, **options)


# Who gets in


def test_probe_does_not_exist_unless_asked_for(make_app: MakeApp) -> None:
    app = make_app()

    assert ask(app, REPORT).status_code == 404
    assert not any(rule.rule == URL for rule in app.url_map.iter_rules())


def test_everybody_else_gets_a_404(app: Flask) -> None:
    client = app.test_client()

    answers = [client.get(URL), client.get(URL, headers={"Datastar-Request": "true"}), client.head(URL)]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert client.post(URL).status_code == 405


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "é" * 10, "." * 5000])
def test_what_is_not_a_token_opens_nothing(app: Flask, token: str) -> None:
    answer = app.test_client().get(URL, headers={TOKEN_HEADER: token.encode("latin-1").decode("latin-1")})

    assert answer.status_code == 403
    assert "another SECRET_KEY" in answer.text


def test_token_of_another_key_is_refused(app: Flask) -> None:
    answer = ask(app, REPORT, key="another")

    assert answer.status_code == 403
    assert answer.text == (
        "Datastar: the doctor's token was signed with another SECRET_KEY; run the command with the configuration of "
        "the running application"
    )


def test_token_that_asks_for_nothing_is_refused(app: Flask) -> None:
    answer = ask(app, ["report"])  # type: ignore[arg-type]

    assert answer.status_code == 403


def test_session_of_a_visitor_is_not_a_token(app: Flask) -> None:
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    answer = app.test_client().get(URL, headers={TOKEN_HEADER: serializer.dumps(REPORT)})

    assert answer.status_code == 403


def test_token_of_an_earlier_key_is_accepted(make_app: MakeApp) -> None:
    app = make_app(DATASTAR_DOCTOR=True, SECRET_KEY_FALLBACKS=["earlier"])

    assert ask(app, REPORT, key="earlier").status_code == 200
    assert ask(app, REPORT).status_code == 200


@pytest.mark.parametrize("seconds", [-LIFETIME_SECONDS - 2, LIFETIME_SECONDS + 5])
def test_token_has_a_lifetime(app: Flask, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    token = sign(app, REPORT)
    monkeypatch.setattr(time, "time", lambda: now + seconds)

    answer = app.test_client().get(URL, headers={TOKEN_HEADER: token})

    assert answer.status_code == 403
    assert "compare the clocks" in answer.text


def test_app_without_a_key_lets_nobody_in(make_app: MakeApp) -> None:
    app = make_app(DATASTAR_DOCTOR=True, SECRET_KEY=None)

    answer = ask(app, REPORT, key="test")

    assert answer.status_code == 403
    assert "no SECRET_KEY; set one" in answer.text


def test_guards_of_the_app_do_not_stop_the_doctor() -> None:
    app = Flask("shop")
    app.config.update(SECRET_KEY="test", DATASTAR_DOCTOR=True)
    app.before_request(lambda: abort(401))
    Datastar(app)
    app.before_request(lambda: abort(401))

    assert ask(app, REPORT).status_code == 200
    assert app.test_client().get(URL).status_code == 404


# What it reports


def report(app: Flask, asked: dict[str, Any] = REPORT, **options: Any) -> dict[str, Any]:
    answer = ask(app, asked, **options)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    return dict(json.loads(answer.text))


def test_report_says_what_has_arrived(app: Flask) -> None:
    found = report(app, environ_overrides={"REMOTE_ADDR": FORGED_ADDRESS, "SERVER_PROTOCOL": "HTTP/1.0"})

    assert found["request"] == {
        "address": FORGED_ADDRESS,
        "scheme": "http",
        "host": "localhost",
        "protocol": "HTTP/1.0",
        "connection": None,
        "forwarded_for": None,
        "has_proxy_fix": False,
        "datastar_request": "true",
        "last_event_id": None,
    }
    assert found["server"]["refusal"] is None
    assert found["server"]["gunicorn"] is None
    assert found["failed"] is None


class Worker:
    """A worker of gunicorn, which handles the signals of its process."""

    def __init__(self, **settings: Any) -> None:
        self.alive = True
        self.cfg = SimpleNamespace(
            limit_request_line=4094, worker_connections=1000, worker_class_str="gevent", is_ssl=False, **settings
        )

    def handle(self, number: int, frame: object) -> None:
        pass


@pytest.mark.parametrize(
    ("settings", "has_http2"),
    [
        ({}, False),
        ({"http_protocols": ["h1"]}, False),
        # Without TLS no browser gets HTTP/2.
        ({"http_protocols": ["h2", "h1"]}, False),
        ({"http_protocols": ["h2", "h1"], "http2_cleartext": "upgrade"}, True),
    ],
)
def test_report_has_the_settings_of_gunicorn(app: Flask, settings: dict[str, Any], has_http2: bool) -> None:
    before = signal.signal(signal.SIGUSR1, Worker(**settings).handle)
    try:
        found = report(app)["server"]["gunicorn"]
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert found == {
        "limit_request_line": 4094,
        "worker_connections": 1000,
        "worker_class": "gevent",
        "has_http2": has_http2,
    }


def test_report_says_why_streams_are_refused(app: Flask) -> None:
    found = report(app, {**REPORT, "topic": "doctor.1"}, environ_overrides=SEVERAL)

    assert "this server runs several processes" in found["server"]["refusal"]
    assert "this server runs several processes" in found["failed"]


# Its stream


@contextmanager
def opened(app: Flask) -> Iterator[Callable[[str], str]]:
    """Open the stream; gives a function that reads it up to a text."""
    response = ask(app, STREAM)
    chunks = iter(response.iter_encoded())

    def read_until(text: str) -> str:
        found = ""
        while text not in found and (chunk := next(chunks, None)) is not None:
            found += chunk.decode()
        return found

    try:
        assert "data: state opened" in read_until("state opened")
        yield read_until
    finally:
        response.close()


def say(app: Flask, text: str, *, topic: str = "doctor.1") -> None:
    assert report(app, {**REPORT, "topic": topic, "say": text})["failed"] is None


def test_stream_sends_what_is_published_then_is_silent_then_ends(app: Flask) -> None:
    with opened(app) as read_until:
        say(app, "hello")
        assert "data: said hello" in read_until("hello")
        say(app, SILENCE)
        assert "data: state silent" in read_until("silent")
        assert "data: state closing" in read_until("closing")
        assert "ds:done" in read_until("nothing more")


def test_stream_ends_when_it_is_told(app: Flask) -> None:
    with opened(app) as read_until:
        say(app, "hello", topic="doctor.2")
        say(app, STOP)

        rest = read_until("nothing more")

    assert "closing" not in rest
    assert "hello" not in rest


def test_stream_that_is_refused_says_why(app: Flask) -> None:
    answer = ask(app, STREAM, environ_overrides=SEVERAL)

    assert answer.status_code == 500
    assert "this server runs several processes" in answer.text
