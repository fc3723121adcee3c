"""Flask-Security-Too: who is not signed in goes to the login page, instead of a JSON 401 that nobody sees."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_security import Security, SQLAlchemyUserDatastore, auth_required, current_user, hash_password, roles_required
from flask_security.models import fsqla_v3 as fsqla
from flask_sqlalchemy import SQLAlchemy

from flask_datastar import Datastar
from flask_datastar.testing import DatastarClient

PAGE = {"Referer": "http://localhost/board?list=2"}


@pytest.fixture
def security(app: Flask) -> Security:
    app.config.update(
        SQLALCHEMY_DATABASE_URI="sqlite://",
        SECURITY_PASSWORD_SALT="146585145368132386173505678016728509634",
        SECURITY_PASSWORD_HASH="plaintext",
        SECURITY_PASSWORD_SCHEMES=["plaintext"],
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
        WTF_CSRF_ENABLED=False,
    )
    db = SQLAlchemy(app)
    fsqla.FsModels.set_db_info(db)

    class Role(db.Model, fsqla.FsRoleMixin): ...

    class User(db.Model, fsqla.FsUserMixin): ...

    security = Security(app, SQLAlchemyUserDatastore(db, User, Role))
    with app.app_context():
        db.create_all()
        security.datastore.create_user(email="ada@example.com", password=hash_password("password"))
        db.session.commit()
    return security


@pytest.fixture(autouse=True)
def board(security: Security, datastar: Datastar) -> None:
    @datastar.handler(group="board")
    @auth_required("session")
    def add():
        return {"by": current_user.email}

    @datastar.handler(group="board")
    @roles_required("admin")
    def clear(): ...

    @datastar.stream(group="board", scope=lambda: current_user.get_id())
    @auth_required("session")
    def live():
        for _ in datastar.changes("board"):
            yield {"reader": current_user.email}


def ask_for_pages(security: Security, datastar: Datastar) -> None:
    # On the page:
    @security.want_json
    def want_json(request):
        return request.is_json and not datastar.is_datastar_request

    # So far.


def sign_in(tab: DatastarClient) -> None:
    answer = tab.client.post("/login", data={"email": "ada@example.com", "password": "password"})
    assert answer.status_code == 302


def test_without_want_json_a_click_is_refused_in_json(tab):
    answer = tab.post("board.add", _headers=PAGE)

    assert (answer.status_code, answer.response.mimetype) == (401, "application/json")


def test_with_want_json_a_click_leads_to_the_login_page_and_back(security, datastar, tab):
    ask_for_pages(security, datastar)

    assert 'location.href = "/login?next=%2Fboard%3Flist%3D2"' in tab.post("board.add", _headers=PAGE).html


def test_stream_without_a_login_leads_to_the_login_page_and_is_done(tab):
    answer = tab.get("board.live", _headers=PAGE)

    assert 'location.href = "/login' in answer.html
    assert answer.response.text.endswith("id: ds:done\n\n")


def test_missing_role_is_a_403_or_the_page_for_it(app, security, datastar, tab):
    ask_for_pages(security, datastar)
    sign_in(tab)

    assert tab.post("board.clear").status_code == 403

    app.config["SECURITY_UNAUTHORIZED_VIEW"] = "/forbidden"
    assert 'location.href = "/forbidden"' in tab.post("board.clear").html


def test_signed_in_person_clicks_and_reads_under_the_uniquifier(app, security, datastar, tab, connect):
    ask_for_pages(security, datastar)
    sign_in(tab)

    assert tab.post("board.add").patched == {"by": "ada@example.com"}
    stream = connect("/ds/board/live", tab)
    stream.wait("ada@example.com")

    with app.app_context():
        user = security.datastore.find_user(email="ada@example.com")
        assert datastar.tabs.scopes() == {user.fs_uniquifier}
        datastar.broadcast_to(user.fs_uniquifier).signal("hello", "Ada")
    stream.wait('{"hello":"Ada"}')
