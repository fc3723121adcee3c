"""The effects of events, as what a test can check: signals, and texts that a person reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from ..sansio.consts import TAB_ID_SIGNAL, TOKEN_SIGNAL, EventType
from ..sansio.signal_merging import merge_patch

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
#: Elements whose text a person may not see.
_UNSEEN = {"script", "style", "template", "title", "noscript", "dialog", "details", "select", "textarea", "datalist"}
#: Attributes by which the client or the browser hides a text or writes another.
_CHANGING = re.compile(r"hidden|style|data-(text|show|class|attr|style|effect|ignore).*")
_IDENT = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_MOST_TEXTS = 3
_LONGEST = 60
_INSIDE = ("inner", "append", "prepend")


@dataclass(frozen=True, slots=True)
class Text:
    """A text that an element shows.

    :param selector: the element, or "" for the page.
    """

    selector: str
    text: str


@dataclass
class Effects:
    """The effects of events that a test can check."""

    #: All patches of signals, merged; a removed signal is None.
    signals: dict[str, Any]
    texts: list[Text]
    #: Elements that are there without a text to check, and elements that are gone.
    present: list[str]
    removed: list[str]
    #: The first line of each script.
    scripts: list[str]
    #: The types of other events.
    others: list[str]

    @property
    def leaves_page(self) -> bool:
        """Whether a script may have loaded another page."""
        return any("location" in script for script in self.scripts)


def effects_of(events: Iterable[dict[str, Any]]) -> Effects:
    """Return the effects of recorded events, those of the later ones in place of those of earlier ones."""
    found = Effects({}, [], [], [], [], [])
    for event in events:
        arguments = event["arguments"]
        if event["type"] == EventType.PATCH_SIGNALS:
            _merge(found, arguments)
        elif event["type"] == EventType.PATCH_ELEMENTS:
            _add_elements(found, arguments)
        elif event["type"].startswith("datastar") and not event["type"].startswith("datastar-stream-"):
            found.others.append(event["type"])
    for name in (TAB_ID_SIGNAL, TOKEN_SIGNAL):
        found.signals.pop(name, None)
    return found


def _merge(found: Effects, arguments: dict[str, str]) -> None:
    try:
        patch = json.loads(arguments.get("signals", ""))
    except ValueError:
        # Shortened for the timeline.
        return
    if isinstance(patch, dict) and arguments.get("onlyIfMissing") != "true":
        merge_patch(found.signals, patch, keep_nulls=True)


def _add_elements(found: Effects, arguments: dict[str, str]) -> None:
    mode, selector = arguments.get("mode", "outer"), arguments.get("selector", "")
    if mode == "remove":
        found.removed.append(selector)
        return
    outline = _Outline()
    outline.feed(arguments.get("elements", ""))
    outline.close()
    found.scripts += outline.scripts
    for element in outline.elements:
        place = _css(element.id) if element.id else selector if mode in _INSIDE and selector.startswith("#") else ""
        _forget(found, place)
        found.texts += [Text(place, text) for text in element.texts[:_MOST_TEXTS]]
        if not element.texts and place:
            found.present.append(place)


def _forget(found: Effects, place: str) -> None:
    """Drop what an earlier event has put into an element that is patched again."""
    if place:
        found.texts = [text for text in found.texts if text.selector != place]
        found.removed = [one for one in found.removed if one != place]


def _css(name: str) -> str:
    return f"#{name}" if _IDENT.fullmatch(name) else f'[id="{name}"]'


@dataclass
class _Element:
    id: str
    texts: list[str]


class _Outline(HTMLParser):
    """The top-level elements of a fragment, with the texts that a person surely reads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[_Element] = []
        self.scripts: list[str] = []
        #: The open elements, each with whether its text may be hidden or changed.
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        if not self._open and tag != "script":
            self.elements.append(_Element(dict(attrs).get("id") or "", []))
        is_unsure = tag in _UNSEEN or any(_CHANGING.fullmatch(name) for name, _ in attrs)
        if tag not in _VOID:
            self._open.append((tag, is_unsure))

    def handle_endtag(self, tag: str) -> None:
        """Close an element, and those in it that were left open."""
        names = [name for name, _ in self._open]
        if tag in names:
            del self._open[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        """Record a text."""
        if self._open and self._open[-1][0] == "script":
            self.scripts.append(data.strip().partition("\n")[0][:_LONGEST])
            return
        text = " ".join(data.split())
        if text and self._open and self.elements and not any(is_unsure for _, is_unsure in self._open):
            # A cut text is still a part of what is read, as long as it is cut between words.
            texts = self.elements[-1].texts
            if (short := text if len(text) <= _LONGEST else text[:_LONGEST].rpartition(" ")[0]) and short not in texts:
                texts.append(short)
