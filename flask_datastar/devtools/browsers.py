"""The browser that a request comes from: a random cookie, and the names under which the app is known.

A page of another site may reach a development server through the browser that develops: by a link, by a request whose
answer it cannot read, or by a name of its own that it points to this machine (DNS rebinding). So the timeline exists
under names that no stranger can have, its data are read by requests that only a page of the same origin can send, and
whoever comes without the cookie of a browser sees the records of no browser.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

from flask import Flask
from werkzeug.http import dump_cookie
from werkzeug.sansio.utils import host_is_trusted

COOKIE = "datastar_timeline"
#: The header of the panel's requests. A page of another origin may not send it without being allowed to.
HEADER = "Datastar-Timeline"

# Werkzeug's parser raises an exception at cookies that are not UTF-8, and those of others may be anything.
_NAMED = re.compile(rf"(?:^|;)\s*{COOKIE}=([A-Za-z0-9_-]{{43}})\s*(?=;|$)")
_OWN_NAMES = ("localhost", ".localhost")


def find_browser(environ: dict[str, Any]) -> str | None:
    """Return the name of the browser that sends a request; None without one."""
    found = _NAMED.search(environ.get("HTTP_COOKIE", ""))
    return found[1] if found is not None else None


def has_other_cookies(environ: Mapping[str, Any]) -> bool:
    """Return whether a request sends cookies of the app."""
    names = {pair.partition("=")[0].strip() for pair in environ.get("HTTP_COOKIE", "").split(";")}
    return bool(names - {COOKIE, ""})


def naming(environ: dict[str, Any], start_response: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that starts a response, and gives a browser a name if it is a page."""

    def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
        if any(name.lower() == "content-type" and "html" in value for name, value in headers):
            headers = [*headers, ("Set-Cookie", new_cookie(environ))]
        return start_response(status, headers, *exc_info)

    return start


def new_cookie(environ: dict[str, Any]) -> str:
    """Return the header ``Set-Cookie`` that gives a browser a name which nobody can guess, and no script can read."""
    return dump_cookie(
        COOKIE,
        secrets.token_urlsafe(32),
        path=environ.get("SCRIPT_NAME") or "/",
        secure=environ.get("wsgi.url_scheme") == "https",
        httponly=True,
        samesite="Lax",
    )


def is_known_host(app: Flask, environ: dict[str, Any]) -> bool:
    """Return whether a request names a host that no stranger can point to this machine.

    These are addresses, ``localhost``, ``TRUSTED_HOSTS`` and ``SERVER_NAME``.
    """
    host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        own = [app.config.get("SERVER_NAME") or ""]
        return host_is_trusted(host, [*_OWN_NAMES, *(app.config.get("TRUSTED_HOSTS") or ()), *filter(None, own)])
    return True


def is_own_request(environ: dict[str, Any]) -> bool:
    """Return whether a page of this origin sends a request for the timeline's data."""
    site = environ.get("HTTP_SEC_FETCH_SITE", "same-origin")
    return environ.get(f"HTTP_{HEADER.upper().replace('-', '_')}") is not None and site == "same-origin"
