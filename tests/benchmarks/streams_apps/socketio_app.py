"""Flask-SocketIO with Redis as its message queue, over WebSockets."""

import os

from flask import Flask, request
from flask_socketio import SocketIO

app = Flask(__name__)
app.secret_key = "benchmark"
# No pings during the measurement, because the clients do not respond to them.
socketio = SocketIO(app, message_queue=os.environ["REDIS_URL"], async_mode="gevent", ping_interval=3600)


@app.post("/publish")
def publish():
    for count in range(int(request.args["k"])):
        socketio.emit("news", {"count": count, "note": "MARK"})
    return "", 204


@app.get("/gone")
def show_gone():
    return "0 0"
