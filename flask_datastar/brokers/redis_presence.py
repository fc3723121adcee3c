"""The record in Redis of the streams that each process has of each tab, so that limits and counts include all.

Each process writes only its own streams, and a heartbeat every few seconds. If a process was killed, another process
removes its entries, and tells its receiver. The keys, after the prefix of the namespace:

- ``processes``: sorted set, process → until when it counts as alive (Redis' own clock, seconds);
- ``tabs:<process>``: set of ``<tab>\\0<scope>``, the tabs that the process has;
- ``scopes:<process>``: the same for streams without a tab, as ``\\0<scope>``;
- ``scope:<scope>``: hash, ``<process>\\0<tab>`` → how many streams.

A process's sets contain at least its entries in the hashes, so that an outage between two writes leaves no entry over.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ..errors import BrokerError
from ..transport.ticker import call_every
from ..transport.wakeups import make_lock, make_wakeup, spawn
from .redis_commands import Commands
from .wire import as_bytes, as_number, as_text, member_of, split_member

BEAT_SECONDS = 5.0
ALIVE_SECONDS = 20.0
#: The keys expire, because no process is left to clean up if all die at once.
_FORGOTTEN_SECONDS = 86_400

_logger = logging.getLogger(__name__)


class Presence:
    """The record of this process's streams, and the queries for those of the others.

    :param on_dead: called when another process turns out to have ended without removing its entries.
    """

    def __init__(
        self,
        commands: Commands,
        prefix: bytes,
        process: str,
        timeout_seconds: float,
        on_dead: Callable[[], object],
    ) -> None:
        self._commands = commands
        self._prefix = prefix
        self._process = process.encode()
        self._timeout_seconds = timeout_seconds
        self._on_dead = on_dead
        self._processes = _processes_key(prefix)
        self._lock = make_lock()
        self._streams: dict[tuple[str, str], int] = {}
        # The seconds by which Redis' clock is ahead of this process's; None until it is known.
        self._clock_difference: float | None = None
        self._cancel_beat: Callable[[], None] | None = None
        self._is_beating = False
        self._beat_ended = make_wakeup()
        self._must_restore = False
        self._is_closed = False

    def note(self, scope: str, tab: str | None, streams: int) -> None:
        """Record how many streams of a tab this process has."""
        key = (scope, tab or "")
        with self._lock:
            if self._is_closed:
                return
            if streams:
                self._streams[key] = streams
            else:
                self._streams.pop(key, None)
            is_first = self._list()
            # Under the lock, so that two calls for the same tab write in their order.
            self._write_member(member_of(*key), streams)
        if is_first:
            self._start_beat()

    def enlist(self) -> None:
        """List this process, so that others notice its death, even if it has no streams."""
        with self._lock:
            is_first = not self._is_closed and self._list()
        if is_first:
            self._start_beat()

    def _list(self) -> bool:
        """Start the heartbeats, and return True if they were not started before. The lock is held."""
        if self._cancel_beat is not None:
            return False
        self._cancel_beat = call_every(BEAT_SECONDS, self._start_beat)
        # Before anything about a tab is published, because receivers then ask which processes are alive. It uses this
        # host's clock until the first heartbeat has read that of Redis.
        self._commands.post("ZADD", self._processes, "NX", time.time() + ALIVE_SECONDS, self._process)
        return True

    def count_elsewhere(self, scope: str, tab: str | None) -> int:
        """Count the streams of a scope in other living processes, except those of one tab."""
        return self.count_and_number(scope, tab)[0]

    def count_and_number(self, scope: str, tab: str | None) -> tuple[int, int | None]:
        """Count the same, and return the time of Redis in microseconds: one clock, whose host the request reached."""
        deadline = time.monotonic() + self._timeout_seconds
        try:
            expired = ("ZRANGEBYSCORE", self._processes, "-inf", self._now(deadline))
            streams = ("HGETALL", self._scope_key(as_bytes(scope)))
            found, dead, (seconds, rest) = self._commands.call_all([streams, expired, ("TIME",)], deadline)
        except BrokerError:
            return 0, None
        # A process that is not listed at all has just started.
        without = {self._process, *dead}
        total = 0
        own = None if tab is None else tab.encode()
        for field, count in found.items():
            process, _, name = field.partition(b"\0")
            if process not in without and (not name or name != own):
                total += as_number(count)
        return total, int(seconds) * 1_000_000 + int(rest)

    def count_tabs_elsewhere(self) -> int:
        """Count the tabs of other living processes."""
        deadline = time.monotonic() + self._timeout_seconds
        others = self._living_others(deadline)
        counts = self._commands.call_all([("SCARD", self._keys(process)[0]) for process in others], deadline)
        return sum(map(int, counts))

    def scopes_elsewhere(self) -> set[str]:
        """Return the scopes of other living processes."""
        deadline = time.monotonic() + self._timeout_seconds
        # One command for each process: a single one for all would block Redis for all other clients meanwhile.
        sets = [("SUNION", *self._keys(process)) for process in self._living_others(deadline)]
        found = self._commands.call_all(sets, deadline)
        scopes = (split_member(member)[1] for members in found for member in members)
        # A scope that cannot be decoded was not written by this package.
        return {text for scope in scopes if (text := as_text(scope))}

    def restore(self) -> None:
        """Write all entries again: Redis may have lost them, or may have missed the end of streams."""
        self._must_restore = True
        with self._lock:
            has_begun = self._cancel_beat is not None
        if has_begun:
            self._start_beat()

    def close(self) -> None:
        """Remove all entries of this process."""
        with self._lock:
            cancel, self._cancel_beat = self._cancel_beat, None
            self._is_closed = True
        if cancel is None:
            return
        cancel()
        # Entries that a heartbeat writes after the removal would stay.
        deadline = time.monotonic() + self._timeout_seconds
        while self._is_beating and (left := deadline - time.monotonic()) > 0:
            self._beat_ended.wait(left)
        with self._lock:
            for key in self._streams:
                self._write_member(member_of(*key), 0)
            self._commands.post("ZREM", self._processes, self._process)

    def _living_others(self, deadline: float) -> list[bytes]:
        living = ("ZRANGEBYSCORE", self._processes, self._now(deadline), "+inf")
        found = self._commands.call_all([living], deadline)[0]
        return [process for process in found if process != self._process]

    def _keys(self, process: bytes) -> tuple[bytes, bytes]:
        """Return the keys of a process's sets: that of its tabs, and that of its streams without a tab."""
        return self._prefix + b"tabs:" + process, self._prefix + b"scopes:" + process

    def _scope_key(self, scope: bytes) -> bytes:
        return self._prefix + b"scope:" + scope

    def _write_member(self, member: bytes, streams: int) -> None:
        tab, scope = split_member(member)
        key, field = self._scope_key(scope), self._process + b"\0" + tab
        own = self._keys(self._process)[not tab]
        if streams:
            self._commands.post("SADD", own, member)
            self._commands.post("HSET", key, field, streams)
            self._commands.post("EXPIRE", key, _FORGOTTEN_SECONDS)
        else:
            self._commands.post("HDEL", key, field)
            self._commands.post("SREM", own, member)

    def _now(self, deadline: float) -> float:
        """Return the time of Redis, which is the same for all hosts."""
        if self._clock_difference is None:
            self._ask_time(deadline)
        assert self._clock_difference is not None
        return time.time() + self._clock_difference

    def _ask_time(self, deadline: float) -> None:
        seconds, microseconds = self._commands.call_all([("TIME",)], deadline)[0]
        self._clock_difference = int(seconds) + int(microseconds) / 1e6 - time.time()

    def _start_beat(self) -> None:
        with self._lock:
            if self._is_beating or self._is_closed:
                return
            self._is_beating = True
            self._beat_ended.clear()
        # Not on the ticker, which must not wait for Redis.
        spawn(self._beat, "datastar-redis-beat")

    def _beat(self) -> None:
        try:
            self._say_alive()
            self._remove_dead()
        except BrokerError as error:
            _logger.debug("no heartbeat: %s", error)
        finally:
            self._is_beating = False
            self._beat_ended.set()

    def _say_alive(self) -> None:
        deadline = time.monotonic() + self._timeout_seconds
        self._ask_time(deadline)
        until = self._now(deadline) + ALIVE_SECONDS
        alive, sets = ("ZADD", self._processes, until, self._process), ("EXISTS", *self._keys(self._process))
        is_new, known = self._commands.call_all([alive, sets], deadline)
        with self._lock:
            expected = len({not tab for _, tab in self._streams})
        # It is also new if Redis has lost everything, or if others took this process for dead; their removal may be
        # incomplete.
        if is_new or known < expected or self._must_restore:
            self._must_restore = False
            try:
                self._restore()
            except BrokerError:
                self._must_restore = True
                raise
        self._commands.post(*keepalive_command(self._prefix))
        for key in self._keys(self._process):
            self._commands.post("EXPIRE", key, _FORGOTTEN_SECONDS)

    def _restore(self) -> None:
        said = self._commands.call("SUNION", *self._keys(self._process))
        with self._lock:
            own = {member_of(*key) for key in self._streams}
            for member in said:
                if member not in own:
                    self._write_member(member, 0)
            for key, count in self._streams.items():
                self._write_member(member_of(*key), count)

    def _remove_dead(self) -> None:
        now = self._now(time.monotonic())
        for process in self._commands.call("ZRANGEBYSCORE", self._processes, "-inf", now):
            if process == self._process:
                continue
            # Before the removal: if this process dies in between, another one finds the entry again.
            self._on_dead()
            commands: list[tuple[object, ...]] = []
            for member in self._commands.call("SUNION", *self._keys(process)):
                tab, name = split_member(member)
                commands.append(("HDEL", self._scope_key(name), process + b"\0" + tab))
            # Last, so that another process can go on if this one dies; with the rest, because a process that was only
            # suspended writes everything again when it finds itself removed.
            commands += [("DEL", *self._keys(process)), ("ZREM", self._processes, process)]
            self._commands.call_all(commands)


def keepalive_command(prefix: bytes) -> tuple[str, bytes, int]:
    """Return the command that keeps the list of processes from expiring; it can be sent at any time."""
    return "EXPIRE", _processes_key(prefix), _FORGOTTEN_SECONDS


def _processes_key(prefix: bytes) -> bytes:
    return prefix + b"processes"
