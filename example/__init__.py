"""The demos of Flask-Datastar: a Flask application with one module a demo.

``gunicorn --config example/gunicorn.conf.py "example:create_app()"`` serves them, and so does
``flask --app example run``.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from flask import Flask, render_template
from sqlalchemy.schema import CreateTable
from werkzeug.middleware.proxy_fix import ProxyFix

from example import board, clock, counter, csv_import, search, signup, todo
from example.extensions import datastar, db, login_manager

CLIENT = Path(__file__).parent / "static" / "datastar.js"


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the application; ``config`` wins over the ``EXAMPLE_...`` variables of the environment.

    :param config: Flask's own keys, the ``DATASTAR_...`` keys, and ``IMPORT_PAUSE_SECONDS``, the time that the import
        rests after each row, so that its progress can be watched, and ``PROXIES``, the number of proxies whose headers
        are believed.
    """
    app = Flask(__name__)
    app.config.from_mapping(
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=1024 * 1024,
        IMPORT_PAUSE_SECONDS=0.05,
        PROXIES=0,
        # A relative path is one below the folder `instance`.
        SQLALCHEMY_DATABASE_URI="sqlite:///board.sqlite",
        # Few connections: streams that wait hold none, however many they are.
        SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 5, "max_overflow": 0},
    )
    if CLIENT.exists():
        # The copy that `make demo` fetched: the demos need no CDN then. Without it the extension's default is used.
        app.config["DATASTAR_SCRIPT_URL"] = f"{app.static_url_path}/{CLIENT.name}"
    app.config.from_prefixed_env("EXAMPLE")
    app.config.from_mapping(config or {})
    if not app.config["SECRET_KEY"]:
        app.config["SECRET_KEY"] = keep_secret_key(Path(app.instance_path) / "secret_key")
    # Production's level would hide the line that says how an import ended.
    app.logger.setLevel("INFO")

    # The handlers were declared when the demo modules were imported: this gives them their routes.
    datastar.init_app(app)
    db.init_app(app)
    login_manager.init_app(app)
    with app.app_context():
        create_tables()
    for module in (counter, search, csv_import, todo, board, clock, signup):
        app.register_blueprint(module.bp)

    @app.get("/")
    def index() -> str:
        return render_template("index.html")

    if proxies := app.config["PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]
    return app


def create_tables() -> None:
    """Create the tables that are not there; several processes may do it at the same moment."""
    for table in db.metadata.sorted_tables:
        db.session.execute(CreateTable(table, if_not_exists=True))
    db.session.commit()


def keep_secret_key(path: Path) -> str:
    """Read the key that signs sessions, or make it: who is on the board stays there when the demos are restarted.

    A real application takes it from its environment (here EXAMPLE_SECRET_KEY).
    """
    path.parent.mkdir(exist_ok=True)
    # Written first and named then: another process finds a whole key, or none.
    with NamedTemporaryFile("w", dir=path.parent) as file:
        file.write(secrets.token_hex())
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)
    return path.read_text()
