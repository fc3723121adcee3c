"""Places for inner views in the HTML of an outer one.

For streams an outer view is rendered without its inner ones: it keeps their places, so that a change of an inner view
renders that one alone, and what is sent of the outer view has the newest state of each inner one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Placed(Protocol):
    """A view that may be put into another one."""

    @property
    def identity(self) -> str:
        """The text by which equal views are recognised."""


V = TypeVar("V", bound=Placed)


class Places(Generic[V]):
    """The places in one rendering of an outer view.

    Each place is a comment with a random number, which users' text in the HTML cannot contain.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_hex(8)
        self._views: list[V] = []

    def put(self, view: V) -> str:
        """Return the HTML that keeps the place of a view."""
        self._views.append(view)
        return f"<!--{self._secret}:{len(self._views) - 1}-->"

    def cut(self, html: str) -> tuple[str | V, ...]:
        """Cut rendered HTML at its places. Views whose place did not get into the HTML are left out.

        :return: text and views in turn, without empty texts.
        :raises ValueError: if a view has two places.
        """
        pieces = re.split(rf"<!--{self._secret}:(\d+)-->", html)
        parts: list[str | V] = []
        seen: set[str] = set()
        for number, piece in enumerate(pieces):
            if number % 2:
                view = self._views[int(piece)]
                if view.identity in seen:
                    raise ValueError(f"{view.identity} is in it twice, and the browser would update the first only")
                seen.add(view.identity)
                parts.append(view)
            elif piece:
                parts.append(piece)
        return tuple(parts)


def compose(parts: tuple[str | V, ...], html_of: Callable[[V], str | None]) -> str | None:
    """Put inner HTML into its places.

    :param html_of: returns the HTML of an inner view, None if it has none yet.
    :return: the whole HTML; None if a part of it is missing.
    """
    texts: list[str] = []
    for part in parts:
        text = part if isinstance(part, str) else html_of(part)
        if text is None:
            return None
        texts.append(text)
    return "".join(texts)
