"""The live views of one app in one process: followed by streams, rendered in the background, sent when they change.

No lock is held while a view is rendered, while code waits, or during a call of the broker.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from ..brokers.payload import Payload
from ..hub.topics import Subscriber
from .apart import run_apart
from .graph import ViewGraph
from .loop import RenderLoop
from .sender import Sender
from .view import Arrival, LiveView, Parts, Rendered, ViewSpec
from .writes import Writes


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one rendering."""

    spec: ViewSpec
    #: Why the view was rendered: for the first time, again after a failure, or because something has changed.
    reason: str
    seconds: float
    #: The streams whose pages show the view.
    viewers: int
    has_changed: bool
    error: Exception | None


class Owner(Protocol):
    """The app of live views, as far as they use it."""

    def render(self, spec: ViewSpec) -> Rendered:
        """Render a view for all streams, with places for its inner views. It may raise any exception."""

    def note(self, outcome: Outcome) -> Payload | None:
        """Record a rendering. It must not raise.

        :return: the event that shows its failure in pages, outside of the view; None without such an event.
        """

    def watch(self, view: LiveView) -> None:
        """Subscribe to the topics of a view, from now on; also called when it reads others than before."""

    def unwatch(self, view: LiveView) -> None:
        """End the subscription to the topics of a view, if there is one."""

    def tell_stale(self, spec: ViewSpec) -> None:
        """Make other processes render a view again, whose HTML was out of date here. It must not raise."""


class LiveViews:
    """The live views of one app in one process. All methods may be called from any thread or greenlet."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self.loop: RenderLoop[LiveView] = RenderLoop(self._render_due, lambda view: view.pacing.is_slow)
        self._graph = ViewGraph(self.loop)
        self._sender = Sender(self._graph, self._unwatch)

    def __len__(self) -> int:
        return len(self._graph)

    def count_followers(self) -> int:
        """Count the streams that follow each view, without those that follow it inside another one."""
        return self._graph.count_followers()

    # Following

    def follow(self, spec: ViewSpec) -> LiveView:
        """Keep a view up to date from now on, until :meth:`leave` is called. The first call renders the view.

        A view that fails is followed all the same, and tried again.
        """
        view = self._graph.hold(spec)
        self._render_first(view, is_apart=False)
        return view

    def attach(self, view: LiveView, subscriber: Subscriber, arrival: Arrival) -> None:
        """Deliver a view's state to a subscriber, unless its page shows it, then everything that is sent of the view.

        The state is delivered later if the page may show a newer one.
        """
        self._sender.attach(view, subscriber, arrival)

    def hand_over(self, view: LiveView, subscriber: Subscriber, taker: Subscriber) -> None:
        """Redirect a subscriber's events to another object; detaching still uses the original."""
        self._sender.channels.hand_over((view.channel,), subscriber, taker)

    def detach(self, view: LiveView, subscriber: Subscriber) -> None:
        """Deliver nothing more of a view to a subscriber."""
        self._sender.detach(view, subscriber)

    def leave(self, view: LiveView) -> None:
        """Stop following a view. It is dropped if nothing else follows it."""
        self._unwatch(self._graph.release(view))

    def holders_of(self, identity: str) -> set[str]:
        """Return the identities of the views whose pages have a view; an empty set if it is not followed."""
        return self._graph.holders_of(identity)

    def ancestors_of(self, identity: str) -> set[str]:
        """Return the identities of a view and of all views that hold it, also before these show it."""
        return self._graph.ancestors_of(identity)

    # Changes

    def mark(self, view: LiveView, reason: str) -> None:
        """Render a view again."""
        self._graph.mark([view], reason)

    def mark_all(self, reason: str) -> None:
        """Render all views again, after changes may have been missed."""
        self._graph.mark(self._graph.all(), reason)

    def mark_region(self, region: str, arguments: Mapping[str, str], reason: str) -> None:
        """Render the views of a region again that have these arguments; all of its views without arguments."""
        self._graph.mark(self._graph.of_region(region, arguments), reason)

    def tell(self, writes: Writes, reason: str) -> None:
        """Render the views again that committed writes concern."""
        self._graph.mark(self._graph.concerned(writes), reason)

    def unsettled(self) -> list[str]:
        """Describe the views whose changes are not rendered yet; nothing is left to note once the list is empty."""
        found = [f"{view.spec} ({view.dirty or 'is rendered'})" for view in self._graph.unsettled()]
        return found or (["the end of a rendering"] if self.loop.is_rendering else [])

    # Rendering

    def _render_first(self, view: LiveView, *, is_apart: bool) -> None:
        """Render a view for the first time, or wait until another thread has rendered it.

        :param is_apart: whether the current thread or greenlet has no other task than rendering.
        """
        first = view.first
        if first is None:
            return
        with first:
            if view.first is None:
                return
            try:
                # The subscription comes before the first read, so that no message is lost between them.
                self._owner.watch(view)
                if is_apart:
                    self._render(view, "first time")
                else:
                    run_apart(partial(self._render, view, "first time"))
            finally:
                view.first = None
                if view.is_dropped:
                    # The view may have been dropped before its topics were subscribed to.
                    self._owner.unwatch(view)

    def _render_due(self, view: LiveView) -> None:
        reason = self._graph.start(view)
        if reason is not None:
            self._render(view, reason or "tried again")

    def _render(self, view: LiveView, reason: str) -> None:
        """Render a view whose rendering was started, and send it if it has changed."""
        started_at = ended_at = time.monotonic()
        has_changed, error, retry_at = False, None, None
        try:
            try:
                rendered = self._owner.render(view.spec)
            finally:
                ended_at = time.monotonic()
            self._watch_read(view, rendered)
            self._hold_inner(view, rendered.parts)
            has_changed, stale = self._sender.settle(view, rendered, started_at)
            for spec in stale:
                self._owner.tell_stale(spec)
            # A wait costs nothing, so the view need not rest for it.
            view.pacing.note_success(started_at + rendered.waited_seconds, ended_at)
        except Exception as raised:
            error = raised
            retry_at = view.pacing.note_failure(started_at, ended_at)
            self._sender.fail(view)
        finally:
            self._unwatch(self._graph.finish(view, retry_at))
        viewers = self._graph.viewers(view)
        report = self._owner.note(Outcome(view.spec, reason, ended_at - started_at, viewers, has_changed, error))
        if report is not None:
            self._sender.report(view, report)

    def _watch_read(self, view: LiveView, rendered: Rendered) -> None:
        """Subscribe to the topics whose state the view shows now, and to no others."""
        if rendered.topic_names != view.read_topics:
            view.read_topics = rendered.topic_names
            self._owner.watch(view)
            if view.is_dropped:
                self._owner.unwatch(view)
        if not all(read.is_current() for read in rendered.topics):
            # It has changed before the subscription.
            self._graph.mark([view], "changed while it was rendered")

    def _hold_inner(self, view: LiveView, parts: Parts) -> None:
        """Hold the inner views of a new rendering, and render those that are new.

        :raises SetupError: if one of them holds this view.
        """
        for part in parts:
            if not isinstance(part, str) and part.identity not in view.inner:
                inner = self._graph.hold_inner(view, part)
                if inner is not None:
                    self._render_first(inner, is_apart=True)

    def _unwatch(self, views: list[LiveView]) -> None:
        for view in views:
            self._owner.unwatch(view)
