"""Pages without a browser, an app or a database: views of plain functions, and followers that apply their events."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable

from flask_datastar.brokers.payload import MessageKind, Payload
from flask_datastar.regions.index import Reads
from flask_datastar.regions.live import LiveViews, Outcome
from flask_datastar.regions.places import Places
from flask_datastar.regions.view import Arrival, LiveView, Rendered, ViewSpec
from flask_datastar.regions.writes import Writes
from flask_datastar.sansio.markup import find_root
from flask_datastar.sansio.parser import parse_events
from flask_datastar.testing.waiting import wait_until

#: An element without an element of its name in it, such as ``<v id="a">…</v>``; outer ones hold marks of inner ones.
TAG = re.compile(r'<(\w+) id="([^"]+)">')


class Site:
    """Views of plain functions. Each function is called with a function that puts an inner view into its HTML."""

    def __init__(self) -> None:
        self.functions: dict[str, Callable[[Callable[[str], str]], str]] = {}
        self.tables: dict[str, frozenset[str]] = {}
        self.outcomes: list[Outcome] = []
        self.watched: list[str] = []
        self.stale: list[str] = []
        self.at_most_every: dict[str, float] = {}
        self.views = LiveViews(self)

    def spec(self, name: str) -> ViewSpec:
        region, _, argument = name.partition(":")
        rate = self.at_most_every.get(name, 0)
        return ViewSpec(name, region=region, arguments={"id": argument}, at_most_every=rate, source=name)

    def render(self, spec: ViewSpec) -> Rendered:
        places: Places[ViewSpec] = Places()
        html = self.functions[spec.source](lambda name: places.put(self.spec(name)))
        find_root(html)
        return Rendered(places.cut(html), Reads(tables=self.tables.get(spec.source, frozenset())))

    def note(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def watch(self, view: LiveView) -> None:
        self.watched.append(view.spec.identity)

    def unwatch(self, view: LiveView) -> None:
        if view.spec.identity in self.watched:
            self.watched.remove(view.spec.identity)

    def tell_stale(self, spec: ViewSpec) -> None:
        self.stale.append(spec.identity)

    def write(self, *tables: str) -> None:
        writes = Writes()
        writes.add_tables(tables)
        self.views.tell(writes, f"{', '.join(tables)} written")

    def wait(self) -> None:
        """Wait until every view shows its newest state."""
        wait_until(lambda: not self.views.unsettled())

    @property
    def reasons(self) -> list[str]:
        return [f"{outcome.spec.identity}: {outcome.reason}" for outcome in self.outcomes]


class Page:
    """A page in a browser: the HTML of one view, with the views in it, after the events that came.

    :param since: when it came; by default so early that any rendering is newer.
    """

    def __init__(
        self,
        site: Site,
        name: str,
        known: bytes | None = None,
        since: float = -math.inf,
        *,
        is_back: bool = False,
        is_hasty: bool = False,
    ) -> None:
        self.events: list[str] = []
        self.html: str | None = None
        self._lock = threading.Lock()
        self._site = site
        self._view = site.views.follow(site.spec(name))
        self._is_open = True
        site.views.attach(self._view, self, Arrival(self, known, since, is_back, is_hasty))

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        assert kind is MessageKind.EVENTS
        for event in parse_events(payload.data):
            html = event.arguments["elements"]
            with self._lock:
                self.events.append(html)
                self.html = html if self.html is None else morph(self.html, html)

    def catch_up(self) -> None:
        raise AssertionError("nothing is missed here")

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._site.views.detach(self._view, self)
            self._site.views.leave(self._view)


def element(name: str, content: str) -> str:
    """Return an element with a tag of its own, so that a search finds its end."""
    tag = "v" + re.sub(r"\W", "_", name)
    return f'<{tag} id="{name}">{content}</{tag}>'


def morph(html: str, new: str) -> str:
    """Replace the element that has the id of another element, if the HTML has one."""
    found = TAG.match(new)
    assert found is not None, new
    pattern = re.compile(rf'<{found[1]} id="{re.escape(found[2])}">.*?</{found[1]}>', re.DOTALL)
    return pattern.sub(lambda _: new, html, count=1)
