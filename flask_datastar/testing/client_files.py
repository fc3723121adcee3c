"""The client's file of a page: found on this machine, never fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from flask import Flask

from ..state.app import app_state_of
from .answer import text_of
from .page_errors import ClientFileMissing

_SOURCE = re.compile(r"""<script\b[^>]*?\ssrc\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_CLIENT_NAME = re.compile(r"datastar[^/]*\.m?js$")


@dataclass(frozen=True, slots=True)
class ClientFile:
    """The client's code, and where it was found."""

    text: str
    source: str


def client_source(app: Flask, html: str) -> str | None:
    """Return the ``src`` of a page's client; None if the page names none."""
    sources = (unescape(found[1] or found[2] or found[3]) for found in _SOURCE.finditer(html))
    return next((src for src in sources if is_client(app, src)), None)


def is_client(app: Flask, src: str) -> bool:
    """Return whether a script's ``src`` names the client: the configured URL, or a file with its name."""
    url = app_state_of(app).settings.script_url
    path = urlsplit(src).path
    return src == url or path == url or path.endswith(url) or _CLIENT_NAME.search(path) is not None


def find_client(app: Flask, page_url: str, src: str, own: str | None) -> ClientFile:
    """Return the client's file for a page.

    It comes from ``own``, from the app, or from what ``flask datastar fetch-client`` has stored in the static folder.

    :param page_url: the page's URL.
    :param src: the ``src`` of the page's script.
    :raises ClientFileMissing: if it is in none of these places.
    """
    if own is not None:
        path = Path(own)
        if not path.is_file():
            raise ClientFileMissing(f"client_file is {str(path)!r}: there is no such file; name the client's file")
        return ClientFile(path.read_text(encoding="utf-8"), str(path))
    url = urljoin(page_url, src)
    is_of_app = urlsplit(url).netloc == urlsplit(page_url).netloc
    if is_of_app and (found := _served(app, url)) is not None:
        return found
    stored = Path(app.static_folder or "", "datastar.js")
    if app.static_folder is not None and stored.is_file():
        return ClientFile(stored.read_text(encoding="utf-8"), str(stored))
    where = "the app does not serve it" if is_of_app else "it is on another host, and tests do not use the network"
    raise ClientFileMissing(
        f"the page names the client {url}: {where}, and {stored} does not exist; run 'flask datastar fetch-client', or "
        "name a file of yours: DatastarClient(app, client_file=…)"
    )


def _served(app: Flask, url: str) -> ClientFile | None:
    parts = urlsplit(url)
    root = app.config["APPLICATION_ROOT"].rstrip("/")
    path = parts.path.removeprefix(root)
    prefix = f"{(app.static_url_path or '').rstrip('/')}/"
    if app.static_folder is not None and path.startswith(prefix) and len(prefix) > 1:
        # Read directly: a request for it would run the app's hooks.
        stored = Path(app.static_folder, path.removeprefix(prefix))
        if stored.is_file():
            return ClientFile(stored.read_text(encoding="utf-8"), str(stored))
    response = app.test_client(use_cookies=False).get(path)
    is_script = response.status_code == 200 and "javascript" in (response.mimetype or "")
    return ClientFile(text_of(response), url) if is_script else None
