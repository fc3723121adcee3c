"""Flask-JWT-Extended: the token in a cookie, its CSRF token in a header, and the scope before the guard."""

from __future__ import annotations

import pytest
from flask import jsonify, render_template_string, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    get_jwt_identity,
    jwt_required,
    set_access_cookies,
    verify_jwt_in_request,
)

LAYOUT = """{# On the page: #}
<body {{ datastar.tab_signal() }} data-signals:_jwt="{{ request.cookies.get('csrf_access_token', '')|js }}">
  <button data-on:click="{{ datastar.post('add', _headers={'X-CSRF-TOKEN': datastar.expr('$_jwt')}) }}">+</button>
{# So far. #}
</body>"""


@pytest.fixture(autouse=True)
def board(app, datastar):
    app.config.update(JWT_TOKEN_LOCATION=["cookies"], JWT_COOKIE_SECURE=False)
    JWTManager(app)

    @app.post("/login")
    def login():
        answer = jsonify(login=True)
        set_access_cookies(answer, create_access_token(request.form["name"]))
        return answer

    @app.get("/board")
    def page():
        return render_template_string(LAYOUT)

    @datastar.handler(group="board")
    @jwt_required()
    def add():
        return {"by": get_jwt_identity()}

    # On the page, the scope:
    def owner():
        verify_jwt_in_request()
        return get_jwt_identity()

    @datastar.stream(group="board", scope=owner)
    @jwt_required()
    def live():
        for _ in datastar.changes("board"):
            yield {"reader": get_jwt_identity()}

    # So far.


def test_without_a_login_a_click_is_a_401_and_a_stream_is_done(tab):
    assert tab.post("board.add").status_code == 401
    assert tab.get("board.live").response.text == "id: ds:done\n\n"


def test_click_needs_the_token_of_the_cookie(tab):
    tab.client.post("/login", data={"name": "ada"})
    token = tab.client.get_cookie("csrf_access_token").value

    page = tab.client.get("/board").text
    assert f'data-signals:_jwt="&#34;{token}&#34;"' in page
    assert "{headers: {&#39;X-CSRF-TOKEN&#39;: $_jwt}}" in page
    assert tab.post("board.add").status_code == 401
    assert tab.post("board.add", _headers={"X-CSRF-TOKEN": token}).patched == {"by": "ada"}


def test_stream_belongs_to_the_identity(app, datastar, tab, connect):
    tab.client.post("/login", data={"name": "ada"})

    connect("/ds/board/live", tab).wait("ada")

    with app.app_context():
        assert datastar.tabs.scopes() == {"ada"}
