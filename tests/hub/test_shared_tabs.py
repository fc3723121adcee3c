"""One live stream a tab, whatever the order in which processes open, announce and hear."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flask_datastar.brokers import BrokerOptions
from flask_datastar.brokers.payload import Payload
from flask_datastar.hooks import Reason
from flask_datastar.hub import holding
from flask_datastar.hub.shared_tabs import SharedTabs
from flask_datastar.hub.tabs import TabEntry, TabInfo


class Site:
    """Some processes, and the one order in which the server has their messages."""

    def __init__(self, size: int, skews: Sequence[float] | None = None) -> None:
        self.order: list[Payload] = []
        self.processes = [Process(self) for _ in range(size)]
        for process, skew in zip(self.processes, skews or [0.0] * size, strict=True):
            process.skew = skew
        self.opened = 0
        self.asked = 0
        self.told = 0

    def play(self, actions: list[tuple[Any, int]], losses: list[tuple[int, int]]) -> None:
        """Let processes act, and lose what is under way before some of the actions.

        :param losses: positions among the actions, each with the process that loses something.
        """
        for position, (act, number) in enumerate(actions):
            for at, process in losses:
                if at == position:
                    self.processes[process].miss()
            act(self.processes[number])

    def settle(self) -> None:
        """Let everything that is under way arrive."""
        while any(process.send() or process.take() for process in self.processes):
            pass

    @property
    def alive(self) -> list[TabInfo]:
        return [info for process in self.processes for info in process.tabs.snapshot()]


class Opened:
    """An open stream, which notes its end."""

    must_end = False

    def __init__(self, page: str, opened_at: float, ended: list[str], url: str = "/feed") -> None:
        self._ended = ended
        #: The events that it has got for its page.
        self.got: list[bytes] = []
        self.entry = TabEntry("ann", "t", page, url, "feed", opened_at, self)

    def end_as(self, reason: Reason, winner_page: str | None) -> None:
        assert self.entry.page is not None
        self._ended.append(self.entry.page)

    def restore_id(self) -> bool:
        return True


class Process:
    """A process: the bus of its tabs, too."""

    is_shared = True
    broker: Any
    # The events that are held are settled at once when the test runs the waiting tasks.
    options = BrokerOptions("shop", 0)

    def __init__(self, site: Site) -> None:
        self._site = site
        self._outbox: list[Payload] = []
        self._taken = 0
        self.has_missed = False
        #: What its clock is wrong by.
        self.skew = 0.0
        self.ended: list[str] = []
        self.on_tabs: Callable[[Payload], object] = lambda _: None
        self.on_restored: Callable[[], object] = lambda: None
        self.broker = self
        self.tabs = SharedTabs(self)  # type: ignore[arg-type]
        self.newest: Opened | None = None
        #: The streams whose requests wait for their view.
        self.asked: list[Opened] = []
        #: Whether it numbers requests; an older version does not.
        self.numbers = True
        self.streams: list[Opened] = []

    def post(self, topic: str, kind: str, payload: Payload) -> None:
        self._outbox.append(payload)

    def note_streams(self, scope: str, tab: str | None, streams: int) -> None:
        assert streams == len([info for info in self.tabs.snapshot() if (info.scope, info.tab) == (scope, tab)])

    def open(self) -> None:
        site = self._site
        site.opened += 1
        self.newest = Opened(f"p{site.opened}", site.opened + self.skew, self.ended)
        assert self.tabs.register(self.newest.entry, limit_per_scope=20)

    def ask(self) -> None:
        """Take a request for a stream, which opens later."""
        asked = Opened("", self._site.asked + self.skew, self.ended)
        assert self.tabs.expect(asked.entry, limit_per_scope=20)
        asked.entry.page = f"p{self._site.asked}"
        self.asked.append(asked)

    def open_asked(self, position: int = 0) -> None:
        """Open the stream that has waited longest, or another one."""
        if self.asked:
            self._site.opened += 1
            assert self.tabs.register(self.asked.pop(position).entry, limit_per_scope=20)

    def open_last_asked(self) -> None:
        """Open the stream that has waited for the shortest time: its view was quicker."""
        self.open_asked(-1)

    def count_and_number(self, scope: str, tab: str | None) -> tuple[int, int | None]:
        self._site.asked += 1
        return 0, self._site.asked if self.numbers else None

    def open_beside(self, number: int) -> None:
        """Open one of the streams of the site's only page."""
        self._site.opened += 1
        stream = Opened("p", self._site.opened, self.ended, f"/{number}")
        assert self.tabs.register(stream.entry, limit_per_scope=20)
        self.streams.append(stream)

    def subscribe_beside(self) -> None:
        """Subscribe to the events for the site's only page, for a stream of it that opens later."""
        self._site.opened += 1
        self.streams.append(Opened("p", self._site.opened, self.ended, f"/{self._site.opened}"))

    def open_subscribed(self) -> None:
        """Open the oldest stream that has only subscribed."""
        for stream in self.streams:
            if not stream.entry.key:
                assert self.tabs.register(stream.entry, limit_per_scope=20)
                break

    def tell(self) -> None:
        """Send an event to the page."""
        self._site.told += 1
        self._outbox.append(Payload(b"told %d" % self._site.told))

    def count_elsewhere(self, scope: str, tab: str | None) -> int:
        others = [one for one in self._site.processes if one is not self and tab is None]
        return sum(len(one.tabs.snapshot()) for one in others)

    def close_one(self, number: int) -> None:
        """End one of its streams, perhaps one that was replaced."""
        if self.streams:
            self.tabs.release(self.streams.pop(number % len(self.streams)).entry)

    def send(self) -> bool:
        """Let the server have the oldest message."""
        if not self._outbox:
            return False
        self._site.order.append(self._outbox.pop(0))
        return True

    def take(self) -> bool:
        """Hear the next message."""
        if self._taken == len(self._site.order):
            return False
        self._taken += 1
        payload = self._site.order[self._taken - 1]
        if payload.data.startswith(b"told"):
            for stream in list(self.streams):
                self.tabs.take_event(
                    stream.entry, (100, 10_000), payload, lambda one, to=stream: to.got.append(one.data)
                )
        else:
            self.on_tabs(payload)
        return True

    def miss(self) -> None:
        """Lose what is under way, in both directions."""
        self.has_missed = self.has_missed or bool(self._outbox) or self._taken < len(self._site.order)
        self._outbox.clear()
        self._taken = len(self._site.order)

    def recover(self) -> None:
        """Find out that something may have been missed; it was not, this time."""
        self.on_restored()


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from([Process.open, Process.open, Process.send, Process.take, Process.take]), st.integers(0, 2)
    ),
    max_size=40,
)
LOSSES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2)), max_size=4)


