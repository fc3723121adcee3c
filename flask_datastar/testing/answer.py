"""The answer of a handler in a test: the response, its events, and the signals afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from werkzeug.test import TestResponse

from .. import sse
from ..sansio.consts import TAB_ID_SIGNAL, TOKEN_SIGNAL, EventType
from ..sansio.decoding import BodyDecoder
from ..sansio.events import Event
from ..sansio.parser import parse_events
from ..sansio.signal_merging import merge_patch
from ..sansio.stream_events import STREAM_EVENTS


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a handler, and its effect on the tab's signals."""

    #: The response itself: status, headers, cookies.
    response: TestResponse
    #: The events in their order; none unless the status is 200, because the client reads no other body.
    events: tuple[Event, ...]
    #: All of the tab's signals afterwards, nested.
    signals: dict[str, Any]

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def patched(self) -> dict[str, Any]:
        """The signals that this answer patched, all its events merged; a removed one is None."""
        merged: dict[str, Any] = {}
        for event in self.events:
            if event.type == EventType.PATCH_SIGNALS:
                merge_patch(merged, json.loads(event.arguments["signals"]), keep_nulls=True)
        return merged

    @property
    def html(self) -> str:
        """The HTML of all element patches of this answer, one after another, scripts included."""
        patches = (event.arguments.get("elements") for event in self.events if event.type == EventType.PATCH_ELEMENTS)
        return "\n".join(html for html in patches if html is not None)


#: Signals that the extension sets for itself.
_OWN_SIGNALS = {TOKEN_SIGNAL, TAB_ID_SIGNAL}


def is_of_the_app(event: Event) -> bool:
    """Return whether an event is the application's; the extension sends tokens, tab ids and events about a stream."""
    if event.type in STREAM_EVENTS:
        return False
    return event.type != EventType.PATCH_SIGNALS or not json.loads(event.arguments["signals"]).keys() <= _OWN_SIGNALS


def events_of(response: TestResponse) -> list[Event]:
    """Read a body as the client does: by its type, and only with status 200."""
    if response.status_code != 200:
        return []
    if response.mimetype == "text/html":
        options: dict[str, Any] = {
            name: value
            for name in ("selector", "mode", "namespace")
            if (value := response.headers.get(f"datastar-{name}"))
        }
        return [sse.patch_elements(text_of(response), **options)]
    if response.mimetype == "application/json":
        only_if_missing = response.headers.get("datastar-only-if-missing") == "true"
        return [sse.patch_signals_raw(text_of(response), only_if_missing=only_if_missing)]
    found = parse_events(response.data, response.headers.get("Content-Encoding"))
    return [event for event in found if event.type not in STREAM_EVENTS]


def text_of(response: TestResponse) -> str:
    """Return the text of a response, decompressed if the app compresses what the test's client accepts.

    :raises ValueError: if the content coding is neither gzip nor zstd.
    """
    coding = response.headers.get("Content-Encoding")
    return response.text if coding is None else BodyDecoder(coding).decode(response.data).decode()
