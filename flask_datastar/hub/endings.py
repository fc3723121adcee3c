"""The end of a stream: the ending for its client, and the exception for its generator."""

from __future__ import annotations

from ..hooks import Reason
from ..sansio.endings import EndingKind


def ending_kind(reason: Reason) -> EndingKind:
    """Return the ending for a reason: the page comes back, unless the reason is *done* or *replaced*."""
    if reason is Reason.DONE:
        return EndingKind.DONE
    return EndingKind.REPLACED if reason is Reason.REPLACED else EndingKind.RESTART


class StreamEnds(BaseException):
    """Raised at a wait point to leave the user's generator; ``except Exception`` does not catch it."""
