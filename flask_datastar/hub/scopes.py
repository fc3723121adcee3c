"""Scopes and tabs: their checks, and the topics for the streams of one person or one tab."""

from __future__ import annotations

from enum import Enum
from typing import Final
from uuid import UUID

Scope = str | int | UUID | None

#: The topic by which processes tell each other what may have changed in live regions.
REGIONS_TOPIC: Final = "\0regions"
#: Topics of the extension itself, which belong to no person.
INTERNAL_TOPICS: Final = frozenset({REGIONS_TOPIC})
#: The one channel by which processes tell each other who is at all topics.
PRESENCE_CHANNEL: Final = "\0presence"
_PRESENCE_PREFIX: Final = "datastar:presence:"


class AllTabs(Enum):
    """The default of an argument ``tab``. None never means all tabs: ``datastar.tab_id`` is None without a tab id."""

    ALL_TABS = "all tabs"

    def __repr__(self) -> str:
        return "all"


ALL_TABS: Final = AllTabs.ALL_TABS


def scope_text(scope: Scope, source: str = "scope") -> str:
    """Return a scope as text, in which scopes are compared; "" for None.

    :param source: names the scope's source, for the error.
    :raises TypeError: if the scope does not have an accepted type.
    """
    if scope is None:
        return ""
    # A bool is an int, but not the id of a person.
    if isinstance(scope, bool) or not isinstance(scope, str | int | UUID):
        raise TypeError(f"{source} is {type(scope).__name__}; accepted: str, int, UUID or None")
    return str(scope)


def named_scope(scope: Scope) -> str:
    """Return a scope as text where a scope is required.

    :raises ValueError: if the scope is None or "".
    :raises TypeError: if the scope does not have an accepted type.
    """
    text = scope_text(scope)
    if not text:
        raise ValueError(f"scope is {scope!r}: a scope is needed here; pass the one that the streams were opened with")
    return text


def named_tab(tab: str | AllTabs | None) -> str | None:
    """Return the id of one tab, or None for all tabs.

    :raises ValueError: if the tab is None or "".
    :raises TypeError: if the tab is not a string.
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


def check_tab_left_out(but: str) -> None:
    """Check the id of the tab that a broadcast leaves out.

    :raises ValueError: if it is "".
    :raises TypeError: if it is not a string.
    """
    if not isinstance(but, str):
        raise TypeError(f"but is {type(but).__name__}; accepted: a tab id, as datastar.tab_id returns it, or None")
    if but == "":
        raise ValueError("but is '': no tab has this id; pass datastar.tab_id, or None to leave nobody out")


def scope_topic(scope: str, tab: str | None = None) -> str:
    """Return the topic for the streams of one person, or of one tab. Topics of applications never start with NUL."""
    # The length keeps a scope from looking like a tab of another scope.
    name = f"\0{len(scope)}:{scope}"
    return name if tab is None else f"{name}:{tab}"


def owner_topics(owner: str, tab: str | None) -> tuple[str, ...]:
    """Return the topics that one person's stream listens to: the person's, and the tab's if it has a tab."""
    own = scope_topic(owner)
    return (own,) if tab is None else (own, scope_topic(owner, tab))


def presence_topic(topic: str) -> str:
    """Return the topic by which the streams of a process notice that other people are at a topic.

    Each process publishes on it for its own streams, so it needs no channel of its own.
    """
    return f"{_PRESENCE_PREFIX}{topic}"


def channel_of(topic: str) -> str:
    """Return the broker's channel for a topic: one of its own, but a single one for all topics of a person."""
    if topic.startswith(_PRESENCE_PREFIX):
        return PRESENCE_CHANNEL
    if not topic.startswith("\0") or topic in INTERNAL_TOPICS or topic == PRESENCE_CHANNEL:
        return topic
    length, _, rest = topic[1:].partition(":")
    return scope_topic(rest[: int(length)])
