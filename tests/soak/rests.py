"""The checks of the soak while the load rests: deliveries, counts, and leftovers of closed streams."""

from __future__ import annotations

import random
import time
from typing import Any

from checks import LeftBehind, check_counters
from load import LASTING_KINDS, QUIET_TOPIC, SCOPES, TOPICS, Load, counted
from pages import Page
from server import wait_until

#: The figures of a worker that must be the same after the load as before it.
COUNTED = ("tasks", "descriptors", "objects")


def probe(load: Load) -> None:
    """Check at rest that each open page is counted and receives what is published."""
    check = load.check
    load.silence()
    for kind in LASTING_KINDS:
        for topic in [*TOPICS, QUIET_TOPIC]:
            load.open(load.page(kind, topic, random.choice(SCOPES), f"probe-{kind}-{topic}"))
    load.read_until(lambda: all(page.status for page in load.crowd.pages), 2)
    is_counted = load.read_until(lambda: counted(load.server.figures(), load), 4)
    check("streams and tabs are counted", is_counted, f"{len(load.crowd.pages)} pages; {load.server.figures()}")
    last = {topic: load.server.ask("POST", "/publish", topic=topic, count=1) for topic in [*TOPICS, QUIET_TOPIC]}
    told = {}
    for scope in SCOPES:
        load.tell(scope)
        told[scope] = load.actions["tell"]

    def is_current(page: Page) -> bool:
        has_number = page.kind not in ("follow", "listen", "changes") or str(page.number) == last[page.topic]
        return has_number and page.told == told[page.scope]

    # Shorter than a keep-alive, which would wake forgotten streams.
    load.read_until(lambda: all(map(is_current, load.crowd.pages)), 1.2)
    for page in load.crowd.pages:
        detail = f"{page.kind} {page.topic} {page.status} {page.number} of {last[page.topic]}, {page.told}"
        check("a live stream gets what is published", is_current(page), detail)
    check("streams live", len(load.crowd.pages) >= len(LASTING_KINDS), "none was left to look at")


def fill(load: Load) -> None:
    """Make the worker start all its threads, which are part of its baseline."""
    load.empty()
    # The extension keeps two threads for other requests.
    for number in range(load.server.threads - 2):
        load.open(load.page("follow", QUIET_TOPIC, SCOPES[number % len(SCOPES)], f"fill-{number}"))
    is_full = load.read_until(lambda: all(page.status for page in load.crowd.pages), 5)
    load.check("all threads take streams", is_full, "some have no answer")


def settle(load: Load, first: dict[str, Any] | None) -> dict[str, Any]:
    """Close all pages, and return the figures of the idle worker.

    :param first: the worker's first figures; those of :data:`COUNTED` must be the same now.
    :raises LeftBehind: if the worker does not become idle, or a figure differs.
    """
    load.empty()
    found: dict[str, Any] = {}

    def is_idle() -> bool:
        found.clear()
        found.update(load.server.figures() or {})
        return bool(found) and not found["stats"]["open"] and not found["tabs"] and found["topics_empty"]

    def is_as_at_first() -> bool:
        return is_idle() and all(found[name] == first[name] for name in COUNTED if first)

    if not wait_until(is_idle, 8, "registry and topics are empty"):
        load.check("registry and topics become empty", False, str(found))
        raise LeftBehind
    # gunicorn waits 2 s for the next request of a connection.
    if first is None:
        time.sleep(2.5)
    if not wait_until(is_as_at_first, 6, "greenlets, threads, descriptors and objects are at their first number"):
        for name in COUNTED:
            is_right = first is None or found.get(name) == first[name]
            load.check(f"{name} are at their first number", is_right, f"{first and first[name]} -> {found.get(name)}")
        raise LeftBehind
    load.check("all is at its first number", True)
    check_counters(found, load.check)
    return dict(found)
