"""What both pages say of tokens, tried on their code."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from tests.from_elixir.pages import Running


def statuses(running: Running) -> dict[str, int]:
    """Give the status of a request with the page's token in each of the places in which it may be."""
    browser = running.tab.client
    page = unescape(browser.get("/").text)
    (token,) = re.findall(r'data-signals:_csrf="[\'"](.+?)[\'"]"', page)
    assert "{headers: {'X-CSRFToken': $_csrf}, requestCancellation: 'disabled'}" in page
    assert page.count(token) == 1

    def status(path: str, method: str = "POST", headers: dict[str, str] | None = None, **body: Any) -> int:
        headers = {"Datastar-Request": "true", "Sec-Fetch-Site": "same-origin", **(headers or {})}
        return browser.open(path, method=method, headers=headers, **body).status_code

    handler, plain = "/ds/shop/save", "/plain"
    return {
        "none": status(handler, json={}),
        "wrong": status(handler, headers={"X-CSRFToken": "x" + token}, json={}),
        "header": status(handler, headers={"X-CSRFToken": token}, json={}),
        "signal": status(handler, json={"csrf": token}),
        "signal, plain view": status(plain, json={"csrf": token}),
        "form": status(handler, data={"csrf": token}),
        "form, plain view": status(plain, data={"csrf": token}),
        "header of DELETE": status(handler, "DELETE", headers={"X-CSRFToken": token}),
        "query of DELETE": status(handler, "DELETE", query_string={"datastar": f'{{"csrf": "{token}"}}'}),
        "query": status(handler, query_string={"csrf": token, "csrf_token": token}, json={}),
    }


EXPECTED = {
    "none": 400,
    "wrong": 400,
    "header": 200,
    "signal": 200,
    "signal, plain view": 200,
    "form": 200,
    "form, plain view": 200,
    "header of DELETE": 200,
    "query of DELETE": 400,
    "query": 400,
}
