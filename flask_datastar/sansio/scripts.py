"""Events that run JavaScript in the page, and custom events that need no script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import escape

from . import javascript, strictjson
from .consts import EVENT_PREFIX, EventType
from .events import (
    Event,
    check_data_key,
    check_event_type,
    check_single_line,
    check_text,
    join_data,
    make_event,
    shorten,
    wire_lines,
)
from .strictjson import Dumps

CONSOLE_LEVELS = ("log", "warn", "error", "info", "debug")

_EVENT_TYPE = EventType.PATCH_ELEMENTS.value
_BUILT_IN = frozenset(EventType)
_KEY = re.compile(r"[^\s\0]+")
_ATTRIBUTE = re.compile(r"[^\s\"'<>/=\0\x01-\x1f\x7f]+")
_REMOVE_ITSELF = "data-effect"
# </script> would end the script. At any of the others the client parses the patch as a whole document.
_CLOSING_TAG = re.compile(r"</(?=script|html|head|body)", re.IGNORECASE)
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def execute_script(
    script: str,
    *,
    auto_remove: bool = True,
    attributes: Mapping[str, str | bool] | None = None,
    event_id: str | None = None,
    retry_ms: int | None = None,
) -> Event:
    r"""Run JavaScript in the page, once.

    The script is appended to the body, because a script inside a morphed patch would run twice. ``</script`` and
    ``<!--`` in its strings are escaped. Insert values with
    :meth:`datastar.js <flask_datastar.Datastar.js>`, never by hand.

    :param auto_remove: whether the script element removes itself after it ran.
    :param attributes: attributes of the script element; True is a bare attribute, False leaves the attribute out.
    :raises ValueError: if the name of an attribute is not allowed in a tag.
    :raises TypeError: if the script or an attribute has the wrong type.

    >>> execute_script("alert(1)").arguments["elements"]
    '<script data-effect="el.remove()">alert(1)</script>'
    """
    if not isinstance(script, str):
        raise TypeError(f"script is {type(script).__name__}; accepted: str")
    check_text(script, "script")
    tag = "<script"
    if auto_remove:
        tag += f' {_REMOVE_ITSELF}="el.remove()"'
    for name, value in _items(attributes, "attributes"):
        tag += _attribute(name, value, auto_remove)
    code = _CLOSING_TAG.sub(r"<\\/", script).replace("<!--", r"\x3c!--")
    data = join_data("selector body", "mode append", wire_lines("elements", f"{tag}>{code}</script>"))
    return make_event(_EVENT_TYPE, data, event_id, retry_ms)


def redirect(url: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Event:
    """Send the browser to another page.

    :param url: a relative, http or https URL.
    :raises ValueError: if the URL is empty or has another scheme.
    """
    code = f"setTimeout(() => {{ window.location.href = {javascript.literal(_check_url(url))} }})"
    return execute_script(code, event_id=event_id, retry_ms=retry_ms)


def push_url(url: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Event:
    """Show another URL of the same site and add an entry to the history, without loading the page.

    :param url: a relative URL: a path, a query or a fragment.
    :raises ValueError: if the URL is empty or names a scheme or a host; the browser accepts only its own origin.
    """
    return _history("pushState", url, event_id, retry_ms)


def replace_url(url: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Event:
    """Show another URL of the same site and replace the current history entry, without loading the page.

    :param url: a relative URL: a path, a query or a fragment.
    :raises ValueError: if the URL is empty or names a scheme or a host.
    """
    return _history("replaceState", url, event_id, retry_ms)


def console_log(
    message: object,
    *,
    level: str = "log",
    event_id: str | None = None,
    retry_ms: int | None = None,
    dumps: Dumps = strictjson.dumps,
) -> Event:
    """Write to the browser's console.

    :param message: any value that can be sent as JSON.
    :param level: ``log``, ``warn``, ``error``, ``info`` or ``debug``.
    :raises ValueError: if the level is unknown, or strict JSON cannot carry the message.
    """
    if level not in CONSOLE_LEVELS:
        raise ValueError(f"level is {shorten(level)}; accepted: {', '.join(CONSOLE_LEVELS)}")
    return execute_script(
        f"console.{level}({javascript.literal(message, dumps)})", event_id=event_id, retry_ms=retry_ms
    )


def dispatch_event(
    name: str,
    detail: Mapping[str, Any] | None = None,
    *,
    event_id: str | None = None,
    retry_ms: int | None = None,
    dumps: Dumps = strictjson.dumps,
) -> Event:
    """Dispatch a custom event to page code, without a script.

    The client passes every unknown event on as ``datastar-fetch``. Page code listens with
    ``data-on:datastar-fetch="evt.detail.type === 'datastar-toast' && …"`` and finds the JSON in ``evt.detail.argsRaw``.

    :param name: the event's name without the prefix ``datastar-``.
    :param detail: key → value; each value is sent as compact JSON under its key.
    :raises ValueError: if the name belongs to an event of the client, or the name or a key is not allowed in an event.
    """
    check_single_line(name, "event name")
    event_type = f"{EVENT_PREFIX}-{name}"
    check_event_type(event_type)
    if not name:
        raise ValueError("the event name is empty")
    if event_type in _BUILT_IN:
        raise ValueError(f"event name {shorten(name)} belongs to an event of the client; choose another name")
    lines = []
    for key, value in _items(detail, "detail"):
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise ValueError(f"detail key {shorten(key)} is not allowed; accepted: non-empty str without white space")
        check_text(key, "detail key")
        check_data_key(key)
        lines.append(wire_lines(key, dumps(value)))
    return make_event(event_type, join_data(*lines), event_id, retry_ms)


def _history(method: str, url: str, event_id: str | None, retry_ms: int | None) -> Event:
    url = _check_url(url)
    if _SCHEME.match(url) or re.match(r"[/\\]{2}", url):
        raise ValueError(f"url {shorten(url)} names a scheme or a host; accepted: a path, a query or a fragment")
    return execute_script(
        f'history.{method}({{}}, "", {javascript.literal(url)})', event_id=event_id, retry_ms=retry_ms
    )


def _check_url(url: str) -> str:
    """Refuse URLs that run code, even behind control characters, which browsers remove before they parse."""
    if not isinstance(url, str):
        raise TypeError(f"url is {type(url).__name__}; accepted: str")
    cleaned = _CONTROLS.sub("", url).strip()
    if not cleaned:
        raise ValueError("url is empty")
    scheme = _SCHEME.match(cleaned)
    if scheme and scheme[1].lower() not in ("http", "https"):
        raise ValueError(f"url {shorten(url)} has the scheme {scheme[1]!r}; accepted: http, https and relative URLs")
    return cleaned


def _items(mapping: Mapping[str, Any] | None, what: str) -> Iterable[tuple[str, Any]]:
    if mapping is None:
        return ()
    if not isinstance(mapping, Mapping):
        raise TypeError(f"{what} is {type(mapping).__name__}; accepted: a mapping of name to value")
    return mapping.items()


def _attribute(name: str, value: str | bool, auto_remove: bool) -> str:
    if not isinstance(name, str) or not _ATTRIBUTE.fullmatch(name):
        raise ValueError(f"attribute name {shorten(name)} is not allowed in a tag")
    check_text(name, "attribute name")
    if auto_remove and name.lower() == _REMOVE_ITSELF:
        raise ValueError(f"attribute {_REMOVE_ITSELF!r} is used by auto_remove; pass auto_remove=False")
    if value is True:
        return f" {name}"
    if value is False:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"attribute {name!r} is {type(value).__name__}; accepted: str, or True for a bare attribute")
    check_text(value, f"attribute {name!r}")
    return f' {name}="{escape(value)}"'
