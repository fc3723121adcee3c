"""The overlay's HTML: everything that it is told of is text."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_datastar.sansio.error_overlay import LONGEST_TEXT, error_overlay
from flask_datastar.sansio.events import Event
from flask_datastar.sansio.parser import parse_events


class Page(HTMLParser):
    """What a browser makes of it: tags with their attributes, and text by tag."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.texts: dict[str, list[str]] = {}
        self.feed(event.arguments["elements"])
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.texts.setdefault(tag, []).append("")
        self.attributes |= dict(attrs)

    def handle_data(self, data: str) -> None:
        self.texts[self.tags[-1]][-1] += data


TAGS = ["div", "button", "h1", "h2", "pre", "h2", "pre"]


def test_overlay_is_put_above_the_page() -> None:
    event = error_overlay("ValueError: no", [("Traceback", "line 1\nline 2"), ("Signals", "{}")])

    page = Page(event)
    assert (event.arguments["selector"], event.arguments["mode"]) == ("body", "append")
    assert page.tags == TAGS
    assert page.texts["h1"] == ["ValueError: no"]
    assert page.texts["h2"] == ["Traceback", "Signals"]
    assert page.texts["pre"] == ["line 1\nline 2", "{}"]
    assert page.attributes["role"] == "alertdialog"
    assert page.attributes["data-on:click"] == "el.closest('#datastar-error').remove()"


@pytest.mark.parametrize("text", ["</script><script>x()", "</pre></div></body>", '" onclick="x()', "<!--", "@a("])
def test_hostile_text_stays_text(text: str) -> None:
    event = error_overlay(text, [(text, text), (text, text)])

    page = Page(event)
    assert page.tags == TAGS
    assert page.texts["h1"] == [text]
    assert page.texts["pre"] == [text, text]
    # The client would take it for a document.
    assert "</body>" not in event.arguments["elements"]


@given(st.text(st.characters(exclude_characters="\r")))
def test_any_text_can_be_sent(text: str) -> None:
    event = error_overlay(text, [("Traceback", text), ("Signals", text)])

    assert parse_events(event.encode()) == [event]
    assert Page(event).tags == TAGS


def test_what_has_no_form_is_written_as_an_escape() -> None:
    page = Page(error_overlay("\ud800 \0", [("a", "b")]))

    assert page.texts["h1"] == ["\\ud800 \\x00"]


def test_end_of_a_long_text_is_shown() -> None:
    page = Page(error_overlay("title", [("Traceback", "a" * LONGEST_TEXT + "the end")]))

    (text,) = page.texts["pre"]
    assert text.startswith("… 7 characters left out\naaa")
    assert text.endswith("the end")
