"""The literals of the wire format: event types, patch modes, namespaces, headers."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class EventType(StrEnum):
    """The two events that the Datastar client acts on."""

    PATCH_ELEMENTS = "datastar-patch-elements"
    PATCH_SIGNALS = "datastar-patch-signals"


class PatchMode(StrEnum):
    """The ways to put a patch into the page; ``outer`` (morph the element itself) is the client's default."""

    OUTER = "outer"
    INNER = "inner"
    REPLACE = "replace"
    PREPEND = "prepend"
    APPEND = "append"
    BEFORE = "before"
    AFTER = "after"
    REMOVE = "remove"


class Namespace(StrEnum):
    """The XML namespaces in which the client can parse the elements of a patch."""

    HTML = "html"
    SVG = "svg"
    MATHML = "mathml"


#: The prefix of every event name; the client drops all other events (``actions/fetch.ts``).
EVENT_PREFIX: Final = "datastar"

#: The prefix of the extension's own event ids, which carry the reason for which a stream ended.
RESERVED_ID_PREFIX: Final = "ds:"

#: The signal with the ids of the browser tab and of its page, ``<tab>.<page>``.
TAB_ID_SIGNAL: Final = "tabId"

#: The signal with the page's CSRF token. The client does not send signals whose name starts with an underscore.
TOKEN_SIGNAL: Final = "_csrf"

#: The signal or form field in which a page may send a CSRF token instead of in the header.
CARRIED_TOKEN: Final = "csrf"

#: The signal with the validation messages, path by path.
ERRORS_SIGNAL: Final = "errors"

#: The query parameter that carries the signals of GET and DELETE.
QUERY_KEY: Final = "datastar"
#: The key in the environ of a request that a page in a test sends, where nobody reads what is shown.
TESTED_PAGE_KEY: Final = "flask_datastar.testing.page"
#: In a request's environ the response that refused its stream, because what is sent has status 200.
STREAM_REFUSAL_KEY: Final = "flask_datastar.streams.refusal"

#: The query parameter with the key of a click, which its repeats keep.
CLICK_KEY: Final = "_k"

#: The header of every request of the client; its value is ``true``.
REQUEST_HEADER: Final = "Datastar-Request"

#: The header with the tab's id, of actions that do not send the signal: form posts, payloads and filters.
TAB_HEADER: Final = "Datastar-Tab"

#: Names that would reach an object's prototype in the browser; a signal path must not have such a segment.
FORBIDDEN_SEGMENTS: Final = frozenset({"__proto__", "constructor", "prototype"})

#: Names that every object in the browser inherits; the client fails at an event with such a key in a data line.
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

#: The most levels of nested containers in a request's signals.
MAX_DEPTH: Final = 64

#: The longest delay of a browser timer; a timer with a longer delay fires at once.
MAX_RETRY_MS: Final = 2**31 - 1

#: The headers of every response. ``Connection`` is missing because PEP 3333 forbids hop-by-hop headers.
SSE_HEADERS: Final = MappingProxyType(
    {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-cache",
        "X-Accel-Buffering": "no",
    }
)