def test_newcomer_without_room_is_not_noted() -> None:
    process = Site(1).processes[0]
    process.is_shared = False
    refused, noted = (Opened(page, 1.0, process.ended) for page in ("p", "q"))

    assert not process.tabs.expect(refused.entry, limit_per_scope=0)
    assert process.tabs.expect(noted.entry, limit_per_scope=1)
    assert process.tabs.close("ann", None, Reason.DONE) == 1
    assert process.ended == ["q"]


@settings(max_examples=300)
@given(ACTIONS)
@example([(Process.open, 0), (Process.open, 1), (Process.open, 0), (Process.send, 1), (Process.send, 0)])
def test_exactly_one_stream_stays_and_it_is_the_one_heard_of_last(actions: list[tuple[Any, int]]) -> None:
    site = Site(3)
    for act, number in actions:
        act(site.processes[number])

    site.settle()

    opened = [payload for payload in site.order if b'"opened"' in payload.data]
    assert len(site.alive) == min(1, site.opened)
    if site.alive:
        assert f'"page":"{site.alive[0].page}"'.encode() in opened[-1].data
        ended = [page for process in site.processes for page in process.ended]
        assert len(ended) == len(set(ended)) == site.opened - 1


@settings(max_examples=300)
@given(ACTIONS, LOSSES)
def test_exactly_one_stream_stays_when_messages_were_lost(
    actions: list[tuple[Any, int]], losses: list[tuple[int, int]]
) -> None:
    site = Site(3)
    site.play(actions, losses)

    # As after an outage, of which not all have noticed.
    for process in site.processes:
        if process.has_missed:
            process.on_restored()
    site.settle()

    assert len(site.alive) == min(1, site.opened)


