"""Signals out of a page's HTML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from flask_datastar.sansio.javascript import harden, string
from flask_datastar.sansio.page_signals import page_signals
from flask_datastar.sansio.strictjson import dumps

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(TEXT.filter(lambda name: name not in {"__proto__", "constructor", "prototype"}), TEXT))
def test_signals_that_the_helper_writes_are_read_again(signals: dict[str, str]) -> None:
    assert page_signals(f'<main data-signals="{escape(harden(dumps(signals)))}">') == signals


@given(TEXT)
def test_text_under_a_key_is_read_again(text: str) -> None:
    assert page_signals(f'<body data-signals:_csrf="{escape(string(text))}">') == {"_csrf": text}


def test_signals_of_several_elements_are_merged() -> None:
    html = """<body data-signals='{"a":{"b":1},"c":1}'><br data-signals='{"a":{"d":2},"c":null}'/>"""

    assert page_signals(html) == {"a": {"b": 1, "d": 2}}


@pytest.mark.parametrize(
    "attribute",
    [
        "data-signals",
        "data-signals='{a: 1}'",
        "data-signals='[1]'",
        "data-signals:a='1 + 1'",
        "data-signals:a",
        "data-a",
    ],
)
def test_what_a_browser_has_to_evaluate_is_left_out(attribute: str) -> None:
    assert page_signals(f"<p {attribute}>text</p>") == {}


def test_second_of_two_equal_attributes_is_dropped() -> None:
    assert page_signals("""<p data-signals='{"a":1}' data-signals='{"a":2}'>""") == {"a": 1}
