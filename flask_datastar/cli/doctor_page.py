"""The doctor's judgement of a page: the browser client in it, its content security policy, its cookies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from http.client import HTTPMessage
from urllib.parse import urljoin, urlsplit

from .client import find_version
from .doctor_http import Answer, Site
from .findings import Facts, Finding


class Page(HTMLParser):
    """The parts of a page that the client needs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.script: dict[str, str | None] | None = None
        self.nonce: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the client's script, and the nonce of the page."""
        found = dict(attrs)
        if tag == "html":
            self.nonce = found.get("data-nonce")
        elif tag == "script" and self.script is None and "datastar" in (found.get("src") or "").lower():
            self.script = found


def check_page(answer: Answer, site: Site, facts: Facts) -> Iterator[Finding]:
    """Judge the page at the site's URL.

    :param facts: of the app's configuration.
    """
    yield from _check_cookies(answer.headers, site, facts)
    if answer.status != 200:
        to = f", a redirect to {answer.headers['Location']}" if "Location" in answer.headers else ""
        yield Finding(
            "page",
            f"the page is answered with {answer.status}{to}",
            "name a page that uses Datastar and can be seen without signing in, with --page, or another URL",
        )
        return
    page = Page(answer.text)
    if page.script is None:
        yield Finding(
            "page",
            "the page does not load the browser client",
            "add {{ datastar.script() }} to the <head> of the layout, or name a page that uses Datastar, with --page",
        )
        return
    yield from _check_policy(answer.headers, page, site)
    if facts["has_csrf"] and "_csrf" not in answer.text:
        yield Finding(
            "csrf",
            "the page has no CSRF token, so that its actions are refused with 400",
            "add {{ datastar.tab_signal() }} to the <body> tag of the layout",
        )


def find_client(answer: Answer, site: Site) -> tuple[str | None, Finding | None]:
    """Return the version of the client that a page loads from its own site, and a finding if it is not there.

    A client of another site is told by its URL.
    """
    page = Page(answer.text)
    source = page.script.get("src") if page.script is not None else None
    if not source:
        return None, None
    url = urlsplit(urljoin(site.url, source))
    if url.netloc != site.host:
        return find_version(source), None
    path = url.path.removeprefix(site.root) + (f"?{url.query}" if url.query else "")
    client = site.get(path)
    if client.status != 200 or client.text.lstrip().startswith("<"):
        return None, Finding(
            "client",
            f"the browser client at {source} is answered with {client.status}, so that nothing on the page reacts",
            "run 'flask datastar fetch-client', or remove DATASTAR_SCRIPT_URL",
        )
    return find_version(client.text[:200]), None


def _check_cookies(headers: HTTPMessage, site: Site, facts: Facts) -> Iterator[Finding]:
    known = {cookie["name"] for cookie in facts["cookies"]}
    for text in headers.get_all("Set-Cookie") or ():
        name = text.partition("=")[0]
        if name in known:
            # Its configuration is judged elsewhere.
            continue
        attributes = {part.strip().partition("=")[0].lower() for part in text.split(";")[1:]}
        if site.is_https and "secure" not in attributes:
            yield Finding(
                "cookie-secure",
                f"the cookie {name!r} has no Secure, so that browsers send it over http, too",
                "set it with secure=True",
            )
        if "samesite" not in attributes:
            yield Finding(
                "cookie-samesite",
                f"the cookie {name!r} has no SameSite, so that some browsers send it with requests that other sites "
                "make",
                'set it with samesite="Lax"',
            )


def _check_policy(headers: HTTPMessage, page: Page, site: Site) -> Iterator[Finding]:
    """Check that every policy of the page lets the client load, run expressions, and call the app."""
    for policy in headers.get_all("Content-Security-Policy") or ():
        for single in policy.split(","):
            rules = {words[0].lower(): words[1:] for part in single.split(";") if (words := part.split())}
            yield from _check_rules(rules, page, site)


def _check_rules(rules: dict[str, list[str]], page: Page, site: Site) -> Iterator[Finding]:
    assert page.script is not None
    scripts = rules.get("script-src", rules.get("default-src"))
    if scripts is not None:
        nonces = [word[7:-1] for word in scripts if word.lower().startswith("'nonce-")]
        if page.nonce is None and "'unsafe-eval'" not in scripts:
            yield Finding(
                "csp",
                "the content security policy forbids the client's expressions: script-src has neither a nonce that "
                "the page names nor 'unsafe-eval'",
                "set DATASTAR_CSP_NONCE, and add {{ datastar.html_attrs() }} to the <html> tag",
            )
        elif page.nonce is not None and page.nonce not in nonces:
            yield Finding(
                "csp",
                "the content security policy does not have the nonce that the page names",
                "let DATASTAR_CSP_NONCE return the nonce that the policy of the same response has; do not cache pages",
            )
        is_noted = page.script.get("nonce") in nonces if nonces else False
        if not is_noted and not _allows(scripts, str(page.script.get("src")), site, "'strict-dynamic'" in scripts):
            yield Finding(
                "csp",
                f"the content security policy forbids the client's file {page.script.get('src')}",
                "add its origin to script-src, or serve it yourself: flask datastar fetch-client",
            )
    calls = rules.get("connect-src", rules.get("default-src"))
    if calls is not None and not _allows(calls, site.url, site, is_strict=False):
        yield Finding(
            "csp",
            "the content security policy forbids requests of the page to its own site",
            "add 'self' to connect-src",
        )


def _allows(sources: list[str], url: str, site: Site, is_strict: bool) -> bool:
    """Return whether a list of sources allows a URL; a list that only trusts nonces does not."""
    if is_strict:
        return False
    target = urlsplit(urljoin(site.url, url))
    is_own = target.netloc == site.host
    for source in sources:
        if source == "*" or (source == "'self'" and is_own) or source.rstrip(":") == target.scheme:
            return True
        host = re.sub(r"^[a-z]+://", "", source).partition("/")[0]
        if host == target.netloc or (host.startswith("*.") and target.netloc.endswith(host[1:])):
            return True
    return False
