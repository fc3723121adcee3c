"""The browser tab that a request comes from, and its page."""

from __future__ import annotations

import re
from typing import Any

from flask import Request

from ..sansio.consts import TAB_HEADER, TAB_ID_SIGNAL

_TAB_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_HEADER_KEY = f"HTTP_{TAB_HEADER.upper().replace('-', '_')}"


def read_tab(request: Request, signals: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the parts of the id ``<tab>.<page>``.

    :return: tab and page. An id without a page, as a hand-written one, is the tab's; both are None without a fit id.
    """
    # Asked in each click, so in one function.
    tab_id = signals.get(TAB_ID_SIGNAL)
    if not isinstance(tab_id, str) or not _TAB_ID.fullmatch(tab_id):
        # The header of actions that do not send the signal, such as form posts.
        tab_id = request.environ.get(_HEADER_KEY)
        if not isinstance(tab_id, str) or not _TAB_ID.fullmatch(tab_id):
            return None, None
    tab, dot, page = tab_id.rpartition(".")
    return (tab or None, page) if dot else (tab_id, None)
