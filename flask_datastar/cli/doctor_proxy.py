"""The doctor's judgement of what a proxy makes of requests on their way to the application."""

from __future__ import annotations

from collections.abc import Iterator

from .doctor_http import Site
from .findings import Facts, Finding

#: Sent as the client's address. It is from a block for documentation, so that no client has it.
FORGED_ADDRESS = "192.0.2.77"
#: Sent as the id of a last event; the extension's own have another prefix.
LAST_EVENT_ID = "doctor"


def check_proxy(request: Facts, site: Site) -> Iterator[Finding]:
    """Judge how a request of the doctor has arrived.

    :param request: the result of :func:`.doctor_facts.request_facts`.
    """
    yield from _check_proxy_fix(request, site)
    if not _is_same_host(request["host"], site):
        yield Finding(
            "host",
            f"the application sees the host {request['host']!r}, and the browser's Origin is {site.host!r}: actions "
            "are refused with 403",
            "nginx: proxy_set_header Host $http_host; for a proxy that sends X-Forwarded-Host: ProxyFix with x_host=1",
        )
    if request["protocol"] == "HTTP/1.0":
        yield Finding(
            "http10",
            "the proxy speaks HTTP/1.0 to the application: a stream that breaks off looks finished, and its page does "
            "not come back",
            'nginx: proxy_http_version 1.1, with proxy_set_header Connection ""',
        )
    elif (request["connection"] or "").lower() == "close":
        yield Finding(
            "connection",
            "the proxy asks the application to close each connection, so that an upload that is refused may be a 502",
            'nginx: proxy_set_header Connection ""',
        )
    if request["datastar_request"] != "true":
        yield Finding(
            "headers",
            "the header Datastar-Request does not arrive: handlers and streams respond with 403",
            "let the proxy pass it on",
        )
    if request["last_event_id"] != LAST_EVENT_ID:
        yield Finding(
            "headers",
            "the header Last-Event-ID does not arrive: a stream that is done comes back again and again",
            "let the proxy pass it on",
        )


def _check_proxy_fix(request: Facts, site: Site) -> Iterator[Finding]:
    is_behind_proxy = request["forwarded_for"] not in (None, FORGED_ADDRESS)
    if request["address"] == FORGED_ADDRESS:
        yield Finding(
            "forged-address",
            "the application takes the address of a client from a header that the client has written",
            "lower the numbers of ProxyFix to the proxies that there are, and remove it where there is no proxy",
        )
    elif site.is_https and request["scheme"] != "https":
        yield Finding(
            "proxy-fix",
            "the application sees http where the browser uses https: external URLs and redirects are wrong",
            "app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1), and in nginx proxy_set_header "
            "X-Forwarded-Proto $scheme",
        )
    elif is_behind_proxy and not request["has_proxy_fix"]:
        yield Finding(
            "proxy-fix",
            f"the application sees the proxy's address {request['address']} as that of every client",
            "app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)",
        )


def _is_same_host(found: str, site: Site) -> bool:
    default = ":443" if site.is_https else ":80"
    return found.lower().removesuffix(default) == site.host.lower().removesuffix(default)
