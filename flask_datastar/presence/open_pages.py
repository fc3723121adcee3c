"""The open streams of one process, and the entries that last as long as they do.

A join of a view or of a stream's function lasts as long as its stream: the next stream of the page runs it again. A
join of a handler lasts as long as its page has any stream, also if the page comes back to another process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..hub.precedence import is_newer
from ..hub.stream import Stream
from .entries import Entry, Joined, Left, PageKey
from .messages import Message, PageJoins, PageKeeps, SignedOut, TabLeaves
from .state import PresenceState

#: Sends a difference; None if nothing has changed.
Send = Callable[[Joined | Left | None], object]


class OpenPages:
    """The streams of one process by tab, and their own entries. It has no lock.

    :param send: sends the differences.
    """

    def __init__(self, state: PresenceState, send: Send) -> None:
        self._state = state
        self._send = send
        self._by_tab: dict[str, list[Stream]] = {}
        #: Stream that is not open yet → topic → data.
        self._expected: dict[Stream, dict[str, str]] = {}
        #: Topic → the number of the entry, for each stream, and for each page that keeps entries.
        self._of_stream: dict[Stream, dict[str, int]] = {}
        self._of_page: dict[PageKey, dict[str, int]] = {}
        #: The pages that have lost their last stream a moment ago: tab and page → scope, and when they are gone.
        self._parted: dict[tuple[str, str], tuple[str, float]] = {}

    # Streams

    def open(self, stream: Stream, at: float, now: float) -> PageKey | None:
        """Add a stream, with the entries that it and its page are to have; safe to call twice.

        :return: its page, if it has one.
        """
        if stream.tab is not None and stream not in (streams := self._by_tab.setdefault(stream.tab, [])):
            streams.append(stream)
        for topic, data in self._expected.pop(stream, {}).items():
            self.join(stream, topic, data, at, now)
        if (page := _page_of(stream)) is not None:
            self._parted.pop(page[1:], None)
            self.adopt(page, self._state.kept_for(page).values(), now)
        return page

    def close(self, stream: Stream, linger: float, now: float) -> None:
        """Remove a stream; its entries, and those of its page if it was the page's last one, linger."""
        self._expected.pop(stream, None)
        ended = self._of_stream.pop(stream, {})
        if stream.tab is not None and (streams := self._by_tab.get(stream.tab)) and stream in streams:
            streams.remove(stream)
            if not streams:
                del self._by_tab[stream.tab]
        page = _page_of(stream)
        if page is not None and not self._has_page(page):
            self._part(page, now + linger, now)
            self._end(self._of_page.pop(page, {}).values(), linger, now)
        self._end(ended.values(), linger, now)

    def expect(self, stream: Stream, topic: str, data: str) -> None:
        """Record an entry for a stream that is about to open."""
        self._expected.setdefault(stream, {})[topic] = data

    def forget(self, stream: Stream, topic: str | None = None) -> None:
        """Drop what was recorded for a stream that does not open, or one entry of it."""
        if topic is None:
            self._expected.pop(stream, None)
        elif (found := self._expected.get(stream)) is not None:
            found.pop(topic, None)

    # Joining

    def join(self, stream: Stream, topic: str, data: str, at: float, now: float) -> None:
        """Add an entry that lasts as long as a stream, or change its data."""
        if not stream.must_end:
            numbers = self._of_stream.setdefault(stream, {})
            self._put(numbers, topic, stream.scope, stream.tab or "", "", data, at, now)

    def join_page(
        self, scope: str | None, tab: str, page: str, topic: str, data: str, at: float, now: float
    ) -> str | None:
        """Add an entry that lasts as long as a page, or change its data.

        A click may overtake the stream of a page that comes back, and it may come after the end of the page's stream.
        So an entry is added for a page that was here a moment ago; it lingers for as long as the page does.

        :param scope: the scope that the page's stream must have; None for any.
        :return: the scope of the page's stream; None if it has no stream here. Nothing is added if it is another one.
        """
        streams = [one for one in self._by_tab.get(tab, ()) if (one.page or "") == page]
        if not streams:
            owner, gone_at = self._parted.get((tab, page), ("", now))
            if gone_at > now and scope in (None, owner):
                numbers: dict[str, int] = {}
                self._put(numbers, topic, owner, tab, page, data, at, now)
                self._end(numbers.values(), gone_at - now, now)
            return None
        open_ones = [one for one in streams if not one.must_end]
        owner = (open_ones or streams)[-1].scope
        if scope is None or scope == owner:
            self._put(self._of_page.setdefault((owner, tab, page), {}), topic, owner, tab, page, data, at, now)
        # Where the page's stream is about to end, the page may be elsewhere already.
        return owner if open_ones else None

    def adopt(self, page: PageKey, kept: Iterable[Entry], now: float) -> None:
        """Take over entries that a page keeps, and that linger or are another process's, if the page is open here."""
        if not self._has_page(page):
            return
        for entry in kept:
            numbers = self._of_page.setdefault(page, {})
            if not self._state.is_open(numbers.get(entry.topic, 0)):
                joined = self._state.adopt(entry, now)
                numbers[entry.topic] = joined.entry.number
                self._send(joined)

    def obey(self, message: Message, at: float, now: float) -> None:
        """Do what another process asks for on behalf of its requests."""
        match message:
            case PageJoins(_, scope, tab, page, topic, data):
                self.join_page(scope, tab, page, topic, data, at, now)
            case PageKeeps(_, Entry(page_key=key) as entry) if key is not None:
                self.adopt(key, [entry], now)
            case TabLeaves(_, scope, tab, topic):
                self.leave(scope, tab, topic, now)
            case SignedOut() as order:
                self.sign_out(order, now)

    # Leaving

    def leave(self, scope: str | None, tab: str, topic: str, now: float) -> None:
        """End all entries of a tab at a topic at once, also those that linger."""
        self._end_at_once(lambda one: one.topic == topic and scope in (None, one.scope), tab, now)

    def leave_stream(self, stream: Stream, topic: str, now: float) -> None:
        """End the entry of a stream at a topic at once."""
        self.forget(stream, topic)
        if (number := self._of_stream.get(stream, {}).pop(topic, None)) is not None:
            self._end([number], 0.0, now)

    def sign_out(self, order: SignedOut, now: float) -> None:
        """End all entries of a scope, or of one of its tabs, at once.

        Those of streams whose requests came after the order stay: a busy process takes it late, and the person may have
        signed in again.
        """
        streams = {*self._of_stream, *(stream for streams in self._by_tab.values() for stream in streams)}
        newer = [one for one in streams if one.entry is not None and is_newer(one.entry, order)]
        pages = {_page_of(stream) for stream in newer}
        numbers = {number for stream in newer for number in self._of_stream.get(stream, {}).values()}

        def is_meant(entry: Entry) -> bool:
            stays = entry.page_key in pages if entry.page else entry.number in numbers
            return entry.scope == order.scope and not stays

        self._end_at_once(is_meant, order.tab, now)

    def _end_at_once(self, is_meant: Callable[[Entry], bool], tab: str | None, now: float) -> None:
        self._end([one.number for one in self._state.own_entries(tab) if is_meant(one)], 0.0, now)
        self._state.dismiss(is_meant, tab)

    def _end(self, numbers: Iterable[int], linger: float, now: float) -> None:
        for number in numbers:
            self._send(self._state.leave(number, linger, now))

    def _part(self, page: PageKey, gone_at: float, now: float) -> None:
        for key, (_, at) in list(self._parted.items()):
            if at > now:
                break
            del self._parted[key]
        if gone_at > now:
            self._parted[page[1:]] = page[0], gone_at

    def _put(
        self, numbers: dict[str, int], topic: str, scope: str, tab: str, page: str, data: str, at: float, now: float
    ) -> None:
        number = numbers.get(topic, 0)
        if self._state.is_open(number):
            self._send(self._state.change(number, data, at=at, now=now))
            return
        joined = self._state.join(topic, scope, tab, data, page=page, at=at, now=now)
        numbers[topic] = joined.entry.number
        self._send(joined)

    def _has_page(self, page: PageKey) -> bool:
        scope, tab, name = page
        return any((one.scope, one.page) == (scope, name) and not one.must_end for one in self._by_tab.get(tab, ()))


def _page_of(stream: Stream) -> PageKey | None:
    if stream.tab is None:
        return None
    return stream.scope, stream.tab, stream.page or ""
