"""The signals and assigns of one request, kept for its templates and for the next flush."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

from ..sansio import strictjson
from ..sansio.consts import FORBIDDEN_SEGMENTS
from ..sansio.events import Event, shorten
from ..sansio.signal_paths import Opener, has_path, set_path, split_path
from ..sansio.signals import patch_signals
from ..sansio.strictjson import Dumps
from .app import AppState


class TrackedSignals:
    """Signals that a handler set: kept for templates, sent to the browser once, at the next flush.

    :param app_state: the app whose JSON opens a value that a path leads into; without it, strict JSON of this package.
    """

    __slots__ = ("_app_state", "_missing_first", "_pending", "_pending_if_missing", "is_pending", "signals", "visible")

    def __init__(self, app_state: AppState | None = None) -> None:
        self._app_state = app_state
        #: Signals and assigns by name, for templates and components.
        self.visible: dict[str, Any] = {}
        #: The signals alone, nested, for the page's ``data-signals``.
        self.signals: dict[str, Any] = {}
        #: Whether the browser has yet to get some of the signals.
        self.is_pending = False
        self._pending: dict[str, Any] = {}
        self._pending_if_missing: dict[str, Any] = {}
        #: Whether a path leads into a list that is sent only if missing: the browser has to get the list first.
        self._missing_first = False

    def set(self, name: str, value: object, *, only_if_missing: bool = False) -> None:
        """Set a signal; a dotted name is a nested path. The last value wins.

        :param only_if_missing: keep a value that is set already, here or in the browser.
        :raises ValueError: if the name has an empty segment or one that would reach an object's prototype, or if it
            leads out of a list.
        :raises TypeError: if the name is not a string, or leads into a value that JSON does not know.
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
        open_value = partial(self._open, name)
        if only_if_missing and has_path(self.signals, segments, open_value):
            return
        set_path(self.signals, segments, value, open_value)
        self.visible[segments[0]] = self.signals[segments[0]]
        if not only_if_missing and self._pending_if_missing:
            self._drop_path(self._pending_if_missing, segments, open_value)
        set_path(self._pending_if_missing if only_if_missing else self._pending, segments, value, open_value)
        self.is_pending = True

    def assign(self, name: str, value: object) -> None:
        """Make a value visible to templates; the browser never gets it.

        :raises ValueError: if the name is not an identifier, so that no template could use it.
        """
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"assign got the name {name!r}; accepted: an identifier, for templates to use")
        self.visible[name] = value

    def take_events(self, dumps: Dumps) -> list[Event]:
        """Return the signals that the browser has yet to get: one patch, and another for those to set only if missing.

        :raises ValueError: if a value has no strict JSON form; the message names its path, and no signal is lost.
        :raises TypeError: if a value is of a type that JSON does not know.
        """
        events = []
        if self._pending:
            events.append(patch_signals(self._pending, dumps=dumps))
        if self._pending_if_missing:
            missing = patch_signals(self._pending_if_missing, only_if_missing=True, dumps=dumps)
            events.insert(0 if self._missing_first else len(events), missing)
            self._pending_if_missing = {}
        self._pending, self._missing_first = {}, False
        self.is_pending = False
        return events

    def _open(self, name: str, value: object) -> dict[str, Any] | list[Any] | None:
        """Return a copy of the object or list that a value is in JSON; None for a text, a number and the like.

        :param name: the path that leads into it.
        """
        if value is None or isinstance(value, str | int | float):
            return None
        if isinstance(value, list | tuple):
            return list(value)
        dumps = partial(self._dumps, name)
        if isinstance(value, dict):
            if {*map(type, value)} <= {str}:
                return dict(value)
            # In the browser the keys are strings.
            return {next(iter(strictjson.loads(dumps({key: 0})))): item for key, item in value.items()}
        text = dumps(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            # Templates keep its values as they are, unless the app's JSON writes the class in its own way.
            shallow = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            if dumps(shallow) == text:
                return shallow
        found = strictjson.loads(text)
        return found if isinstance(found, dict | list) else None

    def _dumps(self, name: str, value: object) -> str:
        dumps = self._app_state.dumps if self._app_state is not None else strictjson.dumps
        try:
            return dumps(value)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"signal path {shorten(name)} leads into a value that cannot be sent: {error}") from error

    def _drop_path(self, target: dict[str, Any], segments: list[str], open_value: Opener) -> None:
        """Drop the waiting value of a path, because a later value takes its place."""
        name, *rest = segments
        inner = open_value(target.get(name)) if rest else None
        if isinstance(inner, list):
            self._missing_first = True
            return
        if inner:
            self._drop_path(inner, rest, open_value)
            if inner:
                target[name] = inner
                return
        target.pop(name, None)
