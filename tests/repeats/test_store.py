"""The store of clicks: each runs once, for each owner, within its time and its room."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flask_datastar.repeats.clicks import MARK_BYTES, Click, Stage
from flask_datastar.repeats.owners import Owner
from flask_datastar.repeats.room import OWNER_SHARE
from flask_datastar.repeats.store import MOST_OWNERS, MOST_WAITING, ClickStore
from tests.support.checks import wait_until

ANN, BOB = Owner(session="ann"), Owner(session="bob")
NAME = ("g:add", "0.1")
SECONDS = 300.0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> ClickStore:
    return ClickStore(SECONDS, 1_000_000, clock)


def run(store: ClickStore, key: str = "0.1", owner: Owner = ANN, answer: Any = "done", size: int = 100) -> Click:
    click, is_new = store.claim(("g:add", key), owner)
    assert is_new
    store.finish(click, answer, size)
    return click


def test_click_is_claimed_once(store: ClickStore) -> None:
    click, is_new = store.claim(NAME, ANN)

    assert is_new
    assert store.claim(NAME, ANN) == (click, False)
    store.finish(click, "done", 4)
    assert store.claim(NAME, ANN) == (click, False)
    assert (click.stage, click.answer) == (Stage.ANSWERED, "done")


def test_other_keys_and_handlers_are_other_clicks(store: ClickStore) -> None:
    for name in (("g:add", "0.1"), ("g:add", "0.2"), ("g:remove", "0.1")):
        assert store.claim(name, ANN)[1]


def test_failed_click_runs_again(store: ClickStore) -> None:
    click, _ = store.claim(NAME, ANN)
    store.fail(click)

    again, is_new = store.claim(NAME, ANN)

    assert is_new
    assert again is not click
    assert store.wait(click, 0) is Stage.FAILED
    # What has ended stays as it is.
    store.finish(click, "late", 4)
    assert click.stage is Stage.FAILED
    assert len(store) == 0


def test_somebody_elses_click_is_neither_seen_nor_touched(store: ClickStore) -> None:
    anns, _ = store.claim(NAME, ANN)
    bobs, is_new = store.claim(NAME, BOB)

    assert is_new
    store.fail(bobs)
    assert store.claim(NAME, ANN) == (anns, False)
    bobs, _ = store.claim(NAME, BOB)
    store.finish(bobs, "bob's", 5)
    store.finish(anns, "ann's", 5)
    assert store.claim(NAME, ANN)[0].answer == "ann's"
    assert store.claim(NAME, BOB)[0].answer == "bob's"


def test_click_is_forgotten_after_its_time_and_not_before(store: ClickStore, clock: Clock) -> None:
    click, _ = store.claim(NAME, ANN)
    # The time counts from its end: it may run for long.
    clock.now += 2 * SECONDS
    assert store.claim(NAME, ANN) == (click, False)
    store.finish(click, "done", 4)
    clock.now += SECONDS - 1
    assert store.claim(NAME, ANN) == (click, False)
    clock.now += 2

    assert store.claim(NAME, ANN)[1]
    assert len(store) == store.size == 0


def test_answer_that_is_too_large_is_not_kept(store: ClickStore) -> None:
    largest = store.largest_answer
    assert run(store, "1", size=largest).stage is Stage.ANSWERED
    assert run(store, "2", size=largest + 1).stage is Stage.RAN
    assert run(store, "3", answer=None, size=0).stage is Stage.RAN


def test_oldest_answers_go_first_and_leave_that_the_click_ran(store: ClickStore) -> None:
    clicks = [run(store, str(number), Owner(session=f"{number}"), size=200_000) for number in range(6)]

    assert [click.stage for click in clicks] == [Stage.RAN] * 2 + [Stage.ANSWERED] * 4
    assert store.dropped == 2
    assert store.forgotten == 0
    for number, click in enumerate(clicks):
        assert store.claim(("g:add", str(number)), Owner(session=f"{number}")) == (click, False)


def test_full_share_still_keeps_its_newest_answers(store: ClickStore) -> None:
    clicks = [run(store, str(number), ANN) for number in range(2000)]

    assert {click.stage for click in clicks[-20:]} == {Stage.ANSWERED}
    assert store.forgotten > 1000
    # Most of the room is left to clicks: one that is forgotten may run twice.
    answered = sum(click.size - MARK_BYTES for click in clicks if click.answer is not None)
    assert answered <= 1_000_000 // OWNER_SHARE // 8 + 100


def test_owner_drops_own_answers_and_nobody_elses(store: ClickStore) -> None:
    anns = run(store, "ann's", ANN, size=100)
    bobs = [run(store, str(number), BOB, size=50_000) for number in range(100)]

    assert anns.stage is Stage.ANSWERED
    assert bobs[0].stage is Stage.RAN
    assert bobs[-1].stage is Stage.ANSWERED
    assert store.size < 1_000_000 // OWNER_SHARE + MARK_BYTES + 200


def test_owner_forgets_own_clicks_and_nobody_elses(store: ClickStore) -> None:
    run(store, "ann's", ANN)
    for number in range(10_000):
        run(store, str(number), BOB, answer=None)

    assert not store.claim(("g:add", "ann's"), ANN)[1]
    assert store.claim(("g:add", "0"), BOB)[1]
    assert not store.claim(("g:add", "9999"), BOB)[1]
    assert store.size <= 1_000_000 // OWNER_SHARE + MARK_BYTES + 100
    # What left early is not held, either.
    assert len(store._ended) < 2 * len(store) + 2
    assert len(store._answered) < 2 * len(store) + 2


def test_strangers_without_number_take_no_more_than_there_is(store: ClickStore) -> None:
    for number in range(10_000):
        run(store, str(number), Owner(session=str(number)), size=1000)

    assert store.size <= 1_000_000
    assert len(store) <= 1_000_000 // MARK_BYTES
    assert len(store._shares) == len(store)
    assert sum(_chain(store)) == len(store)


def test_clicks_take_no_more_memory_than_is_counted() -> None:
    store = ClickStore(SECONDS, 100_000_000)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(1000):
        # As requests bring them: every string is one of its own, and each owner comes once.
        owner = Owner(f"{number:0200}", f"tab-{number:020}")
        answer = ("200 OK"[:], (("Content-Length", f"{number:03}"),), f"{number:0100}".encode())
        run(store, f"0.{number:017}", owner, answer, 600)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(store) == 1000
    assert after - before <= store.size


def test_copied_key_is_remembered_for_a_few(store: ClickStore) -> None:
    run(store, owner=ANN)
    for number in range(100):
        owner = Owner(session=str(number))
        click, is_new = store.claim(NAME, owner)
        assert is_new
        if number % 2:
            store.finish(click, "done", 4)
        else:
            store.fail(click)

    assert len(store) == MOST_OWNERS
    assert not store.claim(NAME, ANN)[1]


def _chain(store: ClickStore) -> list[int]:
    """Count the clicks of each name."""
    counts = []
    for click in store._clicks.values():
        count, found = 0, click
        while found is not None:
            count, found = count + 1, found.other  # type: ignore[assignment]
        counts.append(count)
    return counts


# Waiting


def test_repeat_waits_for_its_click(store: ClickStore) -> None:
    store = ClickStore(SECONDS, 1_000_000)
    click, _ = store.claim(NAME, ANN)
    stages: list[Stage] = []
    thread = threading.Thread(target=lambda: stages.append(store.wait(click, 60)))
    thread.start()
    wait_until(lambda: len(click.waiting) == 1)
    store.finish(click, "done", 4)
    thread.join(60)

    assert stages == [Stage.ANSWERED]
    assert click.waiting == ()


def test_repeats_of_a_click_that_fails_run_one_after_another() -> None:
    store = ClickStore(SECONDS, 1_000_000)
    runs: list[int] = []

    def repeat(number: int) -> None:
        while True:
            click, is_new = store.claim(NAME, ANN)
            if is_new:
                runs.append(number)
                if len(runs) < 3:
                    store.fail(click)
                else:
                    store.finish(click, number, 1)
                return
            if store.wait(click, 60) is not Stage.FAILED:
                return

    first, _ = store.claim(NAME, ANN)
    threads = [threading.Thread(target=repeat, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(first.waiting) == 4)
    store.fail(first)
    for thread in threads:
        thread.join(60)

    assert len(runs) == len(set(runs)) == 3
    assert not store.claim(NAME, ANN)[1]


def test_no_more_than_a_few_wait(store: ClickStore) -> None:
    store = ClickStore(SECONDS, 1_000_000)
    click, _ = store.claim(NAME, ANN)
    threads = [threading.Thread(target=store.wait, args=(click, 60)) for _ in range(MOST_WAITING)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(click.waiting) == MOST_WAITING)

    assert store.wait(click, 60) is Stage.RUNNING
    store.fail(click)
    for thread in threads:
        thread.join(60)


def test_wait_ends_with_its_time() -> None:
    store = ClickStore(SECONDS, 1_000_000)
    click, _ = store.claim(NAME, ANN)

    assert store.wait(click, 0.01) is Stage.RUNNING
    assert click.waiting == ()


def test_many_threads_run_each_click_once() -> None:
    store = ClickStore(SECONDS, 100_000_000)
    runs: list[tuple[int, str]] = []

    def send(owner: int) -> None:
        for key in range(200):
            for _ in range(2):
                click, is_new = store.claim(("g:add", str(key)), Owner(session=str(owner % 4)))
                if is_new:
                    runs.append((owner % 4, str(key)))
                    store.finish(click, (owner % 4, key), 10)
                else:
                    assert store.wait(click, 60) is Stage.ANSWERED
                    assert click.answer == (owner % 4, key)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(runs) == len(set(runs)) == 4 * 200


# Against a model without bounds

KEYS = st.sampled_from(["1", "2", "3", "4"])
OWNERS = st.sampled_from([ANN, BOB, Owner(session="cleo"), Owner(address="10.0.0.1")])


class StoreAgainstModel(RuleBasedStateMachine):
    """Whatever happens in whatever order: nobody sees another's click, nothing runs twice that is remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.store = ClickStore(10, 40 * MARK_BYTES, self.clock)
        self.running: list[tuple[tuple[str, Owner], Click]] = []
        self.ended: dict[tuple[str, Owner], tuple[float, Any]] = {}
        self.number = 0

    @rule(key=KEYS, owner=OWNERS)
    def claim(self, key: str, owner: Owner) -> None:
        click, is_new = self.store.claim(("g:add", key), owner)
        own = (key, owner)
        is_running = any(found == own for found, _ in self.running)
        ended_at, answer = self.ended.get(own, (None, None))
        is_remembered = ended_at is not None and self.clock.now < ended_at + 10
        if is_new:
            assert not is_running
            assert not is_remembered or self.store.forgotten
            self.ended.pop(own, None)
            self.running.append((own, click))
        elif click.stage is Stage.RUNNING:
            assert is_running
        else:
            assert is_remembered
            assert click.answer in (None, answer)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), size=st.integers(0, 12 * MARK_BYTES), has_answer=st.booleans())
    def finish(self, data: st.DataObject, size: int, has_answer: bool) -> None:
        own, click = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        self.number += 1
        answer = self.number if has_answer else None
        self.store.finish(click, answer, size)
        self.ended[own] = (self.clock.now, answer)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        _, click = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        self.store.fail(click)

    @rule(seconds=st.floats(0, 15))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def holds_its_bounds(self) -> None:
        store = self.store
        clicks = [click for click in store._ended if click.size]
        assert store.size == sum(click.size for click in clicks) <= 40 * MARK_BYTES
        assert len(store) == len(clicks)
        assert sum(_chain(store)) == len(clicks) + len(self.running)
        assert set(store._shares) == {click.owner.payer for click in clicks}
        for payer, share in store._shares.items():
            own = [click for click in clicks if click.owner.payer == payer]
            assert share.clicks == own
            assert share.answered == [click for click in own if click.answer is not None]
            assert share.size == sum(click.size for click in own) <= 10 * MARK_BYTES


TestStoreAgainstModel: Callable[..., Any] = StoreAgainstModel.TestCase
StoreAgainstModel.TestCase.settings = settings(max_examples=25, stateful_step_count=40)


@given(st.lists(st.tuples(KEYS, OWNERS), max_size=60))
def test_every_click_runs_once_without_failures(clicks: list[tuple[str, Owner]]) -> None:
    store, runs = ClickStore(SECONDS, 1_000_000, Clock()), []
    for key, owner in clicks:
        click, is_new = store.claim(("g:add", key), owner)
        if is_new:
            runs.append((key, owner))
            store.finish(click)

    assert sorted(runs, key=repr) == sorted(set(clicks), key=repr)
