"""The renderings of regions, for the browsers whose pages show them."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from ..state.app import AppState
from .facts import error_facts, now_ms
from .open_streams import OpenStream
from .records import shorten
from .timeline import Timeline

#: The renderings that are kept for a stream that is being opened: its first ones come before it is known.
_MOST_RECENT = 64


class Renders:
    """The receiver of the hook ``region_rendered`` of one app."""

    def __init__(self, app_state: AppState) -> None:
        self._app = app_state.app
        self._timeline = app_state.part(Timeline)
        self._timeline.on_stream = self.replay
        #: When each was, its holders, its facts, and the ids of the records that have it.
        self._recent: deque[tuple[float, set[str], dict[str, Any], set[int]]] = deque(maxlen=_MOST_RECENT)

    def note(self, sender: Any, *, holders: set[str], error: Exception | None, **details: Any) -> None:
        """Record a rendering in the timelines whose streams show the view."""
        facts = {
            "kind": "render",
            "at": now_ms(),
            "region": details["region"],
            "arguments": {name: shorten(text, 500) for name, text in details["arguments"].items()},
            "cause": shorten(details["reason"], 500),
            "seconds": round(details["seconds"], 4),
            "viewers": details["viewers"],
            "has_changed": details["has_changed"],
            **(error_facts(self._app, error) if error is not None else {}),
        }
        told: set[int] = set()
        self._recent.append((time.monotonic(), holders, facts, told))
        for records in self._timeline.showing(holders):
            told.add(id(records))
            records.add(self._timeline.next_id(), facts)

    def replay(self, stream: OpenStream) -> None:
        """Record the renderings that the opening of a stream has caused."""
        for at, holders, facts, told in list(self._recent):
            if at >= stream.opened_at and holders & stream.views and id(stream.records) not in told:
                told.add(id(stream.records))
                stream.records.add(self._timeline.next_id(), facts)
