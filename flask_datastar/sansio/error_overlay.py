"""The overlay that shows an exception in the page, with every value escaped as text."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from .elements import patch_elements
from .events import Event

#: The id of the overlay; the page shows one overlay at a time.
OVERLAY_ID = "datastar-error"

#: The most characters that are shown of one text. Its end is kept, because the exception is there.
LONGEST_TEXT = 50_000

# It leaves the upper part of the page to be seen and used.
_STYLE = (
    "position: fixed; inset: auto 0 0 0; max-height: 60vh; z-index: 2147483647; overflow: auto; margin: 0; "
    "padding: 1rem 1.5rem; color: #1f1f1f; background: #fff5f5; border-top: 3px solid #b3261e; "
    "font: 0.9rem/1.4 ui-monospace, monospace; text-align: left"
)
_PRE_STYLE = "white-space: pre-wrap; overflow-wrap: anywhere; padding: 0.75rem; color: inherit; background: #fff"
# One attribute says it to the console and sets the styles: a content security policy could refuse a script and style
# attributes. A later overlay removes an earlier one itself: a patch to remove it would log a warning on a page without
# an overlay.
_WHEN_SHOWN = (
    f"document.querySelectorAll('#{OVERLAY_ID}').forEach((other) => other === el || other.remove());"
    f"el.style.cssText = '{_STYLE}';"
    f"el.querySelectorAll('pre').forEach((pre) => pre.style.cssText = '{_PRE_STYLE}');"
    "el.querySelector('button').style.cssText = 'float: right; font: inherit';"
    "el.querySelector('h1').style.cssText = 'font-size: 1.1rem';"
    "console.error((el.querySelector('details pre') ?? el.querySelector('pre')).textContent)"
)


def error_overlay(title: str, sections: Iterable[tuple[str, str]], folded: Iterable[tuple[str, str]] = ()) -> Event:
    """Create the patch that shows an exception below the page's upper part, and in the browser's console.

    :param title: one line about the failure.
    :param sections: pairs of heading and text.
    :param folded: the same, shown after a click; the first text of these, or else of the sections, is also written to
        the console.
    """
    shown = Markup().join(
        Markup("<h2>{}</h2><pre>{}</pre>").format(_displayable(heading), _displayable(text))
        for heading, text in sections
    )
    shown += Markup().join(
        Markup("<details><summary>{}</summary><pre>{}</pre></details>").format(
            _displayable(heading), _displayable(text)
        )
        for heading, text in folded
    )
    html = Markup(
        '<div id="{id}" role="alertdialog" aria-labelledby="{id}-title" data-init="{when_shown}" '
        'data-on:keydown__window__capture="{on_key}">'
        '<button type="button" data-on:click="{dismiss}">Dismiss</button>'
        '<h1 id="{id}-title">{title}</h1>{shown}</div>'
    ).format(
        id=OVERLAY_ID,
        when_shown=escape(_WHEN_SHOWN),
        on_key="evt.key === 'Escape' && el.remove()",
        dismiss=f"el.closest('#{OVERLAY_ID}').remove()",
        title=_displayable(title),
        shown=shown,
    )
    return patch_elements(html, selector="body", mode="append")


def _displayable(text: str) -> str:
    """Shorten a long text, and escape characters that UTF-8 or HTML cannot carry."""
    if len(text) > LONGEST_TEXT:
        text = f"… {len(text) - LONGEST_TEXT} characters left out\n{text[-LONGEST_TEXT:]}"
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")
