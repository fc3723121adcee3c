"""Limits of the number of streams in one process."""

from __future__ import annotations

from ..config.settings import Settings
from ..transport import worker

#: Of the threads of a fixed number, those that streams leave to all other requests.
SPARE_THREADS = 2


def max_streams(settings: Settings) -> int:
    """Return how many streams this process may hold, by configuration and by its threads."""
    threads = worker.thread_count()
    return settings.max_streams if threads is None else min(settings.max_streams, threads - SPARE_THREADS)
