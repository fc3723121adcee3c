"""The timeline of one app in one process: the records of its browsers, and the streams that are open."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import count

from ..state.app import AppState
from ..transport.wakeups import make_short_lock
from .open_streams import OpenStream
from .records import Records

MOST_BROWSERS = 8


class Timeline:
    """The records of all browsers of one app in this process."""

    def __init__(self, app_state: AppState) -> None:
        self.app_state = app_state
        self._browsers: OrderedDict[str, Records] = OrderedDict()
        self._lock = make_short_lock()
        self._ids = count(1)
        #: Request → its stream.
        self._streams: dict[int, OpenStream] = {}
        #: Called with each stream that is opened.
        self.on_stream: Callable[[OpenStream], object] | None = None
        #: Tells a restarted process from the one before.
        self.boot = secrets.token_hex(4)

    def next_id(self) -> int:
        """Return the id of a new request."""
        return next(self._ids)

    def records_of(self, browser: str) -> Records:
        """Return the records of a browser; the first call creates them.

        If there are too many browsers, those go first that no panel was opened in, then those that were idle longest.
        """
        with self._lock:
            found = self._browsers.get(browser)
            if found is None:
                found = self._browsers[browser] = Records()
                if len(self._browsers) > MOST_BROWSERS:
                    del self._browsers[self._least_wanted(browser)]
            self._browsers.move_to_end(browser)
            return found

    def _least_wanted(self, new: str) -> str:
        others = [name for name in self._browsers if name != new]
        return next((name for name in others if not self._browsers[name].is_read), others[0])

    def open_stream(self, request: int, stream: OpenStream) -> None:
        """Record that a request is a stream."""
        self._streams[request] = stream
        stream.refresh()
        if self.on_stream is not None:
            self.on_stream(stream)

    def close_stream(self, request: int) -> None:
        """Record that a stream has ended."""
        self._streams.pop(request, None)

    def refresh(self, records: Records) -> None:
        """Record what the streams of a browser follow by now."""
        for stream in list(self._streams.values()):
            if stream.records is records:
                stream.refresh()

    def showing(self, views: set[str]) -> Iterator[Records]:
        """Yield the records of the browsers that have a stream with one of these views."""
        found = {id(one.records): one.records for one in list(self._streams.values()) if one.views & views}
        yield from found.values()
