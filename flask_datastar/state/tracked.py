"""The signals and assigns of one request: what templates see by name, and what the browser has yet to get."""

from __future__ import annotations

from typing import Any

from ..sansio.consts import FORBIDDEN_SEGMENTS
from ..sansio.events import Event
from ..sansio.signal_paths import set_path, split_path
from ..sansio.signals import patch_signals
from ..sansio.strictjson import Dumps


class TrackedSignals:
    """What a handler set: kept for templates, sent to the browser once, at the next flush."""

    __slots__ = ("_pending", "_pending_if_missing", "is_pending", "signals", "visible")

    def __init__(self) -> None:
        #: Signals and assigns by name, for templates and components.
        self.visible: dict[str, Any] = {}
        #: The signals alone, nested, for the page's ``data-signals``.
        self.signals: dict[str, Any] = {}
        #: Whether there is something that the browser has yet to get.
        self.is_pending = False
        self._pending: dict[str, Any] = {}
        self._pending_if_missing: dict[str, Any] = {}

    def set(self, name: str, value: object, *, only_if_missing: bool = False) -> None:
        """Set a signal; a dotted name is a nested path. The last value wins.

        :param only_if_missing: leave alone what is set already, here and in the browser.
        :raises ValueError: the name has an empty segment, or one that would reach an object's prototype.
        :raises TypeError: the name is no string.
        """
        # The plain name, by far the most common one, is set without a path.
        if type(name) is str and name and "." not in name and name not in FORBIDDEN_SEGMENTS:
            if not (only_if_missing or self._pending_if_missing):
                self.visible[name] = self.signals[name] = self._pending[name] = value
                self.is_pending = True
                return
            segments = [name]
        else:
            segments = split_path(name)
        if only_if_missing and _has_path(self.signals, segments):
            return
        if not only_if_missing:
            _drop_path(self._pending_if_missing, segments)
        set_path(self.signals, segments, value)
        self.visible[segments[0]] = self.signals[segments[0]]
        set_path(self._pending_if_missing if only_if_missing else self._pending, segments, value)
        self.is_pending = True

    def assign(self, name: str, value: object) -> None:
        """Make a value visible to templates; the browser never gets it.

        :raises ValueError: the name is no identifier, so no template could use it.
        """
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"assign got the name {name!r}; accepted: an identifier, for templates to use")
        self.visible[name] = value

    def take_events(self, dumps: Dumps) -> list[Event]:
        """Give what the browser has yet to get, as one patch, and one more for what it gets only if missing.

        :raises ValueError: a value has no strict JSON form; its path is named, and nothing is lost.
        :raises TypeError: a value is of a type that JSON does not know.
        """
        events = []
        if self._pending:
            events.append(patch_signals(self._pending, dumps=dumps))
        if self._pending_if_missing:
            events.append(patch_signals(self._pending_if_missing, only_if_missing=True, dumps=dumps))
            self._pending_if_missing = {}
        self._pending = {}
        self.is_pending = False
        return events


def _has_path(target: Any, segments: list[str]) -> bool:
    for segment in segments:
        if not isinstance(target, dict) or segment not in target:
            return False
        target = target[segment]
    return True


def _drop_path(target: dict[str, Any], segments: list[str]) -> None:
    """Forget what waits under a path: a later value takes its place."""
    name, *rest = segments
    inner = target.get(name)
    if rest and isinstance(inner, dict):
        # Copied, because it may be the caller's own object.
        inner = dict(inner)
        _drop_path(inner, rest)
        if inner:
            target[name] = inner
            return
    target.pop(name, None)
