"""Events that patch signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import strictjson
from .consts import EventType
from .events import Event, join_data, make_event, shorten, wire_lines
from .signal_paths import check_names, may_be_forbidden, set_path, split_path
from .strictjson import Dumps

_EVENT_TYPE = EventType.PATCH_SIGNALS.value


def patch_signals(
    signals: Mapping[str, Any],
    *,
    only_if_missing: bool = False,
    event_id: str | None = None,
    retry_ms: int | None = None,
    dumps: Dumps = strictjson.dumps,
) -> Event:
    r"""Patch signals in the browser (a JSON merge patch: objects merge, lists and scalars replace, None deletes).

    :param signals: name → value, nested as the signals are: ``{"user": {"name": "Ada"}}``.
    :param only_if_missing: set only the signals that the page does not have yet.
    :param event_id: printable ASCII; "" clears the client's.
    :param retry_ms: milliseconds.
    :param dumps: makes strict JSON of a value.
    :raises ValueError: if a value has no strict JSON form (NaN, infinities, lone surrogates, circles), or a name would
        reach an object's prototype; the text names the path.
    :raises TypeError: if ``signals`` is not a mapping, or holds something that JSON does not know.

    >>> patch_signals({"count": 1}).encode()
    b'event: datastar-patch-signals\ndata: signals {"count":1}\n\n'
    """
    if type(signals) is not dict:
        if not isinstance(signals, Mapping):
            raise TypeError(f"signals is {type(signals).__name__}; accepted: a mapping of name to value")
        signals = dict(signals)
    text = dumps(signals)
    if may_be_forbidden(text):
        # The text's own names: a dataclass or a user's type brings some that ``signals`` does not show.
        check_names(strictjson.loads(text))
    return _signals_event(text, only_if_missing, event_id, retry_ms)


def patch_signals_raw(
    text: str, *, only_if_missing: bool = False, event_id: str | None = None, retry_ms: int | None = None
) -> Event:
    """Patch signals from JSON text, which is checked and sent as it is.

    :param text: a JSON object, of one line or several.
    :param only_if_missing: set only the signals that the page does not have yet.
    :param event_id: printable ASCII; "" clears the client's.
    :param retry_ms: milliseconds.
    :raises ValueError: if the text is not a strict JSON object. The client would evaluate it as JavaScript.
    :raises TypeError: if it is not a string.
    """
    return _signals_event(check_object(text), only_if_missing, event_id, retry_ms)


def remove_signals(
    paths: str | Iterable[str],
    *,
    event_id: str | None = None,
    retry_ms: int | None = None,
    dumps: Dumps = strictjson.dumps,
) -> Event:
    r"""Remove signals. What displays them keeps its last text: to blank it, patch "" first.

    :param paths: one dotted path or several, merged into one patch of nulls.
    :raises ValueError: if there is no path, or a path is empty, or has a leading, trailing or doubled dot.
    :raises TypeError: if a path is not a string.

    >>> remove_signals(["user.name", "user.mail"]).data_lines
    ('signals {"user":{"name":null,"mail":null}}',)
    """
    paths = [paths] if isinstance(paths, str) else list(paths)
    if not paths:
        raise ValueError("remove_signals got no path; give one dotted path or a list of them")
    patch: dict[str, Any] = {}
    # Short paths last: removing "user" removes "user.name" with it, whatever the order they were given in.
    for segments in sorted((split_path(path) for path in paths), key=len, reverse=True):
        set_path(patch, segments, None)
    return patch_signals(patch, event_id=event_id, retry_ms=retry_ms, dumps=dumps)


def _signals_event(text: str, only_if_missing: bool, event_id: str | None, retry_ms: int | None) -> Event:
    data = wire_lines("signals", text)
    if only_if_missing:
        data = join_data("onlyIfMissing true", data)
    return make_event(_EVENT_TYPE, data, event_id, retry_ms)


def check_object(text: str) -> str:
    """Return a text if it is a strict JSON object with names that a signal may have.

    :raises ValueError: if it is not.
    :raises TypeError: if it is not a string.
    """
    if not isinstance(text, str):
        raise TypeError(f"the JSON text is {type(text).__name__}; accepted: str")
    try:
        value = strictjson.loads(text)
    except ValueError as error:
        raise ValueError(f"{shorten(text)} is not strict JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{shorten(text)} is not a JSON object; accepted: an object of name to value")
    if may_be_forbidden(text) or "\\u" in text:
        check_names(value)
    return text
