"""Pages for the tab of ``flask_datastar.testing``: an app with one page, and a tab that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, render_template_string

from flask_datastar import Datastar
from flask_datastar.testing import DatastarClient

#: The client that the tests run.
CLIENT = Path(__file__).parents[2] / "example" / "static" / "datastar.js"
#: A page's frame; BODY is the inside of its body.
LAYOUT = "<!doctype html><title>Shop</title>{{ datastar.script() }}<body {{ datastar.tab_signal() }}>BODY</body>"


def app_with(body: str, datastar: Datastar | None = None) -> Flask:
    """Create an app whose page ``/`` has a body."""
    app = Flask("shop")
    app.config.update(TESTING=True, SECRET_KEY="test")
    (datastar if datastar is not None else Datastar()).init_app(app)
    app.add_url_rule("/", "index", lambda: render_template_string(LAYOUT.replace("BODY", body)))
    return app


@contextmanager
def shown(app: Flask, path: str = "/", within: float = 5.0) -> Iterator[DatastarClient]:
    """Show a page in a tab, and close it at the end."""
    with DatastarClient(app, client_file=CLIENT, within=within) as tab:
        tab.load(path)
        yield tab
