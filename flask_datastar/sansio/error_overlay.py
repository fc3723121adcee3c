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

# An attribute writes to the console, because a content security policy could refuse a script. The new overlay removes
# an older one itself: the client warns at a patch that removes an element that is missing.
_WHEN_SHOWN = (
    f"document.querySelectorAll('#{OVERLAY_ID}').forEach((other) => other === el || other.remove());"
    "console.error(el.querySelector('pre').textContent)"
)
_STYLE = (
    "position: fixed; inset: 0; z-index: 2147483647; overflow: auto; margin: 0; padding: 1.5rem; color: #1f1f1f; "
    "background: #fff5f5; font: 0.9rem/1.4 ui-monospace, monospace; text-align: left"
)
_PRE_STYLE = "white-space: pre-wrap; overflow-wrap: anywhere; padding: 0.75rem; color: inherit; background: #fff"


def error_overlay(title: str, sections: Iterable[tuple[str, str]]) -> Event:
    """Create the patch that shows an exception above the page and in the browser's console.

    :param title: one line about the failure.
    :param sections: pairs of heading and text; the first text is also written to the console.
    """
    shown = Markup().join(
        Markup('<h2>{}</h2><pre style="{}">{}</pre>').format(_displayable(heading), _PRE_STYLE, _displayable(text))
        for heading, text in sections
    )
    html = Markup(
        '<div id="{id}" role="alertdialog" aria-labelledby="{id}-title" data-init="{when_shown}" '
        'data-on:keydown__window="{on_key}" style="{style}">'
        '<button type="button" style="float: right; font: inherit" data-on:click="{dismiss}">Dismiss</button>'
        '<h1 id="{id}-title" style="font-size: 1.1rem">{title}</h1>{shown}</div>'
    ).format(
        id=OVERLAY_ID,
        when_shown=escape(_WHEN_SHOWN),
        on_key="evt.key === 'Escape' && el.remove()",
        dismiss=f"el.closest('#{OVERLAY_ID}').remove()",
        style=_STYLE,
        title=_displayable(title),
        shown=shown,
    )
    return patch_elements(html, selector="body", mode="append")


def _displayable(text: str) -> str:
    """Shorten a long text, and escape characters that UTF-8 or HTML cannot carry."""
    if len(text) > LONGEST_TEXT:
        text = f"… {len(text) - LONGEST_TEXT} characters left out\n{text[-LONGEST_TEXT:]}"
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")
