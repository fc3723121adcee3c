"""Tables of the browser client v1.0: its attributes with keys, values and modifiers, its actions, and older names."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TIME = r"\d+(?:\.\d+)?(?:ms|s)?"
_CASES = r"camel|kebab|snake|pascal"


@dataclass(frozen=True)
class Attribute:
    """One attribute of the client."""

    #: ``must``, ``allowed`` or ``denied``; ``exclusive``: either a key or a value.
    key: str
    value: str
    #: Modifier → a pattern for each of its tags; None without tags.
    modifiers: dict[str, str | None]
    #: Whether its key is the name of a signal.
    names_signal: bool = False


_CASE: dict[str, str | None] = {"case": _CASES}
_TIMING: dict[str, str | None] = {
    "delay": _TIME,
    "debounce": rf"{_TIME}|leading|notrailing",
    "throttle": rf"{_TIME}|noleading|trailing",
}
_VIEW: dict[str, str | None] = {"viewtransition": None}
_EVENT: dict[str, str | None] = dict.fromkeys(
    ("once", "passive", "capture", "window", "document", "outside", "prevent", "stop")
)

ATTRIBUTES = {
    "attr": Attribute("allowed", "must", {}),
    "bind": Attribute("exclusive", "exclusive", {**_CASE, "prop": r".+", "event": r".+"}, True),
    "class": Attribute("allowed", "must", _CASE),
    "computed": Attribute("allowed", "must", _CASE, True),
    "effect": Attribute("denied", "must", {}),
    "ignore": Attribute("denied", "allowed", {"self": None}),
    "ignore-morph": Attribute("denied", "allowed", {}),
    "indicator": Attribute("exclusive", "exclusive", _CASE, True),
    "init": Attribute("denied", "must", {"delay": _TIME, **_VIEW}),
    "json-signals": Attribute("denied", "allowed", {"terse": None}),
    "nonce": Attribute("denied", "allowed", {}),
    "on": Attribute("must", "must", {**_EVENT, **_CASE, **_TIMING, **_VIEW}),
    "on-intersect": Attribute(
        "denied",
        "must",
        {**dict.fromkeys(("once", "exit", "half", "full")), "threshold": r"\d+(?:\.\d+)?", **_TIMING, **_VIEW},
    ),
    "on-interval": Attribute("denied", "must", {"duration": rf"{_TIME}|leading", **_VIEW}),
    "on-signal-patch": Attribute("denied", "must", _TIMING),
    "on-signal-patch-filter": Attribute("denied", "must", {}),
    "preserve-attr": Attribute("denied", "must", {}),
    "ref": Attribute("exclusive", "exclusive", _CASE, True),
    "show": Attribute("denied", "must", {}),
    "signals": Attribute("allowed", "allowed", {"ifmissing": None, **_CASE}, True),
    "style": Attribute("allowed", "must", {}),
    "text": Attribute("denied", "must", {}),
}
#: The tags of the modifiers for messages.
TAGS = {
    _TIME: "a time such as 500ms or 1s",
    _CASES: "camel, kebab, snake, pascal",
    rf"{_TIME}|leading|notrailing": "a time such as 500ms or 1s, leading, notrailing",
    rf"{_TIME}|noleading|trailing": "a time such as 500ms or 1s, noleading, trailing",
    rf"{_TIME}|leading": "a time such as 500ms or 1s, leading",
    r"\d+(?:\.\d+)?": "a number from 0 to 100",
}
#: Attributes that the free client ignores.
PRO = frozenset(
    {
        *("animate", "custom-validity", "match-media", "on-raf", "on-resize", "persist", "query-string"),
        *("replace-url", "scroll-into-view", "view-transition"),
    }
)
ACTIONS = frozenset({"get", "post", "put", "patch", "delete", "query", "peek", "setAll", "toggleAll"})
PRO_ACTIONS = frozenset({"clipboard", "fit", "intl"})
#: Attributes of earlier versions → what replaced them.
OLD_ATTRIBUTES = {
    "on-load": "data-init",
    "on:load": "data-init",
    "on-signals-change": "data-on-signal-patch",
    "on-signal-change": "data-on-signal-patch",
    "on-signals-patch": "data-on-signal-patch",
    "model": "data-bind",
    "store": "data-signals",
    "merge-signals": "data-signals",
    "fetch-indicator": "data-indicator",
    "star-ignore": "data-ignore",
    "intersects": "data-on-intersect",
    "teleport": "data-attr, or a patch",
}
#: The attributes that took their key after a hyphen, before v1.0.
HYPHENATED = re.compile(r"(on|signals|bind|class|attr|computed|indicator|ref|style)[-.](.+)")
#: Methods of SDKs before v1.0 → what replaced them.
OLD_METHODS = {
    "merge_fragments": "patch_elements",
    "merge_fragment": "patch_elements",
    "remove_fragments": "remove_elements",
    "merge_signals": "patch_signals",
    "remove_fragment": "remove_elements",
}
OLD_EVENTS = {
    "datastar-merge-fragments": "datastar-patch-elements",
    "datastar-remove-fragments": "datastar-patch-elements",
    "datastar-merge-signals": "datastar-patch-signals",
    "datastar-remove-signals": "datastar-patch-signals",
    "datastar-execute-script": "datastar-patch-elements",
}
#: Events of browsers that pages usually handle.
EVENTS = frozenset(
    {
        *("click", "dblclick", "contextmenu", "mousedown", "mouseup", "mousemove", "mouseenter", "mouseleave"),
        *("mouseover", "mouseout", "pointerdown", "pointerup", "pointermove", "pointerenter", "pointerleave", "wheel"),
        *("keydown", "keyup", "keypress", "input", "change", "submit", "reset", "focus", "blur", "focusin", "focusout"),
        *("invalid", "select", "scroll", "resize", "toggle", "close", "cancel", "load", "error", "touchstart"),
        *("touchend", "touchmove", "dragstart", "dragend", "dragover", "dragenter", "dragleave", "drop", "paste"),
        *("copy", "cut", "animationend", "transitionend", "popstate", "hashchange", "online", "offline", "message"),
        *("datastar-fetch", "datastar-signal-patch", "visibilitychange", "beforeunload", "play", "pause", "ended"),
    }
)
#: Prefixes of the attributes of other libraries, which may have colons.
FOREIGN = re.compile(r"(?:hx|x|v|ng|turbo|alpine|vue|wire|controller|action)[-:]")
