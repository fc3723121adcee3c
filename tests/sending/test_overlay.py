"""Errors you can see: an exception appears in the page in debug mode, and never in any other."""

from __future__ import annotations

import html
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort, g, got_request_exception, jsonify, render_template, render_template_string
from jinja2 import FileSystemLoader
from werkzeug.debug import DebuggedApplication
from werkzeug.exceptions import BadRequest

from flask_datastar import Datastar
from flask_datastar.testing import Answer, DatastarClient
from tests.conftest import MakeApp

DEBUG = {"TESTING": False, "DEBUG": True}


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    app = make_app(**DEBUG)
    datastar: Datastar = app.extensions["datastar"]

    @datastar.handler(group="g", methods=["GET", "POST"])
    def crash(text: str = "on purpose") -> None:
        datastar.signal("half", "done")
        raise RuntimeError(text)

    @datastar.handler(group="g")
    def late() -> Iterator[None]:
        datastar.signal("step", "one")
        yield
        datastar.signal("step", "two")
        yield
        datastar.signal("step", "never sent")
        raise RuntimeError("late on purpose")

    return app


def shown(answer: Answer) -> str:
    """Give the text of the overlay, with its markup."""
    assert answer.status_code == 200
    (patch,) = [event for event in answer.events if "elements" in event.arguments]
    assert (patch.arguments["selector"], patch.arguments["mode"]) == ("body", "append")
    return html.unescape(patch.arguments["elements"])


def test_exception_of_a_handler_is_shown(app: Flask) -> None:
    tab = DatastarClient(app, {"user": {"name": "Ada"}, "csrf": "token"})

    answer = tab.post("g.crash")

    text = shown(answer)
    assert "RuntimeError: on purpose (POST /ds/g/crash)" in text
    assert f'File "{__file__}", line ' in text
    assert "raise RuntimeError(text)" in text
    assert '"user": {\n    "name": "Ada"\n  }' in text
    assert "<h2>Events sent</h2>" in text
    assert ">none</pre>" in text
    assert "token" not in text
    assert "half" not in answer.patched
    assert answer.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.response.headers["Cache-Control"] == "no-cache"
    assert answer.response.content_length == len(answer.response.data)


