"""Flask-SeaSurf: the handlers check themselves what its token is for, or the actions send the token."""

from __future__ import annotations

import pytest
from flask import render_template_string
from flask_seasurf import SeaSurf

from flask_datastar.testing import DatastarClient

LAYOUT = """{# On the page: #}
<body {{ datastar.tab_signal() }} data-signals:_seasurf="{{ csrf_token()|js }}">
  <button data-on:click="{{ datastar.post('add', _headers={'X-CSRFToken': datastar.expr('$_seasurf')}) }}">+</button>
{# So far. #}
</body>"""


@pytest.fixture
def csrf(app):
    return SeaSurf(app)


def test_without_a_token_a_click_is_a_403(csrf, shop):
    assert DatastarClient(shop.app).post("shop.add").status_code == 403


def test_exempt_handlers_work(csrf, shop):
    # On the page, the exemption:
    csrf.exempt_urls(("/ds/",))
    # So far.

    shop.check()


def test_signal_carries_the_token(app, csrf, shop):
    @app.get("/board")
    def board():
        return render_template_string(LAYOUT)

    tab = DatastarClient(app)
    page = tab.client.get("/board").text
    token = tab.client.get_cookie("_csrf_token").value

    assert f'data-signals:_seasurf="&#34;{token}&#34;"' in page
    assert "@post(&#39;/ds/shop/add&#39;, {headers: {&#39;X-CSRFToken&#39;: $_seasurf}})" in page
    assert tab.post("shop.add", _headers={"X-CSRFToken": token}).status_code == 200
    assert tab.post("shop.add", _headers={"X-CSRFToken": token[::-1]}).status_code == 403
