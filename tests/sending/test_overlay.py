"""Errors you can see: an exception appears in the page in debug mode, and never in any other."""

from __future__ import annotations

import html
import logging
from collections.abc import Iterator
from dataclasses import dataclass
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


# Invalid signals


@pytest.fixture
def strict(app: Flask, datastar: Datastar) -> Flask:
    @datastar.handler(group="g")
    def strict(count: int, rows: list[dict[str, int]]) -> None: ...

    @datastar.handler(group="g", on_invalid=lambda error: {"told": True})
    def explained(count: int) -> None: ...

    @datastar.handler(group="g")
    def reads_late() -> Iterator[None]:
        datastar.signal("step", "one")
        yield
        datastar.read_signals(Model)

    @datastar.stream(group="g")
    def feed(count: int) -> Any: ...

    @app.post("/plain")
    def plain() -> str:
        return str(datastar.read_signals(Model))

    return app


@dataclass
class Model:
    count: int


def test_invalid_signals_are_shown_and_logged(strict: Flask, caplog: pytest.LogCaptureFixture) -> None:
    answer = DatastarClient(strict, {"count": "<x>", "rows": {"0": {"a": 1}, "2": {}}, "csrf": "token"}).post(
        "g.strict"
    )

    text = shown(answer)
    assert "InvalidSignals (POST /ds/g/strict)" in text
    assert "count: expected a whole number, got '<x>'" in text
    assert '"count": "<x>"' in text
    assert "token" not in text
    assert "<x>" not in answer.response.text.replace("&lt;x&gt;", "")
    assert answer.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "invalid signals on /ds/g/strict [POST]: parameter 'count': expected a whole number" in record.getMessage()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"_data": "{", "_headers": {"Content-Type": "application/json"}}, "the signals are not JSON"),
        ({"_data": "[1]", "_headers": {"Content-Type": "application/json"}}, "the signals are a list; accepted"),
        ({"_data": "{}", "_headers": {"Content-Type": "text/plain"}}, "the Content-Type is 'text/plain'"),
        ({"_json": {"x": {"__proto__": 1}}}, "signal path 'x.__proto__' would reach"),
    ],
)
def test_signals_that_cannot_be_read_are_shown(strict: Flask, options: dict[str, Any], text: str) -> None:
    answer = DatastarClient(strict).post("g.strict", **options)

    assert text in shown(answer)
    assert "not readable: " in shown(answer)


def test_invalid_signals_of_a_plain_view_and_of_a_late_step_are_shown(strict: Flask) -> None:
    tab = DatastarClient(strict, {"count": "x"})

    assert "count: expected a whole number, got 'x'" in shown(tab.post("/plain"))
    late = tab.post("g.reads_late")
    assert late.patched == {"step": "one"}
    assert "count: expected a whole number, got 'x'" in html.unescape(late.html)


def test_a_stream_that_invalid_signals_refuse_is_asked_for_later_and_later(strict: Flask) -> None:
    answer = DatastarClient(strict).get("g.feed")

    assert "count: missing" in html.unescape(answer.html)
    assert any((event.event_id or "").startswith("ds:restart:1:") for event in answer.events)


def test_who_takes_invalid_signals_is_not_shown_them(strict: Flask, caplog: pytest.LogCaptureFixture) -> None:
    @strict.errorhandler(400)
    def refuse(error: BadRequest) -> tuple[str, int]:
        return "refused", 400

    tab = DatastarClient(strict, {"count": "x"})
    assert tab.post("g.explained").patched == {"told": True}
    answer = tab.post("g.strict")
    assert (answer.status_code, answer.response.text) == (400, "refused")
    assert caplog.records == []


@pytest.mark.parametrize("config", [{"DEBUG": False}, {"TESTING": True}, {"PROPAGATE_EXCEPTIONS": True}])
def test_elsewhere_invalid_signals_are_a_400(make_app: MakeApp, config: dict[str, Any]) -> None:
    app = make_app(**{**DEBUG, **config})
    datastar: Datastar = app.extensions["datastar"]

    @datastar.handler(group="g")
    def strict(count: int) -> None: ...

    assert DatastarClient(app).post("g.strict").status_code == 400


def test_a_request_without_the_client_gets_the_400(strict: Flask) -> None:
    assert strict.test_client().post("/plain", json={"count": "x"}).status_code == 400
