"""A click on a page whose session has ended: the guards of what it calls answer, or the page gets a new token."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
from flask import Blueprint, Flask, abort, redirect, request, session
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, fresh_login_required, login_required, login_user
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf

from flask_datastar import Datastar, StarView, event
from flask_datastar.sansio.parser import parse_events
from tests.conftest import MakeApp

HEADERS = {"Datastar-Request": "true", "Sec-Fetch-Site": "same-origin", "Referer": "http://localhost/board?list=2"}
LOGIN = b'window.location.href = "/login?next=%2Fboard%3Flist%3D2"'


class User(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


def own_guard(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def guarded(*arguments: Any, **named: Any) -> Any:
        if "_user_id" not in session:
            abort(403)
        return function(*arguments, **named)

    return guarded


@pytest.fixture(params=["before", "after"])
def app(request: pytest.FixtureRequest, make_app: MakeApp) -> Flask:
    app = make_app()
    ran: list[str] = []
    app.config["RAN"] = ran
    datastar: Datastar = app.extensions["datastar"]
    if request.param == "before":
        CSRFProtect(app)
    manager = LoginManager(app)
    manager.login_view = "login"
    manager.user_loader(User)
    declare(app, datastar, ran)
    if request.param == "after":
        CSRFProtect(app)
    return app


def declare(app: Flask, datastar: Datastar, ran: list[str]) -> None:
    @app.get("/login", endpoint="login")
    def log_in() -> str:
        login_user(User("ada"), remember="remember" in request.args)
        return generate_csrf()

    @app.post("/plain")
    @login_required
    def plain() -> str:
        ran.append("plain")
        return ""

    @datastar.handler(group="g", methods=["POST", "PUT", "PATCH", "DELETE"])
    @login_required
    def guarded() -> None:
        ran.append("guarded")

    @datastar.handler(group="g")
    @fresh_login_required
    def fresh() -> None:
        ran.append("fresh")

    @datastar.handler(group="g")
    @own_guard
    @login_required
    def below() -> None:
        ran.append("below")

    @datastar.handler(group="g")
    @login_required
    async def later() -> None:
        ran.append("later")

    @datastar.handler(group="g")
    @login_required
    def steps() -> Any:
        ran.append("steps")
        yield

    @datastar.handler(group="g")
    def public() -> None:
        ran.append("public")

    @datastar.handler(group="g")
    @own_guard
    def guarded_by_hand() -> None:
        ran.append("guarded_by_hand")

    @datastar.handler(group="g")
    def checks_itself() -> None:
        app.extensions["csrf"].protect()
        ran.append("checks_itself")

    @datastar.view("/view")
    class Board(StarView):
        decorators = (login_required,)

        @event
        def act(self) -> None:
            ran.append("act")

        def handle_event(self, event: str, signals: dict[str, Any]) -> None:
            ran.append(event)

    @datastar.view("/marked")
    class Marked(StarView):
        @event
        @login_required
        def act(self) -> None:
            ran.append("marked")

    members = Blueprint("members", __name__)

    @members.before_request
    def only_members() -> Any:
        return redirect("/login?next=" + request.path) if "_user_id" not in session else None

    @datastar.handler(group="m", blueprint=members)
    def inside() -> None:
        ran.append("inside")

    closed = Blueprint("closed", __name__)

    @closed.before_request
    def nobody() -> None:
        abort(403)

    @datastar.handler(group="c", blueprint=closed)
    def shut() -> None:
        ran.append("shut")

    app.register_blueprint(members)
    app.register_blueprint(closed)


GUARDED = [
    "/plain",
    "/ds/g/guarded",
    "/ds/g/fresh",
    "/ds/g/below",
    "/ds/g/later",
    "/ds/g/steps",
    "/ds/shop-board/act",
    "/ds/shop-board/anything",
    "/ds/shop-marked/act",
]


def paths_of(app: Flask, path: str) -> str:
    """Name a view's event as it is called: its group has the name of this module."""
    group, _, name = path.removeprefix("/ds/shop-").partition("/")
    if not path.startswith("/ds/shop-"):
        return path
    ending = f"-{group}/act"
    return next(str(rule)[:-3] + name for rule in app.url_map.iter_rules() if str(rule).endswith(ending))


@pytest.fixture
def token(client: FlaskClient) -> str:
    """The token of a page that was open when its session ended."""
    token = client.get("/login").text
    client.delete_cookie("session")
    return token


def post(client: FlaskClient, path: str, token: str, method: str = "POST", **options: Any) -> Any:
    headers = {**HEADERS, "X-CSRFToken": token, **options.pop("headers", {})}
    return client.open(path, method=method, headers=headers, **options)


def types(answer: Any) -> list[str]:
    return [found.type for found in parse_events(answer.data)]


def fresh_token(answer: Any) -> str:
    assert answer.status_code == 200
    assert types(answer)[-1] == "datastar-csrf-renewed"
    signals = parse_events(answer.data)[0].arguments["signals"]
    return signals.partition('"_csrf":"')[2].partition('"')[0]


