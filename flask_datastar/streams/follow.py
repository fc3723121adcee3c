"""The wait point ``follow``: broadcast events, forwarded to one browser unchanged."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import partial

from ..brokers.payload import MessageKind, Payload
from ..hub.coded_stream import CodedStream
from ..hub.hub import StreamHub
from ..hub.outbox import Waiting
from ..hub.scopes import owner_topics
from ..hub.seats import Seat
from ..hub.sources import Source
from ..hub.stream import Stream
from ..hub.tabs import TabEntry
from ..hub.topics import Subscriber
from ..state.app import AppState
from .broadcast import Broadcast
from .running import current_body
from .subscriptions import Subscription, check_topics

#: Sends to a stream the events that replace those it may have missed.
FillGap = Callable[[Stream], object]


def gap_filler(app_state: AppState, on_gap: Callable[[Broadcast], object]) -> FillGap:
    """Return a function that calls ``on_gap``, in the app's context, with an object that sends to one stream."""

    def fill(stream: Stream) -> None:
        with app_state.app.app_context(), Broadcast(app_state, stream.put) as out:
            on_gap(out)

    return fill


class Follow(Subscription):
    """The result of ``datastar.follow()``: broadcast events, forwarded to the browser unchanged.

    If a stream's function returns it, nothing else of the request is kept. A generator passes it to ``yield from``.
    """

    __slots__ = ("_early", "_fill_gap", "_has_early_gap", "_seat", "_sources")

    def __init__(
        self,
        hub: StreamHub,
        topics: tuple[str, ...],
        *,
        is_own: bool = False,
        fill_gap: FillGap | None = None,
        sources: tuple[Source, ...] = (),
    ) -> None:
        self._fill_gap = fill_gap
        self._sources: tuple[Source, ...] = ()
        # The stream's place in a group; None for a stream that is a subscriber itself.
        self._seat: Seat | None = None
        # Messages that come before there is a stream. Usually none come, and thousands of these objects live for hours:
        # no empty list is kept.
        self._early: list[Payload] | None = None
        self._has_early_gap = False
        super().__init__(hub, topics, is_own=is_own)
        try:
            for source in sources:
                source.attach(self)
                self._sources += (source,)
        except BaseException:
            self.close()
            raise

    @property
    def follows(self) -> list[Hashable]:
        """The names of its topics, and the keys of its sources."""
        return [*super().follows, *(source.key for source in self._sources)]

    def close(self) -> None:
        """Listen no more, neither to topics nor to sources; safe to call twice."""
        super().close()
        sources, self._sources = self._sources, ()
        for source in sources:
            source.detach(self)
        seat, self._seat = self._seat, None
        if seat is not None:
            self._hub.compression.leave(seat)

    @classmethod
    def _check(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        # Without topics, the stream gets only the events that are sent to its user.
        return check_topics(topics) if topics else ()

    def bind(self, stream: Stream) -> None:
        """Forward to a stream, starting with the messages that came before it."""
        with self._hub.binding:
            for payload in self._early or ():
                stream.deliver("", MessageKind.EVENTS, payload)
            self._early = None
            if self._has_early_gap:
                stream.catch_up()
            self._stream = stream
            self._hand_over(stream)

    def _hand_over(self, stream: Stream) -> None:
        """Make publishers call the stream directly, or its group, because it may be one of thousands."""
        taker: Subscriber = stream
        followed = frozenset([*self.topics, *(source.key for source in self._sources)])
        if followed and isinstance(stream, CodedStream):
            self._seat = self._hub.compression.seat(stream, followed)
            taker = self._seat or stream
        self._hub.bus.topics.hand_over(self.topics, self, taker)
        for source in self._sources:
            source.hand_over(self, taker)

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Queue broadcast events."""
        if kind is not MessageKind.EVENTS:
            return
        if self._stream is None:
            # Another thread may be binding it now: no message may be lost, or overtake an earlier one.
            with self._hub.binding:
                if self._stream is None:
                    self._keep(payload)
                    return
        self._stream.deliver(topic, kind, payload)

    def _keep(self, payload: Payload) -> None:
        """Keep a message until there is a stream; beyond the limits of the queue only one, which makes it overflow."""
        settings, early = self._hub.settings, self._early or []
        size = sum(len(one.data) for one in early)
        if len(early) <= settings.max_queued_events and size <= settings.max_queued_bytes:
            self._early = [*early, payload]

    def catch_up(self) -> None:
        """Make the stream fill the gap, as soon as there is a stream."""
        with self._hub.binding:
            self._has_early_gap = True
            if self._stream is not None:
                self._stream.catch_up()

    def fill_gap(self, stream: Stream) -> None:
        """Call the application's ``on_gap`` with an object that sends to this stream alone."""
        if self._fill_gap is not None:
            self._fill_gap(stream)

    def __iter__(self) -> Iterator[None]:
        """Forward until the stream ends; each item is None."""
        body = current_body()
        stream = body.stream
        # The message that the loop left in the queue, because it did not yield; it goes out while the loop waits.
        left: Waiting | None = None

        def has_more() -> bool:
            first = stream.first_waiting
            return (first is not None and first is not left) or stream.has_gap

        while True:
            body.wait(has_more, None, None)
            if stream.has_gap:
                stream.has_gap = False
                self.fill_gap(stream)
            left = stream.first_waiting
            yield
            if stream.first_waiting is not left:
                left = None


class Addressed(Follow):
    """The events for the pages of one user, or of one tab: each page gets them through one of its streams."""

    __slots__ = ("_entry",)

    def __init__(self, hub: StreamHub, entry: TabEntry) -> None:
        self._entry = entry
        super().__init__(hub, owner_topics(entry.scope, entry.tab), is_own=True)

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Queue events, unless another stream of the page takes them."""
        if kind is MessageKind.EVENTS:
            settings = self._hub.settings
            limits = settings.max_queued_events, settings.max_queued_bytes
            self._hub.tabs.take_event(self._entry, limits, payload, partial(super().deliver, topic, kind))

    def _hand_over(self, stream: Stream) -> None:
        """Do nothing: which stream of a page gets a message is decided when it comes."""
