"""A CSRF token that is only old: the page gets a fresh one wherever it has it, and nothing is done."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from flask import Flask, render_template_string, session
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError, generate_csrf, validate_csrf
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from flask_datastar import Datastar
from flask_datastar.sansio.parser import parse_events
from tests.conftest import MakeApp
from tests.support.pages import LAYOUT, shown

HEADERS = {"Datastar-Request": "true", "Sec-Fetch-Site": "same-origin"}
DAY = 86_400


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    app = make_app()
    CSRFProtect(app)
    datastar: Datastar = app.extensions["datastar"]
    app.config["RAN"] = []

    @app.get("/")
    def page() -> str:
        return generate_csrf()

    @app.get("/leave")
    def leave() -> str:
        session.clear()
        return ""

    @app.post("/plain")
    def plain() -> dict[str, bool]:
        app.config["RAN"].append("plain")
        return {"done": True}

    @datastar.handler(group="g", methods=["POST", "PUT", "PATCH", "DELETE"])
    def act() -> None:
        app.config["RAN"].append("act")

    return app


def old_token(client: FlaskClient, *, key: str = "test", age: int = DAY) -> str:
    """Make the token that the client's session had some time ago."""

    class Signer(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(time.time()) - age

    client.get("/")
    with client.session_transaction() as opened:
        raw = opened["csrf_token"]
    return str(URLSafeTimedSerializer(key, salt="wtf-csrf-token", signer=Signer).dumps(raw))


def post(client: FlaskClient, path: str = "/ds/g/act", method: str = "POST", **options: Any) -> Any:
    return client.open(path, method=method, headers={**HEADERS, **options.pop("headers", {})}, **options)


def assert_renewed(client: FlaskClient, answer: Any, *names: str) -> str:
    """Check that the answer puts one good token into the signals of these names, and says so."""
    assert answer.status_code == 200
    first, *_, last = parse_events(answer.data)
    assert (last.type, last.arguments) == ("datastar-csrf-renewed", {})
    assert first.type == "datastar-patch-signals"
    fresh: dict[str, str] = json.loads(first.arguments["signals"])
    assert set(fresh) == {"_csrf", *names}
    (token,) = set(fresh.values())
    with client:
        client.get("/")
        validate_csrf(token)
    return token


@pytest.mark.parametrize("path", ["/ds/g/act", "/plain"])
@pytest.mark.parametrize("header", ["X-CSRFToken", "X-CSRF-Token"])
def test_old_token_is_renewed_and_nothing_is_done(app: Flask, client: FlaskClient, path: str, header: str) -> None:
    answer = post(client, path, headers={header: old_token(client)})

    token = assert_renewed(client, answer)
    assert app.config["RAN"] == []
    assert len(parse_events(answer.data)) == 2
    assert post(client, path, headers={header: token}).status_code in (200, 204)
    assert app.config["RAN"] == [path.rpartition("/")[2]]


def test_second_click_on_an_old_page_is_the_one_that_counts(app: Flask) -> None:
    button = """<button data-on:click="{{ datastar.post('g.act') }}">act</button>"""
    app.add_url_rule("/shop", "shop", lambda: render_template_string(LAYOUT.replace("BODY", button)))
    with shown(app, "/shop") as visitor:
        visitor.signals["_csrf"] = old_token(visitor.client)

        visitor.click(text="act")
        assert visitor.events[-1].type == "datastar-csrf-renewed"
        assert app.config["RAN"] == []

        visitor.click(text="act")
        assert app.config["RAN"] == ["act"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_old_token_is_renewed_for_every_verb(client: FlaskClient, method: str) -> None:
    assert_renewed(client, post(client, method=method, headers={"X-CSRFToken": old_token(client)}))


def test_old_token_in_the_signal_is_renewed_in_both(client: FlaskClient) -> None:
    assert_renewed(client, post(client, json={"csrf": old_token(client)}), "csrf")


@pytest.mark.parametrize("name", ["csrf", "csrf_token", "signup-csrf_token"])
def test_old_token_in_a_form_is_renewed_in_its_field(client: FlaskClient, name: str) -> None:
    old = old_token(client)
    # The header is fresh already, from an earlier renewal; the form's field is looked at first.
    answer = post(client, data={name: old}, headers={} if name == "csrf" else {"X-CSRFToken": client.get("/").text})

    token = assert_renewed(client, answer)
    (_, patch, _) = parse_events(answer.data)
    assert patch.arguments == {
        "selector": f'input[name="{name}"]',
        "elements": f'<input type="hidden" name="{name}" value="{token}">',
    }


def test_field_name_that_could_break_out_is_left_alone(client: FlaskClient) -> None:
    answer = post(client, data={'"],body,[x="csrf_token': old_token(client)})

    assert_renewed(client, answer)
    assert len(parse_events(answer.data)) == 2


def test_own_handler_of_csrf_errors_does_not_see_old_tokens(app: Flask, client: FlaskClient) -> None:
    @app.errorhandler(CSRFError)
    def show(error: CSRFError) -> tuple[str, int]:
        return f"own: {error.description}", 400

    assert_renewed(client, post(client, headers={"X-CSRFToken": old_token(client)}))
    assert post(client).text == "own: The CSRF token is missing."


def test_old_token_that_a_view_checks_itself_is_renewed(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    datastar: Datastar = app.extensions["datastar"]

    @datastar.handler(group="g")
    def check() -> None:
        datastar.signal("half", "done")
        datastar.patch_elements("<p id='half'>done</p>")
        app.extensions["csrf"].protect()

    app.add_url_rule("/check", view_func=check, methods=["POST"])

    for path in ("/ds/g/check", "/check"):
        answer = post(client, path, headers={"X-CSRFToken": old_token(client)})

        assert_renewed(client, answer)
        assert "half" not in answer.text


@pytest.mark.parametrize("age", [0, DAY])
def test_token_of_a_replaced_key_is_renewed(app: Flask, client: FlaskClient, age: int) -> None:
    token = old_token(client, age=age)
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["newer", "test"])

    assert_renewed(client, post(client, headers={"X-CSRFToken": token}))


def test_key_of_the_tokens_alone_is_rotated_by_a_new_page(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_SECRET_KEY"] = "one"
    old = client.get("/").text
    app.config["WTF_CSRF_SECRET_KEY"] = "two"

    assert post(client, headers={"X-CSRFToken": old}).status_code == 400
    assert post(client, headers={"X-CSRFToken": client.get("/").text}).status_code == 204


# What is refused


def assert_refused(answer: Any, text: str) -> None:
    assert answer.status_code == 400
    assert text in answer.text
    assert b"_csrf" not in answer.data


def test_old_token_of_a_plain_request_is_refused(client: FlaskClient) -> None:
    answer = client.post("/plain", headers={"X-CSRFToken": old_token(client)})

    assert_refused(answer, "The CSRF token has expired.")


def test_old_token_of_another_session_is_refused(app: Flask, client: FlaskClient) -> None:
    other = app.test_client()
    other.get("/")

    assert_refused(post(other, headers={"X-CSRFToken": old_token(client)}), "The CSRF token has expired.")


def test_old_token_without_a_session_is_renewed_and_nothing_is_done(app: Flask, client: FlaskClient) -> None:
    token = old_token(client)
    client.get("/leave")

    assert_renewed(client, post(client, headers={"X-CSRFToken": token}))
    assert app.config["RAN"] == []


def test_old_token_of_a_foreign_key_is_refused(client: FlaskClient) -> None:
    assert_refused(post(client, headers={"X-CSRFToken": old_token(client, key="evil")}), "The CSRF token is invalid.")


def test_missing_and_damaged_tokens_are_refused(client: FlaskClient) -> None:
    assert_refused(post(client), "The CSRF token is missing.")
    assert_refused(post(client, headers={"X-CSRFToken": old_token(client)[:-3]}), "The CSRF token is invalid.")


@pytest.mark.parametrize("is_old", [True, False])
def test_a_part_without_a_name_beside_the_token_does_no_harm(client: FlaskClient, is_old: bool) -> None:
    client.get("/")
    token = old_token(client) if is_old else "wrong"
    body = (
        "--b\r\nContent-Disposition: form-data\r\n\r\nnobody\r\n"
        f'--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n--b--\r\n'
    )
    answer = post(client, data=body, content_type="multipart/form-data; boundary=b")

    if is_old:
        assert answer.status_code == 200
        assert b"datastar-csrf-renewed" in answer.data
    else:
        assert_refused(answer, "The CSRF token is invalid.")


def test_missing_referrer_is_refused_whatever_the_token(client: FlaskClient) -> None:
    token = client.get("/").text

    answer = post(client, headers={"X-CSRFToken": token}, base_url="https://localhost")

    assert_refused(answer, "The referrer header is missing.")


def test_request_of_another_site_gets_no_token(client: FlaskClient) -> None:
    headers = {"X-CSRFToken": old_token(client), "Sec-Fetch-Site": "cross-site"}

    assert_refused(post(client, headers=headers), "The CSRF token has expired.")


def test_other_errors_are_handled_as_ever(app: Flask, client: FlaskClient) -> None:
    app.register_error_handler(ZeroDivisionError, lambda error: ("divided", 418))
    datastar: Datastar = app.extensions["datastar"]

    @datastar.handler(group="g")
    def divide() -> float:
        return 1 / 0

    answer = post(client, "/ds/g/divide", headers={"X-CSRFToken": client.get("/").text})

    assert (answer.status_code, answer.text) == (418, "divided")
