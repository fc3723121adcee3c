"""Which process has how many streams of which tab, in Redis' keys, so that limits and counts hold for all.

Each process writes only what it has itself, and says every few seconds that it lives. What one that was killed has
left, another one removes. With the prefix of the namespace:

- ``processes``: sorted set, process → until when it counts as alive (Redis' own clock, seconds);
- ``process:<process>``: set of ``<tab>\\0<scope>``, the tabs that the process has;
- ``scope:<scope>``: hash, ``<process>\\0<tab>`` → how many streams.
"""

from __future__ import annotations

import logging

from ..errors import BrokerError
from ..transport.ticker import current_ticker
from ..transport.wakeups import make_lock, spawn
from .redis_commands import Commands

BEAT_SECONDS = 5.0
ALIVE_SECONDS = 20.0
#: If all processes die at once, nobody is left to clean up.
_FORGOTTEN_SECONDS = 86_400

_logger = logging.getLogger(__name__)


class Presence:
    """What this process has, said to the others."""

    def __init__(self, commands: Commands, prefix: str, process: str) -> None:
        self._commands = commands
        self._prefix = prefix
        self._process = process
        self._lock = make_lock()
        self._streams: dict[tuple[str, str], int] = {}
        self._alive: frozenset[str] | None = None
        self._cancel_beat: object = None
        self._is_beating = False

    def note(self, scope: str, tab: str | None, streams: int) -> None:
        """Say how many streams of a tab are here."""
        key = (scope, tab or "")
        with self._lock:
            if streams:
                self._streams[key] = streams
            else:
                self._streams.pop(key, None)
            is_first = self._cancel_beat is None
            if is_first:
                self._cancel_beat = current_ticker().every(BEAT_SECONDS, self._start_beat)
        if is_first:
            self._start_beat()
        self._write(*key, streams)

    def count_elsewhere(self, scope: str, tab: str | None) -> int:
        """Count the streams of a scope in other living processes, without those of one tab."""
        try:
            found = self._commands.call("HGETALL", f"{self._prefix}scope:{scope}")
        except BrokerError:
            return 0
        pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        total = 0
        for field, count in pairs:
            process, _, name = field.decode().partition("\0")
            is_alive = self._alive is None or process in self._alive
            if process != self._process and is_alive and (not name or name != tab):
                total += int(count)
        return total

    def count_tabs_elsewhere(self) -> int:
        """Count the tabs of other living processes."""
        now = self._now()
        found = self._commands.call("ZRANGEBYSCORE", f"{self._prefix}processes", now, "+inf")
        others = [process.decode() for process in found if process.decode() != self._process]
        return sum(int(self._commands.call("SCARD", f"{self._prefix}process:{process}")) for process in others)

    def restore(self) -> None:
        """Say everything again: Redis may have lost it."""
        with self._lock:
            streams = dict(self._streams)
        if streams:
            self._commands.post("DEL", f"{self._prefix}process:{self._process}")
            for key, count in streams.items():
                self._write(*key, count)
            self._start_beat()

    def close(self) -> None:
        """Say that nothing is here any more."""
        with self._lock:
            cancel, streams, self._streams = self._cancel_beat, self._streams, {}
        if callable(cancel):
            cancel()
            for key in streams:
                self._write(*key, 0)
            self._commands.post("ZREM", f"{self._prefix}processes", self._process)

    def _write(self, scope: str, tab: str, streams: int) -> None:
        key, field = f"{self._prefix}scope:{scope}", f"{self._process}\0{tab}"
        own = f"{self._prefix}process:{self._process}"
        member = f"{tab}\0{scope}"
        if streams:
            self._commands.post("HSET", key, field, streams)
            self._commands.post("EXPIRE", key, _FORGOTTEN_SECONDS)
            self._commands.post("SADD", own, member)
        else:
            self._commands.post("HDEL", key, field)
            self._commands.post("SREM", own, member)

    def _now(self) -> float:
        seconds, microseconds = self._commands.call("TIME")
        return int(seconds) + int(microseconds) / 1e6

    def _start_beat(self) -> None:
        # Not on the ticker, which must not wait for Redis.
        if not self._is_beating:
            self._is_beating = True
            spawn(self._beat, "datastar-redis-beat")

    def _beat(self) -> None:
        try:
            now = self._now()
            processes = f"{self._prefix}processes"
            self._commands.call("ZADD", processes, now + ALIVE_SECONDS, self._process)
            self._commands.post("EXPIRE", processes, _FORGOTTEN_SECONDS)
            self._commands.post("EXPIRE", f"{self._prefix}process:{self._process}", _FORGOTTEN_SECONDS)
            for process in self._commands.call("ZRANGEBYSCORE", processes, "-inf", now):
                # Of several that see it, one removes it.
                if self._commands.call("ZREM", processes, process):
                    self._remove(process.decode())
            alive = self._commands.call("ZRANGEBYSCORE", processes, now, "+inf")
            self._alive = frozenset(process.decode() for process in alive)
        except BrokerError as error:
            _logger.debug("no heartbeat: %s", error)
        finally:
            self._is_beating = False

    def _remove(self, process: str) -> None:
        key = f"{self._prefix}process:{process}"
        for member in self._commands.call("SMEMBERS", key):
            tab, _, scope = member.decode().partition("\0")
            self._commands.post("HDEL", f"{self._prefix}scope:{scope}", f"{process}\0{tab}")
        self._commands.post("DEL", key)
