"""Checks of presence over Redis: with threads or greenlets, and with a server that dies and comes back empty."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask_datastar.config.settings import Settings
from flask_datastar.hooks import Reason
from flask_datastar.hub.hub import StreamHub
from flask_datastar.hub.stream import Stream
from flask_datastar.presence import timers
from flask_datastar.presence.process import Presence
from flask_datastar.presence.state import SILENT_TICKS
from flask_datastar.testing.waiting import wait_until
from tests.brokers.redis_server import RedisServer

SIDE_BY_SIDE = 4
LINGER_SECONDS = 0.3
timers.BEAT_SECONDS = 0.2
# An outage is logged.
logging.getLogger("flask_datastar").addHandler(logging.NullHandler())
_logger = logging.getLogger("presence")
_logger.addHandler(logging.NullHandler())


class Process:
    """What is one process elsewhere: a hub of its own, and the streams that tests open in it."""

    def __init__(self, url: str) -> None:
        settings = Settings(
            broker_url=url,
            presence_linger_seconds=LINGER_SECONDS,
            restart_spread_seconds=0,
            # Nothing here is about how long Redis may take.
            broker_timeout_seconds=20,
        )
        self.hub = StreamHub(settings, "shop", _logger, _tell)
        self.presence = Presence(self.hub)
        self._opened: list[Stream] = []

    def open(self, scope: str, tab: str, topic: str | None = "board") -> Stream:
        stream = self.hub.new_stream()
        self.hub.reserve(stream, (scope, tab, "feed"), "page", f"/{tab}", None)
        if topic is not None:
            self.presence.join(stream, topic, "{}")
        self.hub.open(stream, (scope, tab, "feed"))
        self._opened.append(stream)
        return stream

    def close(self, stream: Stream) -> None:
        stream.end(Reason.RESTART)
        self.hub.close(stream, (stream.scope, stream.tab, "feed"))

    def names(self, topic: str = "board") -> list[str]:
        return [one.scope for one in self.presence.seen(topic)]

    def end(self) -> None:
        for stream in self._opened:
            self.close(stream)
        self.hub.bus.close()


def _tell(hook: Any, /, **details: Any) -> None:
    """Tell nobody."""


@contextmanager
def site(count: int = 2) -> Iterator[tuple[RedisServer, list[Process]]]:
    with RedisServer() as server:
        processes = [Process(server.url) for _ in range(count)]
        try:
            yield server, processes
        finally:
            for process in processes:
                process.end()


def wait_for(processes: list[Process], names: set[str], topic: str = "board") -> None:
    for process in processes:
        wait_until(lambda process=process: set(process.names(topic)) == names)


def check_people_of_all_processes_are_present_in_all() -> None:
    with site(3) as (_, processes):
        streams = [process.open(f"user{number}", "t") for number, process in enumerate(processes)]
        wait_for(processes, {"user0", "user1", "user2"})
        assert len({tuple(process.names()) for process in processes}) == 1
        processes[0].close(streams[0])
        processes[1].hub.tabs.close("user1", None, Reason.DONE)
        wait_for(processes, {"user2"})


def check_a_new_process_knows_everybody() -> None:
    with site() as (server, processes):
        for number in range(600):
            processes[0].open(f"user{number}", "t")
        late = Process(server.url)
        try:
            assert len(late.names()) == 600
        finally:
            late.end()


def check_a_handler_reaches_the_process_of_its_page() -> None:
    with site() as (_, processes):
        one, other = processes
        stream = one.open("ann", "t", None)
        # A process without streams, as one that runs handlers only, may do so, too.
        assert other.presence.join_page(None, "t", "page", "card", "{}") is None
        wait_for(processes, {"ann"}, "card")
        one.close(stream)
        other.open("ann", "t", None)
        time.sleep(LINGER_SECONDS * 1.5)
        wait_for(processes, {"ann"}, "card")
        one.presence.leave_tab(None, "t", "card")
        wait_for(processes, set(), "card")


def check_nobody_is_lost_with_a_redis_that_comes_back_empty() -> None:
    with site() as (server, processes):
        one, other = processes
        leaving = other.open("bob", "t")
        one.open("ann", "t")
        wait_for(processes, {"ann", "bob"})
        server.kill()
        other.close(leaving)
        other.open("carl", "t")
        # Nobody is taken for dead meanwhile.
        time.sleep(timers.BEAT_SECONDS * SILENT_TICKS * 2)
        assert set(one.names()) == {"ann", "bob"}
        assert set(other.names()) == {"ann", "carl"}
        server.start()
        wait_for(processes, {"ann", "carl"})
        one.open("dora", "t")
        wait_for(processes, {"ann", "carl", "dora"})


def check_a_redis_that_hangs_costs_nobody_the_place() -> None:
    with site() as (server, processes):
        stream = processes[0].open("user0", "t")
        processes[1].open("user1", "t")
        wait_for(processes, {"user0", "user1"})
        server.freeze()
        started = time.monotonic()
        processes[0].presence.join(stream, "card", "{}")
        assert time.monotonic() - started < 5, "a join waits for nobody"
        time.sleep(timers.BEAT_SECONDS * SILENT_TICKS * 2)
        assert set(processes[1].names()) == {"user0", "user1"}
        server.thaw()
        wait_for(processes, {"user0"}, "card")


def check_a_cut_subscription_is_made_good() -> None:
    with site() as (server, processes):
        one, other = processes
        one.open("ann", "t")
        leaving = other.open("bob", "t")
        wait_for(processes, {"ann", "bob"})
        with server.client() as client:
            client.client_kill_filter(_type="pubsub")
        other.close(leaving)
        other.open("carl", "t")
        wait_for(processes, {"ann", "carl"})


def check_a_killed_process_takes_its_people_with_it() -> None:
    with RedisServer() as server:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            Process(server.url).open("ghost", "t")
            os.write(write, b"1")
            time.sleep(600)
        process = Process(server.url)
        try:
            assert os.read(read, 1) == b"1"
            process.open("ann", "t")
            wait_for([process], {"ann", "ghost"})
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            wait_for([process], {"ann"})
        finally:
            process.end()
