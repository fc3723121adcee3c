"""The events that streams brought after an action and because of it, as far as times can tell."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

#: How long after an action the changes that streams bring are taken for its effects, in milliseconds.
_AFTER_MS = 3_000
#: How long before an action the streams are looked at for what they bring anyway.
_BEFORE_MS = 6_000
#: How long after an action a change is explained by it.
_EXPLAINED_MS = 1_000
#: The changes without an action after which a target counts as changing by itself, such as a clock.
_MOST_UNEXPLAINED = 2
_ID = re.compile(r"^\s*<[^>]*?\sid\s*=\s*[\"']?([^\"'\s>]+)")


def later_events(entry: dict[str, Any], items: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the events of the streams of an action's page, up to the next action of this page.

    What the streams change without any action is left out.

    :param entry: the facts of the action.
    :param items: all items of the browser.
    """
    items = list(items)
    page = entry.get("page_id")
    of_page = {item["id"] for item in items if page and item.get("page_id") == page}
    streams = {item["id"] for item in items if item["id"] in of_page and item.get("follows") is not None}
    events = [item["event"] for item in items if item["id"] in streams and "event" in item]
    actions = [item["at"] for item in items if item["id"] in of_page - streams - {entry["id"]} and "at" in item]
    started_at = entry["at"]
    until = min([started_at + _AFTER_MS, *(at for at in actions if at > started_at)])
    unexplained = Counter(
        target_of(event)
        for event in events
        if started_at - _BEFORE_MS <= event["at"] < started_at
        and not any(at <= event["at"] < at + _EXPLAINED_MS for at in actions)
    )
    for event in events:
        if started_at <= event["at"] < until and unexplained[target_of(event)] < _MOST_UNEXPLAINED:
            yield event


def target_of(event: dict[str, Any]) -> str:
    """Return what an event changes: the names of signals, or the place of elements."""
    arguments = event["arguments"]
    if (signals := arguments.get("signals")) is not None:
        try:
            return " ".join(sorted(json.loads(signals)))
        except (ValueError, TypeError):
            # Shortened for the timeline.
            return ""
    found = _ID.match(arguments.get("elements", ""))
    return f"{event['type']} {arguments.get('selector', '')} {found[1] if found else ''}"
