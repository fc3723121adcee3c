"""Boards of cards, live in four ways: as regions, by ``changes()``, by ``follow()``, and not at all.

The variable DATABASE is the path of the SQLite file; CARDS the number of cards on a board, BOARDS that of boards.
"""

import os
import time

from flask import Flask, render_template, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event, select

from flask_datastar import Datastar

CARDS, BOARDS = int(os.environ.get("CARDS", "100")), int(os.environ.get("BOARDS", "1"))

app = Flask(__name__)
app.secret_key = "benchmark"
app.config.update(SQLALCHEMY_DATABASE_URI=f"sqlite:///{os.environ['DATABASE']}", DATASTAR_MAX_STREAMS=20_000)
db = SQLAlchemy(app)
datastar = Datastar(app)


class Card(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    board = db.Column(db.Integer, index=True, nullable=False)
    text = db.Column(db.String(200), nullable=False)
    author = db.Column(db.String(30), nullable=False)


class Delay(db.Model):
    """The seconds that a rendering of the slow region takes, in one row."""

    id = db.Column(db.Integer, primary_key=True)
    seconds = db.Column(db.Float, nullable=False)


with app.app_context():
    # The database is the folder's alone, and its commits need not survive a loss of power.
    event.listen(db.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    db.create_all()
    if not db.session.scalar(select(Delay.id).limit(1)):
        db.session.add(Delay(id=1, seconds=0))
        for board in range(BOARDS):
            db.session.add_all(Card(board=board, text=f"Buy {number} pears", author="Ada") for number in range(CARDS))
        db.session.commit()


def load_cards(board):
    return db.session.scalars(select(Card).where(Card.board == board).order_by(Card.id)).all()


@datastar.region
def cards(board: int):
    return render_template("_cards.html", board=board, cards=load_cards(board))


def read_delay():
    """Return the delay, without keeping a connection."""
    seconds = db.session.get(Delay, 1).seconds
    db.session.rollback()
    return seconds


@datastar.region
def slow(number: int):
    seconds = read_delay()
    # Each change is another number; the whole seconds do not count.
    time.sleep(seconds % 1)
    return f'<p id="slow-{number}">{seconds}</p>'


@datastar.region
def fast():
    return f'<p id="fast">{read_delay()}</p>'


@app.get("/boards/<int:board>")
def page(board):
    return render_template("board.html", cards=cards(board), is_live=True)


@app.get("/slow/<int:number>")
def slow_page(number):
    return render_template("board.html", cards=slow(number), is_live=True)


@app.get("/fast")
def fast_page():
    return render_template("board.html", cards=fast(), is_live=True)


@app.get("/plain/<int:board>")
def plain_page(board):
    """Return the page without its regions: its own work."""
    return render_template("board.html", cards="", is_live=False)


@datastar.stream(group="bench")
def changing(board: int = 0):
    for _ in datastar.changes("board"):
        datastar.patch_template("_cards.html", context={"board": board, "cards": load_cards(board)})
        yield


@datastar.stream(group="bench")
def feed():
    return datastar.follow("news")


@app.post("/write")
def write():
    """Change the first card of the first board; with ``topic`` the change is published as well."""
    card = db.session.scalar(select(Card).where(Card.board == 0).limit(1))
    # The template shows it once.
    card.author = f"MARK {time.monotonic_ns()}"
    db.session.commit()
    if topic := request.args.get("topic"):
        datastar.publish(topic)
    return "", 204


@app.post("/delay")
def delay():
    """Change the row that the slow and the fast regions read."""
    db.session.get(Delay, 1).seconds = float(request.args["seconds"])
    db.session.commit()
    return "", 204


@app.post("/publish")
def publish():
    datastar.broadcast("news").patch_signals({"note": "MARK"})
    return "", 204


@app.get("/stats")
def stats():
    return datastar.stats().get("regions", {})


@app.get("/gone")
def show_gone():
    return "0 0"
