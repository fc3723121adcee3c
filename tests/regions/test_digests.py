"""The header that names the views of a page and their state."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_datastar.regions.digests import html_digest, read_shown, write_shown


@given(st.dictionaries(st.text(), st.text(), max_size=5))
def test_what_is_written_is_read(html: dict[str, str]) -> None:
    value = write_shown([(identity, html_digest(text)) for identity, text in html.items()])

    shown = read_shown(value)

    assert re.fullmatch(r"1[A-Za-z0-9_-]*", value)
    assert {identity: shown.digest_of(identity) for identity in html} == {
        identity: html_digest(text) for identity, text in html.items()
    }
    assert shown.digest_of("\0another") is None


def test_a_view_costs_nineteen_characters() -> None:
    value = write_shown([(f"cards({number})", html_digest("x")) for number in range(300)])

    assert len(value) <= 300 * 19 + 1


@pytest.mark.parametrize("value", ["", "2abc", "1", "1%%%", "1a", "1äöü", "1" + "A" * 17, "\0", "1\r\n"])
def test_anything_else_says_nothing(value: str) -> None:
    assert read_shown(value).digest_of("cards(3)") is None


def test_lone_surrogates_have_a_digest() -> None:
    assert html_digest("\ud800") != html_digest("\ud801")
