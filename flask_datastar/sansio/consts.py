"""The wire's literals: event types, patch modes, namespaces, headers."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class EventType(StrEnum):
    """The two events that the Datastar client acts on."""

    PATCH_ELEMENTS = "datastar-patch-elements"
    PATCH_SIGNALS = "datastar-patch-signals"


class PatchMode(StrEnum):
    """How a patch is put into the page; :attr:`OUTER` (morph the element itself) is the client's default."""

    OUTER = "outer"
    INNER = "inner"
    REPLACE = "replace"
    PREPEND = "prepend"
    APPEND = "append"
    BEFORE = "before"
    AFTER = "after"
    REMOVE = "remove"


class Namespace(StrEnum):
    """The XML namespace in which the client parses the elements of a patch."""

    HTML = "html"
    SVG = "svg"
    MATHML = "mathml"


#: The prefix of every event name: the client drops all others (SSE framing of the client, ``actions/fetch.ts``).
EVENT_PREFIX: Final = "datastar"

#: Event ids with this prefix belong to the extension itself: they say how a stream ended.
RESERVED_ID_PREFIX: Final = "ds:"

#: The signal with the ids of the browser tab and of its page, ``<tab>.<page>``.
TAB_ID_SIGNAL: Final = "tabId"

#: The signal with the page's CSRF token. The underscore keeps it out of the signals that the client sends.
TOKEN_SIGNAL: Final = "_csrf"

#: The signal, or form field, in which a page may send a CSRF token instead of in the header.
CARRIED_TOKEN: Final = "csrf"

#: The signal with the messages about what a user typed, path by path.
ERRORS_SIGNAL: Final = "errors"

#: The query parameter that carries the signals of GET and DELETE.
QUERY_KEY: Final = "datastar"

#: The header that every request of the client carries, with the value ``true``.
REQUEST_HEADER: Final = "Datastar-Request"

#: The header with the tab's id, of actions that do not send the signal: form posts, payloads and filters.
TAB_HEADER: Final = "Datastar-Tab"

#: Names that would reach an object's prototype in the browser; no signal path may have one as a segment.
FORBIDDEN_SEGMENTS: Final = frozenset({"__proto__", "constructor", "prototype"})

#: What every object of the browser has: the client fails at an event with a data line under such a key.
INHERITED_NAMES: Final = FORBIDDEN_SEGMENTS - {"prototype"} | {
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
}

#: Containers inside each other that a request's signals may have.
MAX_DEPTH: Final = 64

#: The largest delay that a browser timer takes: a longer one fires at once.
MAX_RETRY_MS: Final = 2**31 - 1

#: The headers of every answer. ``Connection`` is not among them: it is hop-by-hop, so PEP 3333 forbids it.
SSE_HEADERS: Final = MappingProxyType(
    {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-cache",
        "X-Accel-Buffering": "no",
    }
)
