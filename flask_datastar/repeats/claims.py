"""The clicks of several processes: who runs one, and what it answered, by the broker."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from hmac import compare_digest
from typing import NamedTuple, Protocol

from ..errors import BrokerError
from ..transport.ticker import current_ticker
from ..transport.wakeups import make_short_lock, make_wakeup
from .clicks import Stage
from .owners import Owner, SessionChanges, is_same

#: The largest answer that other processes can repeat, in bytes.
LARGEST_ANSWER = 65_536
#: How often a process says that it lives, and after how long it counts as gone, in seconds.
_ALIVE_EVERY = 2.0
_GONE_AFTER = 8.0
#: The first and the longest pause between two looks at a click that another process runs, in seconds.
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.5
_MOST_STEPS = 16
#: Stands for a mark that a request did not have.
_NO_MARK = "-"

_logger = logging.getLogger(__name__)


class Claims(Protocol):
    """The part of a broker that clicks need."""

    def claim(self, key: str, value: bytes, seconds: float, /) -> bytes | None:
        """Write a value unless there is one, which is returned then."""

    def keep(self, key: str, value: bytes, seconds: float, /) -> None:
        """Write a value, without waiting."""

    def drop(self, key: str, /) -> None:
        """Take a value away, without waiting."""

    def look_up(self, key: str, /) -> bytes | None:
        """Return a value, or None."""


class Verdict(NamedTuple):
    """The answer of the other processes about a click."""

    #: FAILED if this process is to run it; RUNNING if it took too long to wait.
    stage: Stage
    answer: bytes | None = None
    #: Of a running one: whether its process is gone.
    is_lost: bool = False


class Ticket(NamedTuple):
    """A click as other processes know it: nothing of it tells them, or who reads the broker, a session or a tab."""

    key: str
    owner: Owner


_RUN = Verdict(Stage.FAILED)
#: A process that is gone has run it, perhaps to its end.
_RUN_LOST = Verdict(Stage.FAILED, is_lost=True)


class SharedClaims:
    """One process's view of the clicks of all processes.

    :param digest: makes a short text of one that only processes with the app's secret can make.
    :param seconds: how long a click is remembered.
    """

    def __init__(self, broker: Claims, digest: Callable[[str], str], seconds: float) -> None:
        self._broker = broker
        self._digest = digest
        self._seconds = seconds
        self._process = uuid.uuid4().hex[:16]
        self._lock = make_short_lock()
        self._stop: Callable[[], None] | None = None
        # Clicks that run here, and whether there was one since this process last said that it lives.
        self._running = 0
        self._is_used = False
        #: How often it could not be asked what other processes know.
        self.failed = 0

    def claim(self, name: str, owner: Owner, deadline: float, *, takes_lost: bool) -> tuple[Ticket, Verdict]:
        """Claim a click for this process, or wait for the process that runs it.

        :param deadline: ``time.monotonic()`` until which to wait.
        :param takes_lost: run what a process that is gone has left unfinished.
        :return: the ticket for :meth:`finish` or :meth:`fail`, and what is to be done.
        """
        owner = Owner(self._seal(owner.session), self._seal(owner.tab))
        key, verdict = self._claim(self._digest(name), name, owner, deadline, takes_lost)
        if verdict.stage is Stage.FAILED:
            self._running += 1
        return Ticket(key, owner), verdict

    def _claim(self, key: str, name: str, owner: Owner, deadline: float, takes_lost: bool) -> tuple[str, Verdict]:
        try:
            self._say_alive()
            found = self._broker.claim(key, self._write("r", owner), self._seconds)
            if found is not None and not self._is_own(found, owner):
                # Somebody else's click: this one goes by a key of its own.
                key = self._digest(f"{name}\0{owner}")
                found = self._broker.claim(key, self._write("r", owner), self._seconds)
        except BrokerError:
            self.failed += 1
            return key, _RUN
        if found is None:
            return key, _RUN
        try:
            return key, self._wait(key, found, owner, deadline, takes_lost)
        except BrokerError:
            self.failed += 1
            # Another process has run it, or runs it.
            return key, _RUN_LOST if takes_lost else Verdict(Stage.RUNNING, is_lost=True)

    def finish(self, ticket: Ticket, given: str | None, answer: bytes | None) -> None:
        """Publish that a click of this process ran, without waiting."""
        self._running -= 1
        given, before = self._seal(given), ticket.owner.origin
        if given and before is not None and given != before:
            self._broker.keep(f"s{given}", before.encode(), self._seconds)
        is_kept = answer is not None and len(answer) <= LARGEST_ANSWER
        value = self._write("d" if is_kept else "x", ticket.owner, given)
        if is_kept and answer is not None:
            value += self._sign(ticket.key, answer) + b"\n" + answer
        self._broker.keep(ticket.key, value, self._seconds)

    def fail(self, ticket: Ticket) -> None:
        """Release a click that failed, so that others may run it, without waiting."""
        self._running -= 1
        self._broker.drop(ticket.key)

    def close(self) -> None:
        """Stop announcing that this process lives."""
        with self._lock:
            stop, self._stop = self._stop, None
        if stop is not None:
            stop()

    def _wait(self, key: str, found: bytes, owner: Owner, deadline: float, takes_lost: bool) -> Verdict:
        pause, nap = _FIRST_PAUSE, make_wakeup()
        while True:
            stage, process, _, _, answer = _read(found)
            if stage != "r":
                checked = self._check(key, answer) if stage == "d" else None
                return Verdict(Stage.RAN) if checked is None else Verdict(Stage.ANSWERED, checked)
            is_lost = self._broker.look_up(f"p{process}") is None
            if is_lost and takes_lost:
                self._broker.keep(key, self._write("r", owner), self._seconds)
                return _RUN_LOST
            if is_lost or time.monotonic() > deadline:
                return Verdict(Stage.RUNNING, is_lost=is_lost)
            nap.wait(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            again = self._broker.claim(key, self._write("r", owner), self._seconds)
            if again is None:
                return _RUN
            found = again

    def _check(self, key: str, signed: bytes) -> bytes | None:
        """Return an answer that a process of the app has signed for a click; None for any other: it has cookies."""
        signature, _, answer = signed.partition(b"\n")
        if compare_digest(signature, self._sign(key, answer)):
            return answer
        self.failed += 1
        return None

    def _sign(self, key: str, answer: bytes) -> bytes:
        return self._digest(f"{key}\0{answer.decode('latin-1')}").encode()

    def _is_own(self, found: bytes, owner: Owner) -> bool:
        _, _, asked, given, _ = _read(found)
        changes = SessionChanges()
        if is_same(asked, given, owner, changes):
            return True
        session = owner.session
        for _ in range(_MOST_STEPS):
            before = self._broker.look_up(f"s{session}") if session is not None else None
            if before is None:
                return False
            earlier = before.decode(errors="replace")
            changes.note(earlier, str(session))
            if is_same(asked, given, owner, changes):
                return True
            session = earlier
        return False

    def _seal(self, mark: str | None) -> str | None:
        return self._digest(mark) if mark else mark

    def _write(self, stage: str, owner: Owner, given: str | None = None) -> bytes:
        # Digests have no blanks.
        marks = (_NO_MARK if mark is None else mark for mark in (owner.session, owner.tab, given))
        return " ".join((stage, self._process, *marks)).encode() + b"\n"

    def _say_alive(self) -> None:
        """Announce regularly from now on that this process lives."""
        self._is_used = True
        if self._stop is not None:
            return
        stop = current_ticker().every(_ALIVE_EVERY, self._tick)
        with self._lock:
            if self._stop is None:
                self._stop, stop = stop, _do_nothing
        stop()
        self._note_alive()

    def _tick(self) -> None:
        if not self._is_used and self._running <= 0:
            # Nobody asks for it, and the app may be gone.
            self.close()
            return
        self._is_used = False
        self._note_alive()

    def _note_alive(self) -> None:
        self._broker.keep(f"p{self._process}", b"1", _GONE_AFTER)


def _read(value: bytes) -> tuple[str, str, Owner, str | None, bytes]:
    """Read a claim: how far it is, its process, its owner, the session that it gave, its answer."""
    head, _, answer = value.partition(b"\n")
    try:
        stage, process, session, tab, given = head.decode().split(" ")
    except ValueError as error:
        raise BrokerError(f"a claim is {head[:80]!r}, which cannot be read") from error
    return stage, process, Owner(_mark(session), _mark(tab)), _mark(given), answer


def _mark(text: str) -> str | None:
    return None if text == _NO_MARK else text


def _do_nothing() -> None:
    """Stop nothing."""
