"""Compressed streams in a browser: each event at once, what is one page's own between them, and a clean end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Response, expect

from tests.live.servers import Servers
from tests.live.tls import TlsProxy


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_page_shows_each_event_as_it_comes(servers: Servers, open_page: Callable[..., Page], coding: str) -> None:
    server = servers.start("tests.live.apps.compressed:app", EXTRA_DATASTAR_COMPRESSION=f'["{coding}"]')
    found: list[str | None] = []

    def note(response: Response) -> None:
        if "/feed" in response.url and response.status == 200:
            found.append(response.headers.get("content-encoding"))

    with ExitStack() as stack:
        url = server.url
        if coding == "zstd":
            port = urlsplit(server.url).port
            assert port is not None
            url = stack.enter_context(TlsProxy(port)).url
        pages = [open_page(ignore_https_errors=True) for _ in range(3)]
        first = pages[0]

        def post(path: str) -> None:
            assert first.request.post(f"{server.url}{path}").ok

        def expect_text(selector: str, text: str) -> None:
            for page in opened:
                expect(page.locator(selector)).to_have_text(text)

        opened: list[Page] = []
        for number, page in enumerate(pages):
            page.on("response", note)
            page.goto(url)
            opened.append(page)
            expect_text("#own", "open")
            # The newcomers get what the others have in common with them.
            for turn in range(2):
                post(f"publish?n={number}-{turn}")
                expect_text("#mark", f"{number}-{turn}")
        post("tell?n=hello")
        expect_text("#own", "hello")
        for turn in range(4):
            post(f"publish?n=last-{turn}")
            expect_text("#mark", f"last-{turn}")
        post("close")
        for page in pages:
            page.wait_for_function("() => window.fetchEvents.includes('datastar-stream-ending')")
            page.wait_for_function("() => window.fetchEvents.includes('finished')")
            assert "error" not in page.evaluate("window.fetchEvents")
        for page in pages:
            page.goto("about:blank")

    assert found == [coding] * 3
