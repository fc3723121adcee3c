"""Arrivals of pages at live views: a page may show a newer state than this process has rendered.

A page renders its regions itself, so it shows writes that nothing has reported. If its HTML differs from the HTML that
this process keeps of a view, one of the two is out of date, and nobody knows which. The clocks of machines do not tell
either. So the view is rendered again, once for all pages that wait for it, and the result decides.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from ..brokers.payload import MessageKind, Payload
from ..hub.topics import Subscriber
from ..transport.wakeups import pause
from .graph import ViewGraph
from .view import Arrival, LiveView, ViewSpec

#: The seconds that clients wait before they request a lost stream again.
RETRY_SECONDS = 1.0
#: The seconds for which a page whose state is unknown waits at most.
_LONGEST_WAIT = 1.0
#: So many renderings in a row may contradict the pages that caused them, before further ones are spaced.
_FREE_DOUBTS, _LONGEST_SPACING = 3, 60.0
#: Streams that have left are forgotten when so many more have come.
_PURGE_AT = 256
#: The number of deliveries without a pause, as of :class:`.Topics`.
_BATCH = 400

#: Why such a view is rendered. The other processes know of all other reasons themselves.
_REASON = "a page may show a newer state"

_logger = logging.getLogger(__name__)


class Arrivals:
    """The streams that wait for a rendering that has started after they came.

    The sender's lock is held during each call, except :meth:`leave`.

    :param state_of: returns the event with a view as its followers have it; None if the view has no HTML.
    """

    def __init__(self, graph: ViewGraph, state_of: Callable[[LiveView], Payload | None]) -> None:
        self._graph = graph
        self._state_of = state_of

    def add(self, view: LiveView, arrival: Arrival) -> bool:
        """Compare a page with a view that has other HTML, and render the view again if that may be out of date.

        :return: False if the page is to get the view's present HTML now; True if it waits.
        """
        # Most of a herd ends here. The memory of a stream's greenlet grows with the depth of its calls.
        oldest = view.oldest()
        is_trusted = arrival.known is None and arrival.since < oldest + RETRY_SECONDS
        is_expected = arrival.is_back or (arrival.is_hasty and view.dirty is not None)
        if oldest >= arrival.since or (is_trusted and is_expected):
            return False
        return self._doubt(view, arrival, oldest + RETRY_SECONDS if is_trusted and arrival.is_hasty else None)

    def _doubt(self, view: LiveView, arrival: Arrival, trusted_until: float | None) -> bool:
        """Render a view again, and return whether a page waits for that.

        :param trusted_until: the time until which the page's state is unknown and the view's HTML is good enough.
        """
        suspects = [one for one in view.within() if one.rendered_at < arrival.since]
        # A view that fails is tried again by itself, less often than pages come.
        working = [one for one in suspects if not one.pacing.is_failing]
        spacing = max(view.rendered_at + _spacing(view.doubts), trusted_until or 0.0)
        due_at = max(one.pacing.due_at(spacing) for one in suspects)
        arrival.suspects = [(one, one.parts) for one in working if one.dirty in (None, _REASON)]
        self._graph.mark(working, _REASON, not_before=spacing)
        # A slow view that is rendered now rests before it is rendered again.
        is_resting = any(one.is_rendering and one.pacing.is_slow for one in suspects)
        is_soon = len(working) == len(suspects) and not is_resting and due_at <= arrival.since + _LONGEST_WAIT
        # A page whose state is unknown may show nothing yet.
        arrival.is_served = arrival.known is None and (trusted_until is not None or not is_soon)
        if arrival.suspects or not arrival.is_served:
            arrival.before = view.digest
            if len(view.arrivals) % _PURGE_AT == _PURGE_AT - 1:
                # The next rendering of a slow region may be an hour away.
                self._take(view, lambda arrival: arrival.subscriber is None)
            view.arrivals.append(arrival)
        return not arrival.is_served

    @staticmethod
    def leave(view: LiveView, subscriber: Subscriber) -> None:
        """Forget a stream that follows a view no longer. A delivery may be what has ended it, so this takes no lock."""
        for arrival in list(view.arrivals):
            if arrival.subscriber is subscriber:
                arrival.subscriber = None

    def settle(self, view: LiveView) -> list[ViewSpec]:
        """Deliver the HTML for which streams wait, after a rendering of a view.

        :return: the views of which a page has shown that this process had old HTML.
        """
        stale: dict[str, ViewSpec] = {}
        for outer in self._graph.ancestors(view):
            if done := self._take_ready(outer):
                stale |= {spec.identity: spec for spec in self._judge(outer, done)}
        return list(stale.values())

    def fail(self, view: LiveView) -> None:
        """Deliver the last HTML to the streams whose pages may show less, because the newest rendering has failed."""
        for outer in self._graph.ancestors(view):
            for arrival in self._take(outer, lambda arrival: arrival.known is None):
                if not arrival.is_served:
                    self._deliver(outer, arrival)

    def _take_ready(self, view: LiveView) -> list[Arrival]:
        """Remove and return the streams that came before all that a view shows now was rendered."""
        parts = view.within() if view.arrivals else []
        if not parts or any(one.is_held for one in parts):
            return []
        oldest = view.oldest()
        return self._take(view, lambda arrival: arrival.since <= oldest)

    def _judge(self, view: LiveView, done: list[Arrival]) -> Iterable[ViewSpec]:
        """Deliver a view's HTML, which is as new as the pages of some streams, and return what had been out of date."""
        self._state_of(view)
        confirmed = [arrival for arrival in done if arrival.known == view.digest]
        has_changed = any(arrival.before != view.digest for arrival in done)
        # HTML that differs each time it is rendered, such as a random number, proves nothing.
        view.doubts = view.doubts + 1 if has_changed and not confirmed else 0
        for number, arrival in enumerate(done, start=1):
            if arrival.known != view.digest and not arrival.is_served:
                self._deliver(view, arrival)
            if number % _BATCH == 0:
                pause()
        # Another page may have caused the rendering before the one that confirms it came.
        causes = done if confirmed else []
        return [one.spec for arrival in causes for one, parts in arrival.suspects if one.parts != parts]

    def _deliver(self, view: LiveView, arrival: Arrival) -> None:
        payload, subscriber = self._state_of(view), arrival.subscriber
        if payload is None or subscriber is None:
            return
        try:
            subscriber.deliver(view.channel, MessageKind.EVENTS, payload)
        except Exception:
            _logger.exception("Datastar: a stream failed on the state of region %s", view.spec)

    def _take(self, view: LiveView, is_meant: Callable[[Arrival], bool]) -> list[Arrival]:
        taken: list[Arrival] = []
        kept: list[Arrival] = []
        for arrival in view.arrivals:
            (taken if is_meant(arrival) else kept).append(arrival)
        view.arrivals = kept
        return taken


def _spacing(doubts: int) -> float:
    """Return the seconds after a rendering in which no page causes another one."""
    return 0.0 if doubts < _FREE_DOUBTS else min(2.0 ** (doubts - _FREE_DOUBTS), _LONGEST_SPACING)
