"""The end of a response to a stream's request that opened no stream: its page comes back, later each time."""

from __future__ import annotations

from collections.abc import Callable

from flask import Request

from ..reading.signals import read_last_event_id
from ..sansio.endings import Ending, EndingKind, ending_block, parse_ending, restart_delay_ms
from ..sansio.stream_events import stream_ending


def restart_block(current: Request, spread_seconds: float, random: Callable[[], float]) -> bytes:
    """Make the last event of such a response: after a 200 the client asks again, once a second.

    :param spread_seconds: as :func:`~flask_datastar.sansio.endings.restart_delay_ms`.
    :param random: returns a number from 0 to below 1.
    """
    before = parse_ending(current.headers.get("Last-Event-ID"))
    failures = (before.failures if before is not None else 0) + 1
    ending = Ending(EndingKind.RESTART, failures=failures, last_id=read_last_event_id(current) or "")
    retry_ms = restart_delay_ms(failures, spread_seconds, random)
    return stream_ending("failed", retry_ms) + ending_block(ending, retry_ms)
