"""Places for inner views, and the HTML that replaces them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from flask_datastar.regions.places import Places, compose


@dataclass(frozen=True)
class View:
    identity: str


A, B = View("a"), View("b")


def test_html_is_cut_at_its_places() -> None:
    places: Places[View] = Places()
    html = f"<ul>{places.put(A)}<hr>{places.put(B)}</ul>"

    assert places.cut(html) == ("<ul>", A, "<hr>", B, "</ul>")


def test_html_without_places_is_one_part() -> None:
    assert Places[View]().cut("<p id='a'></p>") == ("<p id='a'></p>",)
    assert Places[View]().cut("") == ()


def test_neighbours_have_no_empty_text_between() -> None:
    places: Places[View] = Places()

    assert places.cut(places.put(B) + places.put(A)) == (B, A)


def test_a_view_that_did_not_get_into_the_html_is_left_out() -> None:
    places: Places[View] = Places()
    places.put(A)

    assert places.cut(f"<p>{places.put(B)}</p>") == ("<p>", B, "</p>")


def test_a_view_stands_once() -> None:
    places: Places[View] = Places()
    html = places.put(A) + places.put(View("a"))

    with pytest.raises(ValueError, match="a is in it twice"):
        places.cut(html)


def test_nobody_can_write_a_place() -> None:
    one, other = Places[View](), Places[View]()
    mark = one.put(A)

    assert other.cut(mark) == (mark,)
    assert len(re.findall("[0-9a-f]", mark)) >= 16


def test_parts_are_composed() -> None:
    assert compose(("<ul>", A, B, "</ul>"), {A: "<li>", B: "<hr>"}.get) == "<ul><li><hr></ul>"
    assert compose(("<ul>", A, B), {A: "<li>"}.get) is None
    assert compose((), {}.get) == ""
