"""The state of presence: the same for everybody who was told the same, in whatever order."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_datastar.presence.entries import Difference, Entry, Held, Joined, Left, Whole
from flask_datastar.presence.state import FORGOTTEN_TICKS, SILENT_TICKS, PresenceState

LINGER = 5.0
TOPICS = ["board", "card"]
SCOPES = ["ann", "bob", ""]


class Process:
    """A process that says what it does, and knows which of its entries are open."""

    def __init__(self, name: str) -> None:
        self.state = PresenceState(name)
        self.said: list[Difference] = []
        #: Number → the entry as it was last said.
        self.open: dict[int, Entry] = {}

    def say(self, difference: Difference | None) -> None:
        if difference is not None:
            self.said.append(difference)
        if isinstance(difference, Joined):
            self.open[difference.entry.number] = difference.entry
        elif isinstance(difference, Left):
            self.open.pop(difference.number, None)

    def act(self, kind: str, pick: int, at: float) -> None:
        if kind == "join":
            scope, tab = SCOPES[pick % 3], f"tab{pick % 4}"
            self.say(self.state.join(TOPICS[pick % 2], scope, tab, f'{{"n":{pick}}}', at=at, now=at))
        elif kind == "whole":
            self.said.append(self.state.whole(at))
        elif self.open:
            number = sorted(self.open)[pick % len(self.open)]
            if kind == "change":
                self.say(self.state.change(number, f'{{"c":{pick}}}', at=at, now=at))
            else:
                self.say(self.state.leave(number, LINGER if kind == "linger" else 0.0, at))


Action = tuple[int, str, int]
ACTIONS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["join", "join", "join", "change", "leave", "linger", "whole"]),
        st.integers(0, 11),
    ),
    max_size=30,
)


def run(actions: Iterable[Action], *, talk: float = 0.0, seed: int = 0) -> list[Process]:
    """Let processes act. Some of what one says reaches the others at once, the rest does not reach them at all."""
    luck = random.Random(seed)
    processes = [Process(name) for name in "pqr"]
    for at, (number, kind, pick) in enumerate(actions, start=1):
        before = len(processes[number].said)
        processes[number].act(kind, pick, float(at))
        for difference in processes[number].said[before:]:
            for other in processes:
                if other is not processes[number] and luck.random() < talk:
                    other.state.merge(difference, float(at))
    return processes


def expected(processes: Iterable[Process], topic: str) -> list[tuple[Any, ...]]:
    """Say who is at a topic, from the open entries alone."""
    people: dict[tuple[str, str], list[tuple[Entry, str]]] = {}
    for process in processes:
        for entry in process.open.values():
            if entry.topic == topic:
                person = (entry.scope, "") if entry.scope else ("", entry.tab)
                people.setdefault(person, []).append((entry, process.state.process))
    rows = []
    for person, entries in people.items():
        newest = max(entries, key=lambda found: (found[0].stamp, found[1], found[0].number))[0]
        since = min(entry.since for entry, _ in entries)
        rows.append((since, person, person[0], len({entry.tab for entry, _ in entries}), newest.data))
    return [(scope, tabs, since, data) for since, _, scope, tabs, data in sorted(rows)]


def lists(state: PresenceState) -> list[list[tuple[Any, ...]]]:
    return [[tuple(seen) for seen in state.seen(topic)] for topic in TOPICS]


def truth(processes: Iterable[Process]) -> list[list[tuple[Any, ...]]]:
    processes = list(processes)
    return [expected(processes, topic) for topic in TOPICS]


# Any order, twice, late, not at all


@settings(max_examples=150)
@given(ACTIONS, st.randoms(use_true_random=False), st.floats(0, 1))
def test_any_order_of_the_same_differences_ends_in_the_same_state(
    actions: list[Action], luck: random.Random, talk: float
) -> None:
    processes = run(actions, talk=talk, seed=luck.randrange(1000))
    said = [difference for process in processes for difference in process.said]
    for _ in range(2):
        given_ = said + luck.choices(said, k=len(said)) if said else []
        luck.shuffle(given_)
        watcher = PresenceState("watcher")
        for now, difference in enumerate(given_):
            watcher.merge(difference, float(now))
            watcher.advance(now - luck.choice([0.0, 3.0]))

        watcher.advance(len(given_) + LINGER)
        assert lists(watcher) == truth(processes)
        assert watcher.behind() == []
        assert watcher.next_due() is None


@settings(max_examples=150)
@given(ACTIONS, st.randoms(use_true_random=False))
def test_what_was_missed_is_noticed_and_made_good(actions: list[Action], luck: random.Random) -> None:
    processes = run(actions)
    said = [difference for process in processes for difference in process.said]
    arrived = [difference for difference in said if luck.random() < 0.5]
    luck.shuffle(arrived)
    watcher = PresenceState("watcher")
    for difference in arrived:
        watcher.merge(difference, 50.0)
    for process in processes:
        watcher.hear(process.state.process, process.state.seq)

    behind = watcher.behind()
    for process in processes:
        if process.state.process in behind:
            watcher.merge(process.state.whole(50.0), 50.0)

    assert watcher.behind() == []
    watcher.advance(50.0 + LINGER)
    assert lists(watcher) == truth(processes)
    # What is late changes nothing any more.
    watcher.take_changed()
    for difference in said:
        watcher.merge(difference, 60.0)
    assert watcher.take_changed() == set()
    assert lists(watcher) == truth(processes)


@settings(max_examples=100)
@given(ACTIONS, st.randoms(use_true_random=False))
def test_processes_that_talk_agree(actions: list[Action], luck: random.Random) -> None:
    processes = run(actions, talk=luck.random(), seed=luck.randrange(1000))
    dead = luck.choice([*processes, None])
    alive = [process for process in processes if process is not dead]
    for _ in range(SILENT_TICKS):
        for one in alive:
            for other in alive:
                if other is not one:
                    one.state.hear(other.state.process, other.state.seq)
                    if other.state.process in one.state.behind():
                        one.state.merge(other.state.whole(40.0), 40.0)
            one.state.tick()

    for one in alive:
        one.state.advance(40.0 + LINGER)
        assert lists(one.state) == truth(alive)


@given(ACTIONS, st.randoms(use_true_random=False))
def test_a_topic_is_changed_exactly_if_its_list_is_another(actions: list[Action], luck: random.Random) -> None:
    processes = run(actions, talk=0.5)
    said = [difference for process in processes for difference in process.said]
    luck.shuffle(said)
    watcher = PresenceState("watcher")
    for now, difference in enumerate(said):
        before, same = lists(watcher), [watcher.seen(topic) for topic in TOPICS]
        watcher.merge(difference, float(now))
        watcher.advance(float(now))

        after = lists(watcher)
        expected_ = {topic for topic, old, new in zip(TOPICS, before, after, strict=True) if old != new}
        assert watcher.take_changed() >= expected_
        for topic, kept, old, new in zip(TOPICS, same, before, after, strict=True):
            assert (watcher.seen(topic) is kept) or old != new or topic not in expected_


@given(ACTIONS)
def test_a_state_without_entries_keeps_nothing_of_them(actions: list[Action]) -> None:
    processes = run(actions, talk=1.0)
    for process in processes:
        for number in list(process.open):
            process.say(process.state.leave(number, 0.0, 40.0))
    watcher = PresenceState("watcher")
    for process in processes:
        watcher.merge(process.state.whole(40.0), 40.0)
    for state in (watcher, *(process.state for process in processes)):
        state.advance(100.0)
        for _ in range(FORGOTTEN_TICKS):
            state.tick()
        assert state.count() == {"topics": 0, "people": 0, "entries": 0, "processes": 0}
        assert len(state._records) == 1
        assert not state._by_tab
        assert not state._due
        assert not any(vars(state._people)[name] for name in ("_topics", "_kept", "_lists"))


# Coming and going


def joined(state: PresenceState, scope: str = "ann", tab: str = "t", *, at: float = 1.0, page: str = "") -> Joined:
    return state.join("board", scope, tab, "{}", page=page, at=at, now=at)


def names(state: PresenceState) -> list[str]:
    return [seen.scope for seen in state.seen("board")]


def test_people_are_listed_as_they_came_and_once() -> None:
    state = PresenceState("p")
    for at, (scope, tab) in enumerate([("bob", "1"), ("ann", "2"), ("bob", "3"), ("", "4"), ("", "5"), ("", "4")]):
        joined(state, scope, tab, at=float(at))

    assert [tuple(seen) for seen in state.seen("board")] == [
        ("bob", 2, 0.0, "{}"),
        ("ann", 1, 1.0, "{}"),
        ("", 1, 3.0, "{}"),
        ("", 1, 4.0, "{}"),
    ]
    assert state.seen("card") == ()


def test_streams_without_a_tab_id_count_each() -> None:
    state = PresenceState("p")
    for at, scope in enumerate(("ann", "ann", "", "")):
        joined(state, scope, "", at=float(at))

    assert [seen.tabs for seen in state.seen("board")] == [2, 1, 1]


def test_who_comes_back_while_lingering_was_never_away() -> None:
    here, there = PresenceState("p"), PresenceState("q")
    first = joined(here, at=1.0)
    there.merge(first, 1.0)
    left = here.leave(first.entry.number, LINGER, 2.0)
    assert left is not None
    there.merge(left, 2.0)
    there.take_changed()

    back = there.join("board", "ann", "t", "{}", at=4.0, now=4.0)
    here.merge(back, 4.0)
    for state in (here, there):
        state.advance(2.0 + LINGER)
        assert [tuple(seen) for seen in state.seen("board")] == [("ann", 1, 1.0, "{}")]
    assert there.take_changed() == set()


def test_nobody_lingers_longer_or_shorter() -> None:
    state = PresenceState("p")
    number = joined(state).entry.number
    state.leave(number, LINGER, 10.0)

    state.advance(14.999)
    assert names(state) == ["ann"]
    assert state.next_due() == 15.0
    state.advance(15.0)
    assert names(state) == []
    assert state.next_due() is None
    assert state.leave(number, 0.0, 16.0) is None


def test_who_lingers_can_leave_at_once() -> None:
    here, there = PresenceState("p"), PresenceState("q")
    said = [joined(here), here.leave(1, LINGER, 1.0), here.leave(1, 0.0, 2.0)]
    assert names(here) == []
    for order in (said, said[::-1]):
        there = PresenceState("q")
        for difference in order:
            assert difference is not None
            there.merge(difference, 2.0)
        assert names(there) == []
        there.advance(100.0)
        assert there.next_due() is None


def test_of_two_ends_the_later_one_counts() -> None:
    owner = PresenceState("q")
    said = [joined(owner), owner.leave(1, 60.0, 1.0), owner.leave(1, LINGER, 1.0)]
    for order in (said, [said[0], said[2], said[1]]):
        state = PresenceState("p")
        for difference in order:
            assert difference is not None
            state.merge(difference, 1.0)
        state.advance(1.0 + LINGER)
        assert names(state) == []


def test_who_is_gone_here_is_not_brought_back_by_a_slower_clock() -> None:
    state, owner = PresenceState("p"), PresenceState("q")
    for difference in (joined(owner), owner.leave(1, LINGER, 1.0)):
        assert difference is not None
        state.merge(difference, 1.0)
    state.advance(1.0 + LINGER)
    state.take_changed()

    joined(owner, "bob", at=5.0)
    state.merge(owner.whole(5.0), 6.5)
    assert names(state) == ["bob"]


def test_the_newest_data_counts_even_if_a_clock_is_behind() -> None:
    ahead, behind = PresenceState("p"), PresenceState("q")
    behind.merge(ahead.join("board", "ann", "1", '{"n":1}', at=1000.0, now=1.0), 1.0)

    newer = behind.join("board", "ann", "2", '{"n":2}', at=5.0, now=2.0)
    ahead.merge(newer, 2.0)
    assert [(seen.data, seen.since) for seen in ahead.seen("board")] == [('{"n":2}', 5.0)]
    changed = ahead.change(1, '{"n":3}', at=6.0, now=3.0)
    assert changed is not None
    behind.merge(changed, 3.0)
    assert [seen.data for seen in behind.seen("board")] == ['{"n":3}'] == [seen.data for seen in ahead.seen("board")]


def test_data_that_is_the_same_says_nothing() -> None:
    state = PresenceState("p")
    joined(state)
    assert state.change(1, "{}", at=2.0, now=2.0) is None
    state.join("board", "ann", "u", '{"n":1}', at=3.0, now=3.0)
    # The other tab's data was newer.
    assert state.change(1, "{}", at=4.0, now=4.0) is not None
    assert [seen.data for seen in state.seen("board")] == ["{}"]


# Dead processes


def test_a_silent_process_is_dropped_and_who_lingers_lingers() -> None:
    state, other = PresenceState("p"), PresenceState("q")
    for difference in (joined(other, "ann"), joined(other, "bob"), other.leave(2, 60.0, 1.0)):
        assert difference is not None
        state.merge(difference, 1.0)
    joined(state, "carl", at=9.0)

    for _ in range(SILENT_TICKS - 1):
        state.tick()
    assert names(state) == ["ann", "bob", "carl"]
    state.take_changed()
    state.tick()
    assert names(state) == ["bob", "carl"]
    assert state.take_changed() == {"board"}
    state.advance(61.0)
    assert names(state) == ["carl"]
    assert state.behind() == []
    state.hear("q", 3)
    assert state.behind() == ["q"]


def test_any_word_shows_that_a_process_is_alive() -> None:
    state, other = PresenceState("p"), PresenceState("q")
    first = joined(other)
    state.merge(first, 1.0)
    for _ in range(SILENT_TICKS):
        state.tick()
        state.hear("q", 1)
        state.tick()
        state.merge(first, 1.0)
    assert names(state) == ["ann"]


def test_what_comes_late_of_a_dead_process_brings_nobody_back() -> None:
    state, other = PresenceState("p"), PresenceState("q")
    said = [joined(other, scope) for scope in ("ann", "bob")]
    for difference in said:
        state.merge(difference, 1.0)
    for _ in range(SILENT_TICKS):
        state.tick()

    for difference in said:
        state.merge(difference, 2.0)
    assert names(state) == []


def test_a_process_that_was_only_slow_comes_back_whole() -> None:
    state, other = PresenceState("p"), PresenceState("q")
    state.merge(joined(other, "ann"), 1.0)
    for _ in range(SILENT_TICKS):
        state.tick()

    state.merge(joined(other, "bob", at=2.0), 2.0)
    assert state.behind() == ["q"]
    state.merge(other.whole(3.0), 3.0)
    assert names(state) == ["ann", "bob"]
    assert state.behind() == []


def test_a_process_without_entries_is_remembered_for_nothing() -> None:
    state = PresenceState("p")
    state.hear("q", 0)
    assert state.behind() == []
    assert len(state._records) == 1


def test_a_whole_that_is_older_than_what_is_known_changes_nothing() -> None:
    state, other = PresenceState("p"), PresenceState("q")
    said = [joined(other, "ann")]
    old = other.whole(1.0)
    said += [joined(other, "bob", at=2.0)]
    for difference in (*said, old):
        state.merge(difference, 2.0)
    assert names(state) == ["ann", "bob"]


def test_a_whole_says_how_long_is_left() -> None:
    state, other = PresenceState("p"), PresenceState("q")
    joined(other)
    other.leave(1, LINGER, 100.0)
    whole = other.whole(103.0)
    assert [held.gone_at for held in whole.held] == [2.0]

    state.merge(whole, 7.0)
    assert state.next_due() == 9.0
    assert other.whole(200.0).held[0].gone_at == 0.0


def test_a_number_that_moves_to_another_topic_leaves_the_first() -> None:
    # No process does this, but others can write to the broker.
    state = PresenceState("p")
    first = joined(PresenceState("q")).entry
    moved = Entry(1, "card", "", "x", "page", 1.0, 2.0, "{}")
    state.merge(Joined("q", 1, first), 1.0)
    state.merge(Joined("q", 2, moved), 1.0)
    assert names(state) == []
    assert len(state.seen("card")) == 1
    state.merge(Whole("q", 3, (Held(3, first),)), 1.0)
    assert names(state) == ["ann"]
    assert state.seen("card") == ()


# Tabs and pages


def test_own_entries_are_found_by_tab() -> None:
    state = PresenceState("p")
    joined(state, "ann", "1")
    joined(state, "bob", "2")
    joined(state, "ann", "2")
    state.leave(2, LINGER, 1.0)
    assert [entry.number for entry in state.own_entries()] == [1, 2, 3]
    assert [entry.number for entry in state.own_entries("2")] == [2, 3]
    state.leave(2, 0.0, 1.0)
    assert [entry.number for entry in state.own_entries("2")] == [3]
    assert state.own_entries("4") == []


def test_what_a_page_keeps_is_found_in_all_processes() -> None:
    state, other = PresenceState("p"), PresenceState("q")
    state.merge(other.join("board", "ann", "t", '{"n":1}', page="x", at=1.0, now=1.0), 1.0)
    state.merge(other.join("card", "ann", "t", "{}", at=1.0, now=1.0), 1.0)
    state.join("board", "ann", "t", '{"n":2}', page="x", at=2.0, now=2.0)
    assert {topic: entry.data for topic, entry in state.kept_for(("ann", "t", "x")).items()} == {"board": '{"n":2}'}
    assert state.kept_for(("ann", "t", "y")) == {}
    assert state.take_orphans() == set()

    left = other.leave(1, LINGER, 3.0)
    assert left is not None
    state.merge(left, 3.0)
    state.leave(1, LINGER, 3.0)
    assert state.take_orphans() == {("ann", "t", "x")}
    assert state.take_orphans() == set()
    state.advance(3.0 + LINGER)
    assert state.kept_for(("ann", "t", "x")) == {}


def test_a_page_that_moves_is_no_newcomer_and_has_no_news() -> None:
    state, other = PresenceState("p"), PresenceState("q")
    kept = other.join("board", "ann", "t", '{"n":1}', page="x", at=1.0, now=1.0)
    newer = other.join("board", "ann", "u", '{"n":2}', at=5.0, now=5.0)
    for difference in (kept, newer):
        state.merge(difference, 5.0)
    state.take_changed()

    moved = state.adopt(kept.entry, 9.0)
    other.merge(moved, 9.0)
    left = other.leave(kept.entry.number, 0.0, 9.0)
    assert left is not None
    state.merge(left, 9.0)
    for one in (state, other):
        assert [tuple(seen) for seen in one.seen("board")] == [("ann", 2, 1.0, '{"n":2}')]
    assert state.take_changed() == set()


@pytest.mark.parametrize("is_late", [False, True])
def test_a_page_does_not_bring_back_what_it_took_elsewhere_and_lost_there(is_late: bool) -> None:
    dead, here, there = PresenceState("dead"), PresenceState("p"), PresenceState("q")
    at_dead = dead.join("card", "ann", "t", "{}", page="x", at=1.79e9, now=1.0)
    here.merge(at_dead, 1.0)
    moved = here.adopt(at_dead.entry, 2.0)
    for difference in (moved, at_dead) if is_late else (at_dead, moved):
        there.merge(difference, 2.0)
    # A page that moves on keeps it.
    for state in (here, there):
        assert state.kept_for(("ann", "t", "x")) == {"card": moved.entry}

    left = here.leave(moved.entry.number, LINGER, 3.0)
    assert left is not None
    there.merge(left, 3.0)
    for state in (here, there):
        assert state.kept_for(("ann", "t", "x")) == {"card": moved.entry}
        state.advance(3.0 + LINGER)
        assert len(state.seen("card")) == 1, "the process is not known to be dead"
        assert state.kept_for(("ann", "t", "x")) == {}


@pytest.mark.parametrize("tab", ["t", None])
def test_a_page_keeps_no_longer_what_was_dismissed(tab: str | None) -> None:
    state, other = PresenceState("p"), PresenceState("q")
    for topic, scope in [("board", "ann"), ("card", "ann"), ("card", "bob")]:
        state.merge(other.join(topic, scope, "t", "{}", page="x", at=1.0, now=1.0), 1.0)
    state.dismiss(lambda entry: (entry.topic, entry.scope) == ("card", "ann"), tab)
    state.dismiss(lambda entry: True, "u")
    assert [*state.kept_for(("ann", "t", "x"))] == ["board"]
    assert [*state.kept_for(("bob", "t", "x"))] == ["card"]
    assert len(state.seen("card")) == 2, "only its process ends it"
    # Its process has heard nothing of that, and somebody joins once more.
    changed = other.change(2, '{"n":1}', at=2.0, now=2.0)
    assert changed is not None
    state.merge(changed, 2.0)
    assert sorted(state.kept_for(("ann", "t", "x"))) == ["board", "card"]


@given(seq=st.integers(1, 5))
def test_an_end_that_comes_first_keeps_its_entry_out(seq: int) -> None:
    state = PresenceState("p")
    entry = joined(PresenceState("q")).entry
    state.merge(Left("q", seq + 1, 1, LINGER), 1.0)
    state.merge(Joined("q", seq, entry), 1.0)
    assert names(state) == []
