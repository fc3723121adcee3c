"""Limits on the number of streams in one process, and on the size of a message."""

from __future__ import annotations

from ..config.settings import Settings
from ..transport import worker

#: The threads that streams leave to other requests, if the server has a fixed number of threads.
SPARE_THREADS = 2


def max_streams(settings: Settings) -> int:
    """Return how many streams this process may have, by configuration and by its threads."""
    threads = worker.thread_count()
    return settings.max_streams if threads is None else min(settings.max_streams, threads - SPARE_THREADS)


def has_own_limit(settings: Settings) -> bool:
    """Return whether ``DATASTAR_MAX_STREAMS`` was set to another number than its default."""
    return settings.max_streams != Settings().max_streams


def check_message_size(settings: Settings, size: int) -> None:
    """Check the size of a message, which waits for each client that reads slowly.

    :param size: the size on the wire, in bytes.
    :raises ValueError: if the size is above ``DATASTAR_MAX_MESSAGE_BYTES``.
    """
    if size > settings.max_message_bytes:
        raise ValueError(
            f"message is {size} bytes: streams take at most {settings.max_message_bytes} at a time, each line break in "
            "it counting 16 (DATASTAR_MAX_MESSAGE_BYTES); send less at a time, or raise that key"
        )
