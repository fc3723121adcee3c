"""The cost of a commit, by the live views that an app has.

The apps take turns in one process, each with a database of its own. The CPU time of the thread that commits is
measured: rendering is the work of others.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

from flask_datastar import Datastar
from flask_datastar.regions.context import Mount
from flask_datastar.regions.process import live_regions_of
from flask_datastar.regions.rendering import spec_of
from flask_datastar.state.app import app_state_of

#: The number of views of the last but one app.
MANY = 5000
PLAIN = "without Flask-Datastar"
#: The difference between two measurements of one app.
AGAIN = "the same app again"
NO_REGION = "no region declared"
DECLARED = "regions, nobody looks"
OTHER = "one live view of another table"
MANY_OTHER = f"{MANY:,} live views of another table"
SAME = "one live view of the written table"
NAMES = [PLAIN, AGAIN, NO_REGION, DECLARED, OTHER, MANY_OTHER, SAME]

#: The commits of one turn; their number is small, so that the apps meet the same noise.
_TURN = 10


def measure_commits(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Return the microseconds of a commit for each app, one value for each round."""
    commits = {
        name: _make_app(folder / f"commits-{number}.db", name) for number, name in enumerate(NAMES) if name != AGAIN
    }
    commits[AGAIN] = commits[PLAIN]
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    for commit in commits.values():
        for number in range(_TURN):
            commit(number)
    # The collector would come by chance in the turn of one of them, and look at the views of all.
    gc.collect()
    gc.freeze()
    gc.disable()
    for round_number in range(rounds):
        # Each is the first one of a round as often as the others.
        turn = round_number % len(NAMES)
        for name in NAMES[turn:] + NAMES[:turn]:
            start = time.thread_time_ns()
            for number in range(_TURN):
                commits[name](round_number * _TURN + number)
            found[name].append((time.thread_time_ns() - start) / 1e3 / _TURN)
        gc.collect(0)
    gc.enable()
    gc.unfreeze()
    return found


def _make_app(path: Path, name: str) -> Callable[[int], None]:
    """Make an app with its live views.

    :return: a function that changes a row and commits.
    """
    app = Flask(f"commits_{path.stem}")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{path}"
    db = SQLAlchemy(app)

    class Row(db.Model):  # type: ignore[name-defined, misc]
        id = db.Column(db.Integer, primary_key=True)
        text = db.Column(db.String(100))

    class Other(db.Model):  # type: ignore[name-defined, misc]
        id = db.Column(db.Integer, primary_key=True)
        text = db.Column(db.String(100))

    with app.app_context():
        event.listen(db.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
        db.create_all()
        db.session.add_all([Row(id=1, text=""), Other(id=1, text="")])
        db.session.commit()
    if name == NO_REGION:
        Datastar(app)
    elif name != PLAIN:
        _follow(app, db, Row if name == SAME else Other, {OTHER: 1, MANY_OTHER: MANY, SAME: 1}.get(name, 0))

    def commit(number: int) -> None:
        with app.app_context():
            db.session.get(Row, 1).text = f"text {number}"
            db.session.commit()

    return commit


def _follow(app: Flask, db: Any, model: Any, views: int) -> None:
    """Add the extension, and follow views of a region that reads a table."""
    datastar = Datastar(app)

    @datastar.region(group="bench")
    def row(number: int) -> str:
        return f'<p id="row-{number}">{db.session.get(model, 1).text}</p>'

    app_state = app_state_of(app)
    for number in range(views):
        with app.app_context():
            spec = spec_of(row(number), Mount(""))
        live_regions_of(app_state).views.follow(spec)
