"""Reading a request: signals of every verb, what is refused and how, the tab, the last event id."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import wtforms
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.exceptions import RequestEntityTooLarge

from flask_datastar import Datastar
from flask_datastar.errors import InvalidSignals, SetupError
from tests.conftest import MakeApp

JSON = "application/json"


def read(app: Flask, **request_options: Any) -> dict[str, Any]:
    datastar: Datastar = app.extensions["datastar"]
    with app.test_request_context("/", **request_options):
        signals = datastar.read_signals()
        assert datastar.read_signals() is signals  # read once
        return signals


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD"])
def test_signals_of_a_verb_without_body_are_in_the_query(app: Flask, method: str) -> None:
    assert read(app, method=method, query_string={"datastar": '{"name": "Zoë & ü"}'}) == {"name": "Zoë & ü"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "QUERY"])
def test_signals_of_a_verb_with_body_are_its_json(app: Flask, method: str) -> None:
    assert read(app, method=method, data='{"name": "Zoë"}', content_type=JSON) == {"name": "Zoë"}


def test_delete_ignores_its_body(app: Flask) -> None:
    assert read(app, method="DELETE", data="{broken", content_type=JSON) == {}


def test_post_ignores_its_query(app: Flask) -> None:
    assert read(app, method="POST", query_string={"datastar": '{"a": 1}'}, data="{}", content_type=JSON) == {}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        'application/json; charset="utf8"',
        "application/json; charset=us-ascii",
        "application/json ;charset=utf-8",
        "application/json;",
        # What the client makes of a header option that is written in lower case.
        "application/json, text/x",
        "application/json, text/x; charset=utf-8",
        "text/x, application/json",
    ],
)
def test_content_type_is_parsed_not_compared(app: Flask, content_type: str) -> None:
    assert read(app, method="POST", data='{"a": 1}', content_type=content_type) == {"a": 1}


@pytest.mark.parametrize(
    "options",
    [
        {"method": "GET"},
        {"method": "GET", "query_string": {"datastar": ""}},
        {"method": "POST"},
        {"method": "POST", "content_type": JSON},
        {"method": "POST", "data": "{}", "content_type": JSON},
        {"method": "POST", "content_type": "text/plain"},
    ],
)
def test_no_signals_are_an_empty_dict(app: Flask, options: dict[str, Any]) -> None:
    assert read(app, **options) == {}


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_form_post_has_no_signals_but_its_form(app: Flask, datastar: Datastar, content_type: str) -> None:
    data: dict[str, Any] = {"name": "Ada"}
    if content_type.startswith("multipart"):
        data["file"] = (io.BytesIO(b"content"), "a.txt")

    with app.test_request_context("/", method="POST", data=data, content_type=content_type):
        assert datastar.read_signals() == {}
        assert request.form["name"] == "Ada"
        assert [file.read() for file in request.files.values()] == [b"content"] * len(request.files)


def test_get_json_still_works_after_reading_the_signals(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context("/", method="POST", json={"a": 1}):
        assert datastar.read_signals() == request.get_json()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "the signals are not JSON: "),
        ("{'a': 1}", "the signals are not JSON: "),
        ('{"a": NaN}', "the signals are not JSON: NaN is not JSON"),
        ('{"a": -Infinity}', "the signals are not JSON: -Infinity is not JSON"),
        ('{"a": 1} x', "the signals are not JSON: "),
        ("[1]", "the signals are a list; accepted: a JSON object"),
        ('"a"', "the signals are a string; accepted: a JSON object"),
        ("null", "the signals are null; accepted: a JSON object"),
        ("true", "the signals are a boolean; accepted: a JSON object"),
        ("1.5", "the signals are a number; accepted: a JSON object"),
        ('{"a":' * 64 + "[]" + "}" * 64, "the signals are nested deeper than 64"),
        ("[" * 100_000, "the signals are not JSON: it is nested too deeply"),
        ('{"a":' * 100_000, "the signals are not JSON: it is nested too deeply"),
        ('{"a": "\\ud800"}', "contains the lone surrogate U+D800"),
        ('{"a": "\\uDfff"}', "contains the lone surrogate U+DFFF"),
        ('{"x": {"__proto__": 1}}', "signal path 'x.__proto__' would reach an object's prototype"),
        ('{"x": [{"constructor": 1}]}', "signal path 'x.0.constructor' would reach an object's prototype"),
        ('{"prototype": 1}', "signal path 'prototype' would reach an object's prototype"),
        ('{"a": {"\\u005f_proto__": {}}}', "signal path 'a.__proto__' would reach an object's prototype"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_signals_that_cannot_be_used_are_a_400_that_says_why(app: Flask, text: str, reason: str, method: str) -> None:
    options: dict[str, Any] = (
        {"query_string": {"datastar": text}} if method == "GET" else {"data": text, "content_type": JSON}
    )

    with pytest.raises(InvalidSignals) as caught:
        read(app, method=method, **options)

    assert caught.value.code == 400
    assert caught.value.description is not None
    assert reason in caught.value.description


def test_signals_nested_64_deep_are_accepted(app: Flask) -> None:
    text = '{"a":' * 63 + "[]" + "}" * 63

    assert json.dumps(read(app, method="POST", data=text, content_type=JSON), separators=(",", ":")) == text


def test_many_flat_signals_are_not_deep(app: Flask) -> None:
    signals = {f"s{number}": [number, {}] for number in range(200)}

    assert read(app, method="POST", json=signals) == signals


def test_whole_astral_character_is_no_lone_surrogate(app: Flask) -> None:
    assert read(app, method="POST", data='{"a": "\\ud83d\\ude00"}', content_type=JSON) == {"a": "😀"}


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "iso-8859-1"])
def test_other_charset_is_refused(app: Flask, charset: str) -> None:
    with pytest.raises(InvalidSignals, match=f"the charset is '{charset}'; JSON is UTF-8"):
        read(app, method="POST", data="{}".encode(charset), content_type=f"{JSON}; charset={charset}")


def test_charset_without_a_name_counts_as_none(app: Flask) -> None:
    assert read(app, method="POST", data="{}", content_type=f"{JSON}; charset=") == {}


def test_body_that_is_not_utf8_is_refused(app: Flask) -> None:
    with pytest.raises(InvalidSignals, match="the signals are not UTF-8: invalid start byte at byte 7"):
        read(app, method="POST", data=b'{"a": "\xff"}', content_type=JSON)


def test_query_that_is_not_utf8_is_refused(app: Flask) -> None:
    with pytest.raises(InvalidSignals, match="the signals are not UTF-8: invalid start byte at byte 6"):
        read(app, query_string="datastar=%7B%22a%22:%22%FF%22%7D")


def test_replacement_character_in_the_query_is_a_character(app: Flask) -> None:
    assert read(app, query_string={"datastar": '{"a": "\ufffd"}'}) == {"a": "\ufffd"}


@pytest.mark.parametrize(
    "content_type",
    [
        *["text/plain", "", "application/xml", "application/jsonp", "application/json5", "xapplication/json"],
        "text/application/json",
        # A foreign page sends these without asking: what follows a semicolon is a parameter.
        *["text/plain; application/json", "text/plain;application/json", "text/plain; charset=application/json"],
        *["text/plain;, application/json", "TEXT/PLAIN ; a=b, application/json"],
    ],
)
def test_body_of_another_type_is_refused(app: Flask, content_type: str) -> None:
    with pytest.raises(InvalidSignals, match=f"the Content-Type is '{content_type}'; signals are sent as application"):
        read(app, method="POST", data="{}", content_type=content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded; application/json",
        "application/x-www-form-urlencoded;charset=utf-8",
        "multipart/form-data; boundary=application/json",
        "APPLICATION/X-WWW-FORM-URLENCODED",
    ],
)
def test_form_post_with_parameters_has_no_signals(app: Flask, content_type: str) -> None:
    assert read(app, method="POST", data='{"a": 1}', content_type=content_type) == {}


@pytest.mark.parametrize("content_type", ["multipart/form-datax", "application/x-www-form-urlencoded2"])
def test_type_that_begins_like_a_forms_is_none(app: Flask, content_type: str) -> None:
    with pytest.raises(InvalidSignals, match="signals are sent as application/json"):
        read(app, method="POST", data='{"a": 1}', content_type=content_type)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_signals_larger_than_the_limit_are_refused(make_app: MakeApp, method: str) -> None:
    app = make_app(DATASTAR_MAX_SIGNALS_BYTES=20)

    def send(text: str) -> dict[str, Any]:
        if method == "GET":
            return read(app, query_string={"datastar": text})
        return read(app, method="POST", data=text, content_type=JSON)

    assert send('{"a":"1234567890éé"}'[:-4] + '"}') == {"a": "1234567890"}
    for text in ('{"a":"12345678901234"}', '{"a":"1234567890é12"}'):
        with pytest.raises(
            InvalidSignals, match=r"the signals are larger than 20 bytes \(DATASTAR_MAX_SIGNALS_BYTES\)"
        ):
            send(text)


def test_signals_of_exactly_the_limit_are_accepted(make_app: MakeApp) -> None:
    app = make_app(DATASTAR_MAX_SIGNALS_BYTES=9)

    assert read(app, query_string={"datastar": '{"a":"é"}'[:-3] + 'x"}'}) == {"a": "x"}
    with pytest.raises(InvalidSignals, match="larger than 9 bytes"):
        read(app, query_string={"datastar": '{"a":"éé"}'})


@pytest.mark.parametrize("length", [" 8", "08", "8 "])
def test_content_length_may_be_written_oddly(app: Flask, length: str) -> None:
    environ = {"CONTENT_LENGTH": length}

    assert read(app, method="POST", data='{"a": 1}', content_type=JSON, environ_overrides=environ) == {"a": 1}


@pytest.mark.parametrize("length", ["9" * 5000, "0" * 5000, "1" * 19, "abc", "-5", "+2", "2.0", "2, 2", " "])
def test_content_length_that_is_no_number_of_bytes_is_refused(app: Flask, datastar: Datastar, length: str) -> None:
    environ = {"CONTENT_LENGTH": length}
    with pytest.raises(InvalidSignals, match=r"the Content-Length is '.{1,60}; accepted: a number of bytes$"):
        read(app, method="POST", data="{}", content_type=JSON, environ_overrides=environ)

    with (
        app.test_request_context(method="POST", data={"a": "b"}, environ_overrides=environ),
        pytest.raises(InvalidSignals, match="the Content-Length is"),
    ):
        datastar.form(wtforms.Form)


class Broken(io.BytesIO):
    """The body of a request whose chunks a server cannot take apart."""

    def __init__(self, error: type[Exception]) -> None:
        super().__init__()
        self._error = error

    def read(self, size: int | None = -1) -> bytes:
        raise self._error("Invalid chunk header")

    readinto = readline = read  # type: ignore[assignment]


# gunicorn has a class of its own for it.
@pytest.mark.parametrize("error", [OSError, type("ParseException", (Exception,), {})])
@pytest.mark.parametrize("length", [None, "5"])
def test_body_that_the_server_cannot_read_is_refused(app: Flask, length: str | None, error: type[Exception]) -> None:
    environ: dict[str, Any] = {"wsgi.input_terminated": True, "wsgi.input": Broken(error)}
    if length is not None:
        environ["CONTENT_LENGTH"] = length

    with pytest.raises(InvalidSignals, match="the body cannot be read: Invalid chunk header"):
        read(app, method="POST", content_type=JSON, environ_overrides=environ)


def test_chunked_body_is_read(app: Flask) -> None:
    stream = io.BytesIO(b'{"a": 1}')
    environ = {"wsgi.input_terminated": True, "wsgi.input": stream}

    assert read(app, method="POST", content_type=JSON, environ_overrides=environ) == {"a": 1}


def chunked(body: bytes) -> dict[str, Any]:
    environ = {"wsgi.input_terminated": True, "wsgi.input": io.BytesIO(body)}
    return {"method": "POST", "content_type": JSON, "environ_overrides": environ}


def test_chunked_body_that_was_read_before_is_read_again(make_app: MakeApp) -> None:
    app = make_app(DATASTAR_MAX_SIGNALS_BYTES=8)

    with app.test_request_context(**chunked(b'{"a": 1}')):
        assert request.get_data() == b'{"a": 1}'
        assert app.extensions["datastar"].read_signals() == {"a": 1}

    with app.test_request_context(**chunked(b'{"a": 10}')):
        request.get_data()
        with pytest.raises(InvalidSignals, match="larger than 8 bytes"):
            app.extensions["datastar"].read_signals()


def test_chunked_body_may_be_read_afterwards(app: Flask) -> None:
    with app.test_request_context(**chunked(b'{"a": 1}')):
        app.extensions["datastar"].read_signals()

        assert request.get_json() == {"a": 1}


def test_chunked_body_larger_than_the_limit_is_refused(make_app: MakeApp) -> None:
    app = make_app(DATASTAR_MAX_SIGNALS_BYTES=7)
    stream = io.BytesIO(b'{"a": 1}' + b" " * 1000)
    environ = {"wsgi.input_terminated": True, "wsgi.input": stream}

    with pytest.raises(InvalidSignals, match="larger than 7 bytes"):
        read(app, method="POST", content_type=JSON, environ_overrides=environ)

    assert stream.tell() < 100


@pytest.mark.parametrize("chunked", [True, False])
def test_body_larger_than_max_content_length_is_flasks_413(make_app: MakeApp, chunked: bool) -> None:
    app = make_app(MAX_CONTENT_LENGTH=10)
    body = b'{"a": "0123456789"}'
    options: dict[str, Any] = {"data": body}
    if chunked:
        options = {"environ_overrides": {"wsgi.input_terminated": True, "wsgi.input": io.BytesIO(body)}}

    with pytest.raises(RequestEntityTooLarge):
        read(app, method="POST", content_type=JSON, **options)


def test_body_larger_than_both_limits_is_a_413(make_app: MakeApp) -> None:
    app = make_app(MAX_CONTENT_LENGTH=10, DATASTAR_MAX_SIGNALS_BYTES=5)

    with pytest.raises(RequestEntityTooLarge):
        read(app, method="POST", data='{"a": "0123456789"}', content_type=JSON)


def test_body_larger_than_the_signals_limit_alone_is_a_400(make_app: MakeApp) -> None:
    app = make_app(MAX_CONTENT_LENGTH=1000, DATASTAR_MAX_SIGNALS_BYTES=5)

    with pytest.raises(InvalidSignals, match="larger than 5 bytes"):
        read(app, method="POST", data='{"a": 1}', content_type=JSON)


@pytest.mark.parametrize(
    ("value", "expected"), [("true", True), ("TRUE", True), ("1", False), ("", False), (None, False)]
)
def test_datastar_request_is_known_by_its_header(
    app: Flask, datastar: Datastar, value: str | None, expected: bool
) -> None:
    headers = {} if value is None else {"Datastar-Request": value}

    with app.test_request_context(headers=headers):
        assert datastar.is_datastar_request is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("tab1", "tab1"),
        ("tab1.page2", "tab1"),
        ("a.b.page", "a.b"),
        ("A-Z_0", "A-Z_0"),
        ("x" * 128, "x" * 128),
        ("x" * 129, None),
        (".page", None),
        ("tab.", "tab"),
        ("", None),
        ("tab 1", None),
        ("tab\n", None),
        ("täb", None),
        (5, None),
        (None, None),
        (["tab"], None),
    ],
)
def test_tab_id_is_the_tabs_part_of_a_fit_signal(
    app: Flask, datastar: Datastar, value: object, expected: str | None
) -> None:
    with app.test_request_context("/", method="POST", json={"tabId": value}):
        assert datastar.tab_id == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"data": {"name": "Ada"}}, "tab1"),
        ({"data": {"file": (io.BytesIO(b"content"), "a.txt")}}, "tab1"),
        ({"json": {"payload": 1}}, "tab1"),
        ({"json": {"tabId": "own.page"}}, "own"),
        ({"json": {"tabId": "not fit"}}, "tab1"),
    ],
)
def test_tab_id_of_an_action_without_the_signal_is_in_its_header(
    app: Flask, datastar: Datastar, options: dict[str, Any], expected: str
) -> None:
    with app.test_request_context("/", method="POST", headers={"Datastar-Tab": "tab1.page1"}, **options):
        assert datastar.tab_id == expected


@pytest.mark.parametrize("value", ["", "tab 1", "t%C3%A4b", "x" * 129])
def test_unfit_tab_id_in_the_header_is_none(app: Flask, datastar: Datastar, value: str) -> None:
    with app.test_request_context("/", method="POST", data={"a": 1}, headers={"Datastar-Tab": value}):
        assert datastar.tab_id is None


def test_tab_id_without_the_signal_is_none(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        assert datastar.tab_id is None


@pytest.mark.parametrize(
    ("value", "expected"), [("42", "42"), ("", None), (None, None), ("ds:done", None), ("x ds:", "x ds:")]
)
def test_last_event_id_is_the_applications_own(
    app: Flask, datastar: Datastar, value: str | None, expected: str | None
) -> None:
    headers = {} if value is None else {"Last-Event-ID": value}

    with app.test_request_context(headers=headers):
        assert datastar.last_event_id == expected


def test_reading_without_a_request_is_refused(app: Flask, datastar: Datastar) -> None:
    with app.app_context(), pytest.raises(SetupError, match="there is no request"):
        datastar.read_signals()


def test_plain_view_answers_malformed_signals_with_400(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    @app.post("/act")
    def act() -> str:
        datastar.read_signals()
        return "not reached"

    response = client.post("/act", data="<b>", content_type=JSON)

    assert response.status_code == 400
    assert "the signals are not JSON: " in response.text
    assert "<b>" not in response.text


def test_two_apps_have_their_own_limit(make_app: MakeApp) -> None:
    datastar = Datastar()
    small, large = make_app(datastar, DATASTAR_MAX_SIGNALS_BYTES=2), make_app(datastar)

    assert read(large, method="POST", json={"a": 1}) == {"a": 1}
    with pytest.raises(InvalidSignals, match="larger than 2 bytes"):
        read(small, method="POST", json={"a": 1})
