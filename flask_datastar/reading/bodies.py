"""The text that a request's signals stand in, and form posts: content types, limits, encodings."""

from __future__ import annotations

import re
from io import BytesIO
from urllib.parse import parse_qsl

from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from ..errors import InvalidSignals
from ..sansio.consts import QUERY_KEY
from ..sansio.events import shorten

_JSON = "application/json"
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s;,\"]+)", re.IGNORECASE)
_UTF8_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
#: A Content-Length with more digits is not the length of any real body.
_MOST_LENGTH_DIGITS = 18


def is_form(request: Request) -> bool:
    """Return whether the request is a form post, which has no signals."""
    types = _media_types(request.environ.get("CONTENT_TYPE", ""))
    return types[0] in _FORMS and _JSON not in types


def read_form(request: Request) -> MultiDict[str, str]:
    """Return the fields of a form post; ``request.files`` is read with it.

    :raises InvalidSignals: if the body is malformed (400).
    """
    _check_length(request)
    try:
        return request.form
    except HTTPException:
        raise
    except Exception as error:
        raise _unreadable(error) from error


def read_query(request: Request) -> MultiDict[str, str]:
    """Return the parameters of the query.

    :raises InvalidSignals: if the query has bytes that are neither ASCII nor UTF-8, which no browser sends (400).
    """
    try:
        return request.args
    except UnicodeDecodeError as error:
        raise InvalidSignals(f"the query is not UTF-8: {error.reason} at byte {error.start}") from error


def query_text(request: Request, limit: int) -> str:
    """Return the signals in the query.

    :param limit: bytes.
    :raises InvalidSignals: if they are too large, or not UTF-8 (400).
    """
    text = read_query(request).get(QUERY_KEY, "")
    if len(text) > limit or (len(text) * 4 > limit and len(text.encode()) > limit):
        raise _too_large(limit)
    if "%" in text:
        # Werkzeug leaves bytes that are not UTF-8 percent-encoded; a percent sign may as well have been sent.
        try:
            parse_qsl(request.query_string.decode("latin-1"), errors="strict")
        except UnicodeDecodeError as error:
            raise _not_utf8(error) from error
    return text


def body_text(request: Request, limit: int) -> str:
    """Return the signals in the body, "" for a form post.

    :param limit: bytes.
    :raises InvalidSignals: if they are of another type than JSON, too large, malformed or not UTF-8 (400).
    :raises werkzeug.exceptions.RequestEntityTooLarge: if the body is larger than ``MAX_CONTENT_LENGTH`` (413).
    """
    content_type = request.environ.get("CONTENT_TYPE", "")
    if content_type != _JSON:
        types = _media_types(content_type)
        if _JSON not in types:
            if types[0] not in _FORMS and _read_body(request, limit):
                raise InvalidSignals(f"the Content-Type is {content_type!r}; signals are sent as application/json")
            return ""
        charset = _CHARSET.search(content_type)
        if charset and charset[1].lower() not in _UTF8_CHARSETS:
            raise InvalidSignals(f"the charset is {charset[1]!r}; JSON is UTF-8")
    try:
        return str(_read_body(request, limit), "utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from error


def _media_types(content_type: str) -> list[str]:
    """Return the media types of a header, without parameters.

    A header option of the page may make several, "application/json, text/x". What follows a semicolon is none of them:
    a foreign page may send "text/plain; application/json" without asking.
    """
    return [media_type.strip() for media_type in content_type.partition(";")[0].lower().split(",")]


def _read_body(request: Request, limit: int) -> bytes:
    header = _check_length(request)
    try:
        if header.isdecimal() and int(header) <= limit:
            return request.get_data()
        length = request.content_length
        if length is None:
            return _read_chunked(request, limit)
        if length > limit:
            largest = request.max_content_length
            raise RequestEntityTooLarge if largest is not None and length > largest else _too_large(limit)
        return request.get_data()
    except HTTPException:
        raise
    except Exception as error:
        # Servers have classes of their own for what is malformed.
        raise _unreadable(error) from error


def _check_length(request: Request) -> str:
    """Return the header with the length of the body.

    :raises InvalidSignals: if it is not a length; Werkzeug would take it for 0.
    """
    header = str(request.environ.get("CONTENT_LENGTH", ""))
    if len(header) > _MOST_LENGTH_DIGITS or not (header.isdecimal() or header.strip().isdecimal() or not header):
        raise InvalidSignals(f"the Content-Length is {shorten(header)}; accepted: a number of bytes")
    return header


def _read_chunked(request: Request, limit: int) -> bytes:
    """Read a chunked body, and keep it readable for later readers."""
    body = b""
    # A read may return less than was asked for, and only the one after MAX_CONTENT_LENGTH raises.
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


def _unreadable(error: Exception) -> InvalidSignals:
    """Return the error of a body that the server could not read, such as one with a wrong chunk size."""
    return InvalidSignals(f"the body cannot be read: {error}")
