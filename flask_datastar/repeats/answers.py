"""The kept answers of clicks, and the responses that their repeats get."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from flask import Response
from werkzeug.datastructures import Headers

#: Says that a click ran earlier and nothing of its answer can be repeated.
IGNORED_HEADER = "Datastar-Repeat-Ignored"
#: The cost of an answer beside the values of its headers and its body, in bytes: measured.
_OVERHEAD = 500
_WITHOUT_LENGTH = (204, 304)
_STILL_RUNNING = "this click is still running; look at the page again in a while to see what it did\n"
_UNKNOWN = "the server stopped or failed while this click ran; look at the page again to see whether it was done\n"

#: A finished response: status, headers with their cookies, body. A plain tuple of plain values costs the garbage
#: collector nothing, however many are kept.
Answer = tuple[str, tuple[tuple[str, str], ...], bytes]


def encode_answer(answer: Answer) -> bytes:
    """Write an answer as bytes, for other processes."""
    status, headers, body = answer
    return json.dumps([status, headers]).encode() + b"\n" + body


def decode_answer(data: bytes) -> Answer:
    """Read what :func:`encode_answer` wrote.

    :raises ValueError: if it cannot be read.
    """
    head, _, body = data.partition(b"\n")
    status, headers = json.loads(head)
    return str(status), tuple((str(name), str(value)) for name, value in headers), body


_last_head: tuple[str, tuple[tuple[str, str], ...]] = ("", ())


def size_of(answer: Answer) -> int:
    """Return the memory that an answer uses, in bytes."""
    return _OVERHEAD + len(answer[2]) + sum(len(value) for _, value in answer[1])


def take_answer(response: Response) -> tuple[Answer | None, int, bool]:
    """Keep a response that is final.

    :return: the answer, None if its body is sent as it is made; its size; whether it sets a cookie.
    """
    headers, has_cookie, has_length, size = response.headers._list, False, False, _OVERHEAD
    for name, value in headers:
        size += len(value)
        if name == "Set-Cookie":
            has_cookie = True
        elif name == "Content-Length":
            has_length = True
    body = response.response
    if type(body) is not list or response.direct_passthrough:
        if not response.is_sequence or response.direct_passthrough:
            return None, 0, has_cookie
        content = response.get_data()
    elif len(body) == 1 and type(body[0]) is bytes:
        # The bytes of a body that is complete.
        content = body[0]
    else:
        content = response.get_data() if body else b""
    if not has_length and response.status_code not in _WITHOUT_LENGTH:
        # As Werkzeug does when the response is sent.
        headers = [*headers, ("Content-Length", str(len(content)))]
    global _last_head
    head = (response._status, tuple(headers))
    if head == _last_head:
        # Equal heads are kept once: memory that is new costs more than the look.
        head = _last_head
    else:
        _last_head = head
    return (*head, content), size + len(content), has_cookie


def replay(answer: Answer, response_class: type[Response]) -> Response:
    """Return the response of a repeat: the answer of the click, byte for byte.

    What is done to the response after that, such as a cookie of the repeat's own request, does not reach the browser:
    it would take the place of what the click did.
    """
    status, headers, body = answer
    # mypy takes the hash of the class for that of its instances.
    response = _class_for(response_class)(body, status)  # type: ignore[arg-type]
    response.headers = Headers(headers)
    response.__dict__[_KEPT] = headers
    return response


def ignored(response_class: type[Response]) -> Response:
    """Return the response of a repeat whose click ran, and left no answer to repeat."""
    return response_class(status=204, headers={IGNORED_HEADER: "true"})


def unfinished(response_class: type[Response], *, is_known: bool) -> Response:
    """Return the response of a repeat that cannot be told what became of its click.

    :param is_known: whether the click is running; else its process is gone, or it failed after the handler.
    """
    text = _STILL_RUNNING if is_known else _UNKNOWN
    return response_class(text, 503, {IGNORED_HEADER: "true", "Content-Type": "text/plain; charset=utf-8"})


_KEPT = "_datastar_kept_headers"


class _Replay(Response):
    def get_wsgi_headers(self, environ: Any) -> Headers:
        return Headers(self.__dict__[_KEPT])


@cache
def _class_for(response_class: type[Response]) -> type[Response]:
    """Return the class of replays by the app's own ``response_class``: Flask refuses to convert one to it."""
    if issubclass(_Replay, response_class):
        return _Replay
    return type(response_class.__name__, (_Replay, response_class), {})
