"""Pages that arrive at a live view with other HTML than this process has: which of the two is shown, and to whom."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from flask_datastar.brokers.payload import MessageKind, Payload
from flask_datastar.regions.digests import html_digest
from flask_datastar.regions.view import Arrival
from flask_datastar.testing.waiting import wait_until
from tests.regions.pages import Page, Site, element

Put = Callable[[str], str]
Open = Callable[..., Page]


class Board(Site):
    """A list that shows two cards; nothing reports what changes."""

    def __init__(self) -> None:
        super().__init__()
        self.title = "old"
        self.cards = {"1": "one", "2": "two"}
        self.is_broken = False
        self.is_random = False
        self.count = 0
        self.functions["list"] = self.list
        self.tables["list"] = frozenset({"list"})
        for number in self.cards:
            self.functions[f"card:{number}"] = lambda put, number=number: element(f"card:{number}", self.cards[number])

    def list(self, put: Put) -> str:
        if self.is_broken:
            raise RuntimeError("broken")
        self.count += 1
        title = f"{self.title} {self.count}" if self.is_random else self.title
        return element("list", title + "".join(put(f"card:{number}") for number in self.cards))

    def fresh(self) -> str:
        cards = "".join(element(f"card:{number}", text) for number, text in self.cards.items())
        return element("list", self.title + cards)

    @property
    def renders(self) -> int:
        """How often the list was rendered."""
        return sum(outcome.spec.identity == "list" for outcome in self.outcomes)


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    # On a busy machine, a rendering takes long, and so does the rest after it.
    monkeypatch.setattr("flask_datastar.regions.arrivals._LONGEST_WAIT", 60.0)
    return Board()


@pytest.fixture
def open_page(board: Board) -> Iterator[Open]:
    pages: list[Page] = []

    def open_page(known: str | None = None, **options: bool) -> Page:
        digest = html_digest(known) if known is not None else None
        pages.append(Page(board, "list", digest, time.monotonic(), **options))
        return pages[-1]

    yield open_page
    for page in pages:
        page.close()
    wait_until(lambda: board.views.loop.is_idle(math.inf))
    assert len(board.views) == 0


def test_a_page_that_is_newer_is_not_put_back_and_all_others_follow(board: Board, open_page: Open) -> None:
    other = open_page()
    board.title = "new"
    page = open_page(board.fresh())
    assert page.events == []
    board.wait()

    # It may be sent what it shows, because all followers share one event.
    assert set(page.events) == {board.fresh()}
    assert other.events[1:] == [board.fresh()]
    assert board.stale == ["list"]


def test_a_page_confirms_a_rendering_that_another_one_has_caused(board: Board, open_page: Open) -> None:
    open_page()
    board.title = "new"
    board.views.loop._running = 4
    open_page("older")
    open_page(board.fresh())
    board.views.loop._running = 0
    board.views.loop._changed.set()
    board.wait()

    assert board.stale == ["list"]


def test_a_page_that_is_older_gets_the_present_state_alone(board: Board, open_page: Open) -> None:
    other = open_page()
    page = open_page("older")
    board.wait()

    assert page.events == [board.fresh()]
    assert len(other.events) == 1
    assert board.stale == []
    assert board.renders == 2


def test_a_page_that_is_the_same_renders_nothing(board: Board, open_page: Open) -> None:
    open_page()
    pages = [open_page(board.fresh()) for _ in range(5)]

    assert board.renders == 1
    assert [page.events for page in pages] == [[]] * 5


def test_what_is_rendered_for_a_page_is_as_new_as_the_page(board: Board, open_page: Open) -> None:
    assert open_page("older").events == [board.fresh()]
    assert board.renders == 1


@pytest.mark.parametrize("is_back", [False, True])
def test_a_page_whose_state_is_unknown_gets_a_state_that_is_present(
    board: Board, open_page: Open, is_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_datastar.regions.arrivals.RETRY_SECONDS", 0.0)
    other = open_page()
    board.title = "new"
    page = open_page(is_back=is_back)
    board.wait()

    assert page.events == [board.fresh()]
    assert other.events[1:] == [board.fresh()]


def test_thousands_that_come_back_share_a_rendering(
    board: Board, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_datastar.regions.arrivals.RETRY_SECONDS", 60.0)
    open_page()
    assert [open_page(is_back=True).events for _ in range(300)] == [[board.fresh()]] * 300
    assert board.renders == 1

    # Long after the last rendering, and while the next one has not started.
    monkeypatch.setattr("flask_datastar.regions.arrivals.RETRY_SECONDS", 0.0)
    monkeypatch.setattr("flask_datastar.regions.arrivals._BATCH", 100)
    board.views.loop._running = 4
    pages = [open_page(is_back=True) for _ in range(300)]
    gone = open_page(is_back=True)
    gone.close()
    board.views.loop._running = 0
    board.views.loop._changed.set()
    board.wait()
    assert board.renders == 2
    assert {tuple(page.events) for page in pages} == {(board.fresh(),)}
    assert gone.events == []


def test_a_page_without_digests_is_served_at_once_and_corrected_later(
    board: Board, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_datastar.regions.arrivals.RETRY_SECONDS", 60.0)
    open_page()
    old = board.fresh()
    board.title = "new"
    pages = [open_page(is_hasty=True) for _ in range(3)]
    assert [page.events for page in pages] == [[old]] * 3
    assert board.renders == 1
    (view,) = [view for view in board.views._graph.all() if view.spec.identity == "list"]
    assert view.dirty == "a page may show a newer state"
    assert not board.views.loop.is_idle(time.monotonic() + 60)

    # The time comes.
    board.views.mark(view, "a minute later")
    board.wait()
    assert [page.events[1:] for page in pages] == [[board.fresh()]] * 3


def test_a_region_with_a_slow_rate_is_not_rendered_more_often(board: Board, open_page: Open) -> None:
    board.at_most_every["list"] = 3600
    open_page()
    old = board.fresh()
    board.title = "new"

    # What is unknown may be nothing, so it is not kept waiting; a page that has HTML keeps it.
    assert open_page().events == [old]
    assert open_page(board.fresh()).events == []
    assert board.renders == 1
    assert board.views.unsettled()


def test_a_page_waits_for_no_rest_after_a_slow_rendering(board: Board, open_page: Open) -> None:
    open_page()
    old = board.fresh()
    (view,) = [view for view in board.views._graph.all() if view.spec.identity == "list"]
    has_started, may_go_on = threading.Event(), threading.Event()

    def slow(put: Put) -> str:
        has_started.set()
        may_go_on.wait(60)
        return old

    board.functions["list"] = slow
    view.pacing.is_slow = True
    board.views.mark(view, "test")
    has_started.wait(60)

    # What is unknown may be nothing, so it is not kept waiting.
    assert open_page().events == [old]
    assert open_page("another").events == []
    may_go_on.set()


def test_an_inner_view_that_is_old_is_sent_alone(board: Board, open_page: Open) -> None:
    other = open_page()
    board.cards["2"] = "new"
    page = open_page(board.fresh())
    board.wait()

    assert other.events[1:] == [element("card:2", "new")]
    assert set(page.events) <= {element("card:2", "new")}
    assert board.stale == ["card:2"]


def test_a_page_that_is_not_in_a_hurry_delays_neither_a_change_nor_another_try(
    board: Board, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes while the view is rendered, which reads a table for the first time."""
    monkeypatch.setattr("flask_datastar.regions.arrivals.RETRY_SECONDS", 3600.0)
    monkeypatch.setattr("flask_datastar.regions.pacing._FIRST_RETRY_SECONDS", 0.01)
    other = open_page()
    has_read, may_go_on = threading.Event(), threading.Event()

    def slow(put: Put) -> str:
        title = board.title
        has_read.set()
        may_go_on.wait(60)
        if board.is_broken:
            raise RuntimeError("broken")
        return element("list", title)

    def render(*, is_broken: bool) -> None:
        has_read.clear()
        may_go_on.clear()
        board.is_broken = is_broken
        board.views.mark_all("test")
        has_read.wait(60)
        open_page(is_hasty=True)

    board.functions["list"] = slow
    board.tables["list"] = frozenset({"another"})
    render(is_broken=False)
    board.title = "written"
    board.write("another")
    may_go_on.set()
    wait_until(lambda: other.html == element("list", "written"))

    render(is_broken=True)
    may_go_on.set()
    wait_until(lambda: any(outcome.error for outcome in board.outcomes))
    board.is_broken, board.title = False, "mended"
    wait_until(lambda: other.html == element("list", "mended"))


