"""A stream that follows a topic: a table with one cell changed at each event, or a small card."""

import random

from flask import Flask, request

from flask_datastar import Datastar

WORDS = [
    *("apples", "bread", "cheese", "dates", "eggs", "flour", "grapes", "honey", "ice", "jam", "kale", "lemons", "milk"),
    *("nuts", "olives", "pears", "rice", "salt"),
]
STATES = ("open", "in progress", "done")

app = Flask(__name__)
app.secret_key = "benchmark"
app.config.update(DATASTAR_MAX_STREAMS=20_000, DATASTAR_KEEPALIVE_SECONDS=600)
app.config["DATASTAR_COMPRESSION"] = ("zstd", "gzip")
datastar = Datastar(app)
chance = random.Random(5)
rows = [
    [number, " ".join(chance.sample(WORDS, 4)), chance.randrange(10_000), chance.choice(STATES)] for number in range(63)
]


def table():
    """Change one cell, and return a table of 12.7 kB."""
    chance.choice(rows)[2] = chance.randrange(10_000)
    cells = "".join(
        f'<tr id="row-{number}" class="order"><td>{number}</td><td class="text">Buy {text}</td><td>{amount}</td>'
        f"<td>{state}</td><td><button data-on:click=\"@post('/ds/orders/done?id={number}')\">Done</button></td></tr>"
        for number, text, amount, state in rows
    )
    return f'<table id="orders"><caption>MARK</caption>{cells}</table>'


def card():
    """Change the number on a card, and return the card, in an event of 190 bytes."""
    return (
        '<article id="card-7" class="card"><h3>Buy pears, olives and a loaf of bread</h3><p>MARK</p>'
        f'<p class="amount">{chance.randrange(10_000):,} pieces left</p></article>'
    )


@datastar.stream(group="bench")
def feed():
    return datastar.follow("news")


@app.post("/publish/<kind>")
def publish(kind):
    for _ in range(int(request.args["k"])):
        datastar.broadcast("news").patch_elements(table() if kind == "table" else card())
    return "", 204


@app.get("/gone")
def show_gone():
    return "0 0"
