"""An app whose one handler writes a row a click, and is killed where the click says so."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from pathlib import Path

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

from flask_datastar import Datastar

FOLDER = Path(os.environ["CLICKS_FOLDER"])

app = Flask("clicks")
app.config.update(
    SECRET_KEY="test",
    SQLALCHEMY_DATABASE_URI=f"sqlite:///{FOLDER}/clicks.sqlite",
    SQLALCHEMY_ENGINE_OPTIONS={"connect_args": {"timeout": 30}},
)
app.config.from_prefixed_env("EXTRA")
db = SQLAlchemy(app)
datastar = Datastar(app, repeats=db if os.environ.get("CLICKS_TABLE") else None)


class Write(db.Model):  # type: ignore[name-defined, misc]
    id = db.Column(db.Integer, primary_key=True)
    click = db.Column(db.String(40), nullable=False)


with app.app_context():

    @event.listens_for(db.engine, "connect")
    def set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("pragma journal_mode = wal")
        # Nothing here survives a power cut, and nothing has to.
        connection.execute("pragma synchronous = off")


@app.get("/ready")
def ready() -> str:
    return "ready"


@datastar.handler(group="g")
def write(click: str) -> None:
    """Write a row. The header says at which point the process dies."""
    dies = request.headers.get("X-Dies")
    if request.headers.get("X-Slow"):
        time.sleep(0.05)
    db.session.add(Write(click=click))
    db.session.flush()
    if dies == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    db.session.commit()
    if dies == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    datastar.signal("written", click)
    datastar.patch_elements(f"<p id='a'>{'x' * 3000}</p>")
