"""Sources, which streams can follow besides topics, and which have a first state."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol, runtime_checkable

from .topics import Subscriber


class Source(Protocol):
    """A state and the events of its changes. Each stream that follows the state has a source object of its own."""

    @property
    def key(self) -> Hashable:
        """The state's name: after the first state, sources with equal keys deliver the same events."""

    def attach(self, subscriber: Subscriber) -> None:
        """Deliver the present state, and from now on every change, in one order.

        No change is lost between the two, and no older state comes after a newer one. The call may take as long as the
        first state takes to compute. If it raises an exception, nothing is attached.
        """

    def hand_over(self, subscriber: Subscriber, taker: Subscriber) -> None:
        """Redirect a subscriber's events to another object, without waiting. Detaching still uses the original."""

    def detach(self, subscriber: Subscriber) -> None:
        """Deliver nothing more to a subscriber."""


@runtime_checkable
class Followable(Protocol):
    """An object that ``datastar.follow()`` accepts beside the names of topics."""

    def __datastar_source__(self) -> Source:
        """Return a source for one stream of the current request."""
