"""The doctor's judgement of an app's configuration, which needs no running server."""

from __future__ import annotations

from collections.abc import Iterator

from .findings import Facts, Finding

#: The first client that reads nonces, and the first with the QUERY method.
_NONCES, _QUERY = (1, 0, 3), (1, 0, 4)
#: Clients of other series were not tried.
_SERIES = (1, 0)
#: Common proxies break off what was silent for 60 seconds.
_MOST_KEEPALIVE = 55


def check_config(facts: Facts, *, is_https: bool | None, is_local: bool) -> Iterator[Finding]:
    """Judge the facts of a configuration.

    :param facts: the result of :func:`.doctor_facts.config_facts`.
    :param is_https: whether browsers use https; None if that is not known.
    :param is_local: whether this is a deployment for development.
    """
    yield from _check_csrf(facts)
    yield from _check_cookies(facts, is_https)
    yield from check_client(facts, facts["client"])
    if facts["keepalive"] > _MOST_KEEPALIVE:
        yield Finding(
            "keepalive",
            f"DATASTAR_KEEPALIVE_SECONDS is {facts['keepalive']:g}, and common proxies break off what is silent for 60 "
            "seconds",
            "remove the key, whose default is 15, or set it below the time-out of every proxy",
        )
    if facts["is_debug"] and not is_local:
        yield Finding(
            "debug",
            "the application runs in debug mode, which shows tracebacks to everybody",
            "start it without --debug and FLASK_DEBUG",
        )


def check_client(facts: Facts, version: str | None) -> Iterator[Finding]:
    """Compare the version of the browser client with what the app uses.

    :param version: None if it is not known, of which nothing is said.
    """
    if version is None:
        return
    number = tuple(int(part) for part in version.split("."))
    fetch = "fetch v1.0.4 with 'flask datastar fetch-client --force', or remove DATASTAR_SCRIPT_URL"
    if number[:2] != _SERIES:
        yield Finding("client", f"the browser client is v{version}, which was not tried with this extension", fetch)
        return
    if facts["has_nonce"] and number < _NONCES:
        yield Finding(
            "client",
            f"the browser client is v{version}, which does not know the nonces of DATASTAR_CSP_NONCE",
            fetch,
        )
    if facts["query_handlers"] and number < _QUERY:
        yield Finding(
            "client",
            f"the browser client is v{version}, which does not know the method QUERY of "
            f"{', '.join(facts['query_handlers'])}",
            fetch,
        )


def _check_csrf(facts: Facts) -> Iterator[Finding]:
    # Without a key there are no sessions, in whose name another site could act.
    if facts["has_secret_key"] and facts["plain_views"] and not facts["has_csrf"]:
        yield Finding(
            "csrf",
            "other sites can make a browser call views that change something: "
            f"{', '.join(facts['plain_views'])}; handlers check the origin of a request, other views do not",
            "use Flask-WTF's CSRFProtect(app), or call datastar.check_origin() in these views, before anything that "
            "changes or returns something, or app.before_request(datastar.check_origin)",
        )


def _check_cookies(facts: Facts, is_https: bool | None) -> Iterator[Finding]:
    for cookie in facts["cookies"]:
        prefix = cookie["prefix"]
        if is_https and not cookie["secure"]:
            yield Finding(
                "cookie-secure",
                f"{prefix}_SECURE is not set, so that browsers send the cookie over http, too",
                f"{prefix}_SECURE = True",
            )
        if cookie["samesite"] not in ("Lax", "Strict"):
            yield Finding(
                "cookie-samesite",
                f"{prefix}_SAMESITE is {cookie['samesite']!r}, so that some browsers send the cookie with requests "
                "that other sites make",
                f'{prefix}_SAMESITE = "Lax"',
            )
