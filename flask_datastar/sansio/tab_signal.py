"""The attributes that give a browser tab its id, and the filter that sends it.

The tab's part is kept in ``sessionStorage``, so it lasts over navigations; a duplicated tab copies it, which the
server notices by the page's part. ``crypto.randomUUID`` is missing on plain http, ``sessionStorage`` may be blocked.
There is no semicolon: the client takes one for the end of a statement.
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

#: Two attributes: the signal ``tabId`` as ``<tab>.<page>``, in key syntax, so that the element may have its own
#: ``data-signals``; and what keeps the tab's part, also a new one that the server patched.
TAB_SIGNAL: Final = (
    f'data-signals:tab-id="{escape(f"({_KEPT} || {_ID}) + {_DOT} + {_ID}")}" data-effect="{escape(_KEEP)}"'
)


#: The tab id as the value of a header. What is no fit id must not break the request.
TAB_HEADER_VALUE: Final = "encodeURIComponent($tabId)"


def signal_filter(paths: Iterable[str]) -> str:
    """Write the client's filter for these signals, and what is below them, and no others.

    >>> signal_filter(["tabId"])
    '/^tabId$/'
    """
    patterns = [re.escape(".".join(split_path(path))).replace("/", "\\/") for path in paths]
    return f"/^{patterns[0]}$/" if len(patterns) == 1 else f"/^({'|'.join(patterns)})(\\.|$)/"