@settings(deadline=None, derandomize=True, database=None, max_examples=500)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([Process.open, Process.send, Process.take, Process.take, Process.recover]),
            st.integers(0, 2),
        ),
        max_size=40,
    ),
    st.lists(st.sampled_from([-2.5, 0, 2.5]), min_size=3, max_size=3),
)
@example(
    # Opened first and announced last, and between the two announcements of the other one.
    [
        (Process.open, 0),
        (Process.open, 1),
        (Process.send, 1),
        (Process.take, 1),
        (Process.send, 0),
        (Process.recover, 1),
    ],
    [0, 0, 0],
)
def test_exactly_one_stream_stays_whatever_the_clocks_say_while_outages_end(
    actions: list[tuple[Any, int]], skews: list[float]
) -> None:
    site = Site(3, skews)

    for act, number in actions:
        act(site.processes[number])
    for process in site.processes:
        process.recover()
    site.settle()

    assert len(site.alive) == min(1, site.opened)
    ended = [page for process in site.processes for page in process.ended]
    assert len(ended) == len(set(ended))


REQUESTS = [
    *[Process.ask, Process.ask, Process.open_asked, Process.open_last_asked],
    *[Process.send, Process.send, Process.take, Process.take],
]
#: An older page's process stops before its announcement, which comes after that of the newer page.
LATE = [(Process.ask, 0), (Process.open_asked, 0), (Process.ask, 1), (Process.open_asked, 1), (Process.send, 1)]


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(REQUESTS), st.integers(0, 2)), max_size=50),
    LOSSES,
    st.lists(st.sampled_from([-2.5, 0, 2.5]), min_size=3, max_size=3),
)
@example(LATE, [], [0, 0, 0])
# It hears of the newer page before it announces its own, and after.
@example([*LATE, (Process.take, 1), (Process.take, 0), (Process.send, 0)], [], [0, 0, 0])
@example([*LATE, (Process.send, 0), (Process.take, 0), (Process.take, 0)], [], [0, 0, 0])
# It listens only now, so it never hears of the newer page's first announcement.
@example([(Process.ask, 0), *LATE[2:], (Process.take, 0), (Process.open_asked, 0)], [], [0, 0, 0])
# Its view is slow, and the newer page's stream is in the same process.
@example([(Process.ask, 0), (Process.ask, 0), (Process.open_last_asked, 0), (Process.open_asked, 0)], [], [0, 0, 0])
@example([*LATE, (Process.ask, 2), (Process.open_asked, 2), (Process.send, 2)], [(5, 1)], [2.5, 0, -2.5])
def test_stream_of_the_newest_request_stays_whenever_it_is_announced(
    actions: list[tuple[Any, int]], losses: list[tuple[int, int]], skews: list[float]
) -> None:
    site = Site(3, skews)
    site.play(actions, losses)
    for process in site.processes:
        while process.asked:
            process.open_asked()
        if process.has_missed:
            process.recover()
    site.settle()

    assert [info.page for info in site.alive] == [f"p{site.asked}"] * min(1, site.asked)
    ended = [page for process in site.processes for page in process.ended]
    assert sorted(ended) == sorted(f"p{number}" for number in range(1, site.asked))


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([*REQUESTS, Process.recover]), st.integers(0, 2)), max_size=50),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.lists(st.sampled_from([-2.5, 0, 2.5]), min_size=3, max_size=3),
)
def test_exactly_one_stream_stays_beside_processes_of_an_older_version(
    actions: list[tuple[Any, int]], numbers: list[bool], skews: list[float]
) -> None:
    site = Site(3, skews)
    for process, has_numbers in zip(site.processes, numbers, strict=True):
        process.numbers = has_numbers

    for act, number in actions:
        act(site.processes[number])
    for process in site.processes:
        while process.asked:
            process.open_asked()
    site.settle()

    assert len(site.alive) == min(1, site.asked)
    ended = [page for process in site.processes for page in process.ended]
    assert len(ended) == len(set(ended)) == max(0, site.asked - 1)


