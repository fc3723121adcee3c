"""The request with which a live page opens its stream, as the browser's client sends it."""

from __future__ import annotations

import json
import re
from html import unescape
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ..sansio.consts import REQUEST_HEADER
from ..sansio.markup import find_element
from .answer import text_of

_ACTION = re.compile(r"@get\('([^']*)', .*?'?Datastar-Live'?: '([^']*)'", re.DOTALL)


def read_opening(app: Flask, loaded: TestResponse) -> tuple[str, str]:
    """Return the URL and the header with which a page opens its stream.

    :raises ValueError: if the page is not live.
    """
    path, html = loaded.request.path, text_of(loaded)
    span = find_element(html, "datastar-live")
    found = _ACTION.search(unescape(html[slice(*span)])) if span is not None else None
    if loaded.status_code != 200 or found is None:
        raise ValueError(
            f"page {path} is not live: it was answered with {loaded.status}, "
            f"{'without' if found is None else 'with'} {{{{ datastar.live() }}}}; write that into its template"
        )
    url: str = json.loads('"' + found[1].replace("\\x", "\\u00") + '"')
    # The test client adds APPLICATION_ROOT again.
    return url.removeprefix(app.config["APPLICATION_ROOT"].rstrip("/")), found[2]


def ask(url: str, header: str, signals: dict[str, object], client: FlaskClient) -> TestResponse:
    """Ask for a page's stream.

    :param url: path and query of the page.
    :param header: what the page says of the regions that it has.
    :param signals: the tab's id, if there is one.
    """
    headers = {REQUEST_HEADER: "true", "Datastar-Live": header, "Sec-Fetch-Site": "same-origin"}
    query = {"datastar": json.dumps(signals, separators=(",", ":"))}
    path, _, own = url.partition("?")
    query_string = "&".join(filter(None, [own, urlencode(query)]))
    return client.get(path, query_string=query_string, headers=headers, buffered=False)
