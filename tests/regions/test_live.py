"""Live views: first states, changes, nested views, failures, and their end with the last follower."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from flask_datastar.errors import SetupError
from flask_datastar.regions.digests import html_digest
from flask_datastar.regions.pacing import Pacing
from flask_datastar.testing.waiting import run_all, wait_until
from tests.regions.pages import Page, Site, element

Put = Callable[[str], str]


class Board(Site):
    """Cards in a column; the column shows a list of names, and a view for each card."""

    def __init__(self) -> None:
        super().__init__()
        self.title = "column"
        self.cards = {"1": "one", "2": "two"}
        self.failing: set[str] = set()
        self.functions["column"] = self.column
        for number in ("1", "2", "3"):
            self.functions[f"card:{number}"] = self.card(number)
            self.tables[f"card:{number}"] = frozenset({"card"})
        self.tables["column"] = frozenset({"column"})

    def column(self, put: Put) -> str:
        self._fail("column")
        return element("column", self.title + "".join(put(f"card:{number}") for number in self.cards))

    def card(self, number: str) -> Callable[[Put], str]:
        def render(put: Put) -> str:
            self._fail(f"card:{number}")
            return element(f"card:{number}", self.cards[number])

        return render

    def _fail(self, name: str) -> None:
        if name in self.failing:
            raise RuntimeError(f"{name} fails")

    def fresh(self) -> str:
        cards = "".join(element(f"card:{number}", text) for number, text in self.cards.items())
        return element("column", self.title + cards)


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def open_page(board: Board) -> Iterator[Callable[..., Page]]:
    pages: list[Page] = []

    def open_page(name: str = "column", known: bytes | None = None) -> Page:
        pages.append(Page(board, name, known))
        return pages[-1]

    yield open_page
    for page in pages:
        page.close()
    board.wait()
    assert len(board.views) == 0
    assert board.watched == []


OpenPage = Callable[..., Page]


def test_a_follower_gets_the_state_first(board: Board, open_page: OpenPage) -> None:
    page = open_page()

    assert page.events == [board.fresh()]
    assert sorted(board.reasons) == ["card:1: first time", "card:2: first time", "column: first time"]


def test_all_followers_share_one_rendering_and_one_event(board: Board, open_page: OpenPage) -> None:
    pages = [open_page() for _ in range(5)]
    board.title = "new"
    board.write("column")
    board.wait()

    assert [page.html for page in pages] == [board.fresh()] * 5
    assert board.reasons.count("column: column written") == 1
    assert board.outcomes[-1].viewers == 5
    assert board.outcomes[-1].has_changed


def test_what_the_page_has_is_not_sent_again(board: Board, open_page: OpenPage) -> None:
    assert open_page(known=html_digest(board.fresh())).events == []
    assert open_page(known=html_digest("another")).events == [board.fresh()]


def test_a_write_of_another_table_renders_nothing(board: Board, open_page: OpenPage) -> None:
    open_page()
    before = len(board.outcomes)
    board.write("person")
    board.wait()

    assert len(board.outcomes) == before


def test_html_that_did_not_change_is_not_sent(board: Board, open_page: OpenPage) -> None:
    page = open_page()
    board.write("card")
    board.wait()

    assert len(page.events) == 1
    assert [outcome.has_changed for outcome in board.outcomes[-2:]] == [False, False]


def test_a_change_of_an_inner_view_sends_that_alone(board: Board, open_page: OpenPage) -> None:
    page = open_page()
    board.cards["2"] = "changed"
    board.write("card")
    board.wait()

    assert page.events[1:] == [element("card:2", "changed")]
    assert page.html == board.fresh()
    assert "column: card written" not in board.reasons


def test_an_outer_view_is_sent_with_the_newest_inner_ones(board: Board, open_page: OpenPage) -> None:
    page = open_page()
    board.cards["2"] = "changed"
    board.write("card")
    board.wait()
    board.title = "new"
    board.write("column")
    board.wait()

    assert page.events[-1] == board.fresh()
    assert open_page().events == [board.fresh()]


def test_inner_views_come_and_go(board: Board, open_page: OpenPage) -> None:
    page = open_page()
    del board.cards["1"]
    board.cards["3"] = "three"
    board.write("column")
    board.wait()
    assert page.html == board.fresh()
    assert len(board.views) == 3

    board.cards["3"] = "changed"
    board.write("card")
    board.wait()
    assert page.html == board.fresh()


def test_a_view_in_two_others_is_sent_to_both(board: Board, open_page: OpenPage) -> None:
    board.functions["other"] = lambda put: element("other", put("card:1"))
    column, other, card = open_page(), open_page("other"), open_page("card:1")
    board.cards["1"] = "changed"
    board.write("card")
    board.wait()

    assert column.html == board.fresh()
    assert other.html == element("other", element("card:1", "changed"))
    assert card.html == element("card:1", "changed")
    assert board.reasons.count("card:1: first time") == 1
    assert [outcome.viewers for outcome in board.outcomes if outcome.spec.identity == "card:1"][-1] == 3


def test_a_view_that_moves_from_one_view_to_another_is_not_stale(board: Board, open_page: OpenPage) -> None:
    places = {"left": "card:1", "right": ""}
    for name in places:
        board.functions[name] = lambda put, name=name: element(name, put(places[name]) if places[name] else "")
        board.tables[name] = frozenset({name})
    board.functions["board"] = lambda put: element("board", put("left") + put("right"))
    page = open_page("board")

    # The card is in both for a moment, and changes then.
    places["right"] = "card:1"
    board.write("right")
    board.wait()
    board.cards["1"] = "changed"
    board.write("card")
    board.wait()
    places["left"] = ""
    board.write("left")
    board.wait()

    assert page.html == element("board", element("left", "") + element("right", element("card:1", "changed")))


def test_views_are_marked_by_region_and_arguments(board: Board, open_page: OpenPage) -> None:
    open_page()
    board.views.mark_region("card", {"id": "2"}, "told")
    board.wait()
    board.views.mark_region("card", {}, "told all")
    board.wait()
    board.views.mark_region("person", {}, "nobody")

    assert next(reason for reason in board.reasons if "told" in reason) == "card:2: told"
    assert {reason for reason in board.reasons if "told all" in reason} == {"card:1: told all", "card:2: told all"}


def test_after_a_gap_everything_is_rendered(board: Board, open_page: OpenPage) -> None:
    page = open_page()
    board.title, board.cards["1"] = "new", "changed"
    board.views.mark_all("gap")
    board.wait()

    assert page.html == board.fresh()


# Time


def test_what_is_written_while_a_view_is_rendered_for_the_first_time_is_seen(board: Board) -> None:
    page: list[Page] = []
    has_read, may_go_on = threading.Event(), threading.Event()

    def slow(put: Put) -> str:
        title = board.title
        has_read.set()
        may_go_on.wait(60)
        return element("column", title)

    board.functions["column"] = slow
    opening = threading.Thread(target=lambda: page.append(Page(board, "column")))
    opening.start()
    has_read.wait(60)
    board.title = "written meanwhile"
    board.write("column")
    may_go_on.set()
    opening.join(60)
    board.wait()

    assert page[0].html == element("column", "written meanwhile")
    assert board.reasons == ["column: first time", "column: written while it was rendered"]
    page[0].close()


def test_what_is_written_while_a_view_is_rendered_again_is_seen(board: Board, open_page: OpenPage) -> None:
    page = open_page("card:1")
    has_read, may_go_on = threading.Event(), threading.Event()
    quick = board.functions["card:1"]

    def slow(put: Put) -> str:
        html = quick(put)
        has_read.set()
        may_go_on.wait(60)
        return html

    board.functions["card:1"] = slow
    board.write("card")
    has_read.wait(60)
    board.cards["1"] = "written meanwhile"
    board.write("card")
    may_go_on.set()
    board.wait()

    assert page.html == element("card:1", "written meanwhile")


def test_a_slow_view_does_not_delay_the_others(board: Board, open_page: OpenPage) -> None:
    slow, quick = open_page("card:1"), open_page("card:2")
    may_go_on, render = threading.Event(), board.functions["card:1"]
    board.functions["card:1"] = lambda put: (may_go_on.wait(60), render(put))[1]
    board.cards.update({"1": "changed", "2": "changed"})

    board.write("card")
    wait_until(lambda: quick.html == element("card:2", "changed"))
    assert slow.html == element("card:1", "one")

    may_go_on.set()
    wait_until(lambda: slow.html == element("card:1", "changed"))


def test_streams_that_open_at_once_render_once(board: Board) -> None:
    pages: list[Page] = []
    run_all([lambda: pages.append(Page(board, "column"))] * 8)

    assert [page.html for page in pages] == [board.fresh()] * 8
    assert sorted(board.reasons) == ["card:1: first time", "card:2: first time", "column: first time"]
    for page in pages:
        page.close()


def test_a_busy_view_is_rendered_at_intervals(
    board: Board, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("card:1")
    due: list[float] = []
    monkeypatch.setattr(Pacing, "due_at", lambda pacing, changed_at: due.append(changed_at) or changed_at + 0.05)
    for number in range(20):
        board.cards["1"] = str(number)
        board.write("card")
    board.wait()

    assert page.html == element("card:1", "19")
    assert len(board.outcomes) == 2


# Failures


def test_a_view_that_fails_keeps_what_is_shown_and_is_tried_again(board: Board, open_page: OpenPage) -> None:
    page = open_page()
    board.title, board.cards["2"] = "new", "changed"
    board.failing = {"column"}
    board.write("column", "card")
    board.wait()

    assert page.html == element("column", "column" + element("card:1", "one") + element("card:2", "changed"))
    board.failing = set()
    wait_until(lambda: page.html == board.fresh())
    assert "column: tried again" in board.reasons


def test_a_view_that_fails_at_the_opening_comes_later(board: Board, open_page: OpenPage) -> None:
    board.failing = {"column"}
    page = open_page()
    assert page.events == []
    assert str(board.outcomes[0].error) == "column fails"

    board.failing = set()
    wait_until(lambda: page.html == board.fresh())


def test_a_change_is_tried_at_once_after_a_failure(board: Board, open_page: OpenPage) -> None:
    board.failing = {"card:1"}
    page = open_page("card:1")
    board.failing = set()
    board.views.mark_region("card", {}, "told")
    board.wait()

    assert page.html == element("card:1", "one")
    assert board.reasons == ["card:1: first time", "card:1: told"]


def test_an_outer_view_waits_for_an_inner_one_that_never_worked(board: Board, open_page: OpenPage) -> None:
    page = open_page()
    board.cards["3"], board.title = "three", "new"
    board.failing = {"card:3"}
    board.write("column")
    board.wait()
    assert page.html == element("column", "column" + element("card:1", "one") + element("card:2", "two"))

    board.cards["1"] = "changed"
    board.write("card")
    board.wait()
    assert page.html == element("column", "column" + element("card:1", "changed") + element("card:2", "two"))

    board.failing = set()
    wait_until(lambda: page.html == board.fresh())
    assert len(board.views) == 4


def test_what_is_held_back_stays_live_although_it_is_about_to_go(board: Board, open_page: OpenPage) -> None:
    page = open_page()
    board.failing = {"card:3"}
    one = board.cards.pop("1")
    board.cards["3"] = "three"
    board.write("column")
    board.wait()
    board.cards = {"1": "changed", **board.cards}
    board.write("card")
    board.wait()

    assert one == "one"
    assert page.html == element("column", "column" + element("card:1", "changed") + element("card:2", "two"))


def test_what_is_held_back_is_sent_while_the_next_is_rendered(board: Board, open_page: OpenPage) -> None:
    page = open_page()
    board.failing = {"card:3"}
    board.cards["3"] = "three"
    board.write("column")
    board.wait()
    has_started, may_go_on = threading.Event(), threading.Event()

    def slow(put: Put) -> str:
        has_started.set()
        may_go_on.wait(60)
        return element("card:4", "four")

    board.functions["card:4"], board.tables["card:4"] = slow, frozenset({"card"})
    board.cards["4"] = "four"
    board.write("column")
    has_started.wait(60)
    board.failing = set()
    board.views.mark_region("card", {"id": "3"}, "mended")
    wait_until(lambda: 'id="card:3"' in (page.html or ""))
    may_go_on.set()
    wait_until(lambda: page.html == board.fresh(), 10)


@pytest.mark.parametrize("html", ["text", "<p>no id</p>", '<p id="a"></p><p id="b"></p>'])
def test_what_is_not_one_element_fails(board: Board, open_page: OpenPage, html: str) -> None:
    board.functions["column"] = lambda put: html

    assert open_page().events == []
    assert isinstance(board.outcomes[0].error, ValueError)


def test_a_view_that_contains_itself_is_refused(board: Board, open_page: OpenPage) -> None:
    board.functions["column"] = lambda put: element("column", put("column"))
    open_page()

    assert isinstance(board.outcomes[0].error, SetupError)
    assert "column(id=) shows column(id=), which is or shows column" in str(board.outcomes[0].error)


def test_two_views_that_contain_each_other_are_refused(board: Board) -> None:
    board.functions["a"] = lambda put: element("a", put("b"))
    board.functions["b"] = lambda put: element("b", put("a"))
    pages: list[Page] = []

    run_all([lambda: pages.append(Page(board, "a")), lambda: pages.append(Page(board, "b"))])

    assert all(page.events == [] for page in pages)
    assert any(isinstance(outcome.error, SetupError) for outcome in board.outcomes)
    for page in pages:
        page.close()
    board.wait()
    assert len(board.views) == 0


def test_a_view_that_was_left_while_it_is_rendered_leaves_nothing(board: Board, open_page: OpenPage) -> None:
    page = open_page()
    has_started, may_go_on = threading.Event(), threading.Event()

    def slow(put: Put) -> str:
        has_started.set()
        may_go_on.wait(60)
        return element("column", put("card:3"))

    board.functions["column"] = slow
    board.cards["3"] = "three"
    board.write("column")
    has_started.wait(60)
    page.close()
    may_go_on.set()
    board.wait()

    assert len(page.events) == 1
    assert len(board.views) == 0
