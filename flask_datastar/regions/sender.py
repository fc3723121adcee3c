"""The sender of live views' events to the streams that follow them.

One lock is held while a view is composed and sent, so that no follower gets an older state after a newer one.
"""

from __future__ import annotations

from collections.abc import Callable

from ..brokers.payload import MessageKind, Payload
from ..hub.topics import Subscriber, Topics
from ..sansio.elements import patch_elements
from ..transport.wakeups import make_lock
from .arrivals import Arrivals
from .digests import html_digest
from .graph import ViewGraph
from .places import compose
from .view import Arrival, LiveView, Parts, Rendered, ViewSpec

_EVENTS = MessageKind.EVENTS


class Sender:
    """A sender that encodes each change once for all followers, and brings new followers the present state.

    :param drop: called with the views that nothing follows any more.
    """

    def __init__(self, graph: ViewGraph, drop: Callable[[list[LiveView]], object]) -> None:
        self._graph = graph
        self._drop = drop
        #: Delivers the events of each view to the streams that follow it.
        self.channels = Topics()
        # It is acquired before the locks of the graph and of subscriptions, never while one of them is held.
        self._order = make_lock()
        self._arrivals = Arrivals(graph, self._state)

    def attach(self, view: LiveView, subscriber: Subscriber, arrival: Arrival) -> None:
        """Deliver a view's state to a subscriber, then everything that is sent of the view, in this order.

        If the subscriber's page shows the state, it is not delivered. If the page may show a newer state, both wait for
        a rendering.
        """
        with self._order:
            payload = self._state(view)
            is_new = payload is not None and (arrival.known is None or arrival.known != view.digest)
            if is_new and not self._arrivals.add(view, arrival):
                subscriber.deliver(view.channel, _EVENTS, payload)
            for failure in view.failures():
                subscriber.deliver(view.channel, _EVENTS, failure)
            # Nothing is sent between the two calls, because sending needs the same lock.
            self.channels.subscribe((view.channel,), subscriber)

    def detach(self, view: LiveView, subscriber: Subscriber) -> None:
        """Deliver nothing more of a view to a subscriber."""
        self.channels.unsubscribe((view.channel,), subscriber)
        if view.arrivals:
            self._arrivals.leave(view, subscriber)

    def settle(self, view: LiveView, rendered: Rendered, started_at: float) -> tuple[bool, list[ViewSpec]]:
        """Store a new rendering, and send it if it differs from the HTML that followers have.

        :param started_at: when the rendering has started, by ``time.monotonic()``.
        :return: whether it differs; and the views of which a page has shown that this process had old HTML.
        """
        with self._order:
            view.failure = None
            view.parts, view.rendered_at = rendered.parts, started_at
            if not self._graph.take(view, rendered.reads):
                return False, []
            has_changed = view.parts != view.shown
            if has_changed:
                self._send(view)
            else:
                view.is_held = False
            return has_changed, self._arrivals.settle(view)

    def report(self, view: LiveView, failure: Payload) -> None:
        """Show a failure of a view in all pages that have it or wait for it, once for repeated attempts."""
        with self._order:
            is_known = view.failure is not None and view.failure.data == failure.data
            view.failure = failure
            failure.is_stored = view.is_stored
            for outer in () if is_known else self._graph.ancestors(view):
                self.channels.publish(outer.channel, _EVENTS, failure)

    def fail(self, view: LiveView) -> None:
        """Deliver the last HTML of a view that has failed to those who wait for its rendering."""
        with self._order:
            self._arrivals.fail(view)

    def _send(self, view: LiveView) -> None:
        """Send the newest rendering to all followers, as soon as its inner views have HTML."""
        html = self._compose(view, view.parts)
        if html is None:
            view.is_held = True
            return
        shown = self._graph.show(view)
        self._publish(view, shown.holders, html)
        for arrival in view.arrivals:
            arrival.is_served = True
        self._drop(shown.dropped)
        for inner, holders in shown.moved:
            # Until now it was on some pages twice, and the browser updated the first place only.
            if (moved := self._compose(inner, inner.shown)) is not None:
                self._publish(inner, holders, moved)
        for outer in shown.outers:
            if outer.is_held:
                self._send(outer)

    def _publish(self, view: LiveView, holders: set[LiveView], html: str) -> None:
        payload = _event(view, html)
        for holder in holders:
            holder.payload = holder.digest = None
            self.channels.publish(holder.channel, _EVENTS, payload)

    def _state(self, view: LiveView) -> Payload | None:
        """Return the event with a view as its followers have it; None if it has no HTML yet."""
        payload = view.payload
        if payload is None or view.digest is None:
            html = self._compose(view, view.shown)
            if html is None:
                return None
            view.digest = html_digest(html)
            payload = _event(view, html)
            # A payload for a single follower would only cost memory.
            view.payload = payload if view.followers > 1 else None
        return payload

    def _compose(self, view: LiveView, parts: Parts | None) -> str | None:
        """Put the newest inner HTML into a view's own; None if a part of it is missing."""
        if parts is None:
            return None

        def html_of(spec: ViewSpec) -> str | None:
            inner = view.inner.get(spec.identity)
            return None if inner is None else self._compose(inner, inner.shown)

        return compose(parts, html_of)


def _event(view: LiveView, html: str) -> Payload:
    payload = Payload(patch_elements(html).encode())
    payload.is_stored = view.is_stored
    return payload