@pytest.mark.parametrize("path", GUARDED)
def test_login_that_has_ended_leads_to_the_login_page(app: Flask, client: FlaskClient, token: str, path: str) -> None:
    answer = post(client, paths_of(app, path), token)

    assert answer.status_code == 200
    assert LOGIN in answer.data
    assert app.config["RAN"] == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_it_does_for_every_verb(app: Flask, client: FlaskClient, token: str, method: str) -> None:
    assert LOGIN in post(client, "/ds/g/guarded", token, method).data
    assert app.config["RAN"] == []


@pytest.mark.parametrize(
    "options", [{"json": {"csrf": "TOKEN"}}, {"data": {"csrf": "TOKEN"}}, {"data": {"csrf_token": "TOKEN"}}]
)
def test_it_does_wherever_the_token_is(app: Flask, client: FlaskClient, token: str, options: dict[str, Any]) -> None:
    (kind,) = options
    sent = {kind: dict.fromkeys(options[kind], token)}

    assert LOGIN in post(client, "/ds/g/guarded", "", **sent).data
    assert app.config["RAN"] == []


def test_guard_of_a_blueprint_answers(app: Flask, client: FlaskClient, token: str) -> None:
    assert b"window.location.href" in post(client, "/ds/m/inside", token).data
    assert post(client, "/ds/c/shut", token).status_code == 403
    assert app.config["RAN"] == []


@pytest.mark.parametrize("name", ["public", "guarded_by_hand"])
def test_what_no_known_guard_answers_gets_a_new_token_and_does_nothing(
    app: Flask, client: FlaskClient, token: str, name: str
) -> None:
    answer = post(client, f"/ds/g/{name}", token)

    new = fresh_token(answer)
    assert app.config["RAN"] == []
    again = post(client, f"/ds/g/{name}", new)
    # Its own guard, which nobody can ask without it, answers the click that is repeated.
    assert (again.status_code, app.config["RAN"]) == ((204, ["public"]) if name == "public" else (403, []))


def test_handler_that_checks_the_token_itself_gets_a_new_token(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    token = client.get("/login").text
    client.delete_cookie("session")

    new = fresh_token(post(client, "/ds/g/checks_itself", token))

    assert app.config["RAN"] == []
    assert post(client, "/ds/g/checks_itself", new).status_code == 204
    assert app.config["RAN"] == ["checks_itself"]


def test_decorators_are_not_asked_where_flask_login_is_not_imported(
    app: Flask, client: FlaskClient, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "flask_login")

    assert fresh_token(post(client, "/ds/g/guarded", token))
    assert app.config["RAN"] == []


def test_person_who_is_remembered_gets_a_new_token_and_nothing_runs_before(app: Flask, client: FlaskClient) -> None:
    token = client.get("/login?remember").text
    client.delete_cookie("session")

    new = fresh_token(post(client, "/ds/g/guarded", token))

    assert app.config["RAN"] == []
    assert post(client, "/ds/g/guarded", new).status_code == 204
    assert app.config["RAN"] == ["guarded"]


@pytest.mark.parametrize("path", [*GUARDED, "/ds/g/public", "/ds/m/inside"])
@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Datastar-Request": "false"}],
    ids=["other site", "same site", "no client"],
)
def test_requests_of_others_are_refused_as_ever(
    app: Flask, client: FlaskClient, token: str, path: str, headers: dict[str, str]
) -> None:
    answer = post(client, paths_of(app, path), token, headers=headers)

    assert answer.status_code == 400
    assert "The CSRF session token is missing." in answer.text
    assert "Set-Cookie" not in answer.headers
    assert app.config["RAN"] == []


@pytest.mark.parametrize("path", [*GUARDED, "/ds/g/public"])
def test_page_without_a_token_is_refused_as_ever(app: Flask, client: FlaskClient, path: str) -> None:
    answer = post(client, paths_of(app, path), "")

    assert (answer.status_code, "The CSRF token is missing." in answer.text) == (400, True)
    assert app.config["RAN"] == []


@pytest.mark.parametrize("token", ["made-up", "IjEi.aSXx.x", "é"])
def test_token_that_was_never_ours_is_not_renewed(app: Flask, client: FlaskClient, token: str) -> None:
    assert post(client, "/ds/g/public", token).status_code == 400
    # After a change of the key the page's token is none of ours either, and the guard is right all the same.
    assert LOGIN in post(client, "/ds/g/guarded", token).data
    assert app.config["RAN"] == []


def test_token_of_a_replaced_key_is_renewed(app: Flask, client: FlaskClient, token: str) -> None:
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["test"])

    fresh_token(post(client, "/ds/g/public", token))
    assert app.config["RAN"] == []


def test_exempt_handler_runs_as_ever(app: Flask, client: FlaskClient, token: str) -> None:
    app.extensions["csrf"].exempt(app.view_functions["datastar.g:public"])

    assert post(client, "/ds/g/public", token).status_code == 204
    assert app.config["RAN"] == ["public"]
