"""Reading a request: its signals, its tab, its last event id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from ..errors import InvalidSignals
from ..models.kinds import required_model
from ..models.misfits import Misfits
from ..sansio.consts import CARRIED_TOKEN, QUERY_KEY, REQUEST_HEADER, TAB_ID_SIGNAL
from ..sansio.endings import parse_ending
from ..sansio.signal_reading import read_object
from ..state.request import RequestState

#: Methods whose signals stand in the URL.
SIGNALS_IN_QUERY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s;,\"]+)", re.IGNORECASE)
_UTF8_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
#: Where an environ has the header that every request of the client carries.
REQUEST_HEADER_KEY = f"HTTP_{REQUEST_HEADER.upper().replace('-', '_')}"
_OWN_SIGNALS = frozenset({TAB_ID_SIGNAL, CARRIED_TOKEN})
_TAB_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")


def is_datastar_request(request: Request) -> bool:
    """Whether the Datastar client sent the request."""
    # Straight from the environ: the headers object is asked in every request and is ten times as slow.
    return bool(request.environ.get(REQUEST_HEADER_KEY, "").lower() == "true")


def is_form(request: Request) -> bool:
    """Whether the request is a form post, which has no signals."""
    return bool(request.environ.get("CONTENT_TYPE", "").lower().startswith(_FORMS))


def read_signals(request: Request, state: RequestState) -> dict[str, Any]:
    """Give the request's signals, read once.

    GET and DELETE carry them in the query, POST, PUT, PATCH and QUERY as the JSON body; a form post has none (client,
    ``actions/fetch.ts``).

    :return: name → value, ``{}`` when there are none.
    :raises InvalidSignals: they are malformed, no object, too large, nested too deeply, not UTF-8 (400).
    :raises werkzeug.exceptions.RequestEntityTooLarge: the body is larger than ``MAX_CONTENT_LENGTH`` (413).
    """
    received = state.received
    if received is None:
        limit = state.app_state.settings.max_signals_bytes
        text = _query_text(request, limit) if request.method in SIGNALS_IN_QUERY else _body_text(request, limit)
        try:
            received = state.received = read_object(text) if text else {}
        except ValueError as error:
            raise InvalidSignals(str(error)) from error
    return received


def model_signals(signals: dict[str, Any]) -> dict[str, Any]:
    """Give the signals that a model is made of: all but those of the extension."""
    return {name: value for name, value in signals.items() if name not in _OWN_SIGNALS}


def read_model(request: Request, state: RequestState, cls: type) -> Any:
    """Make a model of the request's signals.

    :raises InvalidSignals: they cannot be read, or do not fit; each path is named (400).
    :raises TypeError: the class is no model.
    """
    model = required_model(cls)
    try:
        return model.bind_signals(model_signals(read_signals(request, state)))
    except Misfits as error:
        raise InvalidSignals(describe_misfits(error.errors), error.errors, model.paths()) from error


def describe_misfits(errors: Mapping[str, str]) -> str:
    """Say what is wrong with the values of a model, each with its path."""
    return "; ".join(f"signal '{path}': {text}" if path else f"signals: {text}" for path, text in errors.items())


def read_tab_id(signals: dict[str, Any]) -> str | None:
    """Give the tab's part of the signal ``tabId``, ``<tab>.<page>`` or the tab alone; None for an unfit one."""
    tab_id = signals.get(TAB_ID_SIGNAL)
    if not isinstance(tab_id, str) or not _TAB_ID.fullmatch(tab_id):
        return None
    tab, dot, _ = tab_id.rpartition(".")
    return (tab or None) if dot else tab_id


def read_page_id(signals: dict[str, Any]) -> str | None:
    """Give the page's part of the signal ``tabId``; None when it has none, as a hand-written one."""
    tab_id = signals.get(TAB_ID_SIGNAL)
    if not isinstance(tab_id, str) or not _TAB_ID.fullmatch(tab_id):
        return None
    return tab_id.rpartition(".")[2] if "." in tab_id else None


def read_last_event_id(request: Request) -> str | None:
    """Give the id that the application sent last in this action's earlier answers; the extension's own do not count."""
    event_id = request.headers.get("Last-Event-ID")
    ending = parse_ending(event_id)
    return (ending.last_id if ending is not None else event_id) or None


def _query_text(request: Request, limit: int) -> str:
    text = request.args.get(QUERY_KEY, "")
    if len(text) > limit or (len(text) * 4 > limit and len(text.encode()) > limit):
        raise _too_large(limit)
    if "%" in text:
        # Werkzeug leaves bytes that are not UTF-8 percent-encoded; a percent sign may as well have been sent.
        try:
            parse_qsl(request.query_string.decode("latin-1"), errors="strict")
        except UnicodeDecodeError as error:
            raise _not_utf8(error) from error
    return text


def _body_text(request: Request, limit: int) -> str:
    content_type = request.environ.get("CONTENT_TYPE", "").lower()
    # Contained, not equal: a header option of the page can make it "application/json, text/x".
    if "application/json" not in content_type:
        if not is_form(request) and _read_body(request, limit):
            raise InvalidSignals(f"the Content-Type is {content_type!r}; signals are sent as application/json")
        return ""
    if "charset" in content_type:
        charset = _CHARSET.search(content_type)
        if charset and charset[1] not in _UTF8_CHARSETS:
            raise InvalidSignals(f"the charset is {charset[1]!r}; JSON is UTF-8")
    try:
        return str(_read_body(request, limit), "utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from error


def _read_body(request: Request, limit: int) -> bytes:
    header = request.environ.get("CONTENT_LENGTH", "")
    if header.isdecimal() and int(header) <= limit:
        return request.get_data()
    length = request.content_length
    if length is None:
        return _read_chunked(request, limit)
    if length > limit:
        largest = request.max_content_length
        raise RequestEntityTooLarge if largest is not None and length > largest else _too_large(limit)
    return request.get_data()


def _read_chunked(request: Request, limit: int) -> bytes:
    """Read a body whose length shows in the reading only, and leave it for others to read, as one with a length is."""
    body = b""
    # A read may give less than was asked for, and only the one after MAX_CONTENT_LENGTH raises.
    while chunk := request.stream.read(limit + 1 - len(body)):
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    if body:
        request.stream = BytesIO(body)
        return body
    # Somebody may have read it before, such as a function that logs requests; Werkzeug has kept it then.
    body = request.get_data()
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> InvalidSignals:
    return InvalidSignals(f"the signals are larger than {limit} bytes (DATASTAR_MAX_SIGNALS_BYTES)")


def _not_utf8(error: UnicodeDecodeError) -> InvalidSignals:
    return InvalidSignals(f"the signals are not UTF-8: {error.reason} at byte {error.start}")
