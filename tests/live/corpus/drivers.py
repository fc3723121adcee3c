"""One gesture in the browser, and the same in the tab."""

from __future__ import annotations

from playwright.sync_api import Page

from flask_datastar.testing import DatastarClient, FormNotSent, PageError, RequestRefused

_FILES = {"a.txt": b"hello", "b.csv": b"a,b\n1,2\n\xc3\xa9", "c.bin": bytes(range(256))}
_TYPES = {"a.txt": "text/plain", "b.csv": "text/csv", "c.bin": "application/octet-stream"}


def in_browser(page: Page, gesture: str, selector: str, *values: str) -> None:
    """Do it in the browser."""
    if gesture == "press":
        page.focus(values[0])
        page.keyboard.press({" ": "Space"}.get(selector, selector))
    elif gesture == "select":
        page.focus(selector)
        page.select_option(selector, list(values))
    elif gesture == "upload":
        files = [{"name": name, "mimeType": _TYPES[name], "buffer": _FILES[name]} for name in values]
        page.set_input_files(selector, files)  # type: ignore[arg-type]
    elif gesture == "blur":
        page.locator(selector).blur()
    elif gesture == "submit":
        page.locator(selector).evaluate("form => form.requestSubmit(form.querySelector('button'))")
    elif gesture in ("click", "hover", "check", "uncheck"):
        getattr(page, gesture)(selector)
    else:
        getattr(page, gesture)(selector, *values)


def in_tab(tab: DatastarClient, gesture: str, *values: str) -> bool:
    """Do it in the tab.

    :return: whether the page has failed at it.
    """
    try:
        if gesture == "upload":
            tab.upload(values[0], *((name, _FILES[name]) for name in values[1:]))
        else:
            getattr(tab, gesture)(*values)
    except PageError:
        return True
    except (FormNotSent, RequestRefused):
        # For a browser an answer like any other, or no request at all.
        return False
    return False
