"""A tab without its page: history, storage, network, and the records of what happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..sansio.events import Event


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One request that a page has sent."""

    #: The verb, in capitals.
    method: str
    #: The path, without the query.
    path: str
    #: The query's parameters, without the client's own ``datastar``; of equal names the last.
    query: dict[str, str]
    #: The signals that were sent; None for a form, or without signals.
    signals: Any
    #: The fields of a form by name; None for other requests. A file is its name.
    form: dict[str, str] | None
    #: The headers, by names in lower case.
    headers: dict[str, str]
    #: The status of the response; 0 if none came.
    status_code: int


@dataclass(slots=True)
class Entry:
    """A page in the tab's history."""

    url: str
    #: The state that ``history.pushState`` was given.
    state: Any = None
    #: Whether a script made it, without loading a page.
    is_pushed: bool = False
    #: The status with which the page was answered.
    status: int = 200


@dataclass(slots=True)
class TabState:
    """A tab without its page."""

    session_storage: dict[str, str] = field(default_factory=dict)
    local_storage: dict[str, str] = field(default_factory=dict)
    clipboard: dict[str, str] = field(default_factory=dict)
    history: list[Entry] = field(default_factory=list)
    is_online: bool = True
    is_hidden: bool = False
    #: The answers to the next ``confirm``, ``prompt`` and ``alert``, the first one first.
    answers: list[Any] = field(default_factory=list)
    requests: list[PageRequest] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def storage(self, kind: str) -> dict[str, str]:
        """Return a storage by its name in the document's code."""
        return {"session": self.session_storage, "local": self.local_storage, "clipboard": self.clipboard}[kind]

    def leave_out(self, what: str) -> None:
        """Record what the tab does not run, once."""
        if what not in self.left_out:
            self.left_out.append(what)
