"""What all sending methods stand on: where an event goes, and what they know of the request and the app."""

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
    """Where events go; its subclasses say what a sending method returns."""

    if not TYPE_CHECKING:

        def __class_getitem__(cls, parameters: object) -> type:
            """Return the class itself: typing would keep it, and so Flask, until it is itself torn down."""
            return cls

    @abstractmethod
    def _emit(self, event: Event) -> Sent:
        """Take one event for sending."""

    @abstractmethod
    def _after_tracking(self) -> Sent:
        """Give what a method returns that sends nothing yet."""

    @abstractmethod
    def _tracking(self) -> TrackedSignals:
        """Give the signals and assigns that these methods add to."""

    @abstractmethod
    def _find_app_state(self) -> AppState | None:
        """Give the state of the app, None outside of one."""

    def _dumps(self) -> Dumps:
        """Give the encoder of the app, or the standard library's outside of one."""
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

        :param event_type: begins with ``datastar``.
        :param data_lines: each ``"<key> <value>"``, without a line break.
        """
        return self._emit(raw_events.raw(event_type, data_lines, event_id=event_id, retry_ms=retry_ms))
