"""Events for many streams at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Unpack

from ..brokers.payload import Payload
from ..hub.limits import check_message_size
from ..sansio.elements import ElementOptions
from ..sansio.events import Event
from ..security.tokens import check_no_token
from ..sending import Component, SendingMethods
from ..sending.rendering import rendering_for_others
from ..state.app import AppState
from ..state.tracked import TrackedSignals


class Broadcast(SendingMethods[None]):
    """All sending methods, towards many streams. Each call is one message; inside a ``with`` block all of them are one.

    An event is encoded once, however many streams get it. When the block raises, nothing is sent.
    """

    def __init__(self, app_state: AppState, deliver: Callable[[Payload], object]) -> None:
        self._app_state = app_state
        self._deliver = deliver
        self._tracked = TrackedSignals(app_state)
        self._collected: list[Event] | None = None

    def __enter__(self) -> Broadcast:
        self._collected = []
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        events, self._collected = self._collected or [], None
        tracked, self._tracked = self._tracked, TrackedSignals(self._app_state)
        if error is None:
            self._publish(events + tracked.take_events(self._app_state.dumps))

    def signal(self, name: str, value: object, *, only_if_missing: bool = False) -> None:
        """Set a signal in the pages, as the sending method does."""
        super().signal(name, value, only_if_missing=only_if_missing)
        if self._collected is None:
            self._publish(self._tracked.take_events(self._app_state.dumps))

    def patch_elements(self, elements: Component | None, **options: Unpack[ElementOptions]) -> None:
        """Patch elements of the page, as the sending method does; a component is rendered for all, for nobody's own."""
        with rendering_for_others():
            super().patch_elements(elements, **options)

    def patch_template(self, name: str, **options: Any) -> None:
        """Render a template for all, and patch it into their pages, as the sending method does.

        Tokens, nonces and the request's signals are left out of it.
        """
        with rendering_for_others():
            super().patch_template(name, **options)

    def _emit(self, event: Event) -> None:
        if self._collected is not None:
            self._collected.append(event)
        else:
            self._publish([event])

    def _tracking(self) -> tuple[TrackedSignals, None]:
        return self._tracked, None

    def _find_app_state(self) -> AppState:
        return self._app_state

    def _own_names(self) -> Mapping[str, Any]:
        return self._tracked.visible

    def _publish(self, events: list[Event]) -> None:
        if not events:
            return
        last_ids = [event.event_id for event in events if event.event_id is not None]
        payload = Payload(b"".join(event.encode() for event in events), last_ids[-1] if last_ids else None)
        check_message_size(self._app_state.settings, len(payload.data))
        check_no_token(self._app_state, payload.data)
        self._deliver(payload)
