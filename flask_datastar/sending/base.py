"""The base of all sending methods: the destination of events, and access to the request and the app."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Generic, TypeVar

from ..sansio import events as raw_events
from ..sansio import strictjson
from ..sansio.events import Event
from ..sansio.strictjson import Dumps
from ..state.app import AppState
from ..state.tracked import TrackedSignals

Sent = TypeVar("Sent")


class Sender(Generic[Sent]):
    """A destination of events; ``Sent`` is the type that its sending methods return."""

    if not TYPE_CHECKING:

        def __class_getitem__(cls, parameters: object) -> type:
            """Return the class itself: typing would keep it, and so Flask, until it is itself torn down."""
            return cls

    @abstractmethod
    def _emit(self, event: Event) -> Sent:
        """Queue or send one event."""

    @abstractmethod
    def _tracking(self) -> tuple[TrackedSignals, Sent]:
        """Return the signals and assigns that the methods add to, and the result of a method that adds to them."""

    @abstractmethod
    def _find_app_state(self) -> AppState | None:
        """Return the state of the app, or None outside of an app."""

    def _dumps(self) -> Dumps:
        """Return the JSON encoder of the app; outside of an app, the standard library's."""
        app_state = self._find_app_state()
        return app_state.dumps if app_state is not None else strictjson.dumps

    def send(
        self,
        event_type: str,
        data_lines: Iterable[str] = (),
        *,
        event_id: str | None = None,
        retry_ms: int | None = None,
    ) -> Sent:
        """Send a raw event.

        :param event_type: the event's name, which starts with ``datastar``.
        :param data_lines: each ``"<key> <value>"``, without a line break.
        """
        return self._emit(raw_events.raw(event_type, data_lines, event_id=event_id, retry_ms=retry_ms))
