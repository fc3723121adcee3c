"""A stream of Flask-Datastar that follows a topic.

The variable DIRECT switches direct writes on or off; REDIS_URL is the URL of the broker, if the run has one.
"""

import os
import time

from flask import Flask, request

from flask_datastar import Datastar
from flask_datastar.hooks import stream_closed

app = Flask(__name__)
app.secret_key = "benchmark"
app.config.update(DATASTAR_MAX_STREAMS=20_000, DATASTAR_DIRECT_WRITES=os.environ["DIRECT"] == "1")
app.config["DATASTAR_BROKER_URL"] = os.environ.get("REDIS_URL")
datastar = Datastar(app)
gone = []


@stream_closed.connect_via(app)
def note(sender, **_):
    gone.append(time.monotonic())


@datastar.stream(group="bench")
def feed():
    return datastar.follow("news")


@app.post("/publish")
def publish():
    for count in range(int(request.args["k"])):
        datastar.broadcast("news").patch_signals({"count": count, "note": "MARK"})
    return "", 204


@app.get("/gone")
def show_gone():
    return f"{len(gone)} {max(gone, default=0)}"
