"""The streams that are open, as the timeline knows them: what each follows, and whose records it is in."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from ..hooks import Reason
from .records import Records


class _Stream(Protocol):
    reason: Reason | None


class _Subscription(Protocol):
    follows: list[Any]


@runtime_checkable
class StreamBody(Protocol):
    """The body of a stream, as the timeline knows it."""

    stream: _Stream
    subscriptions: list[_Subscription]


class OpenStream:
    """A stream that goes on.

    :param request: the id of its request.
    :param opened_at: the ``time.monotonic()`` at which its request came.
    """

    def __init__(self, records: Records, request: int, body: StreamBody, opened_at: float) -> None:
        self.records = records
        self.opened_at = opened_at
        #: The identities of the views of regions that it follows.
        self.views: frozenset[str] = frozenset()
        self._request = request
        self._body = body
        self._follows: list[str] | None = None

    def refresh(self) -> None:
        """Record what the stream follows, if that has changed: a generator subscribes while it runs."""
        keys = [key for one in list(self._body.subscriptions) for key in one.follows]
        follows = [_shown_key(key) for key in keys]
        if follows != self._follows:
            self._follows = follows
            self.views = frozenset(str(key[1]) for key in keys if isinstance(key, tuple))
            self.records.add(self._request, {"follows": follows}, is_head=True)

    @property
    def reason(self) -> str | None:
        """The reason for the stream's end; None while it is open."""
        reason = self._body.stream.reason
        return None if reason is None else reason.value


def _shown_key(key: object) -> str:
    """Return what a stream follows as text: a topic, or a region, whose identity starts with the app's mount."""
    return f"{key[0]} {str(key[1]).strip()}" if isinstance(key, tuple) else f"topic {key}"
