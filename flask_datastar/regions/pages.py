"""The element that makes a page live, so that the page's own URL is the stream of its regions."""

from __future__ import annotations

import math
from urllib.parse import quote

from flask import Request, request
from markupsafe import Markup

from ..errors import SetupError
from ..reading.signals import is_datastar_request
from ..sansio.actions import action
from ..sansio.consts import TAB_ID_SIGNAL
from ..sansio.javascript import Expression
from ..sansio.stream_action import ASK_WHEN_ONLINE, RETRY_WAIT
from ..sansio.tab_signal import signal_filter
from ..state.detached import find_detached
from ..streams.opening import ScopeSource
from .digests import write_shown
from .rendering import spec_of
from .runs import LIVE_HEADER, find_live_run, without_signals
from .shown import shown_views

#: Characters of a path that need no escape.
_IN_PATH = "/:@!$&'()*+,;=~"


def live_element(scope: ScopeSource) -> Markup:
    """Return the element that opens a page's stream; "" where the HTML is not a page of its own.

    :raises SetupError: if the page has the element already, or if a region shows it.
    """
    place = find_detached()
    if place is not None:
        raise SetupError(
            f"datastar.live() is in region {place.title}: one stream brings all regions of a page; write it in the page"
        )
    shown = shown_views()
    if shown.is_live:
        raise SetupError("datastar.live() is on this page twice: one stream brings all of its regions; write it once")
    shown.is_live, shown.scope = True, scope
    if request.method != "GET" or is_datastar_request(request) or find_live_run(request) is not None:
        return Markup()
    entries = [(spec_of(view, mount).identity, digest) for view, mount, digest in shown.top.values()]
    options: dict[str, object] = {
        "retry": "always",
        "retry_max_count": math.inf,
        "request_cancellation": "cleanup",
        "headers": {LIVE_HEADER: write_shown(entries)},
        "filter_signals": {"include": Expression.from_js(signal_filter((TAB_ID_SIGNAL,)))},
    }
    opened = Expression.from_js(action("get", [own_url(request)], options, RETRY_WAIT).js + ASK_WHEN_ONLINE)
    return Markup(f'<div id="datastar-live" hidden data-init="{opened}"></div>')


def own_url(current: Request) -> str:
    """Return the path and query of a request as the browser's address bar has them, without signals."""
    path = quote(f"{current.root_path}{current.path}", safe=_IN_PATH)
    query = without_signals(current.query_string.decode("latin-1"))
    return f"{path}?{query}" if query else path
