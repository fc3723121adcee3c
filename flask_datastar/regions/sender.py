"""The sender of live views' events to the streams that follow them.

One lock is held while a view is composed and sent, so that no follower gets an older state after a newer one.
"""

from __future__ import annotations

from collections.abc import Callable

from ..brokers.payload import MessageKind, Payload
from ..hub.topics import Subscriber, Topics
from ..sansio.elements import patch_elements
from ..transport.wakeups import make_lock
from .digests import html_digest
from .graph import ViewGraph
from .places import compose
from .view import LiveView, Parts, Rendered, ViewSpec

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

    def attach(self, view: LiveView, subscriber: Subscriber, known: bytes | None) -> None:
        """Deliver a view's state to a subscriber, then everything that is sent of the view, in this order.

        :param known: the digest of the HTML that the subscriber has; the same state is not delivered again.
        """
        with self._order:
            payload = self._state(view)
            if payload is not None and (known is None or known != view.digest):
                subscriber.deliver(view.channel, _EVENTS, payload)
            for failure in view.failures():
                subscriber.deliver(view.channel, _EVENTS, failure)
            # Nothing is sent between the two calls, because sending needs the same lock.
            self.channels.subscribe((view.channel,), subscriber)

    def settle(self, view: LiveView, rendered: Rendered) -> bool:
        """Store a new rendering, and send it if it differs from the HTML that followers have.

        :return: True if it differs.
        """
        with self._order:
            view.failure = None
            view.parts = rendered.parts
            if not self._graph.take(view, rendered.reads):
                return False
            if view.parts == view.shown:
                view.is_held = False
                return False
            self._send(view)
            return True

    def report(self, view: LiveView, failure: Payload) -> None:
        """Show a failure of a view in all pages that have it or wait for it, once for repeated attempts."""
        with self._order:
            is_known = view.failure is not None and view.failure.data == failure.data
            view.failure = failure
            for outer in () if is_known else self._graph.ancestors(view):
                self.channels.publish(outer.channel, _EVENTS, failure)

    def _send(self, view: LiveView) -> None:
        """Send the newest rendering to all followers, as soon as its inner views have HTML."""
        html = self._compose(view, view.parts)
        if html is None:
            view.is_held = True
            return
        shown = self._graph.show(view)
        self._publish(shown.holders, html)
        self._drop(shown.dropped)
        for inner, holders in shown.moved:
            # Until now it was on some pages twice, and the browser updated the first place only.
            if (moved := self._compose(inner, inner.shown)) is not None:
                self._publish(holders, moved)
        for outer in shown.outers:
            if outer.is_held:
                self._send(outer)

    def _publish(self, holders: set[LiveView], html: str) -> None:
        payload = Payload(patch_elements(html).encode())
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
            payload = Payload(patch_elements(html).encode())
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
