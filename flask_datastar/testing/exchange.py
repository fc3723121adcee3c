"""One request of a page, as the test client sends it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from ..sansio.consts import QUERY_KEY
from ..sansio.decoding import BodyDecoder
from ..sansio.events import Event
from ..sansio.parser import EventParser
from .serving import ServedRequest, Take
from .tab_state import PageRequest


@dataclass(slots=True)
class Exchange:
    """A request of the page, and what has come of it."""

    number: int
    method: str
    url: str
    headers: dict[str, str]
    #: Text, the parts of a form, or None.
    body: Any
    response: TestResponse | None = None
    #: The events so far.
    events: list[Event] = field(default_factory=list)
    #: Whether no handler answers to the URL and method.
    is_unrouted: bool = False
    is_aborted: bool = False
    #: Whether the client sends the request again by itself.
    is_repeated: bool = False
    served: ServedRequest | None = None
    #: Reads the stream that the response is; None for other responses.
    take: Take | None = None
    #: Leaves the stream.
    stack: ExitStack = field(default_factory=ExitStack)
    parser: EventParser = field(default_factory=EventParser)
    #: Decompresses what arrives, as a browser does for the page.
    decoder: BodyDecoder = field(default_factory=lambda: BodyDecoder(None))


def noted(exchange: Exchange, status: int) -> PageRequest:
    """Return the record of a request."""
    parts = urlsplit(exchange.url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    body, form = exchange.body, None
    kind = exchange.headers.get("content-type", "")
    signals = query.pop(QUERY_KEY, None)
    if isinstance(body, list):
        form = {part["name"]: part.get("filename", part.get("value", "")) for part in body}
    elif isinstance(body, str) and kind.startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(body, keep_blank_values=True))
    elif isinstance(body, str):
        signals = body
    return PageRequest(exchange.method, parts.path, query, _json_or_text(signals), form, exchange.headers, status)


def _json_or_text(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def path_in_app(app: Flask, url: str) -> str:
    """Return the path and query of a URL as the test client wants them, without the mount, which it adds."""
    parts = urlsplit(url)
    root = app.config["APPLICATION_ROOT"].rstrip("/")
    return (parts.path.removeprefix(root) or "/") + (f"?{parts.query}" if parts.query else "")


def form_data(body: Any) -> dict[str, Any]:
    """Return arguments of the test client that send a body as the page made it."""
    if isinstance(body, list):
        data: MultiDict[str, Any] = MultiDict()
        for part in body:
            if "bytes" in part:
                content = BytesIO(part["bytes"].encode("latin-1"))
                data.add(part["name"], (content, part["filename"], part["type"] or "application/octet-stream"))
            else:
                data.add(part["name"], part["value"])
        return {"data": data, "content_type": "multipart/form-data"}
    if isinstance(body, dict):
        return {"data": body["bytes"].encode("latin-1")}
    return {} if body is None else {"data": body.encode()}


def ask(client: FlaskClient, *, app: Flask, exchange: Exchange, page_url: str) -> TestResponse:
    """Send the request of an exchange, with the headers of a page of the same site."""
    headers = {
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "cors",
        "Referer": page_url.partition("#")[0],
        **exchange.headers,
    }
    if exchange.method not in ("GET", "HEAD"):
        headers["Origin"] = "{0.scheme}://{0.netloc}".format(urlsplit(page_url))
    options = form_data(exchange.body)
    if isinstance(exchange.body, list):
        headers.pop("content-type", None)
    return client.open(
        path_in_app(app, exchange.url),
        method=exchange.method,
        headers=headers,
        follow_redirects=True,
        buffered=False,
        **options,
    )
