"""What a test can check after events: only what a person surely reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_datastar.devtools.effects import Text, effects_of
from flask_datastar.devtools.literals import literal

PATCH = "datastar-patch-elements"


def elements(html: str, **arguments: str) -> dict[str, Any]:
    return {"type": PATCH, "arguments": {"elements": html, **arguments}}


def signals(text: str, **arguments: str) -> dict[str, Any]:
    return {"type": "datastar-patch-signals", "arguments": {"signals": text, **arguments}}


@pytest.mark.parametrize(
    ("event", "texts", "present"),
    [
        (elements('<p id="a">Hello <b>you</b></p>'), [("#a", "Hello"), ("#a", "you")], []),
        (elements('<p id="a"></p>'), [], ["#a"]),
        (elements('<p id="1 a">x</p>'), [('[id="1 a"]', "x")], []),
        (elements('<p id="a">x</p><p id="b">y</p>'), [("#a", "x"), ("#b", "y")], []),
        (elements("<li>x</li>", selector="#list", mode="append"), [("#list", "x")], []),
        (elements("<li>x</li>", selector="ul > li", mode="before"), [("", "x")], []),
        (elements('<p id="a"><b data-text="$x">old</b><i hidden>no</i>yes</p>'), [("#a", "yes")], []),
        (elements('<p id="a"><script>x</script><dialog>no</dialog><textarea>no</textarea></p>'), [], ["#a"]),
        (elements('<ul id="a"><li>1<li>2<li>3<li>4</ul>'), [("#a", "1"), ("#a", "2"), ("#a", "3")], []),
        (elements('<p id="a"><br>x<input>y</p>'), [("#a", "x"), ("#a", "y")], []),
        (elements(f'<p id="a">{"word " * 30}</p>'), [("#a", " ".join(["word"] * 12))], []),
        (elements('<p id="a">Tea &amp; milk</b></p>'), [("#a", "Tea & milk")], []),
    ],
)
def test_texts_are_found(event: dict[str, Any], texts: list[tuple[str, str]], present: list[str]) -> None:
    found = effects_of([event])

    assert [(text.selector, text.text) for text in found.texts] == texts
    assert found.present == present


def test_later_events_take_the_place_of_earlier_ones() -> None:
    found = effects_of(
        [
            elements('<p id="a">old</p>'),
            elements("", selector="#b", mode="remove"),
            elements('<p id="a">new</p>'),
            elements('<p id="b">back</p>'),
            elements("", selector="#c", mode="remove"),
        ]
    )

    assert found.texts == [Text("#a", "new"), Text("#b", "back")]
    assert found.removed == ["#c"]


def test_signals_are_merged() -> None:
    found = effects_of(
        [
            signals('{"a": {"b": 1, "c": 2}, "tabId": "x", "_csrf": "y"}'),
            signals('{"a": {"b": null}, "d": 4}'),
            signals('{"e": 5}', onlyIfMissing="true"),
            signals('{"f": "shortened…'),
            signals("[1]"),
        ]
    )

    assert found.signals == {"a": {"b": None, "c": 2}, "d": 4}


def test_scripts_and_other_events_are_found() -> None:
    found = effects_of(
        [
            elements("<script>alert(1)\nmore()</script>", selector="body", mode="append"),
            {"type": "datastar-toast", "arguments": {}},
            {"type": "datastar-stream-opened", "arguments": {}},
            {"type": "", "arguments": {}},
        ]
    )

    assert (found.scripts, found.others, found.leaves_page) == (["alert(1)"], ["datastar-toast"], False)
    assert effects_of([elements("<script>window.location = '/'</script>")]).leaves_page


@given(st.text())
def test_any_html_is_read(html: str) -> None:
    found = effects_of([elements(html), elements(f'<p id="a">{html}')])

    assert all(len(text.text) <= 60 for text in found.texts)


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=9)


@given(st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner), max_leaves=6))
def test_literals_are_what_they_stand_for(value: Any) -> None:
    assert eval(literal(value), {}) == value
