"""The error for a page, or a request of a page, that the server refuses."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from html import unescape
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.test import TestResponse

from .answer import Answer, text_of
from .exchange import Exchange

_UNREAD = re.compile(r"<(head|title|script|style)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[/!]?[a-z][^>]*>", re.IGNORECASE)
_PARAMETER = re.compile(r"<[^>]*>")


class RequestRefused(AssertionError):
    """A request of the page, or for the page itself, was refused or failed.

    The status of a request is 400, 403, or 500 and above and the client does not repeat the request by itself; no
    handler answers to its URL and method; or its handler or stream raised an exception, which is then the
    ``__cause__``. A stream, and a page that is loaded or that a link leads to, is refused with any status from 400 on.
    """

    def __init__(self, message: str, answer: Answer) -> None:
        super().__init__(message)
        #: The answer with its status and text.
        self.answer = answer


def refusal_of(exchange: Exchange, answer: Answer) -> RequestRefused | None:
    """Return the error for a request of a page; None for a request that was answered as a test expects."""
    status = answer.status_code
    asked = f"the page asked {exchange.method} {urlsplit(exchange.url).path}, which"
    error = exchange.served.exception if exchange.served is not None else None
    if exchange.is_unrouted and status in (404, 405):
        allowed = answer.response.headers.get("Allow")
        why = f"it takes {allowed}" if status == 405 else "no handler has this URL"
        return RequestRefused(f"{asked} nothing answers ({status}): {why}", answer)
    if exchange.served is not None and (response := exchange.served.refusal) is not None:
        asked_for = answer.response.request
        refusal = TestResponse([response.get_data()], response.status, response.headers, asked_for)
        answer, status = replace(answer, response=refusal), response.status_code
        return RequestRefused(f"{asked} was refused with {status}: {_short_text(refusal)}", answer)
    if status in (400, 403):
        return RequestRefused(f"{asked} was refused with {status}: {_short_text(answer.response)}", answer)
    if error is not None or (status >= 500 and not exchange.is_repeated):
        how = f"failed with {status}" if status >= 500 else "broke off"
        return _caused(f"{asked} {how}: {_short_text(answer.response, error)}", answer, error)
    return None


def page_refusal(app: Flask, answer: Answer, error: BaseException | None) -> RequestRefused | None:
    """Return the error for a page itself; None for a page that a test expects.

    A form that a browser posts by itself may be answered with 401, 404, 409 or 422, as a request of the page may.

    :param error: the exception that its view raised, if any.
    """
    response = answer.response
    status, asked = response.status_code, response.request
    is_unrouted = status in (404, 405) and _is_unrouted(app, response)
    if status < 400 or (asked.method == "POST" and status not in (400, 403) and status < 500 and not is_unrouted):
        return None
    if is_unrouted:
        allowed = response.headers.get("Allow")
        why = f"its URL takes {allowed}" if status == 405 else f"no view has this URL{_nearest(app, asked.path)}"
    else:
        why = _short_text(response, error)
    how = f"; an error page that the test wants: tab.load({asked.path!r}, status={status})"
    return _caused(
        f"page {asked.path} was answered with {response.status}: {why}{how if asked.method == 'GET' else ''}",
        answer,
        error,
    )


def _caused(message: str, answer: Answer, error: BaseException | None) -> RequestRefused:
    refused = RequestRefused(message, answer)
    refused.__cause__ = error
    return refused


def _is_unrouted(app: Flask, response: TestResponse) -> bool:
    """Return whether no rule of the app has the URL and the method of a request."""
    adapter = app.create_url_adapter(app.request_class(response.request.environ))
    try:
        if adapter is not None:
            adapter.match()
    except RequestRedirect:
        return False
    except HTTPException:
        return True
    return False


def _nearest(app: Flask, path: str) -> str:
    rules = sorted(rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()))
    # As a path has it, a parameter is short.
    by_path = {_PARAMETER.sub("1", rule): rule for rule in rules}
    near = difflib.get_close_matches(path, by_path, n=1, cutoff=0.6)
    return f"; the nearest is {by_path[near[0]]}" if near else ""


def _short_text(response: TestResponse, error: BaseException | None = None) -> str:
    """Return why a request was refused: the exception, else the text of the response as a person reads it."""
    if error is not None:
        return f"{type(error).__name__}: {error}"
    text = text_of(response)
    if response.mimetype == "text/html":
        text = unescape(_TAG.sub(" ", _UNREAD.sub(" ", text)))
    text = " ".join(text.split())
    return text if len(text) <= 500 else f"{text[:500]}…"
