"""The order of the streams of a tab: which of two is the newer one, and whether both stay open.

The newer stream is the one whose request came later. A broker numbers the requests of all processes when they ask for
room, so the order rests neither on the clocks of two machines nor on the moment at which a process gets to announce its
stream: a busy process may open a stream, stop, and announce it long after the next page of the tab has opened its own.
By then the older page is gone, and its announcement must not end the stream of the page that somebody looks at.

Some streams have no number: the broker does not number them, was away, or an older version of the package has announced
them. Of two streams without a common order, the one that is announced later stays.
"""

from __future__ import annotations

from typing import Protocol


class Place(Protocol):
    """The attributes that tell the streams of one scope apart."""

    @property
    def tab(self) -> str | None:
        """The tab part of the tab id."""

    @property
    def page(self) -> str | None:
        """The page part of the tab id."""

    @property
    def url(self) -> str:
        """Path and query of the stream, without the signals."""


class Numbered(Protocol):
    """A request for a stream, or an order to end streams."""

    @property
    def sequence(self) -> int | None:
        """Its number among the requests of all processes; None without one."""


class Request(Numbered, Protocol):
    """The attributes that order the streams of one tab."""

    @property
    def opened_at(self) -> float:
        """When it came, as the Unix time of its process."""

    @property
    def key(self) -> str:
        """The stream's name among all processes."""


def may_live_beside(older: Place, newer: Place) -> bool:
    """Return whether a newer stream of the same scope and tab leaves an older one open."""
    if newer.tab is None:
        return True
    return older.page is not None and older.page == newer.page and older.url != newer.url


def is_newer(one: Numbered, other: Numbered) -> bool:
    """Return whether the request of a stream is known to have come after that of another one, or after an order."""
    return one.sequence is not None and other.sequence is not None and one.sequence > other.sequence


def outlasts(one: Request, announced: Request, *, is_again: bool) -> bool:
    """Return whether a stream stays open when another one of its tab is announced after it.

    :param is_again: whether that one was announced before, so that the announcements have lost their order.
    """
    if is_newer(one, announced) or is_newer(announced, one):
        return is_newer(one, announced)
    return is_again and (one.opened_at, one.key) > (announced.opened_at, announced.key)


class Order(Numbered, Protocol):
    """The bounds of an order to end the streams of a scope."""

    @property
    def before(self) -> float | None:
        """The Unix time of an order that is repeated after an outage."""


def is_ended_by(one: Request, order: Order) -> bool:
    """Return whether an order to end the streams of a scope is meant for a stream: its request did not come later."""
    if one.sequence is not None and order.sequence is not None:
        return one.sequence < order.sequence
    return order.before is None or one.opened_at <= order.before