PAGE_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["open", "open", "close", "send", "take", "take", "miss"]), st.integers(0, 2), st.integers(0, 2)
    ),
    max_size=40,
)


@settings(max_examples=500)
@given(PAGE_STEPS, st.booleans())
@example([("open", 0, 0), ("open", 1, 1), ("close", 1, 0)], False)
@example([("open", 0, 0), ("send", 0, 0), ("open", 1, 1), ("send", 1, 0), ("close", 1, 0), ("take", 0, 0)], False)
def test_exactly_one_stream_of_a_page_speaks(steps: list[tuple[str, int, int]], has_losses: bool) -> None:
    site = Site(3)
    for act, where, number in steps:
        process = site.processes[where]
        if act == "open":
            process.open_beside(number)
        elif act == "close":
            process.close_one(number)
        elif act != "miss":
            getattr(process, act)()
        elif has_losses:
            process.miss()
    site.settle()
    if has_losses:
        for process in site.processes:
            process.recover()
        site.settle()

    live = {info.opened_at for info in site.alive}
    speaking = [
        stream
        for process in site.processes
        for stream in process.streams
        if stream.entry.opened_at in live and process.tabs.speaks(stream.entry)
    ]
    assert len(speaking) == min(1, len(live))


PAGE_EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["subscribe_beside", "open_subscribed", "tell", "tell", "send", "send", "take", "take"]),
        st.integers(0, 2),
    ),
    max_size=50,
)


def told(*order: str) -> list[tuple[str, int]]:
    """Return the steps by which two processes subscribe and open, after which these messages have this order."""
    steps = [(name, where) for where in (0, 1) for name in ("subscribe_beside", "open_subscribed")]
    for what in order:
        steps += [("tell", 2), ("send", 2)] if what == "told" else [("send", int(what))]
    return steps


@settings(max_examples=500, deadline=None)
@given(PAGE_EVENTS)
@example(told("0", "told", "1"))
@example(told("1", "told", "0"))
@example(told("told", "0", "1"))
@example(told("told", "0", "told", "1", "told"))
def test_page_gets_each_event_once_while_its_streams_open(steps: list[tuple[str, int]]) -> None:
    site, waiting = Site(3), []
    # Each event → whether a stream had subscribed that has to get it.
    owed: dict[bytes, bool] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holding, "spawn", lambda function, name: waiting.append(function))
        for act, where in steps:
            process = site.processes[where]
            taken = site.order[process._taken] if act == "take" and process._taken < len(site.order) else None
            if taken is not None and taken.data.startswith(b"told"):
                owed[taken.data] = owed.get(taken.data, False) or bool(process.streams)
            getattr(process, act)()
        for process in site.processes:
            for payload in site.order[process._taken :]:
                if payload.data.startswith(b"told"):
                    owed[payload.data] = owed.get(payload.data, False) or bool(process.streams)
            # What is still to be sent comes after all subscriptions.
            owed |= {one.data: True for one in process._outbox if one.data.startswith(b"told") and site.opened}
        site.settle()
        for process in site.processes:
            while any(not stream.entry.key for stream in process.streams):
                process.open_subscribed()
        site.settle()
        for function in waiting:
            function()

    got = [event for process in site.processes for stream in process.streams for event in stream.got]
    assert sorted(got) == sorted(event for event, is_owed in owed.items() if is_owed)
    for process in site.processes:
        for stream in process.streams:
            assert stream.got == sorted(stream.got, key=[one.data for one in site.order].index)


def test_stream_that_opens_while_an_older_one_is_counted_out_is_known_to_the_others() -> None:
    process, noted = Site(1).processes[0], []
    opening = threading.Thread(target=process.open)

    def note(scope: str, tab: str | None, streams: int) -> None:
        if not noted:
            noted.append("begun")
            opening.start()
            # Time enough to note its own; or it waits for its turn.
            opening.join(0.2)
        noted.append(streams)

    process.open()
    assert process.newest is not None
    process.note_streams = note  # type: ignore[method-assign]
    process.tabs.release(process.newest.entry)
    opening.join()

    assert noted == ["begun", 0, 1]
