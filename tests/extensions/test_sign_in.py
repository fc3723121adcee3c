"""Other ways to know who asks: Flask-Login, Flask-Principal, Flask-HTTPAuth, Authlib."""

from __future__ import annotations

import base64

from flask import redirect
from flask_login import LoginManager, UserMixin, current_user, fresh_login_required, login_required, login_user

from flask_datastar.testing import DatastarClient

PAGE = {"Referer": "http://localhost/board"}


class User(UserMixin):
    def __init__(self, user_id):
        self.id = user_id


def test_flask_login(app, datastar, connect):
    manager = LoginManager(app)
    manager.login_view = manager.refresh_view = "login"
    manager.user_loader(User)

    @app.get("/login")
    def login(): ...

    @datastar.handler(group="board")
    def enter():
        login_user(User("ada"), remember=True)
        return redirect("/board")

    @datastar.handler(group="board")
    @login_required
    def add():
        return {"by": current_user.id}

    @datastar.handler(group="board")
    @fresh_login_required
    def remove(): ...

    @datastar.stream(group="board", scope=lambda: current_user.get_id())
    @login_required
    def live():
        for _ in datastar.changes("board"):
            yield {"reader": current_user.id}

    tab = DatastarClient(app)
    assert 'location.href = "/login?next=%2Fboard"' in tab.post("board.add", _headers=PAGE).html
    assert 'location.href = "/board"' in tab.post("board.enter").html
    assert tab.post("board.remove").status_code == 204

    # The browser was closed: the remember cookie is what is left of the login.
    tab.client.delete_cookie("session")
    connect("/ds/board/live", tab).wait('{"reader":"ada"}')
    assert tab.post("board.add").patched == {"by": "ada"}
    assert 'location.href = "/login?next=%2Fboard"' in tab.post("board.remove", _headers=PAGE).html


def test_flask_principal(app, datastar, connect):
    from flask_principal import Identity, Permission, Principal, RoleNeed, identity_changed, identity_loaded

    Principal(app)
    admin = Permission(RoleNeed("admin"))

    @identity_loaded.connect_via(app)
    def load(sender, identity):
        if identity.id == "ada":
            identity.provides.add(RoleNeed("admin"))

    @datastar.handler(group="board")
    def enter():
        identity_changed.send(app, identity=Identity("ada"))

    @datastar.handler(group="board")
    @admin.require(403)
    def clear():
        return {"cleared": True}

    @datastar.stream(group="board")
    @admin.require(403)
    def live():
        for _ in datastar.changes("board"):
            yield {"reader": "ada"}

    tab = DatastarClient(app)
    assert tab.post("board.clear").status_code == 403
    assert tab.get("board.live").response.text == "id: ds:done\n\n"

    tab.post("board.enter")
    assert tab.post("board.clear").patched == {"cleared": True}
    connect("/ds/board/live", tab).wait('{"reader":"ada"}')


def test_flask_httpauth(app, datastar, connect):
    from flask_httpauth import HTTPBasicAuth

    auth = HTTPBasicAuth()

    @auth.verify_password
    def verify(name, password):
        return name if password == "password" else None

    @datastar.handler(group="board")
    @auth.login_required
    def add():
        return {"by": auth.current_user()}

    @datastar.stream(group="board")
    @auth.login_required
    def live():
        for _ in datastar.changes("board"):
            yield {"reader": auth.current_user()}

    tab = DatastarClient(app)
    signed_in = "Basic " + base64.b64encode(b"ada:password").decode()
    assert tab.post("board.add").status_code == 401
    assert tab.post("board.add", _headers={"Authorization": signed_in}).patched == {"by": "ada"}
    connect("/ds/board/live", Authorization=signed_in).wait('{"reader":"ada"}')


def test_authlib(app, datastar):
    from authlib.integrations.flask_client import OAuth

    oauth = OAuth(app)
    oauth.register(
        "idp",
        client_id="shop",
        client_secret="secret",
        authorize_url="https://idp.example/authorize",
        access_token_url="https://idp.example/token",
    )

    @datastar.handler(group="board")
    def enter():
        return oauth.idp.authorize_redirect("https://shop.example/callback")

    tab = DatastarClient(app)
    assert 'location.href = "https://idp.example/authorize?response_type=code' in tab.post("board.enter").html
    with tab.client.session_transaction() as session:
        assert any(name.startswith("_state_idp_") for name in session)
