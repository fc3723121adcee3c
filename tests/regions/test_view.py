"""A view, the views that hold it, and the views whose pages have it."""

from __future__ import annotations

from flask_datastar.regions.view import LiveView, ViewSpec


def spec(name: str) -> ViewSpec:
    return ViewSpec(name, region=name, arguments={}, at_most_every=0.1)


def hold(outer: LiveView, inner: LiveView, *, is_shown: bool = True) -> None:
    inner.outers.add(outer)
    outer.inner[inner.spec.identity] = inner
    if is_shown:
        outer.shown = (*(outer.shown or ()), inner.spec)


def test_specs_of_one_identity_are_equal() -> None:
    one = ViewSpec("cards(3)", region="cards", arguments={"board": "3"}, at_most_every=0.1)
    other = ViewSpec("cards(3)", region="cards", arguments={}, at_most_every=5, source=object())

    assert one == other
    assert hash(one) == hash(other)
    assert str(one) == "cards(board=3)"


def test_pages_have_a_view_where_all_views_around_it_are_shown() -> None:
    page, box, card, other = (LiveView(spec(name), name) for name in ("page", "box", "card", "other"))
    hold(page, box)
    hold(box, card)
    hold(other, card, is_shown=False)

    assert card.holders() == {card, box, page}
    assert card.ancestors() == {card, box, page, other}
    assert page.holders() == {page}


def test_a_view_is_wanted_by_streams_and_by_views() -> None:
    one, other = LiveView(spec("one"), "1"), LiveView(spec("other"), "2")
    assert not one.is_wanted

    hold(other, one)
    assert one.is_wanted

    other.followers = 1
    assert other.is_wanted
