"""One page of the corpus: its HTML, the answers of its server, and the gestures in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flask_datastar import sse
from flask_datastar.sansio.events import Event

_PAGES = Path(__file__).parent / "html"


@dataclass(frozen=True)
class Answer:
    """What the server answers to a path."""

    body: str
    content_type: str = "text/event-stream"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A page, ``html/<name>.html``. Its answers are at ``/a/<name>/<key>``, which the page writes as ``A/<key>``."""

    name: str
    #: Each a gesture and its arguments, as the tab's methods take them.
    steps: Sequence[tuple[str, ...]]
    answers: dict[str, Answer] = field(default_factory=dict)

    @property
    def body(self) -> str:
        """The inside of the page's body."""
        return (_PAGES / f"{self.name}.html").read_text(encoding="utf-8")


def events(*given: Event) -> Answer:
    """Return an answer of events."""
    return Answer("".join(event.encode().decode() for event in given))


def elements(html: str, **options: str) -> Answer:
    """Return an answer that patches elements."""
    return events(sse.patch_elements(html, **options))  # type: ignore[arg-type]


def signals(**values: object) -> Answer:
    """Return an answer that patches signals."""
    return events(sse.patch_signals(values))


def clicks(*selectors: str) -> list[tuple[str, ...]]:
    """Return steps that click."""
    return [("click", selector) for selector in selectors]
