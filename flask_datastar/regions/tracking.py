"""The connection between an app's database and its regions, which starts as soon as the app has both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, appcontext_pushed

from ..state.app import AppState, app_state_of
from ..streams.commits import scoped_session
from .capture import Capture
from .flushes import Flushes
from .metadata import CascadesOf, engines_of
from .process import LiveRegions, live_regions_of
from .registry import RegionRegistry
from .tables import watched_attributes
from .writes import Writes


class Tracking:
    """The listeners of one app's database."""

    def __init__(self, app_state: AppState) -> None:
        self._app_state = app_state
        self.registry = RegionRegistry()
        self._flushes = Flushes(self._watched)
        self._capture = Capture(self._tell, self._is_heard, CascadesOf(app_state.app), self._flushes.takes)
        self._attributes: Mapping[str, set[str]] = {}
        self._attributes_of = -1

    def start(self) -> bool:
        """Listen to the app's database, if it has one. The app's context must be active.

        :return: True if the app has a database.
        """
        scoped = scoped_session(self._app_state.app)
        if scoped is None:
            return False
        self._capture.listen(engines_of(self._app_state.app))
        self._flushes.listen(scoped.session_factory)
        return True

    def _is_heard(self) -> bool:
        live = self._find_live()
        return live is not None and live.expect_writes()

    def _tell(self, writes: Writes) -> None:
        live = self._find_live()
        if live is not None:
            live.tell_writes(writes)

    def _find_live(self) -> LiveRegions | None:
        """Return the live regions of this process; None if their broker cannot be used at all."""
        try:
            return live_regions_of(self._app_state)
        except Exception:
            # Neither a statement nor a commit of the app must fail. Pages fail with this error.
            self._app_state.app.logger.exception("Datastar: no page is told of what is written")
            return None

    def _watched(self) -> Mapping[str, set[str]]:
        """Return the attributes by which regions select rows, by the word of each table."""
        if self._attributes_of != self.registry.version:
            self._attributes_of = self.registry.version
            found: dict[str, set[str]] = {}
            for region in self.registry:
                try:
                    for word, attributes in watched_attributes(region).items():
                        found.setdefault(word, set()).update(attributes)
                except Exception:
                    # The region itself fails with this error. A flush of the app must not fail.
                    self._app_state.app.logger.debug("Datastar: tables= of %r is refused", region, exc_info=True)
            self._attributes = found
        return self._attributes


def install_tracking(app_state: AppState, registry: RegionRegistry) -> None:
    """Watch an app's database, whether it is initialised before or after this extension, and regions declared later."""
    app_state.part(Tracking).registry = registry
    appcontext_pushed.connect(_look, app_state.app)


def _look(sender: Flask, **_: Any) -> None:
    """Start to listen. One function serves all apps, because the signal would keep every function that it gets."""
    if app_state_of(sender).part(Tracking).start():
        appcontext_pushed.disconnect(_look, sender)
