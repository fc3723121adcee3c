"""Whose streams: scopes and tabs as they are given, and the topics of one person's streams and of one tab's."""

from __future__ import annotations

from enum import Enum
from typing import Final
from uuid import UUID

Scope = str | int | UUID | None

#: The topic by which processes tell each other what may have changed in live regions.
REGIONS_TOPIC: Final = "\0regions"
#: Topics of the extension itself, which belong to no person.
INTERNAL_TOPICS: Final = frozenset({REGIONS_TOPIC})


class AllTabs(Enum):
    """The default of an argument ``tab``: None is what ``datastar.tab_id`` gives without an id, and never means all."""

    ALL_TABS = "all tabs"

    def __repr__(self) -> str:
        return "all"


ALL_TABS: Final = AllTabs.ALL_TABS


def scope_text(scope: Scope) -> str:
    """Give a scope as it is compared; "" for none.

    :raises TypeError: it is none of the accepted types.
    """
    if scope is None:
        return ""
    # True would be the user 1 by another name.
    if isinstance(scope, bool) or not isinstance(scope, str | int | UUID):
        raise TypeError(f"scope is {type(scope).__name__}; accepted: str, int, UUID or None")
    return str(scope)


def named_scope(scope: Scope) -> str:
    """Give a scope where there has to be one.

    :raises ValueError: it is None or "".
    :raises TypeError: as :func:`scope_text`.
    """
    text = scope_text(scope)
    if not text:
        raise ValueError(f"scope is {scope!r}, which is nobody's; give the scope that the streams were opened with")
    return text


def named_tab(tab: str | AllTabs | None) -> str | None:
    """Return the id of one tab, None for all.

    :raises ValueError: if it is None or "".
    :raises TypeError: if it is not a string.
    """
    if tab is ALL_TABS:
        return None
    if tab is None or tab == "":
        raise ValueError(
            f"tab is {tab!r}: the page has sent no tab id, which never means all tabs; put tab_signal() on the "
            "layout's root element, or leave tab out to mean all tabs of the scope"
        )
    if not isinstance(tab, str):
        raise TypeError(f"tab is {type(tab).__name__}; accepted: a tab id, as datastar.tab_id returns it")
    return tab


def scope_topic(scope: str, tab: str | None = None) -> str:
    """Name the topic of one person's streams, or of one tab's; no topic of a user begins with NUL."""
    # With the length, no scope can look like another one's tab.
    name = f"\0{len(scope)}:{scope}"
    return name if tab is None else f"{name}:{tab}"


def owner_topics(owner: str, tab: str | None) -> tuple[str, ...]:
    """Name the topics that one person's stream listens to: the person's, and its tab's if it has one."""
    own = scope_topic(owner)
    return (own,) if tab is None else (own, scope_topic(owner, tab))


def channel_of(topic: str) -> str:
    """Name the broker's channel that carries a topic: its own, but one for all topics of one person."""
    if not topic.startswith("\0") or topic in INTERNAL_TOPICS:
        return topic
    length, _, rest = topic[1:].partition(":")
    return scope_topic(rest[: int(length)])
