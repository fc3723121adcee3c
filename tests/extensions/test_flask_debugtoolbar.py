"""Flask-DebugToolbar: its page about a redirect is patched into the page, unless it is switched off."""

from __future__ import annotations

from flask_debugtoolbar import DebugToolbarExtension

from flask_datastar.testing import DatastarClient


def test_intercepted_redirect_lands_in_the_page(app, shop):
    app.debug = True
    DebugToolbarExtension(app)

    assert "Redirect intercepted" in DatastarClient(app).post("shop.leave").html


def test_everything_works_with_the_setting(app, shop):
    app.debug = True
    # On the page:
    app.config["DEBUG_TB_INTERCEPT_REDIRECTS"] = False
    # So far.
    DebugToolbarExtension(app)

    tab = shop.check()
    assert "flDebug" in tab.load("/").text
