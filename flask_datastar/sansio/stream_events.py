"""Events that tell a page about its stream: that it is open, and that the server is about to end it.

The client hands them on as ``datastar-fetch``, so a layout can show a lost connection, and only a lost one, without a
script. Newer clients dispatch ``retrying`` after every end of a stream, planned or not.
"""

from __future__ import annotations

from typing import Final

from .scripts import dispatch_event

#: Sent on every stream before what the application sends.
OPENED: Final = dispatch_event("stream-opened").encode()

#: The types of both events, by which readers tell them from what the application sends.
STREAM_EVENTS: Final = frozenset({"datastar-stream-opened", "datastar-stream-ending"})


def stream_ending(reason: str, retry_ms: int | None = None) -> bytes:
    r"""Write the event that announces the end of a stream.

    :param reason: one of those of the hook ``stream_closed``.
    :param retry_ms: milliseconds until the page comes back; None where the server does not set them.

    >>> stream_ending("age", 1500)
    b'event: datastar-stream-ending\ndata: reason "age"\ndata: retry 1500\n\n'
    """
    detail: dict[str, object] = {"reason": reason}
    if retry_ms is not None:
        detail["retry"] = retry_ms
    return dispatch_event("stream-ending", detail).encode()
