"""Events for many streams at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Unpack

from ..brokers.payload import Payload
from ..hub.limits import check_message_size
from ..sansio import strictjson
from ..sansio.consts import CARRIED_TOKEN, TAB_ID_SIGNAL, TOKEN_SIGNAL
from ..sansio.elements import ElementOptions
from ..sansio.events import Event
from ..security.tokens import check_no_token
from ..sending import Component, SendingMethods
from ..sending.rendering import rendering_for_others
from ..state.app import AppState
from ..state.request import find_request_state
from ..state.tracked import TrackedSignals

#: Signals that belong to one page; with them, another page would take its place, or use its session.
_PAGE_S_OWN = frozenset({TAB_ID_SIGNAL, TOKEN_SIGNAL, CARRIED_TOKEN})


def _may_relay(name: object) -> bool:
    return not isinstance(name, str) or name.partition(".")[0] not in _PAGE_S_OWN


def _without_own(value: Any) -> Any:
    """Return a value without what the page that sent the request has of its own, where all its signals are nested."""
    state = find_request_state()
    received = (state.received if state is not None else None) or {}
    own = {name: received[name] for name in _PAGE_S_OWN & received.keys()}

    def clean(part: Any) -> Any:
        if isinstance(part, dict):
            kept = {name: inner for name, inner in part.items() if name not in own or inner != own[name]}
            return {name: clean(inner) for name, inner in kept.items()}
        return [clean(inner) for inner in part] if isinstance(part, list) else part

    return clean(value) if own else value


class Broadcast(SendingMethods[None]):
    """The sending methods for many streams. Each call is one message; all calls in a ``with`` block are one message.

    An event is encoded once, however many streams get it. If the block raises, nothing is sent.
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
        """Set a signal in all pages, as the sending method does; signals that belong to one page are left out."""
        if not _may_relay(name):
            return
        super().signal(name, _without_own(value), only_if_missing=only_if_missing)
        if self._collected is None:
            self._publish(self._tracked.take_events(self._app_state.dumps))

    def patch_signals(self, signals: Mapping[str, Any], **options: Any) -> None:
        """Patch signals of all pages, as the sending method does.

        The tab id and the CSRF token are left out, so that a handler may relay the signals that its page sent.
        """
        kept = {name: _without_own(value) for name, value in signals.items() if _may_relay(name)}
        if kept or not signals:
            super().patch_signals(kept, **options)

    def patch_signals_raw(self, text: str, **options: Any) -> None:
        """Patch signals of all pages from JSON text, without those that :meth:`patch_signals` leaves out."""
        signals: object = None
        if any(name in text for name in _PAGE_S_OWN):
            # The sending method raises the error.
            with suppress(ValueError):
                signals = strictjson.loads(text)
        if isinstance(signals, dict) and (not all(map(_may_relay, signals)) or _without_own(signals) != signals):
            self.patch_signals(signals, **options)
        else:
            super().patch_signals_raw(text, **options)

    def remove_signals(self, paths: str | Iterable[str], **options: Any) -> None:
        """Remove signals of all pages, as the sending method does, except those that belong to one page."""
        given = [paths] if isinstance(paths, str) else list(paths)
        kept = [path for path in given if _may_relay(path)]
        if kept or not given:
            super().remove_signals(kept, **options)

    def patch_elements(self, elements: Component | None, **options: Unpack[ElementOptions]) -> None:
        """Patch elements of all pages, as the sending method does.

        A component is rendered without the tokens, nonces and signals of the current request.
        """
        with rendering_for_others():
            super().patch_elements(elements, **options)

    def patch_template(self, name: str, **options: Any) -> None:
        """Render a template once and patch it into all pages, as the sending method does.

        It is rendered without the tokens, nonces and signals of the current request.
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