def test_a_failure_keeps_the_page_that_is_newer_and_serves_the_others(board: Board, open_page: Open) -> None:
    other = open_page()
    old = board.fresh()
    board.title, board.is_broken = "new", True
    board.views.loop._running = 4
    newer, unknown = open_page(board.fresh()), open_page()
    assert unknown.events == newer.events == []
    board.views.loop._running = 0
    board.views.loop._changed.set()
    wait_until(lambda: unknown.events == [old])
    assert newer.events == []

    board.wait()
    renders = board.renders
    # It is tried again by itself, however many pages come.
    assert open_page().events == [old]
    assert open_page("another").events == []
    assert board.renders == renders
    board.is_broken = False
    board.write("list")
    wait_until(lambda: other.html == board.fresh())
    assert newer.html == unknown.html == board.fresh()


def test_html_that_is_never_the_same_is_soon_left_alone(board: Board, open_page: Open) -> None:
    board.is_random = True
    other = open_page()
    for _ in range(20):
        open_page("never the same")
        board.wait()

    assert board.renders < 8
    assert len(other.events) == board.renders
    # A change that is known waits for nothing.
    board.is_random, board.title = False, "known"
    board.write("list")
    wait_until(lambda: other.html == board.fresh())


def test_a_page_that_leaves_is_not_waited_for(board: Board, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    board.at_most_every["list"] = 3600
    open_page()
    page = open_page("older")
    (view,) = [view for view in board.views._graph.all() if view.spec.identity == "list"]
    assert len(view.arrivals) == 1

    page.close()
    assert [arrival.subscriber for arrival in view.arrivals] == [None]
    monkeypatch.setattr("flask_datastar.regions.arrivals._PURGE_AT", 2)
    for _ in range(10):
        open_page("older").close()
    assert len(view.arrivals) <= 2


def test_a_stream_that_fails_does_not_stop_the_others(
    board: Board, open_page: Open, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
            raise ConnectionError("gone")

        def catch_up(self) -> None: ...

    open_page()
    view = board.views.follow(board.spec("list"))
    broken = Broken()
    board.views.loop._running = 4
    board.views.attach(view, broken, Arrival(broken, None, time.monotonic()))
    page = open_page("older")
    board.views.loop._running = 0
    board.views.loop._changed.set()
    wait_until(lambda: page.events == [board.fresh()])
    board.views.detach(view, broken)
    board.views.leave(view)

    assert "a stream failed on the state of region list" in caplog.text
