"""The body of a stream that only follows."""

from __future__ import annotations

from ..hooks import Reason
from .body import StreamBody
from .follow import Follow


class FollowBody(StreamBody):
    """The body of a stream that only forwards broadcasts; it keeps no request, no context and no generator."""

    __slots__ = ()

    def _step(self) -> bytes:
        stream, wakeup = self.stream, self.stream.wakeup
        while not stream.must_end:
            wakeup.clear()
            if stream.has_gap:
                self._fill_gaps()
            if data := self._take_owed():
                return data
            if not stream.must_end:
                self._park(None)
        return b""

    def _fill_gaps(self) -> None:
        """Call each ``on_gap`` of the stream; if one fails, the stream ends."""
        self.stream.has_gap = False
        for subscription in self.subscriptions:
            if isinstance(subscription, Follow):
                try:
                    subscription.fill_gap(self.stream)
                except Exception:
                    self.hub.logger.exception("Datastar: on_gap of datastar.follow() failed")
                    self.stream.end(Reason.FAILED, failures=1)
