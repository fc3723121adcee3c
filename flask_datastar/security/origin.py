"""Checks that keep other sites from acting in a user's name."""

from __future__ import annotations

from flask import Request
from werkzeug.exceptions import Forbidden

from ..reading.signals import REQUEST_HEADER_KEY, is_datastar_request
from ..sansio.consts import REQUEST_HEADER
from ..sansio.origins import normalize_origin, split_origin

#: Methods that change nothing, and are therefore allowed from every origin.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def check_request(request: Request, trusted_origins: frozenset[str]) -> None:
    """Refuse what no handler answers: requests without the client's header, and those of other sites.

    :raises werkzeug.exceptions.Forbidden: if :func:`check_header` or :func:`check_origin` refuses the request (403).
    """
    # As the client writes it; asked first, because it is asked in each request.
    if request.environ.get(REQUEST_HEADER_KEY) != "true":
        check_header(request)
    check_origin(request, trusted_origins)


def check_header(request: Request) -> None:
    """Refuse requests without the Datastar client's header, which forms and links of other sites cannot set.

    :raises werkzeug.exceptions.Forbidden: if the header is missing (403).
    """
    if not is_datastar_request(request):
        raise Forbidden(f"this URL is for the Datastar client; requests need the header '{REQUEST_HEADER}: true'")


def check_origin(request: Request, trusted_origins: frozenset[str]) -> None:
    """Refuse a request that another site made the browser send.

    ``Sec-Fetch-Site`` takes precedence over ``Origin``; a request without either does not come from a browser page.
    Schemes are not compared, because an app behind a TLS proxy does not know its own scheme.

    :param trusted_origins: normalised origins of other sites that may act in a user's name.
    :raises werkzeug.exceptions.Forbidden: if the request comes from another site (403).
    """
    if request.method in SAFE_METHODS:
        return
    environ = request.environ
    # Current browsers send this with all requests of the app's own pages, so it is checked first.
    if environ.get("HTTP_SEC_FETCH_SITE") == "same-origin":
        return
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and trusted_origins and normalize_origin(origin) in trusted_origins:
        return
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        if site.strip().lower() in ("same-origin", "none"):
            return
        raise Forbidden(
            f"the request comes from another site (Sec-Fetch-Site: {site}); if that site may act here, add its origin "
            f"{origin or ''} to DATASTAR_TRUSTED_ORIGINS"
        )
    if origin is not None and not _is_own(origin, request.host):
        raise Forbidden(
            f"the Origin {origin!r} is not this application's own host {request.host!r}. Behind a proxy, pass the "
            "browser's Host header on (nginx: proxy_set_header Host $http_host) or use "
            "werkzeug.middleware.proxy_fix.ProxyFix with x_host=1; to let another site act, add its origin to "
            "DATASTAR_TRUSTED_ORIGINS"
        )


def _is_own(origin: str, host: str) -> bool:
    """Compare an origin with the app's host and port; without a port the host has the default port of the scheme."""
    parts = split_origin(origin)
    return parts is not None and parts == split_origin(f"{parts[0]}://{host}")
