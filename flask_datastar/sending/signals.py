"""The sending methods for signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..sansio import signals as signal_events
from .base import Sender, Sent


class SignalMethods(Sender[Sent]):
    """Set, patch and remove signals, and assign values for templates."""

    def signal(self, name: str, value: object, *, only_if_missing: bool = False) -> Sent:
        """Set a signal: templates see it by name, and the browser gets it at the next flush.

        A signal that is set twice is sent once, with its last value.

        :param name: the signal's name; a dotted name is a nested path.
        :param value: any value that can be sent as JSON; None deletes the signal in the browser.
        :param only_if_missing: whether the browser keeps a value that it already has.
        """
        tracked, sent = self._tracking()
        tracked.set(name, value, only_if_missing=only_if_missing)
        if value is None and (app_state := self._find_app_state()) is not None:
            app_state.warn_of_null(name)
        return sent

    def assign(self, name: str, value: object) -> Sent:
        """Make a value visible to templates and components by name. The browser never gets it.

        :param name: the value's name in templates, an identifier.
        """
        tracked, sent = self._tracking()
        tracked.assign(name, value)
        return sent

    def patch_signals(
        self,
        signals: Mapping[str, Any],
        *,
        only_if_missing: bool = False,
        event_id: str | None = None,
        retry_ms: int | None = None,
    ) -> Sent:
        """Patch signals with one event, at once. They are not tracked, so templates do not see them.

        :param signals: name → value, nested as the signals are; None deletes a signal.
        :param only_if_missing: whether to set only the signals that the page does not have yet.
        """
        event = signal_events.patch_signals(
            signals, only_if_missing=only_if_missing, event_id=event_id, retry_ms=retry_ms, dumps=self._dumps()
        )
        app_state = self._find_app_state()
        if app_state is not None and app_state.app.debug:
            for name in (name for name, value in signals.items() if value is None):
                app_state.warn_of_null(name)
        return self._emit(event)

    def patch_signals_raw(
        self, text: str, *, only_if_missing: bool = False, event_id: str | None = None, retry_ms: int | None = None
    ) -> Sent:
        """Patch signals with JSON text, which is checked and sent unchanged.

        :param text: a JSON object.
        :param only_if_missing: whether to set only the signals that the page does not have yet.
        """
        return self._emit(
            signal_events.patch_signals_raw(text, only_if_missing=only_if_missing, event_id=event_id, retry_ms=retry_ms)
        )

    def remove_signals(
        self, paths: str | Iterable[str], *, event_id: str | None = None, retry_ms: int | None = None
    ) -> Sent:
        """Remove signals. Elements that show them keep their last text; to blank it, set the signals to "" first.

        :param paths: one dotted path, or an iterable of dotted paths.
        """
        return self._emit(signal_events.remove_signals(paths, event_id=event_id, retry_ms=retry_ms))
