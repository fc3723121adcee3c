"""Redirects: which become the redirect event, what they take along, where a login page leads back to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import flask_login
import pytest
import werkzeug.utils
from flask import Blueprint, Flask, Response, abort, flash, make_response, redirect, request, session, url_for
from flask.testing import FlaskClient
from werkzeug.wrappers import Response as WerkzeugResponse

from flask_datastar import Datastar, sse
from flask_datastar.testing import Answer, DatastarClient
from tests.conftest import MakeApp


@pytest.fixture
def go(app: Flask, datastar: Datastar, tab: DatastarClient) -> Any:
    """Run a handler that redirects to a location with a status."""
    answers: dict[str, Any] = {}

    @datastar.handler(group="g")
    def act() -> WerkzeugResponse:
        return redirect(answers["location"], answers["status"])

    def run(location: str, status: int = 302, **headers: str) -> Answer:
        answers.update(location=location, status=status)
        return tab.post(act, _headers={name.replace("_", "-"): value for name, value in headers.items()})

    return run


@pytest.mark.parametrize("status", [301, 302, 303])
def test_redirect_becomes_an_event(go: Any, status: int) -> None:
    answer = go("/login", status)

    assert (answer.status_code, answer.events) == (200, (sse.redirect("/login"),))
    assert "Location" not in answer.response.headers
    assert answer.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.response.content_length == len(answer.response.data)


@pytest.mark.parametrize("status", [304, 305, 307, 308])
def test_other_redirect_is_left_alone(go: Any, status: int) -> None:
    response = go("/login", status).response

    assert (response.status_code, response.location) == (status, "/login")


@pytest.mark.parametrize(
    "location", ["/ds/g/act", "/ds/g/act?again=1", "http://localhost/ds/g/act", "act", "?x=1", "#top"]
)
def test_redirect_to_the_same_path_is_left_alone(go: Any, location: str) -> None:
    response = go(location).response

    assert (response.status_code, response.location) == (302, location)


@pytest.mark.parametrize(
    "location", ["/", "/a?b=c&d=%20e#f", "../other", "https://elsewhere.example/x", "//elsewhere.example/x", "/ö"]
)
def test_location_is_kept_as_it_is(go: Any, location: str) -> None:
    assert go(location).events == (sse.redirect(location),)


@pytest.mark.parametrize(
    "location",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\x0bscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "mailto:ann@example.com",
        "ftp://example.com/a",
        "tel:+123",
        "blob:https://example.com/1",
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303])
def test_location_that_no_script_should_follow_is_a_400(
    datastar: Datastar, tab: DatastarClient, caplog: pytest.LogCaptureFixture, location: str, status: int
) -> None:
    @datastar.handler
    def act() -> Response:
        datastar.signal("half", "done")
        response = make_response("", status, {"Location": location})
        response.set_cookie("kept", "1")
        return response

    answer = tab.post(act)

    assert (answer.status_code, answer.events) == (400, ())
    assert answer.response.mimetype == "text/plain"
    assert "Location" not in answer.response.headers
    assert answer.response.headers["Set-Cookie"].startswith("kept=1")
    assert "was answered with a redirect that becomes no event, so it is a 400: url " in caplog.text


def test_refused_redirect_of_a_guard_is_a_400_for_the_client_alone(app: Flask, tab: DatastarClient) -> None:
    app.before_request(lambda: redirect("mailto:ann@example.com"))

    assert tab.get("/page").status_code == 400
    assert app.test_client().get("/page").location == "mailto:ann@example.com"


@pytest.mark.parametrize(
    "location",
    ["http://[", "//[::1", "http://a b", "?" + "a=1&" * 2000, "\\\\evil.example", "/%", "/%zz%ff", "x" * 100_000],
)
def test_no_location_is_an_error(go: Any, location: str) -> None:
    assert go(location).status_code in (200, 302)


def test_redirect_without_location_is_left_alone(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> Response:
        return make_response("", 302)

    assert tab.post(act).status_code == 302


def test_redirect_of_a_plain_request_is_left_alone(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/old", view_func=lambda: redirect("/new"), endpoint="old")

    response = client.get("/old")

    assert (response.status_code, response.location) == (302, "/new")


def test_redirect_of_a_plain_view_becomes_an_event_for_datastar(app: Flask, tab: DatastarClient) -> None:
    app.add_url_rule("/old", view_func=lambda: redirect("/new"), endpoint="old", methods=["GET", "POST"])

    assert tab.get("/old").events == tab.post("/old").events == (sse.redirect("/new"),)


def test_cookies_and_headers_stay(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    closed: list[bool] = []

    @datastar.handler
    def act() -> WerkzeugResponse:
        session["user"] = "Ada"
        flash("Welcome")
        response = redirect("/")
        response.set_cookie("one", "1")
        response.set_cookie("two", "2")
        response.headers["X-Mine"] = "kept"
        response.headers["Cache-Control"] = "max-age=60"
        response.call_on_close(lambda: closed.append(True))
        return response

    headers = tab.post(act).response.headers

    assert [value.partition("=")[0] for value in headers.getlist("Set-Cookie")] == ["one", "two", "session"]
    assert headers["X-Mine"] == "kept"
    assert headers.getlist("Cache-Control") == ["no-cache"]
    assert headers.getlist("Content-Type") == ["text/event-stream; charset=utf-8"]
    assert headers["Vary"] == "Cookie"
    assert closed == [True]


def test_what_was_sent_before_comes_first(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> WerkzeugResponse:
        datastar.patch_elements("<p id='a'></p>")
        datastar.signal("saved", True)
        return redirect("/done")

    assert tab.post(act).events == (
        sse.patch_elements("<p id='a'></p>"),
        sse.redirect("/done"),
        sse.patch_signals({"saved": True}),
    )


def test_redirect_of_a_guard_becomes_an_event(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    blueprint = Blueprint("admin", __name__, url_prefix="/admin")
    blueprint.before_request(lambda: redirect("/login"))

    @datastar.handler(blueprint=blueprint)
    def act() -> None:
        raise AssertionError

    app.register_blueprint(blueprint)

    assert tab.post(act).events == (sse.redirect("/login"),)


def test_redirect_of_an_errorhandler_becomes_an_event_without_what_was_queued(
    app: Flask, datastar: Datastar, tab: DatastarClient
) -> None:
    app.register_error_handler(401, lambda error: redirect("/login"))

    @datastar.handler
    def act() -> None:
        datastar.signal("half", 1)
        abort(401)

    assert tab.post(act).events == (sse.redirect("/login"),)


def test_redirect_raised_by_abort_becomes_an_event(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> None:
        abort(redirect("/login"))

    assert tab.post(act).events == (sse.redirect("/login"),)


@pytest.mark.parametrize("has_yield", [False, True])
@pytest.mark.parametrize(("location", "status"), [("/login", 200), ("mailto:ann@example.com", 400)])
def test_redirect_of_werkzeug_is_one_of_flask(
    datastar: Datastar, tab: DatastarClient, has_yield: bool, location: str, status: int
) -> None:
    def act() -> WerkzeugResponse:
        return werkzeug.utils.redirect(location)

    def generate() -> Iterator[Any]:
        yield from ()
        return act()

    answer = tab.post(datastar.handler(group="g")(generate if has_yield else act))

    assert answer.status_code == status
    assert status == 400 or answer.events == (sse.redirect(location),)


def test_redirect_made_by_after_request_becomes_an_event(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    app.after_request(lambda response: redirect("/maintenance"))

    @datastar.handler
    def act() -> None:
        datastar.signal("count", 1)

    # The response with the signal is the one that was replaced.
    assert tab.post(act).events == (sse.redirect("/maintenance"),)


def test_redirect_instead_of_a_stream_becomes_an_event(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    app.after_request(lambda response: redirect("/maintenance"))

    @datastar.handler
    def act() -> Iterator[None]:
        yield

    assert tab.post(act).events == (sse.redirect("/maintenance"),)


LOGIN = "/login?next="


@pytest.mark.parametrize(
    ("location", "referer", "expected"),
    [
        # What points at a handler becomes the page that called it.
        (f"{LOGIN}/ds/g/act", "http://localhost/cart?page=2#top", "/login?next=%2Fcart%3Fpage%3D2"),
        (f"{LOGIN}%2Fds%2Fg%2Fact%3Fid%3D1", "http://localhost/cart", "/login?next=%2Fcart"),
        (f"{LOGIN}http://localhost/ds/g/act", "http://localhost", "/login?next=%2F"),
        (f"{LOGIN}/ds/other/act", "http://LOCALHOST/cart", "/login?next=%2Fcart"),
        ("/login?a=1&next=/ds/g/act&b=", "http://localhost/cart", "/login?a=1&next=%2Fcart&b="),
        ("https://sso.example/login?next=/ds/g/act#x", "http://localhost/c", "https://sso.example/login?next=%2Fc#x"),
        # Without a page of this host it is dropped.
        (f"{LOGIN}/ds/g/act", None, "/login"),
        (f"{LOGIN}/ds/g/act", "", "/login"),
        (f"{LOGIN}/ds/g/act", "http://evil.example/cart", "/login"),
        (f"{LOGIN}/ds/g/act", "http://localhost:8000/cart", "/login"),
        (f"{LOGIN}/ds/g/act", "http://localhost.evil.example/cart", "/login"),
        (f"{LOGIN}/ds/g/act", "http://localhost@evil.example/cart", "/login"),
        (f"{LOGIN}/ds/g/act", "javascript://localhost/cart", "/login"),
        (f"{LOGIN}/ds/g/act", "/cart", "/login"),
        (f"{LOGIN}/ds/g/act", "http://localhost/ds/g/act", "/login"),
        (f"{LOGIN}/ds/g/act", "http://[localhost/cart", "/login"),
        (f"{LOGIN}http://[localhost/cart", "http://localhost/cart", f"{LOGIN}http://[localhost/cart"),
        ("http://[localhost/login?next=/ds/g/act", None, "http://[localhost/login?next=/ds/g/act"),
        ("/login?next=/ds/g/act&a=1", None, "/login?a=1"),
        # Anything else is left alone, to the letter.
        (f"{LOGIN}/cart", "http://localhost/other", f"{LOGIN}/cart"),
        (f"{LOGIN}/dsx/g", "http://localhost/other", f"{LOGIN}/dsx/g"),
        (f"{LOGIN}/ds", "http://localhost/other", f"{LOGIN}/ds"),
        ("/login?back=/ds/g/act&x=a+b", "http://localhost/other", "/login?back=/ds/g/act&x=a+b"),
        ("/login", "http://localhost/other", "/login"),
        # A referring page of two leading slashes would be another host to the login page; a backslash is one.
        (f"{LOGIN}/ds/g/act", "http://localhost//evil.example/x", "/login"),
        # A backslash is a slash for a browser.
        (f"{LOGIN}/ds/g/act", "http://localhost/\\evil.example", "/login"),
        (f"{LOGIN}/ds/g/act", "http://localhost/\\evil.example/x", "/login"),
        (f"{LOGIN}/ds/g/act", "http://localhost\\\\evil.example", "/login"),
        (f"{LOGIN}/ds/g/act", "http://localhost/\t/evil.example", "/login"),
        (f"{LOGIN}/ds/g/act", "http://localhost/a\\..\\..\\evil.example", "/login"),
    ],
)
def test_next_names_the_page_and_not_the_handler(go: Any, location: str, referer: str | None, expected: str) -> None:
    answer = go(location, **({} if referer is None else {"Referer": referer}))

    assert answer.events == (sse.redirect(expected),)


def test_next_of_a_blueprints_handler_is_its_page_too(app: Flask, datastar: Datastar) -> None:
    # Its path is not below the prefix of the dispatcher.
    blueprint = Blueprint("shop", __name__, url_prefix="/<name>")

    @datastar.handler(blueprint=blueprint, group="g")
    def act() -> WerkzeugResponse:
        return redirect(url_for("login", next=url_for("shop.g:act", name="Zoë & co")))

    app.register_blueprint(blueprint)
    app.add_url_rule("/login", endpoint="login")
    tab = DatastarClient(app)

    answer = tab.post("/Zoë & co/ds/g/act", _headers={"Referer": "http://localhost/cart"})

    assert answer.events == (sse.redirect("/login?next=%2Fcart"),)


def test_redirect_to_the_same_encoded_path_is_left_alone(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("shop", __name__, url_prefix="/<name>")

    @datastar.handler(blueprint=blueprint, group="g")
    def act() -> WerkzeugResponse:
        return redirect(url_for("shop.g:act", name="Zoë & co"))

    app.register_blueprint(blueprint)

    assert DatastarClient(app).post("/Zoë & co/ds/g/act").status_code == 302


@pytest.mark.parametrize("root", ["/shop", "/shop/eu", "/ds", ""])
@pytest.mark.parametrize("kind", ["full_path", "path", "url", "base_url", "script_root"])
def test_next_of_a_guard_below_a_mount_names_the_page(make_app: MakeApp, root: str, kind: str) -> None:
    app = make_app(APPLICATION_ROOT=root or "/")
    datastar: Datastar = app.extensions["datastar"]

    @app.before_request
    def guard() -> WerkzeugResponse:
        named = f"{request.script_root}{request.full_path}" if kind == "script_root" else getattr(request, kind)
        return redirect(f"/login?{urlencode({'next': named})}")

    @datastar.handler(group="g")
    def act() -> None: ...

    answer = DatastarClient(app).post(act, _headers={"Referer": f"http://localhost{root}/cart?page=2"})

    # Below a mount that is called as the prefix is, a path without it may as well be a page.
    is_unclear = root == "/ds" and kind in ("full_path", "path")
    page = urlencode({"next": f"{root}/cart?page=2"})
    assert (answer.events == (sse.redirect(f"/login?{page}"),)) is not is_unclear


@pytest.mark.parametrize("named", ["/cart", "/shop/cart", "/dsx/g"])
def test_next_of_a_page_below_a_mount_is_left_alone(make_app: MakeApp, named: str) -> None:
    app = make_app(APPLICATION_ROOT="/shop")
    datastar: Datastar = app.extensions["datastar"]

    @datastar.handler(group="g")
    def act() -> WerkzeugResponse:
        return redirect(f"/login?next={named}")

    answer = DatastarClient(app).post(act, _headers={"Referer": "http://localhost/shop/other"})

    assert answer.events == (sse.redirect(f"/login?next={named}"),)


def test_redirects_hold_below_a_mount(make_app: MakeApp) -> None:
    app = make_app(APPLICATION_ROOT="/shop")
    datastar: Datastar = app.extensions["datastar"]
    locations = iter(["/shop/login?next=/shop/ds/g/act", "/shop/ds/g/act", "/ds/g/act"])

    @datastar.handler(group="g")
    def act() -> WerkzeugResponse:
        return redirect(next(locations))

    tab = DatastarClient(app)
    headers = {"Referer": "http://localhost/shop/cart"}

    assert tab.post(act, _headers=headers).events == (sse.redirect("/shop/login?next=%2Fshop%2Fcart"),)
    assert tab.post(act, _headers=headers).status_code == 302
    # Outside of the mount that path is another one.
    assert tab.post(act, _headers=headers).events == (sse.redirect("/ds/g/act"),)


def test_login_required_sends_the_browser_to_the_login_page(
    app: Flask, datastar: Datastar, tab: DatastarClient
) -> None:
    login_manager = flask_login.LoginManager(app)
    login_manager.login_view = "login"

    class User(flask_login.UserMixin):
        id = "ada"

    login_manager.user_loader(lambda user_id: User())

    @app.get("/login")
    def login() -> str:
        flask_login.login_user(User())
        return "logged in"

    @datastar.handler
    @flask_login.login_required
    def act(count: int) -> dict[str, Any]:
        return {"count": count + 1, "user": flask_login.current_user.get_id()}

    refused = tab.post(act, count=1, _headers={"Referer": "http://localhost/cart"})
    assert refused.events == (sse.redirect("/login?next=%2Fcart"),)
    tab.client.get("/login")

    assert tab.post(act, count=1).patched == {"count": 2, "user": "ada"}


@pytest.mark.parametrize(("referer", "kept"), [("http://localhost/cart?page=2", "/cart?page=2"), (None, None)])
def test_next_in_the_session_names_the_page_and_not_the_handler(
    make_app: MakeApp, referer: str | None, kept: str | None
) -> None:
    app = make_app(USE_SESSION_FOR_NEXT=True)
    datastar: Datastar = app.extensions["datastar"]
    login_manager = flask_login.LoginManager(app)
    login_manager.login_view = "login"
    login_manager.user_loader(lambda user_id: None)
    app.add_url_rule("/login", "login", lambda: "")

    @datastar.handler
    @flask_login.login_required
    def act() -> None: ...

    @datastar.stream
    @flask_login.login_required
    def feed() -> Any: ...

    for call in (lambda tab, **options: tab.post(act, **options), lambda tab, **options: tab.get(feed, **options)):
        tab = DatastarClient(app)
        answer = call(tab, _headers={} if referer is None else {"Referer": referer})

        assert answer.events[0] == sse.redirect("/login")
        with tab.client.session_transaction() as session:
            assert session.get("next") == kept


def test_next_of_a_page_stays_in_the_session(make_app: MakeApp) -> None:
    app = make_app(USE_SESSION_FOR_NEXT=True)

    @app.get("/guard")
    def guard() -> Any:
        session["next"] = "/orders"
        return redirect("/login")

    tab = DatastarClient(app)
    tab.get("/guard", _headers={"Referer": "http://localhost/cart"})

    with tab.client.session_transaction() as opened:
        assert opened["next"] == "/orders"


def test_two_apps_lead_back_below_their_own_prefix(make_app: MakeApp) -> None:
    datastar = Datastar()
    first, second = make_app(datastar, DATASTAR_URL_PREFIX="/one"), make_app(datastar)

    @datastar.handler(group="g")
    def act() -> WerkzeugResponse:
        return redirect("/login?next=/one/other")

    assert DatastarClient(first).post(act).events == (sse.redirect("/login"),)
    assert DatastarClient(second).post(act).events == (sse.redirect("/login?next=/one/other"),)
