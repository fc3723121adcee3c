"""The end of a stream: what its client is told, and what its generator meets."""

from __future__ import annotations

from ..hooks import Reason
from ..sansio.endings import EndingKind


def ending_kind(reason: Reason) -> EndingKind:
    """Return what the client is told of a stream that ended for a reason: to come back, unless that would be wrong."""
    if reason is Reason.DONE:
        return EndingKind.DONE
    return EndingKind.REPLACED if reason is Reason.REPLACED else EndingKind.RESTART


class StreamEnds(BaseException):
    """Raised at a wait point to leave the user's generator; no :exc:`Exception`, so that no handler swallows it."""
