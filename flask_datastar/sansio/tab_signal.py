"""The attributes that create a browser tab's id, and the filter of the signals that an action sends.

``sessionStorage`` keeps the tab part of the id across navigations. A duplicated tab copies it; the server notices this
by the page part. ``crypto.randomUUID`` is missing on plain http, and ``sessionStorage`` may be blocked. The code has no
semicolon, because the client ends a statement there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from markupsafe import escape

from .signal_paths import split_path

_ID: Final = "Array.from(crypto.getRandomValues(new Uint32Array(3)), n => n.toString(36)).join('')"
_DOT: Final = "'.'"
_KEPT: Final = "(() => { try { return sessionStorage.getItem('datastar-tab') } catch { return '' } })()"
_KEEP: Final = (
    "((tab) => { try { sessionStorage.setItem('datastar-tab', tab) } catch { } })"
    "($tabId.slice(0, $tabId.lastIndexOf('.')))"
)

#: Two attributes: the signal ``tabId`` as ``<tab>.<page>``, in key syntax, so that the element can have its own
#: ``data-signals``; and an effect that stores the tab part, including a new one that the server patched.
TAB_SIGNAL: Final = (
    f'data-signals:tab-id="{escape(f"({_KEPT} || {_ID}) + {_DOT} + {_ID}")}" data-effect="{escape(_KEEP)}"'
)


#: The tab id as the value of a header. An unfit id must not break the request.
TAB_HEADER_VALUE: Final = "encodeURIComponent($tabId)"


def signal_filter(paths: Iterable[str]) -> str:
    """Return the client's filter for these signals and everything below them.

    >>> signal_filter(["tabId"])
    '/^tabId$/'
    """
    patterns = [re.escape(".".join(split_path(path))).replace("/", "\\/") for path in paths]
    return f"/^{patterns[0]}$/" if len(patterns) == 1 else f"/^({'|'.join(patterns)})(\\.|$)/"
