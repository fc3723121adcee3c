"""The picture of the README: two browsers on the example's board, with everything that both of them show live.

usage: python -m docs.picture [path]

It serves the example with an empty database, opens the board as two people, and puts what both browsers show beside
each other. ``make picture`` installs what this needs. Take the picture again when the board looks different.
"""

from __future__ import annotations

import shutil
import sys
from base64 import b64decode, b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.live.board import add, cards, join_board
from tests.live.servers import Servers
from tests.live.starting import wait_for_clients

PICTURE = Path(__file__).with_name("board.webp")
#: CSS pixels of each browser's window; two of them fit into the width of a README.
WIDTH, HEIGHT = 640, 760
#: Pixels of the file for each CSS pixel, for screens of high density.
SCALE = 1.5
BOOKED, ASKED = "Book the room", "Ask Dana for the slides"
#: More would make the README slow to show.
MOST_BYTES = 150_000
ADDED = (("Ann", BOOKED), ("Ann", ASKED), ("Bob", "Order lunch"), ("Ann", "Send invitations"))

# Only the newest toast, which stays until the picture is taken.
HELD = """#changes p { animation-delay: -4s; animation-play-state: paused }
#changes p:not(:last-child) { display: none !important }"""

FRAMES = """<!doctype html>
<style>
  body {{ display: flex; gap: 28px; margin: 0; padding: 24px; font: 15px system-ui, sans-serif; background: #e9eef2 }}
  figure {{ margin: 0; border-radius: 10px; overflow: hidden; background: #fff; border: 1px solid #c6cdd4 }}
  figcaption {{ display: flex; gap: 7px; align-items: center; padding: 9px 14px; background: #dde2e7; color: #3a4149 }}
  i {{ width: 11px; height: 11px; border-radius: 50%; background: #b3bcc5 }}
  figcaption span {{ flex: 1; margin-left: 8px; padding: 3px 12px; border-radius: 6px; background: #fff }}
  img {{ display: block; width: {width}px }}
</style>
<body>{figures}</body>"""
FIGURE = """<figure><figcaption><i></i><i></i><i></i><span>127.0.0.1:8000/board</span>{name}</figcaption>
<img src="data:image/png;base64,{image}"></figure>"""


def take(browser: Browser, url: str, path: Path, scale: float = SCALE) -> None:
    """Take the picture of the board that a server shows below a URL, and write it as a WebP file."""
    pages = {name: _open(browser, scale) for name in ("Ann", "Bob")}
    for name, page in pages.items():
        join_board(page, url, name)
    _work(pages["Ann"], pages["Bob"])
    figures = [FIGURE.format(name=name, image=b64encode(_shot(page)).decode()) for name, page in pages.items()]
    frame = browser.new_page(device_scale_factor=scale, viewport={"width": 2 * WIDTH + 80, "height": 100})
    frame.set_content(FRAMES.format(width=WIDTH, figures="".join(figures)))
    path.write_bytes(_webp(frame, scale))
    for context in (frame.context, *(page.context for page in pages.values())):
        context.close()


def _open(browser: Browser, scale: float) -> Page:
    context = browser.new_context(
        device_scale_factor=scale, viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light"
    )
    wait_for_clients(context)
    return context.new_page()


def _work(ann: Page, bob: Page) -> None:
    """Do what the picture shows: both add cards and move them, Ann types while Bob moves one of hers, and Bob edits."""
    pages = {"Ann": ann, "Bob": bob}
    for name, text in ADDED:
        add(pages[name], text)
    for page in pages.values():
        page.add_style_tag(content=HELD)
    ann.get_by_label("New card").fill("Print the name t")
    for page, text, column in ((ann, BOOKED, "Doing"), (ann, BOOKED, "Done"), (bob, ASKED, "Doing")):
        page.get_by_role("button", name=f"Move on: {text}").click()
        expect(cards(page, column)).to_have_text([text])
    bob.get_by_role("button", name=f"Edit: {ADDED[-1][1]}").click()
    expect(ann.locator("#board .face")).to_have_text(["Bob"])
    for page in pages.values():
        expect(cards(page, "To do")).to_have_text([text for _, text in ADDED[2:]])
        expect(cards(page, "Doing")).to_have_text([ASKED])
        expect(cards(page, "Done")).to_have_text([BOOKED])
    ann.get_by_label("New card").focus()


def _shot(page: Page) -> bytes:
    """Return an image of a page from its heading on, without the navigation above it."""
    page.evaluate("scrollTo(0, 0)")
    heading = page.locator("h1").bounding_box()
    assert heading is not None
    top = heading["y"] - 16
    page.set_viewport_size({"width": WIDTH, "height": int(top) + HEIGHT})
    return page.screenshot(clip={"x": 0, "y": top, "width": WIDTH, "height": HEIGHT}, caret="initial")


def _webp(page: Page, scale: float) -> bytes:
    """Return an image of a page's body, in a quarter of the bytes that a PNG takes. Playwright itself makes no WebP."""
    box = page.locator("body").bounding_box()
    assert box is not None
    client = page.context.new_cdp_session(page)
    options = {"format": "webp", "quality": 80, "clip": {**box, "scale": scale}, "captureBeyondViewport": True}
    return b64decode(client.send("Page.captureScreenshot", options)["data"])


def main(path: Path) -> None:
    """Serve the example, take the picture, and stop the server."""
    executable = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if executable is None:
        sys.exit("chromium is missing: on Debian, apt-get install chromium")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        servers = Servers(Path(folder))
        try:
            server = servers.start(
                "example:create_app()", EXAMPLE_SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/board.sqlite"
            )
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
            take(browser, server.url, path)
            browser.close()
        finally:
            servers.stop()
    size = path.stat().st_size
    print(f"{path}: {size:,} bytes")
    if size > MOST_BYTES:
        sys.exit(
            f"the picture has {size:,} bytes: at most {MOST_BYTES:,} are wanted; make WIDTH, HEIGHT or SCALE smaller"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