def test_chained_exceptions_are_shown(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def chain() -> None:
        try:
            {}["missing"]
        except KeyError as error:
            raise ValueError("because of it") from error

    text = shown(DatastarClient(app).post(chain))

    assert "KeyError: 'missing'" in text
    assert "The above exception was the direct cause" in text
    assert "ValueError: because of it" in text


@pytest.mark.parametrize("data", ["{", '{"a": "\\ud800"}', '{"text": "</script><script>alert(1)</script></body>"}'])
def test_hostile_signals_are_text(app: Flask, data: str) -> None:
    @app.post("/plain")
    def plain() -> None:
        raise RuntimeError("</script><img src=x onerror=alert(1)></body>")

    answer = DatastarClient(app).post("/plain", _data=data, _headers={"Content-Type": "application/json"})

    text = shown(answer)
    assert "<h2>Signals received</h2>" in text
    assert ("not readable: " in text) == ("script" not in data)
    for hostile in ("</script>", "<img", "</body>"):
        assert hostile not in answer.html


def test_exception_without_a_text_of_its_own_is_shown(app: Flask, datastar: Datastar) -> None:
    class Hostile(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    @datastar.handler(group="g")
    def crash_twice() -> None:
        raise Hostile

    assert "Hostile" in shown(DatastarClient(app).post(crash_twice))


# Templates


def test_line_of_a_template_is_shown(app: Flask, datastar: Datastar, tmp_path: Path) -> None:
    (tmp_path / "inner.html").write_text("first line\n  {{ 1 / number }}\n")
    (tmp_path / "outer.html").write_text("{% block list %}\n\n{% include 'inner.html' %}{% endblock %}")
    app.jinja_loader = FileSystemLoader(tmp_path)

    @datastar.handler(group="g")
    def render() -> None:
        datastar.assign("number", 0)
        datastar.patch_template("outer.html", block="list", to="list")

    text = shown(DatastarClient(app).post(render))

    lines = text.partition("<h2>Template</h2>")[2].partition("</pre>")[0].partition(">")[2].splitlines()
    assert lines[-2:] == [
        f"{tmp_path}/outer.html, line 3: {{% include 'inner.html' %}}{{% endblock %}}",
        f"{tmp_path}/inner.html, line 2: {{{{ 1 / number }}}}",
    ]
    assert "ZeroDivisionError: division by zero" in text


def test_syntax_error_of_a_template_is_shown(app: Flask, datastar: Datastar, tmp_path: Path) -> None:
    (tmp_path / "broken.html").write_text("fine\n{% if %}\n")
    app.jinja_loader = FileSystemLoader(tmp_path)

    @datastar.handler(group="g")
    def render() -> None:
        datastar.patch_template("broken.html", to="list")

    text = shown(DatastarClient(app).post(render))

    assert "broken.html, line 2: {% if %}" in text
    assert "TemplateSyntaxError: Expected an expression" in text


def test_template_without_a_file_has_its_line_number(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def render() -> str:
        return render_template_string("one\n{{ 1 / 0 }}")

    assert "<template>, line 2</pre>" in shown(DatastarClient(app).post(render))


# What Flask does about an exception


def test_others_see_the_exception_as_usual(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Any] = []
    app.teardown_request(lambda error: seen.append(("request", error)))
    app.teardown_appcontext(lambda error: seen.append(("app", error)))

    def receive(sender: Flask, exception: Exception, **more: Any) -> None:
        seen.append(("signal", exception))

    with got_request_exception.connected_to(receive, app), caplog.at_level(logging.ERROR):
        shown(DatastarClient(app).post("/ds/g/crash"))

    assert [name for name, _ in seen] == ["signal", "request", "app"]
    assert {repr(error) for _, error in seen} == {"RuntimeError('on purpose')"}
    (record,) = caplog.records
    assert record.getMessage() == "Exception on /ds/g/crash [POST]"
    assert record.exc_info is not None
    assert repr(record.exc_info[1]) == "RuntimeError('on purpose')"


def test_error_handler_comes_first(app: Flask) -> None:
    app.register_error_handler(RuntimeError, lambda error: (f"handled {error}", 409))

    response = DatastarClient(app).post("g.crash").response

    assert (response.status_code, response.text) == (409, "handled on purpose")


@pytest.mark.parametrize("status", [400, 404, 500])
def test_http_exception_is_no_matter_for_it(app: Flask, datastar: Datastar, status: int) -> None:
    @datastar.handler(group="g")
    def refuse() -> None:
        abort(status)

    assert DatastarClient(app).post(refuse).status_code == status


def test_trapped_http_exception_is_no_matter_for_it(app: Flask, datastar: Datastar) -> None:
    app.config["TRAP_HTTP_EXCEPTIONS"] = True

    @datastar.handler(group="g")
    def refuse() -> None:
        abort(400)

    with pytest.raises(BadRequest):
        DatastarClient(app).post(refuse)


def test_plain_view_that_the_client_calls_is_shown_and_others_are_not(app: Flask) -> None:
    @app.route("/plain", methods=["GET", "POST"])
    def plain() -> None:
        raise RuntimeError("on purpose")

    assert "RuntimeError: on purpose (POST /plain)" in shown(DatastarClient(app).post("/plain"))
    with pytest.raises(RuntimeError, match="on purpose"):
        app.test_client().post("/plain")


def test_exception_of_a_hook_is_shown(app: Flask) -> None:
    @app.after_request
    def fail(response: Any) -> Any:
        raise LookupError("in a hook")

    @app.post("/plain")
    def plain() -> Any:
        return jsonify(fine=True)

    assert "LookupError: in a hook" in shown(DatastarClient(app).post("/plain"))


def test_session_and_contexts_are_closed(app: Flask) -> None:
    @app.before_request
    def keep() -> None:
        g.kept = True

    shown(DatastarClient(app).post("g.crash"))

    # The leak detector looks for contexts.
    with app.app_context():
        assert "kept" not in g


def test_werkzeugs_debugger_around_it_has_nothing_to_do(app: Flask) -> None:
    app.wsgi_app = DebuggedApplication(app.wsgi_app, evalex=True)  # type: ignore[method-assign]

    assert "RuntimeError: on purpose" in shown(DatastarClient(app).post("g.crash"))


# When it is not shown


@pytest.mark.parametrize(
    "config",
    [
        {"DEBUG": False, "TESTING": False},
        {"DEBUG": True, "TESTING": True},
        {"DEBUG": False, "TESTING": True},
        {"DEBUG": True, "TESTING": False, "PROPAGATE_EXCEPTIONS": True},
    ],
)
@pytest.mark.parametrize("handler", ["g.crash", "g.late"])
def test_nothing_is_shown_outside_of_debug_mode(app: Flask, config: dict[str, Any], handler: str) -> None:
    app.config.update(config)
    tab = DatastarClient(app)

    try:
        data = tab.post(handler).response.data
    except RuntimeError:
        assert config != {"DEBUG": False, "TESTING": False}
        return

    assert b"purpose" not in data
    assert b"Traceback" not in data
    assert b"datastar-error" not in data


def test_debug_mode_is_asked_for_at_the_exception(make_app: MakeApp) -> None:
    app = make_app(TESTING=False)
    datastar: Datastar = app.extensions["datastar"]

    @datastar.handler(group="g")
    def crash() -> None:
        raise RuntimeError("on purpose")

    assert DatastarClient(app).post(crash).status_code == 500
    app.debug = True

    assert "RuntimeError: on purpose" in shown(DatastarClient(app).post(crash))


def test_two_apps_show_their_own(make_app: MakeApp) -> None:
    datastar = Datastar()

    @datastar.handler(group="g")
    def crash() -> None:
        raise RuntimeError("on purpose")

    loud, quiet = make_app(datastar, **DEBUG), make_app(datastar, TESTING=False)

    assert DatastarClient(quiet).post(crash).status_code == 500
    assert "on purpose" in shown(DatastarClient(loud).post(crash))


# Answers that have begun


def test_exception_after_the_first_byte_is_shown_with_what_was_sent(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    answer = DatastarClient(app, {"name": "Ada"}).post("g.late")

    text = shown(answer)
    assert "RuntimeError: late on purpose (POST /ds/g/late)" in text
    assert 'raise RuntimeError("late on purpose")' in text
    assert '"name": "Ada"' in text
    sent = text.partition("<h2>Events sent</h2>")[2]
    assert 'data: signals {"step":"one"}' in sent
    assert 'data: signals {"step":"two"}' in sent
    assert "never sent" not in sent
    assert answer.patched == {"step": "two"}
    assert [record.getMessage() for record in caplog.records] == ["Exception on /ds/g/late [POST]"]


def test_last_of_many_writes_are_shown(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def count() -> Iterator[dict[str, int]]:
        for number in range(1, 31):
            yield {"number": number}
        raise RuntimeError("enough")

    sent = shown(DatastarClient(app).post(count)).partition("<h2>Events sent</h2>")[2]

    assert "… 10 earlier writes" in sent
    assert '{"number":10}' not in sent
    assert '{"number":11}' in sent
    assert '{"number":30}' in sent


def test_client_that_left_gets_nothing(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def leave() -> Iterator[None]:
        try:
            yield
            yield
        finally:
            raise RuntimeError("on closing")

    events = DatastarClient(app).iter_events(leave)

    assert list(zip(range(0), events, strict=False)) == []
    events.close()


def test_page_of_a_stream_that_cannot_be_opened_comes_back_later_and_later(app: Flask, datastar: Datastar) -> None:
    @datastar.stream(group="g")
    def broken() -> Any:
        raise RuntimeError("before the stream")

    tab = DatastarClient(app)
    first = tab.get(broken)
    second = tab.get(broken, _headers={"Last-Event-ID": "ds:restart:1:row-7"})

    assert "RuntimeError: before the stream (GET /ds/g/broken)" in shown(first)
    assert first.response.data.endswith(b"id: ds:restart:1:\nretry: 2000\n\n")
    assert second.response.data.endswith(b"id: ds:restart:2:row-7\nretry: 4000\n\n")


def test_page_request_renders_errors_as_ever(app: Flask) -> None:
    @app.get("/")
    def page() -> str:
        return render_template("missing.html")

    with pytest.raises(Exception, match=r"missing\.html"):
        app.test_client().get("/")


# One's own frames first


def test_own_frames_come_first_and_all_others_are_folded(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def deep() -> None:
        render_template_string("{{ value.missing.more }}", value=1)

    text = shown(DatastarClient(app).post(deep))

    own, _, folded = text.partition("<details>")
    assert own.count("<h2>") == 4
    assert "<h2>Your frames</h2>" in own
    assert f'File "{__file__}"' in own
    assert "UndefinedError" in own
    assert "site-packages" not in own.partition("<h2>Template</h2>")[0].partition("<h2>")[2]
    assert "Traceback (most recent call last)" in folded
    assert "site-packages" in folded


# Invalid signals


@pytest.fixture
def counting(app: Flask, datastar: Datastar) -> Datastar:
    @datastar.handler(group="g", methods=["GET", "POST"])
    def count(number: int, day: int = 0) -> None:
        datastar.signal("number", number)

    @datastar.stream(group="g")
    def counted(number: int) -> Iterator[None]:
        yield

    @datastar.handler(group="g")
    def reading() -> Iterator[None]:
        datastar.signal("step", "one")
        yield
        datastar.read_signals(int)

    @app.post("/plain")
    def plain() -> str:
        datastar.read_signals()
        return ""

    return datastar


@pytest.mark.usefixtures("counting")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_invalid_signals_are_shown_and_logged(app: Flask, method: str, caplog: pytest.LogCaptureFixture) -> None:
    tab = DatastarClient(app, {"number": "many", "day": "x"})

    answer = getattr(tab, method.lower())("g.count")

    text = shown(answer)
    assert "InvalidSignals: 400 Bad Request: " in text
    assert f"({method} /ds/g/count)" in text
    assert "<h2>Invalid signals</h2><pre>number: expected a whole number, got 'many'" in text
    assert '"number": "many"' in text
    (record,) = [one for one in caplog.records if "/ds/g/count" in one.getMessage()]
    assert record.levelno == logging.WARNING
    assert "'number': expected a whole number, got 'many'" in record.getMessage()


@pytest.mark.usefixtures("counting")
@pytest.mark.parametrize("data", ["{", "[]", '{"a": NaN}'])
@pytest.mark.parametrize("path", ["/plain", "/ds/g/count"])
def test_signals_that_are_none_are_shown(app: Flask, path: str, data: str) -> None:
    answer = DatastarClient(app).post(path, _data=data, _headers={"Content-Type": "application/json"})

    assert "<h2>Invalid signals</h2>" in shown(answer)


@pytest.mark.usefixtures("counting")
def test_invalid_signals_of_a_stream_are_shown_and_the_page_comes_back_later(app: Flask) -> None:
    answer = DatastarClient(app, {"number": "many"}).get("g.counted")

    assert "number: expected a whole number" in shown(answer)
    assert (answer.events[-1].event_id or "").startswith("ds:restart:1:")
    assert b'event: datastar-stream-ending\ndata: reason "failed"\n' in answer.response.data


@pytest.mark.usefixtures("counting")
def test_trapped_invalid_signals_are_shown(app: Flask) -> None:
    app.config["TRAP_HTTP_EXCEPTIONS"] = True

    assert "number: expected a whole number" in shown(DatastarClient(app, {"number": "many"}).post("g.count"))


@pytest.mark.usefixtures("counting")
@pytest.mark.parametrize("config", [{"DEBUG": False}, {"TESTING": True}, {"PROPAGATE_EXCEPTIONS": True}])
def test_invalid_signals_are_a_400_wherever_exceptions_are_not_shown(app: Flask, config: dict[str, Any]) -> None:
    app.config.update(config)

    answer = DatastarClient(app, {"number": "many"}).post("g.count")

    assert answer.status_code == 400
    assert "'number': expected a whole number" in html.unescape(answer.response.text)


@pytest.mark.usefixtures("counting")
def test_error_handler_has_the_first_word_on_invalid_signals(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    app.register_error_handler(400, lambda error: ("own", 400))

    answer = DatastarClient(app, {"number": "many"}).post("g.count")

    assert (answer.status_code, answer.response.text) == (400, "own")
    assert not caplog.records


@pytest.mark.usefixtures("counting")
def test_others_than_the_client_get_the_400(app: Flask) -> None:
    answer = app.test_client().post("/plain", data="{", content_type="application/json")

    assert answer.status_code == 400
    assert "overlay" not in answer.text


def test_other_http_exceptions_are_answers(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def refuse() -> None:
        raise BadRequest("own")

    assert DatastarClient(app).post(refuse).status_code == 400
