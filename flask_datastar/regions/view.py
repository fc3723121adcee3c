"""The state of one view of a region that streams or other views follow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from ..brokers.payload import Payload
from ..hub.topics import Subscriber
from ..state.topic_reads import TopicRead
from ..transport.wakeups import make_lock
from .index import Reads
from .pacing import Pacing


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """The specification of a view. Specifications of one identity are equal."""

    identity: str
    #: The region's key, ``<group>:<name>``.
    region: str = field(compare=False)
    #: The arguments as text, by name.
    arguments: Mapping[str, str] = field(compare=False)
    #: Seconds between the starts of two renderings.
    at_most_every: float = field(compare=False)
    #: The topics whose messages render the view again.
    topics: tuple[str, ...] = field(compare=False, default=())
    #: Whether its events are not to be compressed together with others.
    is_stored: bool = field(compare=False, default=False)
    #: The argument of the function that renders.
    source: Any = field(compare=False, default=None)

    def __str__(self) -> str:
        return f"{self.region}({', '.join(f'{name}={text}' for name, text in self.arguments.items())})"


#: Rendered HTML as texts and inner views in their order.
Parts = tuple[str | ViewSpec, ...]


@dataclass(frozen=True, slots=True)
class Rendered:
    """One rendering of a view."""

    parts: Parts
    reads: Reads
    #: The topics whose state it shows.
    topics: tuple[TopicRead, ...] = ()

    @property
    def topic_names(self) -> frozenset[str]:
        """The names of these topics."""
        return frozenset(read.topic for read in self.topics)

    @property
    def waited_seconds(self) -> float:
        """For how long the rendering waited for other processes."""
        return sum(read.waited_seconds for read in self.topics)


class LiveView:
    """The state of a view that is followed, by streams or by outer views. :class:`.live.LiveViews` guards it."""

    __slots__ = (
        "arrivals",
        "channel",
        "digest",
        "dirty",
        "doubts",
        "failure",
        "first",
        "followers",
        "inner",
        "is_dropped",
        "is_held",
        "is_rendering",
        "meanwhile",
        "not_before",
        "outers",
        "pacing",
        "parts",
        "payload",
        "read_topics",
        "rendered_at",
        "shown",
        "spec",
    )

    def __init__(self, spec: ViewSpec, channel: str) -> None:
        self.spec = spec
        #: The name under which its events are delivered in this process.
        self.channel = channel
        self.pacing = Pacing(spec.at_most_every)
        #: The lock of the first rendering, for which every opening stream waits; None after it.
        self.first: AbstractContextManager[object] | None = make_lock()
        #: The streams that follow it.
        self.followers = 0
        #: The topics whose state it shows.
        self.read_topics: frozenset[str] = frozenset()
        #: The views that hold it.
        self.outers: set[LiveView] = set()
        #: The views that its parts hold, the newest and those that are shown.
        self.inner: dict[str, LiveView] = {}
        #: The newest rendering, and the one that the followers have; None before the first.
        self.parts: Parts | None = None
        self.shown: Parts | None = None
        #: The start of the newest rendering that has not failed.
        self.rendered_at = -math.inf
        #: Whether the newest rendering waits for an inner view that has no HTML yet.
        self.is_held = False
        #: Why the view needs a rendering; None if it is up to date, or if it is tried again after a failure.
        self.dirty: str | None = None
        #: The time before which it is not rendered although it is dirty, beside its pacing.
        self.not_before = 0.0
        #: True from the start, because the first follower renders it.
        self.is_rendering = True
        #: Writes during the rendering, to be checked at its end, when it is known what the view reads.
        self.meanwhile: list[Any] = []
        self.is_dropped = False
        #: The streams that wait for a rendering that has started after they came.
        self.arrivals: list[Arrival] = []
        #: How many renderings for arrivals in a row have had a result that no page showed.
        self.doubts = 0
        #: The event that shows why the newest rendering has failed; None without a failure, and outside debug mode.
        self.failure: Payload | None = None
        #: The event with the whole view, and the digest of its HTML, as followers have them; None if they are out of
        #: date.
        self.payload: Payload | None = None
        self.digest: bytes | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether a stream or a view still follows it."""
        return self.followers > 0 or bool(self.outers)

    @property
    def is_stored(self) -> bool:
        """Whether it may show, or belong to, what is not to be compressed together with other events."""
        return any(view.spec.is_stored for view in (*self.within(), *self.ancestors()))

    def shows(self, inner: LiveView) -> bool:
        """Return whether the followers have an inner view in this one."""
        return self.shown is not None and inner.spec in self.shown

    def holders(self) -> set[LiveView]:
        """Return the views whose followers have this view: itself, and all that show it, however deep."""
        found = {self}
        new = [self]
        while new:
            view = new.pop()
            for outer in view.outers:
                if outer not in found and outer.shows(view):
                    found.add(outer)
                    new.append(outer)
        return found

    def ancestors(self) -> set[LiveView]:
        """Return this view and all views that hold it, however deep."""
        found = {self}
        new = [self]
        while new:
            # A copy: other threads may start to follow a view that holds it.
            for outer in tuple(new.pop().outers):
                if outer not in found:
                    found.add(outer)
                    new.append(outer)
        return found

    def within(self) -> list[LiveView]:
        """Return this view and all views that it holds, however deep."""
        return [self, *(part for inner in list(self.inner.values()) for part in inner.within())]

    def oldest(self) -> float:
        """Return the start of the oldest rendering of all that this view shows."""
        found = self.rendered_at
        if self.inner:
            found = min(found, *(inner.oldest() for inner in list(self.inner.values())))
        return found

    def failures(self) -> list[Payload]:
        """Return the events that show the failures of this view and of all views that it holds."""
        own = [self.failure] if self.failure is not None else []
        return own + [failure for inner in list(self.inner.values()) for failure in inner.failures()]


@dataclass(slots=True, eq=False)
class Arrival:
    """A stream that starts to follow a view."""

    #: None once the stream has left.
    subscriber: Subscriber | None
    #: The digest of the HTML that its page shows; None if it is unknown.
    known: bytes | None = None
    #: The time at which it came, by ``time.monotonic()``. A rendering that has started since shows whatever the page
    #: shows.
    since: float = -math.inf
    #: Whether the stream had been open before. Clients wait a second before they request a lost stream again, so its
    #: page shows nothing newer than a rendering of the last second.
    is_back: bool = False
    #: Whether such a rendering is sent to a page whose state is unknown, although the page may be newer.
    is_hasty: bool = False
    #: The digest of the view's HTML at that time.
    before: bytes | None = None
    #: Whether the whole view has been sent to it meanwhile, as to all followers.
    is_served: bool = False
    #: The views that are rendered because of it, with their HTML at that time.
    suspects: list[tuple[LiveView, Parts | None]] = field(default_factory=list)
