"""Streams as a Flask developer writes them by hand: a generator, and a gevent queue for each client."""

import json
import time

from flask import Flask, Response, request, stream_with_context
from gevent.queue import Queue

app = Flask(__name__)
app.secret_key = "benchmark"
clients, gone = set(), []


@app.get("/stream")
def stream():
    queue = Queue()

    def events():
        clients.add(queue)
        try:
            yield ": open\n\n"
            while True:
                yield queue.get()
        finally:
            clients.discard(queue)
            gone.append(time.monotonic())

    return Response(stream_with_context(events()), mimetype="text/event-stream", headers={"Cache-Control": "no-cache"})


@app.post("/publish")
def publish():
    for count in range(int(request.args["k"])):
        text = json.dumps({"count": count, "note": "MARK"}, separators=(",", ":"))
        event = f"event: datastar-patch-signals\ndata: signals {text}\n\n"
        for queue in list(clients):
            queue.put(event)
    return "", 204


@app.get("/gone")
def show_gone():
    return f"{len(gone)} {max(gone, default=0)}"
