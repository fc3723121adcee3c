"""Checks that live views show what a fresh rendering shows, whatever happens at the same time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

from flask_datastar.regions import pacing
from flask_datastar.regions.loop import SIDE_BY_SIDE
from tests.regions.pages import Page, Site, element
from tests.support.checks import run_all, wait_until

CARDS = [f"card:{number}" for number in range(8)]
COLUMNS = [f"column:{number}" for number in range(3)]


class Wall(Site):
    """A wall of columns of cards; each rendering takes a moment, and some fail."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.failing = 0.0
        self.texts = dict.fromkeys(CARDS, "")
        #: Each column's cards; a card is in one column, or in none.
        self.columns: dict[str, tuple[str, ...]] = dict.fromkeys(COLUMNS, ())
        self.shown: tuple[str, ...] = tuple(COLUMNS)
        for name in CARDS:
            self.functions[name] = self.making(name, lambda name: (self.texts[name],))
        for name in COLUMNS:
            self.functions[name] = self.making(name, lambda name: self.columns[name])
        self.functions["wall"] = self.making("wall", lambda name: self.shown)
        for name in self.functions:
            self.tables[name] = frozenset({"wall" if name == "wall" else name.split(":")[0]})

    def making(self, name: str, read: Callable[[str], tuple[str, ...]]) -> Callable[[Callable[[str], str]], str]:
        def render(put: Callable[[str], str]) -> str:
            parts = read(name)
            time.sleep(self.random.random() * 0.003)
            if self.random.random() < self.failing:
                raise RuntimeError(f"{name} fails")
            return element(name, "".join(put(part) if part in self.functions else part for part in parts))

        return render

    def fresh(self, name: str) -> str:
        parts = (self.texts[name],) if name in self.texts else self.columns.get(name, self.shown)
        return element(name, "".join(self.fresh(part) if part in self.functions else part for part in parts))

    def change(self, number: int) -> None:
        """Write something, and tell of it afterwards, as a commit does."""
        kind = self.random.choice(["card", "card", "column", "column", "wall", "nothing"])
        if kind == "card":
            self.texts[self.random.choice(CARDS)] = str(number)
        elif kind == "column":
            cards = self.random.sample(CARDS, len(CARDS))
            cuts = sorted(self.random.choices(range(len(CARDS) + 1), k=3))
            self.columns = {
                column: tuple(cards[start:end]) for column, start, end in zip(COLUMNS, [0, *cuts], cuts, strict=False)
            }
        elif kind == "wall":
            self.shown = tuple(self.random.sample(COLUMNS, self.random.randint(0, 3)))
        self.write(kind)


def check_nothing_is_stale() -> None:
    pacing._FIRST_RETRY_SECONDS = 0.01
    for seed in range(3):
        wall = Wall(seed)
        pages: list[tuple[str, Page]] = []
        for round_number in range(6):
            wall.failing = 0.2 if round_number % 2 else 0.0
            begin = round_number * 100

            def write(begin: int = begin, wall: Wall = wall) -> None:
                for number in range(begin, begin + 25):
                    wall.change(number)
                    time.sleep(wall.random.random() * 0.004)

            def come_and_go(wall: Wall = wall, pages: list[tuple[str, Page]] = pages) -> None:
                for _ in range(6):
                    name = wall.random.choice(["wall", "wall", *COLUMNS, CARDS[0]])
                    pages.append((name, Page(wall, name)))
                    time.sleep(wall.random.random() * 0.01)
                    if len(pages) > 6:
                        pages.pop(wall.random.randrange(3))[1].close()

            run_all([write, write, come_and_go])
            wall.failing = 0.0
            wait_until(lambda wall=wall: wall.views.loop.is_idle(float("inf")))  # type: ignore[misc]
            for name, page in pages:
                assert page.html == wall.fresh(name), (seed, round_number, name, page.html, wall.fresh(name))
        for _, page in pages:
            page.close()
        wait_until(lambda wall=wall: wall.views.loop.is_idle(float("inf")))  # type: ignore[misc]
        assert len(wall.views) == 0
        assert wall.watched == []
        assert any(outcome.error for outcome in wall.outcomes)


def check_a_slow_view_does_not_delay_the_others() -> None:
    wall = Wall(0)
    render = wall.functions[CARDS[0]]
    may_go_on = [False]

    def slow(put: Callable[[str], str]) -> str:
        while not may_go_on[0]:
            time.sleep(0.01)
        return render(put)

    pages = [Page(wall, name) for name in CARDS]
    wall.functions[CARDS[0]] = slow
    wall.texts = dict.fromkeys(CARDS, "new")
    wall.write("card")
    wait_until(lambda: [page.html for page in pages[1:]] == [wall.fresh(name) for name in CARDS[1:]])
    assert pages[0].html == element(CARDS[0], "")
    may_go_on[0] = True
    wait_until(lambda: pages[0].html == wall.fresh(CARDS[0]))
    for page in pages:
        page.close()
    wait_until(lambda: wall.views.loop.is_idle(float("inf")))


def check_many_slow_views_do_not_delay_the_others() -> None:
    """However many are slow, one place is left for the views that are not."""
    wall, own_pacing = Wall(0), (pacing._SLOW_SECONDS, pacing._REST_FACTOR)
    # Any rendering takes longer than this, except those below.
    pacing._SLOW_SECONDS, pacing._REST_FACTOR = -1.0, 0
    *slow, quick = CARDS
    may_go_on, running = [False], [0]

    def slowly(render: Callable[[Callable[[str], str]], str], put: Callable[[str], str]) -> str:
        running[0] += 1
        while not may_go_on[0]:
            time.sleep(0.01)
        return render(put)

    try:
        pages = [Page(wall, name) for name in slow]
        pacing._SLOW_SECONDS = own_pacing[0]
        pages.append(Page(wall, quick))
        for name in slow:
            wall.functions[name] = partial(slowly, wall.functions[name])
        wall.texts = dict.fromkeys(CARDS, "new")
        # The quick one is the last to come.
        for name in CARDS:
            wall.views.mark_region("card", {"id": name.partition(":")[2]}, "changed")
        wait_until(lambda: pages[-1].html == wall.fresh(quick) and running[0] == SIDE_BY_SIDE - 1)
        may_go_on[0] = True
        wait_until(lambda: [page.html for page in pages] == [wall.fresh(name) for name in CARDS])
    finally:
        may_go_on[0] = True
        pacing._SLOW_SECONDS, pacing._REST_FACTOR = own_pacing
    for page in pages:
        page.close()
    wait_until(lambda: wall.views.loop.is_idle(float("inf")))
