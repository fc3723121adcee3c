"""The panel's side of the server: its scripts, and the records of the browser that asks, beside the app's own URLs."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from flask import Response

from ..transport import worker
from .as_test import write_test
from .browsers import find_browser, is_own_request, new_cookie
from .curl import curl_text
from .records import Records
from .timeline import Timeline

#: The folder of the panel's URLs, below ``DATASTAR_URL_PREFIX``. No handler's name has a dot, as its files do.
FOLDER = "-timeline"
_SCRIPTS = ("panel.js", "entries.js", "gestures.js", "style.js")
#: The longest wait of a panel for new items, in seconds, in steps after which a stopping worker is noticed.
_WAIT_SECONDS = 20
_STEP_SECONDS = 1.0
_MOST_BODY_BYTES = 65_536
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Timeline</title><link rel="icon" href="data:,"><script type="module" src="panel.js"></script></head>
<body></body></html>
"""
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def answer_panel(timeline: Timeline, environ: dict[str, Any]) -> Response:
    """Answer a request for a URL of the panel."""
    name = environ["PATH_INFO"].rpartition(f"/{FOLDER}/")[2]
    if name in _SCRIPTS:
        return Response(_script(name), mimetype="text/javascript", headers=_HEADERS)
    if name == "":
        headers = {**_HEADERS, "Content-Security-Policy": _POLICY}
        if find_browser(environ) is None:
            headers["Set-Cookie"] = new_cookie(environ)
        return Response(_PAGE, mimetype="text/html", headers=headers)
    answer = _ANSWERS.get((environ["REQUEST_METHOD"], name))
    if answer is None:
        return _refuse(404, "the timeline has no such URL")
    browser = find_browser(environ)
    if not is_own_request(environ) or browser is None:
        return _refuse(403, "only a page of this app, in a browser that has a cookie of it, may read the timeline")
    return answer(timeline, timeline.records_of(browser), environ)


@cache
def _script(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _refuse(status: int, text: str) -> Response:
    return Response(text, status, mimetype="text/plain", headers=_HEADERS)


def _items(timeline: Timeline, records: Records, environ: dict[str, Any]) -> Response:
    """Answer with the items after one, as soon as there are any."""
    asked = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    # The numbers of a process that was restarted meanwhile are others.
    after = _number(asked.get("after")) if asked.get("boot") == timeline.boot else 0
    # A server with one thread would serve nothing else.
    waits = bool(environ.get("wsgi.multithread")) and "wait" in asked
    timeline.refresh(records)
    for _ in range(_WAIT_SECONDS if waits else 0):
        if records.last > after or worker.is_stopping():
            break
        # If it is not allowed to wait, the panel is to ask at intervals.
        waits = records.wait(after, _STEP_SECONDS)
        timeline.refresh(records)
        if not waits:
            break
    last, items = records.since(after)
    start = json.dumps({"boot": timeline.boot, "last": last, "waits": waits})[:-1]
    body = b'%s, "items": [%s]}' % (start.encode(), b",".join(items))
    return Response(body, mimetype="application/json", headers=_HEADERS)


def _clear(timeline: Timeline, records: Records, environ: dict[str, Any]) -> Response:
    records.clear()
    return Response(status=204, headers=_HEADERS)


def _copy(timeline: Timeline, records: Records, environ: dict[str, Any]) -> Response:
    """Answer with the text of a request for ``curl``, or of a test."""
    try:
        size = min(_number(environ.get("CONTENT_LENGTH")), _MOST_BODY_BYTES)
        asked = json.loads(environ["wsgi.input"].read(size))
        facts = records.of_request(int(asked["id"]))
        if not facts:
            return _refuse(404, "the timeline has dropped this request")
        if asked["as"] == "curl":
            text = curl_text(facts, f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}")
        else:
            text = write_test(facts, records.all(), asked.get("gestures"))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        return _refuse(400, f"the panel has sent {error!r}")
    return Response(text, mimetype="text/plain", headers=_HEADERS)


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 16 else 0


_Answer = Callable[[Timeline, Records, dict[str, Any]], Response]
_ANSWERS: dict[tuple[str, str], _Answer] = {
    ("GET", "items.json"): _items,
    ("POST", "clear.json"): _clear,
    ("POST", "copy.txt"): _copy,
}
