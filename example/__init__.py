"""The demos of Flask-Datastar: a Flask application with a module for each demo.

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
from sqlalchemy import event
from sqlalchemy.schema import CreateTable
from werkzeug.middleware.proxy_fix import ProxyFix

from example import board, clock, counter, csv_import, dashboard, million, search, signup, todo
from example.extensions import datastar, db, login_manager

CLIENT = Path(__file__).parent / "static" / "datastar.js"


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Create the application; ``config`` overrides the ``EXAMPLE_...`` variables of the environment.

    :param config: Flask's own keys, the ``DATASTAR_...`` keys, ``IMPORT_PAUSE_SECONDS``, the pause of the import after
        each row, which makes its progress visible, and ``PROXIES``, the number of trusted proxies in front.
    """
    app = Flask(__name__)
    app.config.from_mapping(
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=1024 * 1024,
        IMPORT_PAUSE_SECONDS=0.05,
        PROXIES=0,
        # A relative path is below the folder `instance`.
        SQLALCHEMY_DATABASE_URI="sqlite:///demos.sqlite",
        # Few connections are enough, because a waiting stream holds no connection.
        SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 5, "max_overflow": 0},
    )
    if CLIENT.exists():
        # The copy that `make demo` fetched, so that the demos need no CDN. Without it the extension's default is used.
        app.config["DATASTAR_SCRIPT_URL"] = f"{app.static_url_path}/{CLIENT.name}"
    app.config.from_prefixed_env("EXAMPLE")
    app.config.from_mapping(config or {})
    if not app.config["SECRET_KEY"]:
        app.config["SECRET_KEY"] = keep_secret_key(Path(app.instance_path) / "secret_key")
    # The default level would hide the line about the end of an import.
    app.logger.setLevel("INFO")

    # The handlers were declared when the demo modules were imported; this creates their routes.
    datastar.init_app(app)
    db.init_app(app)
    login_manager.init_app(app)
    with app.app_context():
        create_tables()
    for module in (counter, search, csv_import, todo, board, million, dashboard, clock, signup):
        app.register_blueprint(module.bp)

    @app.get("/")
    def index() -> str:
        return render_template("index.html")

    if proxies := app.config["PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]
    return app


def create_tables() -> None:
    """Create missing tables; several processes may do this at the same moment."""
    if db.engine.name == "sqlite":
        event.listen(db.engine, "connect", quicken_commits)
    for table in db.metadata.sorted_tables:
        db.session.execute(CreateTable(table, if_not_exists=True))
    db.session.commit()


def quicken_commits(connection: Any, _: object) -> None:
    """Set up SQLite for fast commits, which survive an end of the process, but not always a loss of power."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def keep_secret_key(path: Path) -> str:
    """Return the key that signs sessions, and create it if it is missing: sessions outlive a restart of the demos.

    A real application takes the key from its environment (here EXAMPLE_SECRET_KEY).
    """
    path.parent.mkdir(exist_ok=True)
    # Written first and named afterwards, so that another process never reads a partial key.
    with NamedTemporaryFile("w", dir=path.parent) as file:
        file.write(secrets.token_hex())
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)
    return path.read_text()
