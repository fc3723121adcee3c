"""Handlers and streams that write rows step by step: with Flask-SQLAlchemy, and with a connection kept in ``g``."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import Any

from flask import Flask, abort, g, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_datastar import Datastar, StarView, event


class Base(DeclarativeBase):
    pass


app = Flask(__name__)
app.config.update(SECRET_KEY="only for tests", DATASTAR_KEEPALIVE_SECONDS=60)
# Sets DATABASE, the path of a file.
app.config.from_prefixed_env("EXTRA")
app.config.update(
    SQLALCHEMY_DATABASE_URI=f"sqlite:///{app.config['DATABASE']}",
    # What a step does not give back, the next request does not get.
    SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 2, "max_overflow": 0, "pool_timeout": 5},
)
db = SQLAlchemy(app, model_class=Base)
datastar = Datastar(app)

#: Path and function -> how often it was called, and with which exceptions.
calls: Counter[str] = Counter()
errors: dict[str, list[str]] = {}


class Row(db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    number: Mapped[int]


class Job(db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[int] = mapped_column(primary_key=True)
    done: Mapped[int] = mapped_column(default=0)


@app.teardown_request
def note_request(error: BaseException | None) -> None:
    calls[f"{request.path} request"] += 1
    errors.setdefault(request.path, []).append(type(error).__name__)


@app.teardown_appcontext
def note_app(error: BaseException | None) -> None:
    if path := g.pop("path", None):
        calls[f"{path} app"] += 1


@app.before_request
def note_path() -> None:
    g.path = request.path


def connection() -> sqlite3.Connection:
    """Return the connection of this context, as Flask's tutorial does."""
    if "connection" not in g:
        g.connection = sqlite3.connect(app.config["DATABASE"], timeout=30)
    return g.connection  # type: ignore[no-any-return]


@app.teardown_appcontext
def close_connection(error: BaseException | None) -> None:
    # It stays in g: whoever asks for it after this has a closed one.
    if "connection" in g:
        g.connection.close()


def add_rows(kind: str) -> Iterator[Any]:
    """Add first, commit last."""
    for number in range(3):
        db.session.add(Row(kind=kind, number=number))
        yield {"told": number}
    db.session.commit()


def work_off(number: int) -> Iterator[Any]:
    """Count the steps of a job, one commit for each."""
    job = db.session.get(Job, number)
    for _ in range(5):
        job.done += 1
        db.session.commit()
        yield {"done": job.done}


def insert(kind: str) -> Iterator[Any]:
    for number in range(3):
        connection().execute("insert into row (kind, number) values (?, ?)", [kind, number])
        yield {"told": number}
    connection().commit()


@datastar.handler(group="t")
def handler_adds() -> Iterator[Any]:
    yield from add_rows("handler_adds")


@datastar.handler(group="t")
def handler_works(job: int) -> Iterator[Any]:
    yield from work_off(job)


@datastar.handler(group="t")
def handler_inserts() -> Iterator[Any]:
    yield from insert("handler_inserts")


@datastar.handler(group="t")
def returned() -> Any:
    """Add one row before the iterator is made."""
    db.session.add(Row(kind="returned", number=-1))
    return add_rows("returned")


@datastar.handler(group="t")
def uploads() -> Iterator[Any]:
    for line in request.files["file"].stream:
        db.session.add(Row(kind="uploads", number=int(line)))
        yield {"told": int(line)}
    db.session.commit()


@datastar.view("/jobs/<int:number>", group="jobs")
class JobView(StarView):
    def load(self, number: int) -> None:
        self.job = db.session.get(Job, number) or abort(404)

    @event
    def run(self) -> Iterator[Any]:
        for _ in range(5):
            self.job.done += 1
            db.session.commit()
            yield {"done": self.job.done}


@datastar.handler(group="t")
def breaks() -> Iterator[Any]:
    """Commit a row, add another one, and fail."""
    db.session.add(Row(kind="breaks", number=0))
    db.session.commit()
    db.session.add(Row(kind="breaks", number=1))
    yield {"told": 0}
    raise RuntimeError("on purpose")


@datastar.handler(group="t")
def endless() -> Iterator[Any]:
    """Commit each row before it is told, until the client leaves; the last one is never committed."""
    number = 0
    try:
        while True:
            db.session.add(Row(kind="endless", number=number))
            db.session.commit()
            db.session.add(Row(kind="endless", number=-1))
            yield {"told": number, "text": "x" * 10_000}
            number += 1
            db.session.rollback()
    finally:
        calls["endless finally"] += 1
        # Its session is the same, and still open.
        calls["endless pending"] += len(db.session.new)


@datastar.stream(group="t")
def stream_adds() -> Iterator[Any]:
    return add_rows("stream_adds")


@datastar.stream(group="t")
def stream_works(job: int) -> Iterator[Any]:
    yield from work_off(job)


@datastar.stream(group="t")
def stream_inserts() -> Iterator[Any]:
    # What the function itself does belongs to the same context.
    connection().execute("insert into row (kind, number) values ('stream_inserts', -1)")
    return insert("stream_inserts")


@datastar.stream(group="t")
def stream_waits() -> Iterator[Any]:
    """Add a row before each wait, commit at the end."""
    for number, _ in enumerate(datastar.every(0.01)):
        db.session.add(Row(kind="stream_waits", number=number))
        yield {"told": number}
        if number:
            break
    db.session.commit()


@app.get("/plain")
def plain() -> Any:
    return datastar.start_stream(None, insert("plain"))


@app.post("/job")
def make_job() -> str:
    job = Job(done=0)
    db.session.add(job)
    db.session.commit()
    return str(job.id)


@app.get("/job/<int:number>")
def show_job(number: int) -> dict[str, int]:
    return {"done": db.get_or_404(Job, number).done}


@app.get("/rows")
def show_rows() -> dict[str, Any]:
    rows = db.session.scalars(db.select(Row).order_by(Row.id)).all()
    return {"rows": [row.number for row in rows if row.kind == request.args["kind"]]}


@app.get("/figures")
def figures() -> dict[str, Any]:
    return {"calls": calls, "errors": errors, "checked_out": db.engine.pool.checkedout()}


@app.get("/ready")
def ready() -> str:
    return ""


with app.app_context():
    db.create_all()
