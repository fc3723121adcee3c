"""Extensions beside which pages, actions and streams work as without them."""

from __future__ import annotations

import pytest
from flask import Flask, render_template_string

from flask_datastar.testing import DatastarClient


def install_authlib(app: Flask) -> None:
    from authlib.integrations.flask_client import OAuth

    OAuth(app)


def install_bootstrap(app: Flask) -> None:
    from flask_bootstrap import Bootstrap5

    Bootstrap5(app)


def install_cors(app: Flask) -> None:
    from flask_cors import CORS

    CORS(app)


def install_htmlmin(app: Flask) -> None:
    from flask_htmlmin import HTMLMIN

    app.config["MINIFY_HTML"] = True
    HTMLMIN(app)


def install_login(app: Flask) -> None:
    from flask_login import LoginManager

    LoginManager(app).user_loader(lambda user_id: None)


def install_mail(app: Flask) -> None:
    from flask_mail import Mail

    Mail(app)


def install_migrate(app: Flask) -> None:
    from flask_migrate import Migrate
    from flask_sqlalchemy import SQLAlchemy

    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    Migrate(app, SQLAlchemy(app))


def install_minify(app: Flask) -> None:
    from flask_minify import Minify

    Minify(app=app, html=True, js=True, cssless=True)


def install_principal(app: Flask) -> None:
    from flask_principal import Principal

    Principal(app)


def install_restx(app: Flask) -> None:
    from flask_restx import Api

    Api(app, prefix="/api", doc="/api/doc")


def install_smorest(app: Flask) -> None:
    from flask_smorest import Api

    app.config.update(API_TITLE="Shop", API_VERSION="1", OPENAPI_VERSION="3.0.2")
    Api(app)


def install_whitenoise(app: Flask) -> None:
    from whitenoise import WhiteNoise

    app.wsgi_app = WhiteNoise(app.wsgi_app)


INSTALL = [value for name, value in sorted(globals().items()) if name.startswith("install_")]


@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("install", INSTALL)
def test_works_initialised_before_or_after(install, is_first, app, request):
    if is_first:
        install(app)
    shop = request.getfixturevalue("shop")
    if not is_first:
        install(app)

    shop.check()


def test_flask_admin_view_has_the_names_of_templates(app, datastar, shop):
    from flask_admin import Admin, BaseView, expose

    class Board(BaseView):
        @expose("/")
        def index(self):
            datastar.signal("count", 3)
            return render_template_string(
                """<p data-signals="{{ datastar.init_signals() }}">{{ datastar.post('shop.add') }}</p>"""
            )

        @expose("/save", methods=["POST"])
        def save(self):
            return datastar.start().patch_signals({"saved": True})

    Admin(app).add_view(Board(endpoint="board"))

    tab = shop.check()
    assert "@post(&#39;/ds/shop/add&#39;)" in tab.load("/admin/board/").text
    assert tab.signals == {"count": 3}
    assert tab.post("/admin/board/save").patched == {"saved": True}


def test_flask_classful_view_has_them_too(app, datastar, shop):
    from flask_classful import FlaskView, route

    class Board(FlaskView):
        def index(self):
            datastar.signal("count", 3)
            return render_template_string("""<p data-signals="{{ datastar.init_signals() }}">""")

        @route("/save", methods=["POST"])
        def save(self):
            return datastar.start().patch_signals({"saved": True})

    Board.register(app, route_base="/board")

    tab = shop.check()
    tab.load("/board/")
    assert tab.signals == {"count": 3}
    assert tab.post("/board/save").patched == {"saved": True}


def test_bootstrap_flask_renders_bound_fields(app, shop):
    from flask_wtf import FlaskForm
    from wtforms import StringField

    install_bootstrap(app)

    class Person(FlaskForm):
        name = StringField()

    page = "{% from 'bootstrap5/form.html' import render_field %}{{ render_field(form.name, **{'data-bind': 'name'}) }}"
    with app.test_request_context():
        html = render_template_string(page, form=Person())

    assert 'data-bind="name"' in html


def test_text_of_a_400_is_lost_with_smorest(app, datastar):
    install_smorest(app)

    @datastar.handler(group="shop")
    def order(person: str): ...

    answer = DatastarClient(app).post("shop.order")
    assert (answer.status_code, answer.response.json) == (400, {"code": 400, "status": "Bad Request"})
