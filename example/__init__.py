"""The demos of Flask-Datastar: a Flask application with one module a demo.

``gunicorn --config example/gunicorn.conf.py "example:create_app()"`` serves them, and so does
``flask --app example run``.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask, render_template

from example import counter, csv_import, search
from example.extensions import datastar

CLIENT = Path(__file__).parent / "static" / "datastar.js"


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the application; ``config`` wins over the ``EXAMPLE_...`` variables of the environment.

    :param config: Flask's own keys, the ``DATASTAR_...`` keys, and ``IMPORT_PAUSE_SECONDS``, the time that the import
        rests after each row, so that its progress can be watched.
    """
    app = Flask(__name__)
    app.config.from_mapping(
        # A key made at the start is enough to try things out: sessions end with the process. A real application
        # takes it from its environment (here EXAMPLE_SECRET_KEY), because all its processes must have the same one.
        SECRET_KEY=secrets.token_hex(),
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=1024 * 1024,
        IMPORT_PAUSE_SECONDS=0.05,
    )
    if CLIENT.exists():
        # The copy that `make demo` fetched: the demos need no CDN then. Without it the extension's default is used.
        app.config["DATASTAR_SCRIPT_URL"] = f"{app.static_url_path}/{CLIENT.name}"
    app.config.from_prefixed_env("EXAMPLE")
    app.config.from_mapping(config or {})
    # Production's level would hide the line that says how an import ended.
    app.logger.setLevel("INFO")

    # The handlers were declared when the demo modules were imported: this gives them their routes.
    datastar.init_app(app)
    for module in (counter, search, csv_import):
        app.register_blueprint(module.bp)

    @app.get("/")
    def index() -> str:
        return render_template("index.html")

    return app
