"""Places for inner views in the HTML of an outer one.

An outer view is rendered for streams without its inner views: its HTML keeps their places. So a change of an inner view
renders that view alone, and the outer view is always sent with the newest state of each inner view.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Placed(Protocol):
    """A view that may be put into another view."""

    @property
    def identity(self) -> str:
        """The text by which equal views are recognised."""


V = TypeVar("V", bound=Placed)


class Places(Generic[V]):
    """The places in one rendering of an outer view.

    A place is a comment with a random number, so that text of users in the HTML cannot imitate it.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_hex(8)
        self._views: list[V] = []

    def put(self, view: V) -> str:
        """Return the HTML that keeps the place of a view."""
        self._views.append(view)
        return f"<!--{self._secret}:{len(self._views) - 1}-->"

    def cut(self, html: str) -> tuple[str | V, ...]:
        """Cut rendered HTML at its places. A view whose place did not get into the HTML is left out.

        :return: texts and views in their order, without empty texts.
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

    :param html_of: returns the HTML of an inner view, None before its first rendering.
    :return: the whole HTML; None if a part of it is missing.
    """
    texts: list[str] = []
    for part in parts:
        text = part if isinstance(part, str) else html_of(part)
        if text is None:
            return None
        texts.append(text)
    return "".join(texts)
