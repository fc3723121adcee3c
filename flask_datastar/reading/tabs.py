"""The browser tab that a request comes from, and its page."""

from __future__ import annotations

import re
from typing import Any

from flask import Request

from ..sansio.consts import TAB_HEADER, TAB_ID_SIGNAL

_TAB_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_HEADER_KEY = f"HTTP_{TAB_HEADER.upper().replace('-', '_')}"


def read_tab_id(request: Request, signals: dict[str, Any]) -> str | None:
    """Return the tab's part of the id ``<tab>.<page>``, or the id itself if it has no page; None without a fit one."""
    tab_id = _read_id(request, signals)
    if tab_id is None:
        return None
    tab, dot, _ = tab_id.rpartition(".")
    return (tab or None) if dot else tab_id


def read_page_id(request: Request, signals: dict[str, Any]) -> str | None:
    """Return the page's part of the id; None if it has no page, as a hand-written id."""
    tab_id = _read_id(request, signals)
    return tab_id.rpartition(".")[2] if tab_id is not None and "." in tab_id else None


def _read_id(request: Request, signals: dict[str, Any]) -> str | None:
    """Return the signal ``tabId``, or the header of actions that do not send it, such as form posts."""
    for tab_id in (signals.get(TAB_ID_SIGNAL), request.environ.get(_HEADER_KEY)):
        if isinstance(tab_id, str) and _TAB_ID.fullmatch(tab_id):
            return tab_id
    return None
