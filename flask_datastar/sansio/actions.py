"""The text of actions (``@post('/ds/cart/add')``), from a URL and the client's options."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import Any, TypeAlias

from .consts import CLICK_KEY
from .events import shorten
from .javascript import Expression, literal, string

#: A piece of a URL: already encoded text, or an expression whose value the browser encodes.
UrlPart: TypeAlias = str | Expression

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def action(
    verb: str, url: Sequence[UrlPart], options: Mapping[str, object], more: str = "", *, has_key: bool = False
) -> Expression:
    """Return the expression of an action.

    :param verb: ``get``, ``post``, ``put``, ``patch``, ``delete`` or ``query``.
    :param url: the pieces of the URL.
    :param options: a name of :data:`OPTIONS` → value; an option that is None is left out.
    :param more: JavaScript of a further option, written last.
    :param has_key: give each click a key of its own, in the URL: the client evaluates the expression once a click, and
        its repeats keep the URL. Unless an option says otherwise, it cancels no other action.
    :raises TypeError: if an option is unknown or has the wrong type.
    :raises ValueError: if the value of an option is not accepted.

    >>> action("post", ["/ds/cart/remove?id=", Expression.from_js("$id")], {"retry": "never"}).js
    "@post('/ds/cart/remove?id=' + encodeURIComponent($id), {retry: 'never'})"
    """
    js = f"@{verb}({_url_with_key(url) if has_key else _url(url)}"
    written = [
        f"{client_name}: {_option(name, value)}"
        for name, (client_name, _) in OPTIONS.items()
        if (value := options.get(name)) is not None
    ]
    if has_key and options.get("request_cancellation") is None:
        # Two clicks are two things to do: neither makes the browser forget the other one's answer.
        written.append("requestCancellation: 'disabled'")
    if unknown := set(options) - set(OPTIONS):
        names = ", ".join(f"_{name}" for name in OPTIONS)
        names = ", ".join(f"_{name}" for name in OPTIONS)
        raise TypeError(f"unknown action option _{min(unknown)}; accepted: {names}, _signals, _prefix, _module, _once")
    if more:
        written.append(more)
    if written:
        js += f", {{{', '.join(written)}}}"
    return Expression.from_js(f"{js})")


def add_header(headers: object, name: str, value: Expression, known: Collection[str] = ()) -> object:
    """Add a header to an action's option ``headers``; a header that the page gives itself stays.

    :param headers: the option as it was given, None for none.
    :param known: other names that the page may give it under.
    """
    if isinstance(headers, Expression):
        return Expression.from_js(f"{{{string(name)}: {value.js}, ...{headers.js}}}")
    if headers is not None and not isinstance(headers, Mapping):
        # The writing of the options says what is wrong with it.
        return headers
    own = headers or {}
    names = {other.lower() for other in (name, *known)}
    if any(str(header).lower() in names for header in own):
        return own
    return {**own, name: value}


def _url_with_key(parts: Sequence[UrlPart]) -> str:
    # Needs no secure context, unlike randomUUID().
    separator = "&" if any(isinstance(part, str) and "?" in part for part in parts) else "?"
    return f"{_url([*parts, f'{separator}{CLICK_KEY}='])} + Math.random()"


def _url(parts: Sequence[UrlPart]) -> str:
    texts: list[str] = []
    for is_expression, group in groupby(parts, lambda part: isinstance(part, Expression)):
        if is_expression:
            texts += (f"encodeURIComponent({part.js})" for part in group if isinstance(part, Expression))
        elif text := "".join(group):
            texts.append(string(text))
    return " + ".join(texts)


def _option(name: str, value: object) -> str:
    if isinstance(value, Expression):
        return value.js
    return OPTIONS[name][1](f"_{name}", value)


def _choice(*accepted: str) -> Callable[[str, object], str]:
    def write(name: str, value: object) -> str:
        if value not in accepted:
            raise ValueError(f"action option {name} is {shorten(value)}; accepted: {', '.join(accepted)}")
        return string(str(value))

    return write


def _boolean(name: str, value: object) -> str:
    if not isinstance(value, bool):
        raise TypeError(f"action option {name} is {shorten(value)}; accepted: True or False")
    return "true" if value else "false"


def _number(name: str, value: object) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool) or math.isnan(value) or value < 0:
        raise ValueError(f"action option {name} is {shorten(value)}; accepted: a number, 0 or more, or math.inf")
    return "Infinity" if math.isinf(value) else str(value)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"action option {name} is {shorten(value)}; accepted: str")
    return string(value)


def _headers(name: str, value: object) -> str:
    if not isinstance(value, Mapping):
        raise TypeError(f"action option {name} is {shorten(value)}; accepted: a mapping of header to value")
    for header, content in value.items():
        if not isinstance(header, str) or not _HEADER_NAME.fullmatch(header):
            raise ValueError(f"action option {name}: {shorten(header)} is not a header name")
        if not isinstance(content, Expression) and ("\n" in str(content) or "\r" in str(content)):
            raise ValueError(f"action option {name}: the value of {header!r} has a line break")
    return _object({header: item if isinstance(item, Expression) else str(item) for header, item in value.items()})


def _filter(name: str, value: object) -> str:
    if not isinstance(value, Mapping) or not value or not set(value) <= {"include", "exclude"}:
        raise TypeError(f"action option {name} is {shorten(value)}; accepted: a mapping with 'include' or 'exclude'")
    written = []
    for key, pattern in value.items():
        if isinstance(pattern, re.Pattern):
            pattern = pattern.pattern
        written.append(
            f"{key}: {pattern.js if isinstance(pattern, Expression) else _text(f'{name}[{key!r}]', pattern)}"
        )
    return f"{{{', '.join(written)}}}"


def _value(name: str, value: object) -> str:
    return literal(value)


def _object(items: Mapping[str, Any]) -> str:
    written = (
        f"{string(key)}: {item.js if isinstance(item, Expression) else string(item)}" for key, item in items.items()
    )
    return f"{{{', '.join(written)}}}"


#: Option → the client's name of the option, and the function that writes its value.
OPTIONS: Mapping[str, tuple[str, Callable[[str, object], str]]] = {
    "content_type": ("contentType", _choice("json", "form")),
    "filter_signals": ("filterSignals", _filter),
    "headers": ("headers", _headers),
    "selector": ("selector", _text),
    "open_when_hidden": ("openWhenHidden", _boolean),
    "retry": ("retry", _choice("auto", "error", "always", "never")),
    "retry_interval_ms": ("retryInterval", _number),
    "retry_scaler": ("retryScaler", _number),
    "retry_max_wait_ms": ("retryMaxWait", _number),
    "retry_max_count": ("retryMaxCount", _number),
    "request_cancellation": ("requestCancellation", _choice("auto", "cleanup", "disabled")),
    "payload": ("payload", _value),
}
