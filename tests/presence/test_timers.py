"""How long people linger, by a clock that tests move: no bound here depends on how busy the machine is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flask_datastar.config.settings import Settings
from flask_datastar.presence import process as presence_process
from flask_datastar.presence import timers
from flask_datastar.presence.timers import BEAT_SECONDS, STEP_SECONDS
from flask_datastar.testing.waiting import wait_until
from tests.presence.conftest import MakeSite, Site
from tests.support.streams import hub_for

LINGER_SECONDS = Settings().presence_linger_seconds
SPREAD_SECONDS = Settings().restart_spread_seconds
START = 1000.0
TOPIC = "datastar:presence:board"


class Clock:
    """The time, and the timers of presence in all processes."""

    def __init__(self) -> None:
        self.now = START
        self.timers: list[tuple[float, Callable[[], object]]] = []

    def monotonic(self) -> float:
        return self.now

    time = monotonic

    def every(self, seconds: float, function: Callable[[], object]) -> Callable[[], None]:
        timer = (seconds, function)
        self.timers.append(timer)
        return lambda: self.timers.remove(timer)

    def periods(self) -> list[float]:
        return sorted(seconds for seconds, _ in self.timers)

    def step(self, now: float) -> None:
        """Call what is due at a time."""
        self.now = now
        for seconds, function in list(self.timers):
            if seconds == STEP_SECONDS:
                function()


class Listener:
    """What a region, or a stream that waits for changes, is to presence."""

    heard = 0

    def deliver(self, *_: Any) -> None:
        self.heard += 1

    def catch_up(self) -> None:
        """Nothing is missed."""


@pytest.fixture
def listen() -> Iterator[Callable[[Site], Listener]]:
    listening = []

    def start(site: Site) -> Listener:
        listener, topics = Listener(), hub_for(site.app).topics
        topics.subscribe((TOPIC,), listener)
        listening.append((topics, listener))
        return listener

    yield start
    for topics, listener in listening:
        topics.unsubscribe((TOPIC,), listener)


@pytest.fixture
def clock(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(presence_process, "time", clock)
    monkeypatch.setattr(timers, "call_every", clock.every)
    monkeypatch.setattr(timers, "STEP_SECONDS", STEP_SECONDS)
    return clock


@pytest.mark.parametrize("ending", ["closed", "sent away"])
def test_who_closes_the_last_tab_is_gone_everywhere_after_the_linger_and_a_step(
    make_process: MakeSite, listen: Callable[[Site], Listener], clock: Clock, ending: str
) -> None:
    config = {"DATASTAR_PRESENCE_LINGER_SECONDS": LINGER_SECONDS, "DATASTAR_RESTART_SPREAD_SECONDS": SPREAD_SECONDS}
    processes = one, other = make_process(**config), make_process(**config)
    stream = one.open("board", "t.p", "ann")
    assert other.names() == ["ann"]
    listeners = [listen(process) for process in processes]
    assert clock.periods() == [BEAT_SECONDS] * 2
    if ending == "closed":
        stream.close()
    else:
        hub_for(one.app).stop()
        stream.wait_end()
    wait_until(lambda: clock.periods() == [STEP_SECONDS] * 2 + [BEAT_SECONDS] * 2)

    gone_at = START + LINGER_SECONDS + (SPREAD_SECONDS if ending == "sent away" else 0)
    clock.step(gone_at - 0.001)
    for process in processes:
        assert process.names() == ["ann"]
    assert [listener.heard for listener in listeners] == [0, 0]
    clock.step(gone_at)
    for process in processes:
        assert process.names() == []
    assert [listener.heard for listener in listeners] == [1, 1], "regions and streams hear of it at this moment"
    assert clock.timers == [], "nothing is timed while nobody is there"


def test_a_tab_that_is_closed_is_gone_within_six_seconds_by_default() -> None:
    # What comes on top: how long the server takes to notice it, and one rendering of a region.
    assert LINGER_SECONDS + STEP_SECONDS + 0.5 < 6


def test_signing_out_waits_for_no_timer(
    make_process: MakeSite, listen: Callable[[Site], Listener], clock: Clock
) -> None:
    processes = one, other = make_process(), make_process()
    one.open("board", "t.p", "ann")
    one.open("board", "u.p", "ann").close()
    assert other.names() == ["ann"]
    listeners = [listen(process) for process in processes]
    with other.app.app_context():
        other.datastar.tabs.close("ann", restart=True)
    for process in processes:
        assert process.names() == []
    assert [listener.heard > 0 for listener in listeners] == [True, True]


def test_timers_that_are_closed_start_no_more(clock: Clock) -> None:
    owner = timers.Timers(lambda: None, lambda: None)
    owner.run(beats=True, steps=True)
    owner.run(beats=True, steps=True)
    assert clock.periods() == [STEP_SECONDS, BEAT_SECONDS]
    owner.run(beats=False, steps=True)
    assert clock.periods() == [STEP_SECONDS]
    owner.close()
    owner.run(beats=True, steps=True)
    assert clock.timers == []
