"""One click: who sent it, how far it is, what it answered."""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum
from typing import Any

from ..transport.wakeups import Wakeup
from .owners import Owner

#: The cost of a click without its answer, in bytes: measured, with its owner.
MARK_BYTES = 900
#: The name of the handler and the key of the click.
Name = Hashable


class Stage(Enum):
    """The stage that a click has reached."""

    RUNNING = "running"
    #: It ran, and its answer is kept.
    ANSWERED = "answered"
    #: It ran, and there is no answer to repeat.
    RAN = "ran"
    #: It failed, so it may run again.
    FAILED = "failed"


_RUNNING = Stage.RUNNING


class Click:
    """One click: who sent it, how far it is, and what it answered."""

    __slots__ = ("answer", "ended_at", "given", "is_loose", "name", "other", "owner", "size", "stage", "waiting")

    def __init__(self, name: Name, owner: Owner) -> None:
        self.name = name
        self.owner = owner
        #: The session that the answer set.
        self.given: str | None = None
        self.stage = _RUNNING
        self.answer: Any = None
        self.size = MARK_BYTES
        self.ended_at = 0.0
        #: A click of somebody else with the same name.
        self.other: Click | None = None
        self.waiting: tuple[Wakeup, ...] = ()
        #: Whether nobody remembers it.
        self.is_loose = False


class Share:
    """The share of the memory that one owner's clicks use."""

    __slots__ = ("answered", "clicks", "owner", "size")

    def __init__(self, owner: Owner) -> None:
        #: The last one; clicks of the same tab share it.
        self.owner = owner
        self.size = 0
        # The oldest first. Most shares hold a few clicks, where a deque would take as much as all of them.
        self.clicks: list[Click] = []
        self.answered: list[Click] = []
