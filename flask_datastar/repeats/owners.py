"""Whose a click is: what tells the repeats of one browser tab from requests of somebody else."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

#: The mark of a browser whose session was ended by the answer.
NO_SESSION = ""
#: The longest content of a session's cookie that is a mark as it is, in characters; a longer one is hashed.
LONGEST_MARK = 256
#: How many changes of a session are looked back over, and how many are remembered.
_MOST_STEPS = 64
_MOST_CHANGES = 4096


class Owner(NamedTuple):
    """The marks of who sent a request; None for a mark that the request does not have."""

    #: The content of the session's cookie, or a digest of a long one.
    session: str | None = None
    #: The browser tab, by the signal ``tabId``.
    tab: str | None = None
    #: The client's address: who pays for clicks of nobody known.
    address: str = ""

    @property
    def origin(self) -> str | None:
        """The mark that a session which an answer sets grows out of: the session so far, else the tab."""
        if self.session is not None or self.tab is None:
            return self.session
        return f"\0{self.tab}"

    @property
    def payer(self) -> str:
        """Whose share of the memory a click uses."""
        return self.session or self.address


#: Creates an owner of a tuple of all its marks, at half the cost of a call of the class.
owner_of_marks: Callable[[tuple[str | None, str | None, str]], Owner] = partial(tuple.__new__, Owner)


class SessionChanges:
    """The changes of sessions: a repeat may bring a session that another click has changed meanwhile."""

    def __init__(self) -> None:
        self._before: OrderedDict[str, str] = OrderedDict()

    def note(self, before: str, after: str) -> None:
        """Record that an answer turned one session into another one."""
        self._before[after] = before
        self._before.move_to_end(after)
        if len(self._before) > _MOST_CHANGES:
            self._before.popitem(last=False)

    def has_grown(self, session: str, out_of: str) -> bool:
        """Return whether a session is another one, or grew out of it."""
        found: str | None = session
        for _ in range(_MOST_STEPS):
            if found == out_of:
                return True
            found = self._before.get(found) if found is not None else None
        return False


def is_same(asked: Owner, given: str | None, repeat: Owner, changes: SessionChanges) -> bool:
    """Return whether a request with a click's key comes from the browser that clicked.

    :param asked: who sent the click.
    :param given: the session that its answer set: the repeat may have received it; :data:`NO_SESSION` if it ended one.
    :param repeat: who sends the request.
    """
    if asked.tab is not None and repeat.tab is not None and asked.tab != repeat.tab:
        return False
    if given is not None and (repeat.session or NO_SESSION) == given:
        return True
    if asked.session is not None:
        return repeat.session is not None and changes.has_grown(repeat.session, asked.session)
    if repeat.session is None:
        return True
    # The session that is there now may have come from another click of the same tab.
    return asked.origin is not None and changes.has_grown(repeat.session, asked.origin)
