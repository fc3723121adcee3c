"""Flask-SSE as its documentation shows it: each stream subscribes to Redis by itself."""

import os

from flask import Flask, request
from flask_sse import sse

app = Flask(__name__)
app.secret_key = "benchmark"
app.config["REDIS_URL"] = os.environ["REDIS_URL"]
app.register_blueprint(sse, url_prefix="/stream")


@app.post("/publish")
def publish():
    for count in range(int(request.args["k"])):
        sse.publish({"count": count, "note": "MARK"}, type="news")
    return "", 204


@app.get("/gone")
def show_gone():
    return "0 0"
