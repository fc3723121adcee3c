"""Numbered events of all sizes, on every kind of stream, through middleware that looks at what is sent."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs

from flask import Flask, Response, request

from flask_datastar import Datastar
from tests.servers.fillers import filler, translate
from tests.support.streams import hub_for

LARGEST = 200_000

app = Flask(__name__)
app.config.update(SECRET_KEY="only for tests", DATASTAR_KEEPALIVE_SECONDS=60)
app.config.from_prefixed_env("EXTRA")
datastar = Datastar(app)

#: The number of the last event that was broadcast.
last = 0


def begin() -> None:
    datastar.send("datastar-begin", [f"from {last}"])


@datastar.stream(group="t")
def follow() -> Any:
    feed = datastar.follow("numbers")
    begin()
    return feed


@datastar.stream(group="t")
def forward() -> Iterator[None]:
    feed = datastar.follow("numbers")
    begin()
    yield
    yield from feed


@datastar.stream(group="t")
def mixed() -> Iterator[None]:
    """Send events of its own between those that it follows."""
    datastar.follow("numbers")
    begin()
    yield
    sizes = random.Random(1)
    for number in datastar.every(0.02):
        datastar.send("datastar-own", [f"tick {number}", f"fill {filler(number, sizes.randint(1, 3000))}"])
        yield


@app.post("/publish")
def publish() -> str:
    """Broadcast events of random sizes, in whole no more than so many bytes."""
    global last
    sizes, left = random.Random(int(request.args["seed"])), int(request.args["size"])
    while left > 0:
        # As many small ones as large ones.
        size = min(left, int(LARGEST ** sizes.random()))
        left -= size + 100
        last += 1
        datastar.broadcast("numbers").send("datastar-number", [f"n {last}", f"fill {filler(last, size)}"])
    return str(last)


@app.post("/table")
def table() -> str:
    """Broadcast a table of 12.7 kB so many times, of which one cell changes."""
    global last
    rows = [f"<tr><td>{number}</td><td>{number * 7919 % 10007:x}</td></tr>" for number in range(330)]
    for _ in range(int(request.args["count"])):
        last += 1
        rows[last % len(rows)] = f"<tr><td>{last}</td><td>changed</td></tr>"
        datastar.broadcast("numbers").send("datastar-table", [f"rows {''.join(rows)}"])
    return str(last)


@app.get("/ready")
def ready() -> str:
    return ""


@app.get("/figures")
def figures() -> dict[str, Any]:
    streams = hub_for(app)._snapshot()
    return {"stats": datastar.stats(), "direct": sum(stream.direct is not None for stream in streams)}


@app.after_request
def compress(response: Response) -> Response:
    if request.args.get("wrap") == "gzip" and request.method == "GET":
        response.response = pack(response.response)
        response.headers["Content-Encoding"] = "gzip"
    return response


def pack(chunks: Iterable[Any]) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)
    for chunk in chunks:
        yield packer.compress(chunk) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


class Translated:
    """A body of which nothing goes out untranslated."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body
        self._chunks = iter(body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return translate(next(self._chunks))

    def close(self) -> None:
        if hasattr(self._body, "close"):
            self._body.close()


class Passed(Translated):
    """A body that is looked at only: what is written past it is none of its business."""

    def __next__(self) -> bytes:
        return next(self._chunks)


class Middleware:
    """Wraps what the query of the URL asks for."""

    def __init__(self, wsgi_app: Callable[..., Iterable[bytes]]) -> None:
        self._app = wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        wrap = parse_qs(environ["QUERY_STRING"]).get("wrap", [""])[0]
        if wrap == "iterator":
            return Passed(self._app(environ, start_response))
        if wrap != "start_response":
            return self._app(environ, start_response)

        def start(*arguments: Any) -> Callable[[bytes], object]:
            write = start_response(*arguments)
            return lambda data: write(translate(data))

        return Translated(self._app(environ, start))


app.wsgi_app = Middleware(app.wsgi_app)  # type: ignore[method-assign]
