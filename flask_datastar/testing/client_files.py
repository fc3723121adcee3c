"""The client's file of a page: found on this machine, never fetched."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient

from ..state.app import app_state_of
from .page_errors import ClientFileMissing

_CLIENT_NAME = re.compile(r"datastar[^/]*\.m?js$")


@dataclass(frozen=True, slots=True)
class ClientFile:
    """The client's code, and where it was found."""

    text: str
    source: str


def is_client(app: Flask, src: str) -> bool:
    """Return whether a script's ``src`` names the client: the configured URL, or a file with its name."""
    url = app_state_of(app).settings.script_url
    path = urlsplit(src).path
    return src == url or path == url or path.endswith(url) or _CLIENT_NAME.search(path) is not None


def find_client(app: Flask, client: FlaskClient, page_url: str, src: str, own: str | os.PathLike[str] | None) -> ClientFile:
    """Return the client's file for a page.

    It comes from ``own``, from the app, or from what ``flask datastar fetch-client`` has stored in the static folder.

    :param client: a test client that may ask the app for it.
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
    if is_of_app and (found := _served(app, client, url)) is not None:
        return found
    stored = Path(app.static_folder or "", "datastar.js")
    if app.static_folder is not None and stored.is_file():
        return ClientFile(stored.read_text(encoding="utf-8"), str(stored))
    where = "the app does not serve it" if is_of_app else "it is on another host, and tests do not use the network"
    raise ClientFileMissing(
        f"the page names the client {url}: {where}, and {stored} does not exist; run 'flask datastar fetch-client', or "
        "name a file of yours: DatastarClient(app, client_file=…)"
    )


def _served(app: Flask, client: FlaskClient, url: str) -> ClientFile | None:
    parts = urlsplit(url)
    root = app.config["APPLICATION_ROOT"].rstrip("/")
    path = parts.path.removeprefix(root)
    prefix = f"{(app.static_url_path or '').rstrip('/')}/"
    if app.static_folder is not None and path.startswith(prefix):
        # Read directly: a request for it would run the app's hooks.
        stored = Path(app.static_folder, path.removeprefix(prefix))
        if stored.is_file():
            return ClientFile(stored.read_text(encoding="utf-8"), str(stored))
    with app.test_client(use_cookies=False).get(path) as response:
        if response.status_code == 200 and "javascript" in response.mimetype:
            return ClientFile(response.text, url)
    return None
