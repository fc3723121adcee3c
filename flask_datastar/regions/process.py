"""The live regions of one app in one process: its live views, their counters, and the messages about changes."""

from __future__ import annotations

import json
import logging
import secrets
from collections import Counter
from collections.abc import Mapping
from functools import partial
from os import getpid
from typing import Any

from .. import hooks
from ..brokers.payload import MessageKind, Payload
from ..errors import SetupError
from ..hub.hub import StreamHub
from ..hub.scopes import REGIONS_TOPIC
from ..sending.overlay import failure_overlay
from ..state.app import AppState
from ..streams.current import hub_of, tell
from ..transport.wakeups import PerProcess, make_lock, make_short_lock
from .live import LiveViews, Outcome
from .metadata import engines_of, shares_one_connection
from .rendering import render_for_streams
from .view import LiveView, Rendered, ViewSpec
from .writes import Writes, read_writes


class LiveRegions:
    """The live regions of one process. They are created at first use, which is after the fork."""

    def __init__(self, app_state: AppState) -> None:
        self._app_state = app_state
        self._hub: StreamHub = hub_of(app_state)
        self.views = LiveViews(self)
        self._lock = make_lock()
        self._count_lock = make_short_lock()
        #: Names this process in messages that are for the others.
        self._name = secrets.token_hex(8)
        self._watched: dict[LiveView, _TopicListener] = {}
        self._counts: Counter[str] = Counter()
        self._seconds = 0.0
        self._hub.counters["regions"] = self.stats

    # The owner of live views

    def render(self, spec: ViewSpec) -> Rendered:
        """Render a view for all streams that follow it."""
        return render_for_streams(self._app_state, spec)

    def note(self, outcome: Outcome) -> Payload | None:
        """Count a rendering, and log it if it failed, or in debug mode.

        :return: the overlay that shows its failure, in debug mode.
        """
        with self._count_lock:
            self._counts["renders"] += 1
            self._counts["unchanged"] += not outcome.has_changed and outcome.error is None
            self._counts["failures"] += outcome.error is not None
            self._seconds += outcome.seconds
        if hooks.region_rendered.receivers:
            spec = outcome.spec
            details = {
                name: getattr(outcome, name) for name in ("reason", "seconds", "viewers", "has_changed", "error")
            }
            details |= {"region": spec.region, "arguments": dict(spec.arguments)}
            details["holders"] = self.views.ancestors_of(spec.identity)
            tell(self._app_state, hooks.region_rendered, **details)
        self._log(outcome)
        if outcome.error is None:
            return None
        overlay = failure_overlay(self._app_state.app, f"region {outcome.spec}", outcome.error)
        return Payload(overlay) if overlay is not None else None

    def _log(self, outcome: Outcome) -> None:
        logger = self._app_state.app.logger
        if outcome.error is not None:
            logger.error(
                "Datastar: region %s failed (%s); pages keep what they show, and it is tried again",
                outcome.spec,
                outcome.reason,
                exc_info=outcome.error,
            )
        elif logger.isEnabledFor(logging.DEBUG):
            logger.debug(
                "Datastar: region %s was rendered: %s; %.1f ms, %d streams%s",
                outcome.spec,
                outcome.reason,
                outcome.seconds * 1000,
                outcome.viewers,
                "" if outcome.has_changed else ", unchanged",
            )

    def watch(self, view: LiveView) -> None:
        """Subscribe to the messages about changes, and to the view's own topics, which may be others than before."""
        self._hub.bus.enlist()
        topics = tuple({*view.spec.topics, *view.read_topics})
        listener = _TopicListener(self.views, view, topics)
        with self._lock:
            if not self._watched:
                self._hub.bus.subscribe((REGIONS_TOPIC,), self)
            before = self._watched.get(view)
            self._watched[view] = listener
        if topics:
            self._hub.bus.subscribe(topics, listener)
        if before is not None and before.topics:
            self._hub.bus.unsubscribe(before.topics, before)

    def unwatch(self, view: LiveView) -> None:
        """End these subscriptions, once."""
        with self._lock:
            listener = self._watched.pop(view, None)
            if listener is not None and not self._watched:
                self._hub.bus.unsubscribe((REGIONS_TOPIC,), self)
        if listener is not None and listener.topics:
            self._hub.bus.unsubscribe(listener.topics, listener)

    def tell_stale(self, spec: ViewSpec) -> None:
        """Make other processes render a view again, whose HTML was out of date here. It never raises."""
        if not self._hub.bus.is_shared:
            return
        try:
            self._publish({"region": spec.region, "arguments": dict(spec.arguments), "but": self._name})
        except Exception:
            self._app_state.app.logger.exception("Datastar: other processes may keep an old state of region %s", spec)

    # Messages about changes

    @property
    def hears_writes(self) -> bool:
        """Whether a view is live here, or may be in another process."""
        return bool(self._watched) or self._hub.bus.is_shared

    def expect_writes(self) -> bool:
        """Return whether any view may need what is being written. It never raises.

        From now on, other processes notice if this one dies between a commit and its message.
        """
        try:
            self._hub.bus.enlist()
        except Exception:
            self._app_state.app.logger.exception("Datastar: other processes would not notice the death of this one")
        return self.hears_writes

    def tell_writes(self, writes: Writes) -> None:
        """Send the writes of a commit to all processes. It never raises, because the commit must not fail by it."""
        if not writes or not self.hears_writes:
            return
        try:
            if self._hub.bus.is_shared:
                self._publish({"writes": writes.to_json()})
            else:
                self._apply_writes(writes)
        except Exception:
            self._app_state.app.logger.exception(
                "Datastar: the writes of a commit were not sent to other processes; their pages show them later"
            )

    def tell_changed(self, region: str, texts: Mapping[str, str]) -> None:
        """Send all processes the message that views of a region have changed.

        :raises BrokerError: if other processes may not get the message, and the app is configured to raise.
        """
        self._publish({"region": region, "arguments": dict(texts)})

    def _publish(self, message: dict[str, Any]) -> None:
        payload = Payload(json.dumps(message, separators=(",", ":")).encode())
        self._hub.bus.publish(REGIONS_TOPIC, MessageKind.MESSAGE, payload)

    def deliver(self, topic: str, kind: MessageKind, payload: Any) -> None:
        """Apply the message of a process."""
        try:
            message: Any = json.loads(payload.data)
            if message.get("but") == self._name:
                return
            if "writes" in message:
                self._apply_writes(read_writes(message["writes"]))
            else:
                arguments = {str(name): str(text) for name, text in message["arguments"].items()}
                reason = "a page showed a newer state" if "but" in message else "changed()"
                self.views.mark_region(str(message["region"]), arguments, reason)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            # Any program may write to the broker's server. An unknown message costs one rendering of each view.
            self.views.mark_all("a message of unknown form")

    def catch_up(self) -> None:
        """Render all views again, after messages may have been missed."""
        self.views.mark_all("messages may have been missed")

    def _apply_writes(self, writes: Writes) -> None:
        tables = "tables that cannot be told" if writes.is_unknown else ", ".join(sorted(writes.tables))
        self.views.tell(writes, f"{tables} written")

    def stats(self) -> dict[str, Any]:
        """Return the counters of this process: views, viewers, renders, unchanged, failures, render_seconds."""
        with self._count_lock:
            counts = {name: self._counts[name] for name in ("renders", "unchanged", "failures")}
            state = {"views": len(self.views), "viewers": self.views.count_followers()}
            return {**state, **counts, "render_seconds": round(self._seconds, 3)}

    def check_database(self) -> None:
        """Check that a rendering cannot end a transaction of a request.

        :raises SetupError: if all sessions share one connection.
        """
        for engine in engines_of(self._app_state.app):
            if shares_one_connection(engine):
                raise SetupError(
                    f"the database is {engine.url!r}: all of its sessions share one connection, so a region that is "
                    "rendered in the background would roll back what a request has written; use a file, such as "
                    "sqlite:///app.db"
                )


class _TopicListener:
    """A subscriber to the topics of one view, which renders it again at each message."""

    def __init__(self, views: LiveViews, view: LiveView, topics: tuple[str, ...]) -> None:
        self._views = views
        self._view = view
        self.topics = topics

    def deliver(self, topic: str, kind: MessageKind, payload: Any) -> None:
        """Render the view again."""
        self._views.mark(self._view, f"topic {topic}")

    def catch_up(self) -> None:
        """Render the view again, after messages may have been missed."""
        self._views.mark(self._view, "messages may have been missed")


# typing would keep a class that knows Flask, and so Flask, until it is itself torn down.
class _Processes(PerProcess[Any]):
    """The live regions of an app, by process: a forked process gets its own."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(partial(LiveRegions, app_state))


def live_regions_of(app_state: AppState) -> LiveRegions:
    """Return the live regions of an app in this process."""
    found: LiveRegions = app_state.parts[_Processes].by_process[getpid()]
    return found
