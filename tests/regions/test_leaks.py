"""Hostile templates and functions: what belongs to one visitor fails by its name, or never gets into a region."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import (
    Blueprint,
    Flask,
    flash,
    g,
    get_template_attribute,
    has_request_context,
    render_template,
    render_template_string,
    request,
    session,
    url_for,
)
from flask_login import LoginManager, UserMixin, current_user, login_user
from flask_wtf.csrf import CSRFProtect
from jinja2 import DictLoader, pass_context
from sqlalchemy import create_engine, text
from sqlalchemy.orm import scoped_session, sessionmaker
from werkzeug.local import LocalProxy

from flask_datastar import Datastar
from flask_datastar.errors import SetupError
from flask_datastar.regions.process import live_regions_of
from flask_datastar.state.app import app_state_of
from flask_datastar.testing.waiting import wait_until
from tests.conftest import MakeApp
from tests.support.streams import Connect

FILES = {
    "email.html": "{{ current_user.email }}",
    "cart.html": "{{ session['cart'] }}",
    "args.html": "{% if request.args %}secret{% endif %}",
    "asks.html": "{% if request %}x{% endif %}",
    "macros.html": (
        "{% macro email() %}{{ current_user.email }}{% endmacro %}"
        "{% macro asks() %}{% if request %}x{% endif %}{% endmacro %}"
        "{% macro cart() %}{% if session %}x{% endif %}{% endmacro %}"
        "{% macro owner() %}{{ g.user }}{% endmacro %}"
        "{% macro token() %}{{ csrf_token() }}{% endmacro %}"
        "{% macro flashed() %}{{ get_flashed_messages() }}{% endmacro %}"
        "{% macro link() %}{{ url_for('page', _external=True) }}{% endmacro %}"
        "{% macro shown(user) %}{{ user.email }}{% endmacro %}"
    ),
    "base.html": '<p id="part">{% block body %}{{ g.user }}{% endblock %}</p>',
}

#: Templates that use a name of the visitor → the name in the error.
USES = {
    "{{ current_user.email }}": "current_user.email",
    "{{ current_user['email'] }}": "current_user['email']",
    "{{ current_user|attr('email') }}": "current_user.email",
    "{% if current_user is defined %}x{% endif %}": "current_user",
    "{% if current_user is none %}x{% endif %}": "current_user",
    "{% if current_user is not none %}x{% endif %}": "current_user",
    "{% if current_user is string %}x{% endif %}": "current_user",
    "{{ current_user|default('x') }}": "current_user",
    "{{ current_user|int }}": "current_user",
    "{{ [current_user] }}": "current_user",
    "{{ {'user': current_user} }}": "current_user",
    "{{ current_user ~ '' }}": "current_user",
    "{{ '%s'|format(current_user) }}": "current_user",
    "{{ current_user|tojson }}": "current_user",
    "{{ current_user|pprint }}": "current_user",
    "{{ current_user|e }}": "current_user",
    "{{ current_user in [1] }}": "current_user",
    "{{ 1 if not current_user }}": "current_user",
    "{{ [current_user]|map(attribute='email')|list }}": "current_user['email']",
    "{{ [current_user]|selectattr('email')|list }}": "current_user['email']",
    "{% with user = current_user %}{{ user.email }}{% endwith %}": "current_user.email",
    "{% for user in [current_user] %}{{ user.email }}{% endfor %}": "current_user.email",
    "{% set user = current_user %}{% include 'owner.html' ignore missing %}{{ user.email }}": "current_user.email",
    "{{ session['cart'] }}": "session['cart']",
    "{{ session.get('cart') }}": "session.get",
    "{{ session }}": "session",
    "{{ session.new }}": "session.new",
    "{% if request.args %}x{% endif %}": "request.args",
    "{{ request.args.get('q') }}": "request.args",
    "{{ request.path }}": "request.path",
    "{{ request.headers['X-User'] }}": "request.headers",
    "{{ request.blueprint == 'shop' }}": "request.blueprint",
    "{{ g.user }}": "g.user",
    "{{ g.get('user', 'x') }}": "g.user",
    "{% if 'user' in g %}x{% endif %}": "g.user",
    "{% if g.user is defined %}x{% endif %}": "g.user",
    "{{ g.pop('user') }}": "g.pop",
    "{{ csrf_token() }}": "csrf_token",
    "<input value='{{ csrf_token() }}'>": "csrf_token",
    "{% include 'email.html' %}": "current_user.email",
    "{% include 'cart.html' %}": "session['cart']",
    "{% include 'args.html' %}": "request.args",
    "{% include 'asks.html' without context %}": "request",
    "{% import 'macros.html' as m with context %}{{ m.email() }}": "current_user.email",
    "{% from 'macros.html' import owner with context %}{{ owner() }}": "g.user",
    "{% import 'macros.html' as m %}{{ m.asks() }}": "request",
    "{% import 'macros.html' as m %}{{ m.cart() }}": "session",
    "{% import 'macros.html' as m %}{{ m.owner() }}": "g.user",
    "{% from 'macros.html' import shown %}{{ shown(current_user) }}": "current_user.email",
    "{{ 1|user_of }}": "current_user.email",
    "{{ user_name() }}": "current_user.email",
    "{{ member.email }}": "member.email",
    "{% if member %}x{% endif %}": "member",
    "{{ visitor.email }}": "visitor.email",
    "{{ owner.email }}": "owner.email",
    "{{ path }}": "path",
    "{% if path == '/' %}x{% endif %}": "path",
}

#: Code that Flask itself refuses without a request; the region is named.
REFUSED = [
    "{{ get_flashed_messages() }}",
    "{% with messages = get_flashed_messages(with_categories=true) %}{{ messages }}{% endwith %}",
    "{% import 'macros.html' as m %}{{ m.flashed() }}",
    "{% import 'macros.html' as m %}{{ m.token() }}",
    "{{ 1|agent }}",
]


class User(UserMixin):
    def __init__(self, email: str) -> None:
        self.id = self.email = email


@pytest.fixture
def plant(make_app: MakeApp) -> Callable[[Any], Flask]:
    """Return a function that makes an app with one region, whose HTML is a template or the result of a function."""

    def make(planted: Any) -> Flask:
        datastar = Datastar()
        app = make_app(datastar)
        app.jinja_env.loader = DictLoader(FILES)
        manager = LoginManager(app)
        manager.user_loader(User)
        app.config["WTF_CSRF_CHECK_DEFAULT"] = False
        CSRFProtect(app)
        _add_names(app)

        @datastar.region(group="shop")
        def part() -> str:
            return str(planted()) if callable(planted) else render_template_string(f'<p id="part">{planted}</p>')

        @app.get("/login/<email>")
        def login(email: str) -> str:
            login_user(User(email))
            session["cart"] = f"cart of {email}"
            return ""

        @app.get("/")
        def page() -> str:
            flash(f"hello {current_user.email}")
            g.user = current_user.email
            return render_template_string("{{ part }} {{ current_user.email }} {{ g.user }}", part=part())

        @datastar.stream(group="shop")
        def feed() -> Any:
            flash("secret")
            g.user = "secret"
            return datastar.follow(part())

        return app

    return make


def _add_names(app: Flask) -> None:
    @app.context_processor
    def of_request() -> dict[str, Any]:
        return {"path": request.path}

    @app.context_processor
    def of_user() -> dict[str, Any]:
        return {"member": current_user}

    @app.context_processor
    def of_globals() -> dict[str, Any]:
        return {"owner": g.user}

    @app.context_processor
    def of_app() -> dict[str, Any]:
        return {"shop": "Corner shop"}

    app.jinja_env.globals["visitor"] = current_user

    @app.template_filter("user_of")
    @pass_context
    def user_of(context: Any, value: object) -> str:
        return str(context["current_user"].email)

    @app.template_filter("agent")
    def agent(value: object) -> str:
        return str(request.user_agent)

    @app.template_global("user_name")
    @pass_context
    def user_name(context: Any) -> str:
        return str(context.get("current_user").email)


def load(app: Flask, email: str = "ada@example.org") -> str:
    client = app.test_client()
    client.get(f"/login/{email}")
    return client.get("/?q=secret", headers={"X-User": "secret"}).text


@pytest.mark.parametrize("template", USES)
def test_a_planted_name_fails_by_its_name(plant: Callable[[Any], Flask], template: str) -> None:
    with pytest.raises(SetupError) as raised:
        load(plant(template))

    assert str(raised.value).startswith(f"region shop:part() uses {USES[template]!r} in its template: ")
    assert str(raised.value).endswith("; give it as an argument")


@pytest.mark.parametrize("template", REFUSED)
def test_code_that_needs_a_request_names_the_region(plant: Callable[[Any], Flask], template: str) -> None:
    with pytest.raises(SetupError, match=r"^region shop:part\(\) uses the request or the session: .*; give it as"):
        load(plant(template))


@pytest.mark.parametrize("template", ["{% import 'macros.html' as m %}{{ m.asks() }}", "{{ member.email }}"])
def test_a_planted_name_fails_in_streams(
    plant: Callable[[Any], Flask], template: str, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    connection = connect("/ds/shop/feed", app=plant(template)).wait_open()
    connection.close()

    assert b"secret" not in connection.received
    assert b"elements" not in connection.received
    assert "SetupError: region shop:part() uses" in caplog.text


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("{{ shop }}", "Corner shop"),
        ("{{ url_for('page') }} {{ url_for('page', _external=True) }}", "/ /"),
        ("{% import 'macros.html' as m %}{{ m.link() }}", "/"),
        ("{% set current_user = 'own' %}{{ current_user }}", "own"),
        ("{% for current_user in ['own'] %}{{ current_user }}{% endfor %}", "own"),
        ("{% if false %}{{ current_user.email }}{% endif %}{{ config.TESTING }}", "True"),
        ("{{ None is none }} {{ 1 is none }} {{ missing is none }} {{ missing is defined }}", "True False False False"),
    ],
)
def test_what_is_the_same_for_all_is_shown(plant: Callable[[Any], Flask], template: str, shown: str) -> None:
    assert load(plant(template)) == f'<p id="part">{shown}</p> ada@example.org ada@example.org'


@pytest.mark.parametrize(
    "planted",
    [
        lambda: render_template("base.html"),
        lambda: render_template_string("{% extends 'base.html' %}"),
        lambda: render_template_string("{% extends 'base.html' %}{% block body %}{{ super() }}{% endblock %}"),
        lambda: f'<p id="part">{get_template_attribute("macros.html", "asks")()}</p>',
        lambda: f'<p id="part">{get_template_attribute("macros.html", "owner")()}</p>',
    ],
)
def test_every_way_to_render_is_guarded(plant: Callable[[Any], Flask], planted: Callable[[], str]) -> None:
    with pytest.raises(SetupError, match=r"^region shop:part\(\) uses '(g\.user|request)' in its template"):
        load(plant(planted))


@pytest.mark.parametrize("use", ["{{ me.email }}", "{{ me }}", "{% if me.is_authenticated %}{% endif %}"])
@pytest.mark.parametrize("proxy", [lambda: current_user, lambda: LocalProxy(lambda: session.get("user"))])
def test_a_proxy_that_the_function_passes_fails_by_its_name(
    plant: Callable[[Any], Flask], use: str, proxy: Callable[[], object]
) -> None:
    app = plant(lambda: render_template_string(f'<p id="part">{use}</p>', me=proxy()))

    with pytest.raises(SetupError, match=r"^region shop:part\(\) uses 'me[.a-z_]*' in its template"):
        load(app)


@pytest.mark.parametrize(
    "use", [lambda: request.args, lambda: session["cart"], lambda: flash("x"), lambda: request.path]
)
def test_python_code_that_needs_a_request_names_the_region(
    plant: Callable[[Any], Flask], use: Callable[[], object]
) -> None:
    with pytest.raises(SetupError, match=r"^region shop:part\(\) uses the request or the session"):
        load(plant(use))


@pytest.mark.parametrize("use", [lambda: current_user.email, lambda: g.user])
def test_python_code_finds_nobody(plant: Callable[[Any], Flask], use: Callable[[], object]) -> None:
    with pytest.raises(AttributeError) as raised:
        load(plant(use))

    assert raised.value.__notes__ == ["in region shop:part()"]


def test_pages_keep_their_names(plant: Callable[[Any], Flask]) -> None:
    app = plant('{{ url_for("page") }}')

    @app.get("/macros")
    def macros() -> str:
        g.user = current_user.email
        return render_template_string(
            "{% import 'macros.html' as m %}{{ m.asks() }} {{ m.cart() }} {{ m.owner() }} {{ path }} "
            "{{ visitor.email }} {{ request is none }} {{ 3 is none }}"
        )

    client = app.test_client()
    client.get("/login/ada")
    assert client.get("/macros").text == "x x ada /macros ada False False"
    with app.app_context():
        assert app.jinja_env.from_string("{% if request %}x{% endif %}{{ g.user }}").render() == ""


def test_values_of_a_thread_do_not_get_into_streams(app: Flask, datastar: Datastar, connect: Connect) -> None:
    tenant = threading.local()

    @app.before_request
    def load_tenant() -> None:
        tenant.name = "secret"

    @datastar.region(group="shop")
    def part() -> str:
        return f'<p id="part">{getattr(tenant, "name", "for all")}</p>'

    @datastar.region(group="shop")
    def outer() -> str:
        return render_template_string('<div id="outer">{{ part }}</div>', part=part())

    @datastar.stream(group="shop")
    def feed() -> Any:
        return datastar.follow(outer())

    connection = connect("/ds/shop/feed")
    connection.wait('<div id="outer"><p id="part">for all</p></div>')

    assert b"secret" not in connection.received


def test_a_region_cannot_change_the_arguments_of_its_view(app: Flask, datastar: Datastar, connect: Connect) -> None:
    given = {"tags": ["a"]}

    @datastar.region(group="shop", at_most_every=0)
    def part(options) -> str:  # type: ignore[no-untyped-def]
        options["tags"].append("secret")
        return f'<p id="part">{",".join(options["tags"])}</p>'

    @datastar.stream(group="shop")
    def feed() -> Any:
        feed = datastar.follow(part(given))
        given["tags"].append("later")
        return feed

    connection = connect("/ds/shop/feed").wait_open()
    with app.app_context():
        part.changed()
    wait_until(lambda: live_regions_of(app_state_of(app)).stats()["renders"] == 2)
    connection.close()
    assert b"a,secret</p>" in connection.received
    assert b"secret,secret" not in connection.received
    assert b"later" not in connection.received


def test_a_context_processor_of_a_blueprint_does_not_run(app: Flask, datastar: Datastar) -> None:
    shop = Blueprint("shop", __name__)

    @shop.context_processor
    def names() -> dict[str, Any]:
        return {"basket": session["cart"]}

    @datastar.region(group="shop")
    def part() -> str:
        return render_template_string('<p id="part">{{ basket }}</p>')

    @shop.get("/")
    def page() -> str:
        session["cart"] = "secret"
        return render_template_string("{{ part }} {{ basket }}", part=part())

    app.register_blueprint(shop)
    assert app.test_client().get("/").text == '<p id="part"></p> secret'


def test_each_context_processor_that_is_left_out_is_named_once(
    plant: Callable[[Any], Flask], caplog: pytest.LogCaptureFixture
) -> None:
    app = plant("{{ shop }}")
    load(app)
    load(app)

    found = [record.getMessage() for record in caplog.records if "context processor" in record.getMessage()]
    assert [next(name for name in ("of_request", "of_globals") if name in text) for text in found] == [
        "of_request",
        "of_globals",
    ]


def test_names_of_a_processor_inside_other_code_fail_by_name(plant: Callable[[Any], Flask]) -> None:
    app = plant("{{ cart_size }}")

    def of_cart(key: str) -> dict[str, Any]:
        return (lambda: {"cart_size": len(session[key])})()

    app.context_processor(partial(of_cart, "cart"))

    with pytest.raises(SetupError, match=r"^region shop:part\(\) uses 'cart_size' in its template"):
        load(app)


def test_a_processor_that_fails_for_another_reason_fails(plant: Callable[[Any], Flask]) -> None:
    app = plant("{{ shop }}")

    @app.context_processor
    def broken() -> dict[str, Any]:
        if has_request_context():
            return {}
        raise RuntimeError("out of cheese")

    with pytest.raises(RuntimeError, match="out of cheese") as raised:
        load(app)
    assert raised.value.__notes__ == ["in region shop:part()"]


def test_arguments_of_a_person_are_refused(plant: Callable[[Any], Flask], datastar: Datastar) -> None:
    @datastar.region(group="shop", name="of_user")
    def of_user(user) -> str:  # type: ignore[no-untyped-def]
        return ""

    for user in (User("ada"), LocalProxy(lambda: User("ada"))):
        with pytest.raises(TypeError, match=r"argument 'user' is User: .*; pass the object's id"):
            of_user(user)


def test_urls_of_the_current_request_are_refused(plant: Callable[[Any], Flask]) -> None:
    app = plant(lambda: f'<p id="part">{url_for(".page")}</p>')

    with pytest.raises(Exception, match="page") as raised:
        load(app)
    assert raised.value.__notes__ == ["in region shop:part()"]


def test_a_page_keeps_the_session_of_its_thread(app: Flask, datastar: Datastar, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db")
    db_session = scoped_session(sessionmaker(engine))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE card (title TEXT)"))

    @app.teardown_appcontext
    def remove(error: BaseException | None) -> None:
        db_session.remove()

    @datastar.region(group="shop")
    def part() -> str:
        return f'<p id="part">{db_session.scalar(text("SELECT count(*) FROM card"))}</p>'

    @app.get("/")
    def page() -> str:
        db_session.execute(text("INSERT INTO card VALUES ('new')"))
        html = part().__html__()
        db_session.commit()
        return html

    assert [app.test_client().get("/").text for _ in range(2)] == ['<p id="part">1</p>', '<p id="part">2</p>']
    engine.dispose()


def test_what_a_region_opens_is_closed(app: Flask, datastar: Datastar) -> None:
    closed: list[object] = []

    @app.teardown_appcontext
    def close(error: BaseException | None) -> None:
        closed.append((g.pop("connection", None), error))

    @datastar.region(group="shop")
    def part(fails: bool) -> str:
        g.connection = "of the region"
        return '<p id="part"></p>' if not fails else str(1 / 0)

    @app.get("/<int:fails>")
    def page(fails: int) -> str:
        g.connection = "of the page"
        return part(bool(fails)).__html__()

    assert app.test_client().get("/0").status_code == 200
    assert closed == [("of the region", None), ("of the page", None)]
    with pytest.raises(ZeroDivisionError) as raised:
        app.test_client().get("/1")
    assert closed[2] == ("of the region", raised.value)


def test_a_region_keeps_no_variables_of_a_visitor(app: Flask, datastar: Datastar) -> None:
    @app.get("/<name>")
    def page(name: str) -> str:
        @datastar.region(group="shop")
        def part() -> str:
            return f'<p id="part">{name}</p>'

        return part().__html__()

    with pytest.raises(SetupError, match=r"region .*page.<locals>.part is declared in a function that a request runs"):
        app.test_client().get("/ada")


def test_a_module_that_is_imported_in_a_request_declares_its_regions(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context("/"):
        assert datastar.region(group="shop")(of_module)().__html__() == '<p id="part"></p>'


def of_module() -> str:
    return '<p id="part"></p>'
