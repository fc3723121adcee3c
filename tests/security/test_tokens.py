"""Flask-WTF's tokens: in pages and never in actions, found by the check wherever the page sends them."""

from __future__ import annotations

import html
import json
import re
from functools import partial
from typing import Any

import pytest
from flask import Blueprint, Flask, redirect, render_template, render_template_string, request, session
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect, FlaskForm
from flask_wtf.csrf import generate_csrf, validate_csrf
from wtforms import StringField

from flask_datastar import Datastar
from flask_datastar.errors import SetupError
from flask_datastar.security import tokens as csrf
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.support.actions import keyed

PAGE = "<body {{ datastar.tab_signal() }}><main data-signals='{{ datastar.init_signals() }}'>"
HEADERS = {"Datastar-Request": "true", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(params=["before", "after"])
def app(make_app: MakeApp, request: pytest.FixtureRequest) -> Flask:
    """Make an app with ``CSRFProtect``, initialised before or after ``Datastar``."""
    datastar = Datastar()
    if request.param == "after":
        app = make_app(datastar, templates={"page.html": PAGE})
        CSRFProtect(app)
    else:
        app = make_protected(make_app, datastar, templates={"page.html": PAGE})

    @app.get("/")
    def page() -> str:
        return render_template("page.html")

    @app.post("/plain")
    def plain() -> Any:
        return {"plain": True}

    @datastar.handler(group="g", methods=[*["POST", "PUT", "PATCH", "DELETE", "QUERY", "GET"]])
    def act() -> dict[str, bool]:
        return {"done": True}

    return app


def make_protected(make_app: MakeApp, datastar: Datastar, **options: Any) -> Flask:
    class First:
        """Stands where a test passes its ``Datastar``: another extension comes before it."""

        def init_app(self, app: Flask) -> None:
            CSRFProtect(app)
            datastar.init_app(app)

    return make_app(First(), **options)  # type: ignore[arg-type]


def token_of(page: str) -> str:
    """Read the token as the client does: out of the attribute of its own, and it is in the signals as well."""
    (attribute,) = re.findall(r'data-signals:_csrf="([^"]+)"', page)
    (signals,) = re.findall(r"data-signals='([^']+)'", page)
    token = html.unescape(attribute).strip("'")
    assert json.loads(html.unescape(signals)) == {"_csrf": token}
    return token


def post(client: FlaskClient, path: str = "/ds/g/act", method: str = "POST", **options: Any) -> Any:
    return client.open(path, method=method, headers={**HEADERS, **options.pop("headers", {})}, **options)


# Pages


def test_page_has_the_token_of_its_session(app: Flask, client: FlaskClient) -> None:
    with client:
        token = token_of(client.get("/").text)

        validate_csrf(token)


def test_page_sets_the_session_and_varies_by_it(client: FlaskClient) -> None:
    response = client.get("/")

    assert response.headers["Vary"] == "Cookie"
    assert "session=" in response.headers["Set-Cookie"]


def test_signal_of_the_application_wins_in_the_page(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        datastar.signal("_csrf", "own")

        assert datastar.init_signals().js == '{"_csrf":"own"}'


def test_reply_to_datastar_and_rendering_without_a_request_have_no_token(app: Flask) -> None:
    with app.test_request_context(headers=HEADERS):
        reply = render_template("page.html")
        assert not session
    with app.app_context():
        command = render_template("page.html")

    for page in (reply, command):
        assert "_csrf" not in page
        assert "data-signals='{}'" in page


@pytest.mark.parametrize("enabled", [True, False])
def test_nothing_is_added_without_protection(make_app: MakeApp, enabled: bool) -> None:
    app = make_app(WTF_CSRF_ENABLED=False)
    datastar = app.extensions["datastar"]
    if enabled:
        CSRFProtect(app)
    act = datastar.handler(name="act")(lambda: None)
    with app.test_request_context():
        page = render_template_string(PAGE)
        action = datastar.post(act).js

    assert "csrf" not in page.lower()
    assert action == keyed("@post('/ds/tests-security-test_tokens/act')")
    assert DatastarClient(app).post(act).status_code == 204


def test_another_extension_under_the_key_is_left_alone(make_app: MakeApp) -> None:
    app = make_app()
    app.extensions["csrf"] = object()

    with app.test_request_context():
        assert "csrf" not in render_template_string(PAGE)
    assert not csrf.is_protected(app)


# Actions


@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete", "query"])
def test_action_names_the_signal(app: Flask, datastar: Datastar, verb: str) -> None:
    with app.test_request_context():
        action = getattr(datastar, verb)("g.act").js

    expected = f"@{verb}('/ds/g/act', {{headers: {{'X-CSRFToken': $_csrf}}}})"
    assert action == (expected if verb == "query" else keyed(expected))


def test_get_and_streams_send_no_token(app: Flask, datastar: Datastar) -> None:
    @datastar.stream(group="g")
    def feed() -> Any:
        yield

    with app.test_request_context():
        assert datastar.get("g.act").js == "@get('/ds/g/act')"
        assert "headers" not in datastar.open_stream(feed).js


def test_action_sends_the_configured_header_by_the_configured_methods(app: Flask, datastar: Datastar) -> None:
    app.config.update(WTF_CSRF_HEADERS=["X-Token"], WTF_CSRF_METHODS={"GET"})

    with app.test_request_context():
        assert datastar.get("g.act").js == "@get('/ds/g/act', {headers: {'X-Token': $_csrf}})"
        assert datastar.post("g.act").js == keyed("@post('/ds/g/act', {headers: {'X-Token': $_csrf}})")


def test_no_configured_header_is_none_to_send(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    app.config["WTF_CSRF_HEADERS"] = []

    with app.test_request_context():
        assert datastar.post("g.act").js == keyed("@post('/ds/g/act')")
    assert post(client, json={"csrf": token_of(client.get("/").text)}).status_code == 400


def test_headers_of_the_page_are_kept(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        added = datastar.post("g.act", _headers={"X-Step": "1"}).js
        own = datastar.post("g.act", _headers={"x-csrf-token": datastar.expr("$own")}).js
        computed = datastar.post("g.act", _headers=datastar.expr("$headers")).js
        with pytest.raises(TypeError, match="_headers is 'X-Step'; accepted: a mapping"):
            datastar.post("g.act", _headers="X-Step")

    assert added == keyed("@post('/ds/g/act', {headers: {'X-Step': '1', 'X-CSRFToken': $_csrf}})")
    assert own == keyed("@post('/ds/g/act', {headers: {'x-csrf-token': $own}})")
    assert computed == keyed("@post('/ds/g/act', {headers: {'X-CSRFToken': $_csrf, ...$headers}})")


def test_action_text_is_the_same_for_every_session(app: Flask, datastar: Datastar) -> None:
    @app.get("/action")
    def action() -> str:
        generate_csrf()
        return str(datastar.post("g.act"))

    texts = {app.test_client().get("/action").text for _ in range(3)}

    assert len(texts) == 1


# The check


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("header", ["X-CSRFToken", "X-CSRF-Token"])
def test_header_is_accepted_and_its_lack_refused(client: FlaskClient, method: str, header: str) -> None:
    token = token_of(client.get("/").text)

    assert post(client, method=method).status_code == 400
    assert post(client, method=method, headers={header: "wrong"}).status_code == 400
    answer = post(client, method=method, headers={header: token})

    assert (answer.status_code, "done" in answer.text) == (200, True)


def test_get_and_query_are_not_checked(client: FlaskClient) -> None:
    assert post(client, method="GET").status_code == 200
    assert post(client, method="QUERY").status_code == 200


@pytest.mark.parametrize("path", ["/ds/g/act", "/plain"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_signal_is_accepted(app: Flask, client: FlaskClient, path: str, method: str) -> None:
    app.add_url_rule("/plain", "other", app.view_functions["plain"], methods=["PUT", "PATCH"])
    token = token_of(client.get("/").text)

    assert post(client, path, method, json={"csrf": token}).status_code == 200
    # As the client sends it where the page has no signal _csrf.
    assert post(client, path, method, json={"csrf": token}, headers={"X-CSRFToken": ""}).status_code == 200
    assert post(client, path, method, json={"csrf": "wrong"}).status_code == 400
    assert post(client, path, method, json={"csrf": ["list"]}).status_code == 400
    assert post(client, path, method, json={"csrf": token}, headers={"X-CSRFToken": "wrong"}).status_code == 400


@pytest.mark.parametrize("path", ["/ds/g/act", "/plain"])
@pytest.mark.parametrize("name", ["csrf", "csrf_token", "signup-csrf_token"])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_form_field_is_accepted(client: FlaskClient, path: str, name: str, kind: str) -> None:
    token = token_of(client.get("/").text)

    assert post(client, path, data={name: token}, content_type=kind).status_code == 200
    assert post(client, path, data={name: "wrong"}, content_type=kind).status_code == 400
    assert post(client, path, data={"other": token}, content_type=kind).status_code == 400


def test_form_field_of_a_page_without_scripts_is_accepted(client: FlaskClient) -> None:
    token = token_of(client.get("/").text)

    assert client.post("/plain", data={"csrf": token}).status_code == 200
    assert client.post("/plain", json={"csrf": token}).status_code == 400


def test_token_in_the_query_is_not_accepted(client: FlaskClient) -> None:
    token = token_of(client.get("/").text)
    signals = json.dumps({"csrf": token})

    for query in ({"csrf": token}, {"csrf_token": token}, {"datastar": signals}):
        for method in ("POST", "DELETE"):
            assert post(client, method=method, query_string=query).status_code == 400


def test_malformed_signals_are_no_token(client: FlaskClient) -> None:
    answer = post(client, data="{", content_type="application/json")

    assert (answer.status_code, "CSRF token is missing" in answer.text) == (400, True)


def test_form_is_valid_with_the_header(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    class Form(FlaskForm):
        name = StringField()

    @datastar.handler(group="g")
    def save() -> dict[str, Any]:
        form = Form(request.form)
        return {"valid": form.validate_on_submit(), "name": form.name.data}

    tab.load("/")
    assert tab.post(save, _data={"name": "Ada"}).patched == {"valid": True, "name": "Ada"}


# The test client


@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete"])
def test_tab_sends_the_token_of_the_page_that_it_loaded(app: Flask, tab: DatastarClient, verb: str) -> None:
    act = getattr(tab, verb)
    assert act("g.act").status_code == 400

    response = tab.load("/")

    assert tab.signals == {"_csrf": token_of(response.text)}
    assert act("g.act").patched == {"done": True}
    assert act("g.act", _headers={"x-csrftoken": "wrong"}).status_code == 400
    tab.signals["_csrf"] = "wrong"
    assert act("g.act").status_code == 400
    tab.load("/")
    tab.client.delete_cookie("session")
    assert list(act("g.act").patched) == ["_csrf"]
    assert act("g.act").patched == {"done": True}


def test_loading_follows_redirects_and_forgets_the_page_before(app: Flask, datastar: Datastar) -> None:
    app.add_url_rule("/old", view_func=lambda: redirect("/counted"))

    @app.get("/counted")
    def counted() -> str:
        datastar.signal("count", 3)
        return render_template("page.html")

    tab = DatastarClient(app, {"other": 1})
    response = tab.load("/old")

    assert response.request.path == "/counted"
    assert tab.signals.pop("_csrf")
    assert tab.signals == {"count": 3}


# Switches


def test_exempt_handlers_and_blueprints_need_no_token(make_app: MakeApp) -> None:
    datastar = Datastar()
    protection = CSRFProtect()
    blueprint = Blueprint("shop", __name__, url_prefix="/shop")
    protection.exempt(blueprint)

    @datastar.handler(group="g")
    @protection.exempt
    def free() -> dict[str, Any]:
        return datastar.read_signals()

    @datastar.handler(group="g", blueprint=blueprint)
    def behind() -> dict[str, Any]:
        return datastar.read_signals()

    app = make_app(datastar)
    protection.init_app(app)
    app.register_blueprint(blueprint)
    client = app.test_client()

    for path in ("/ds/g/free", "/shop/ds/g/behind"):
        answer = post(client, path, json={"csrf": "kept"})
        assert (answer.status_code, '"csrf":"kept"' in answer.text) == (200, True)


def test_dispatcher_can_be_exempt(app: Flask, client: FlaskClient) -> None:
    app.extensions["csrf"].exempt(app.blueprints["datastar"])

    assert post(client).status_code == 200
    assert post(client, "/plain").status_code == 400


def test_check_by_hand_finds_the_token(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False

    @datastar.handler(group="g")
    def checked() -> dict[str, bool]:
        app.extensions["csrf"].protect()
        return {"done": True}

    token = token_of(client.get("/").text)

    assert post(client, "/ds/g/act").status_code == 200
    assert post(client, "/ds/g/checked").status_code == 400
    assert post(client, "/ds/g/checked", json={"csrf": token}).status_code == 200
    assert post(client, "/ds/g/checked", data={"csrf": token}).status_code == 200


def test_body_of_an_unchecked_view_is_left_to_it(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False

    @app.post("/upload")
    def upload() -> bytes:
        return request.stream.read()

    assert client.post("/upload", data={"csrf": "x"}).data == b"csrf=x"


def test_view_without_a_name_is_served_where_nothing_is_checked(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    app.add_url_rule("/partial", "partial", partial("{} {}".format, "a", "partial"), methods=["POST"])

    assert client.post("/partial").text == "a partial"


def test_switching_off_is_noticed_at_once(app: Flask, client: FlaskClient) -> None:
    assert post(client).status_code == 400
    app.config["WTF_CSRF_ENABLED"] = False

    assert post(client).status_code == 200


def test_two_apps_have_their_own_keys(make_app: MakeApp) -> None:
    datastar = Datastar()
    protection = CSRFProtect()

    @datastar.handler(group="g")
    def act() -> dict[str, bool]:
        return {"done": True}

    apps = [make_app(datastar, SECRET_KEY=key) for key in ("one", "two")]
    for app in apps:
        protection.init_app(app)
    tokens = []
    for app in apps:
        with app.test_request_context():
            tokens.append(generate_csrf())

    assert tokens[0] != tokens[1]
    for app in apps:
        tab = DatastarClient(app)
        with tab.client.session_transaction() as opened:
            opened["csrf_token"] = "of this browser"
        tab.signals["_csrf"] = csrf.sign_token(app, "of this browser")
        assert tab.post(act).patched == {"done": True}
    tab = DatastarClient(apps[0], {"_csrf": tokens[1]})
    assert tab.post(act).status_code == 400


# Broadcasts


@pytest.mark.parametrize("text", ["{{ datastar.tab_signal() }}", "{{ csrf_token() }}"])
def test_token_that_was_rendered_by_hand_is_not_broadcast(app: Flask, datastar: Datastar, text: str) -> None:
    with app.test_request_context():
        fragment = render_template_string(f'<p id="f" title="{text}"></p>')

        with pytest.raises(SetupError, match="contains the CSRF token of the user"):
            datastar.broadcast("all").patch_elements(fragment)
        with (
            pytest.raises(SetupError, match="contains the CSRF token of the user"),
            datastar.broadcast_to("ann") as out,
        ):
            out.patch_elements(fragment)


def test_mark_of_rendering_for_others_ends_with_it(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        with pytest.raises(ZeroDivisionError):
            datastar.broadcast("all").patch_elements(lambda names: 1 / 0)

        assert "_csrf" in datastar.init_signals()
