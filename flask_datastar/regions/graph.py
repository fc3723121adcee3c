"""The graph of live views: which are followed, which holds which, what each reads. Each method is one locked step."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import SetupError
from ..transport.wakeups import make_lock
from .index import Index, Reads
from .loop import RenderLoop
from .view import LiveView, ViewSpec
from .writes import Writes


@dataclass(frozen=True, slots=True)
class Shown:
    """The consequences of showing a view's newest HTML."""

    #: The views whose pages have the view.
    holders: set[LiveView]
    #: The views that hold it.
    outers: list[LiveView]
    #: The views without followers now.
    dropped: list[LiveView]
    #: The inner views that have left this view and are in another one, each with the views whose pages have it.
    moved: list[tuple[LiveView, set[LiveView]]]


class ViewGraph:
    """The live views of one process. A view is kept as long as a stream or another view follows it."""

    def __init__(self, loop: RenderLoop[LiveView]) -> None:
        self._loop = loop
        self._lock = make_lock()
        self._views: dict[str, LiveView] = {}
        self._by_region: dict[str, set[LiveView]] = {}
        self._index: Index[LiveView] = Index()
        self._rendering: set[LiveView] = set()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._views)

    # Holding

    def hold(self, spec: ViewSpec) -> LiveView:
        """Return the live view for one more stream."""
        with self._lock:
            view = self._view(spec)
            view.followers += 1
            return view

    def hold_inner(self, outer: LiveView, spec: ViewSpec) -> LiveView | None:
        """Return the live view that an outer one holds from now on; None if the outer one was dropped.

        :raises SetupError: if the inner view holds the outer one.
        """
        with self._lock:
            if outer.is_dropped:
                return None
            if any(spec == around.spec for around in outer.ancestors()):
                raise SetupError(
                    f"region {outer.spec} shows {spec}, which is or shows {outer.spec.region}: a region cannot contain "
                    "itself; render what repeats by a macro"
                )
            view = self._view(spec)
            view.outers.add(outer)
            outer.inner[spec.identity] = view
            return view

    def release(self, view: LiveView) -> list[LiveView]:
        """Remove one stream from a view.

        :return: the views that were dropped, because nothing follows them now.
        """
        with self._lock:
            view.followers -= 1
            return self._drop_unwanted([view])

    def _view(self, spec: ViewSpec) -> LiveView:
        view = self._views.get(spec.identity)
        if view is None:
            view = LiveView(spec, f"{next(self._numbers)}:{spec.identity}")
            self._views[spec.identity] = view
            self._by_region.setdefault(spec.region, set()).add(view)
            self._rendering.add(view)
        return view

    # Finding

    def all(self) -> list[LiveView]:
        """List all views."""
        with self._lock:
            return list(self._views.values())

    def of_region(self, region: str, arguments: Mapping[str, str]) -> list[LiveView]:
        """List the views of a region that have these arguments, as text; all of its views without arguments."""
        with self._lock:
            return [
                view
                for view in self._by_region.get(region, ())
                if all(view.spec.arguments.get(name) == text for name, text in arguments.items())
            ]

    def concerned(self, writes: Writes) -> Iterable[LiveView]:
        """Return the views that committed writes concern. Views that are being rendered check them at the end."""
        with self._lock:
            for view in self._rendering:
                view.meanwhile.append(writes)
            return self._index.concerned(writes)

    def unsettled(self) -> list[LiveView]:
        """List the views that are rendered now, or are to be rendered again because of a change."""
        now = time.monotonic()
        with self._lock:
            return [
                view
                for view in self._views.values()
                if view.is_rendering or (view.dirty is not None and view.not_before <= now)
            ]

    def holders_of(self, identity: str) -> set[str]:
        """Return the identities of the views whose pages have a view."""
        with self._lock:
            view = self._views.get(identity)
            return set() if view is None else {holder.spec.identity for holder in view.holders()}

    def ancestors_of(self, identity: str) -> set[str]:
        """Return the identities of a view and of all views that hold it; an empty set if nothing follows it."""
        with self._lock:
            view = self._views.get(identity)
            return set() if view is None else {outer.spec.identity for outer in view.ancestors()}

    def ancestors(self, view: LiveView) -> set[LiveView]:
        """Return a view and all views that hold it."""
        with self._lock:
            return view.ancestors()

    def count_followers(self) -> int:
        """Count the streams of all views; a stream that follows several views counts for each."""
        with self._lock:
            return sum(view.followers for view in self._views.values())

    def viewers(self, view: LiveView) -> int:
        """Count the streams whose pages show a view."""
        with self._lock:
            return sum(holder.followers for holder in view.holders())

    # Rendering

    def mark(self, views: Iterable[LiveView], reason: str, *, not_before: float = 0.0) -> None:
        """Schedule views, each as soon as its pacing allows it.

        :param not_before: a time before which they are not rendered, unless they are marked for another reason.
        """
        now = time.monotonic()
        with self._lock:
            for view in views:
                if not view.is_dropped and (view.dirty is None or not_before < view.not_before):
                    view.dirty, view.not_before = reason, not_before
                    if not view.is_rendering:
                        self._loop.schedule(view, view.pacing.due_at(max(now, not_before)))

    def start(self, view: LiveView) -> str | None:
        """Start a rendering.

        :return: the reason for which the view was scheduled, "" for a retry; None if it must not be rendered now.
        """
        with self._lock:
            if view.is_dropped or view.is_rendering:
                return None
            view.is_rendering = True
            self._rendering.add(view)
            reason, view.dirty, view.not_before = view.dirty or "", None, 0.0
            return reason

    def take(self, view: LiveView, reads: Reads) -> bool:
        """Record what a rendering has read, and return whether the view is still followed."""
        with self._lock:
            if view.is_dropped:
                return False
            self._index.put(view, reads)
            # These writes came before it was known what the view reads.
            is_on_time = view.dirty is not None and not view.not_before
            if not is_on_time and any(view in self._index.concerned(writes) for writes in view.meanwhile):
                view.dirty, view.not_before = "written while it was rendered", 0.0
            return True

    def finish(self, view: LiveView, retry_at: float | None) -> list[LiveView]:
        """End a rendering, and schedule the next one if the view has changed meanwhile, or has failed.

        :return: the views that were dropped, because nothing follows them now.
        """
        with self._lock:
            view.is_rendering = False
            self._rendering.discard(view)
            view.meanwhile = []
            if not view.is_dropped:
                if view.dirty is not None:
                    self._loop.schedule(view, view.pacing.due_at(max(time.monotonic(), view.not_before)))
                if retry_at is not None:
                    self._loop.schedule(view, retry_at)
            return self._prune(view)

    def show(self, view: LiveView) -> Shown:
        """Record that the newest rendering is sent."""
        with self._lock:
            before = [part for part in view.shown or () if not isinstance(part, str)]
            view.is_held = False
            view.shown = view.parts
            inner_before = [view.inner.get(part.identity) for part in before if part not in (view.shown or ())]
            gone = [inner for inner in inner_before if inner is not None]
            # A rendering that is under way may hold views for its own HTML.
            dropped = [] if view.is_rendering else self._prune(view)
            moved = [(inner, inner.holders()) for inner in gone if any(outer.shows(inner) for outer in inner.outers)]
            return Shown(view.holders(), list(view.outers), dropped, moved)

    # Dropping

    def _prune(self, view: LiveView) -> list[LiveView]:
        """Release the inner views that are in neither the newest nor the shown HTML."""
        parts = (*(view.parts or ()), *(view.shown or ()))
        kept = set() if view.is_dropped else {part.identity for part in parts if not isinstance(part, str)}
        gone = [inner for identity, inner in view.inner.items() if identity not in kept]
        for inner in gone:
            del view.inner[inner.spec.identity]
            inner.outers.discard(view)
        return self._drop_unwanted(gone)

    def _drop_unwanted(self, views: Iterable[LiveView]) -> list[LiveView]:
        """Drop the views that nothing follows, and the views that only they hold."""
        dropped: list[LiveView] = []
        for view in views:
            if view.is_wanted or view.is_dropped:
                continue
            view.is_dropped = True
            dropped.append(view)
            del self._views[view.spec.identity]
            of_region = self._by_region[view.spec.region]
            of_region.discard(view)
            if not of_region:
                del self._by_region[view.spec.region]
            self._index.drop(view)
            self._loop.cancel(view)
            dropped += self._prune(view)
        return dropped
