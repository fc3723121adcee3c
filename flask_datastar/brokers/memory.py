"""The broker for a single process."""

from __future__ import annotations

from typing import ClassVar

from .base import Broker
from .payload import Payload


class MemoryBroker(Broker):
    """A broker that delivers every message directly to its own process."""

    is_shared: ClassVar[bool] = False

    def publish(self, channel: str, topic: str, kind: str, payload: Payload, *, waits: bool = True) -> None:
        """Deliver a message before the method returns."""
        self.receiver.receive(topic, kind, payload)

    def subscribe(self, channel: str) -> None:
        """Do nothing: every message comes here."""

    def unsubscribe(self, channel: str) -> None:
        """Do nothing."""

    def note_streams(self, scope: str, tab: str | None, streams: int) -> None:
        """Do nothing."""

    def count_elsewhere(self, scope: str, tab: str | None) -> int:
        """Return 0."""
        return 0

    def count_tabs_elsewhere(self) -> int:
        """Return 0."""
        return 0

    def scopes_elsewhere(self) -> set[str]:
        """Return an empty set."""
        return set()

    def close(self) -> None:
        """Do nothing."""
