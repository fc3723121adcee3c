"""Requests that are whole but for one or two places, as a server hands them to an application."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import quote, quote_plus

from tests.soak.fuzz_targets import HEADERS, LENGTHS, METHODS, TARGETS, TYPES, USUAL_METHODS
from tests.soak.fuzz_texts import NAMES, damaged_bytes, damaged_value, hostile_text, hostile_value, json_bytes


class BrokenInput(BytesIO):
    """The body of a client that sends a malformed chunk, or leaves in the middle."""

    def read(self, *_: Any) -> bytes:
        raise self.error

    readline = readinto = read  # type: ignore[assignment]
    error: Exception = ValueError("bad chunk size")


@dataclass
class Sent:
    """One request."""

    method: str
    path: str
    query: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = ""
    body: bytes = b""
    #: The header's text; None for a chunked body.
    length: str | None = None
    error: Exception | None = None

    def environ(self) -> dict[str, Any]:
        """Return what a server makes of it."""
        body = BytesIO(self.body)
        if self.error is not None:
            body = BrokenInput()
            body.error = self.error
        environ: dict[str, Any] = {
            **{"REQUEST_METHOD": self.method, "SCRIPT_NAME": "", "PATH_INFO": self.path, "SERVER_NAME": "localhost"},
            **{"QUERY_STRING": self.query.decode("latin-1"), "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1"},
            **{"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost", "wsgi.version": (1, 0), "wsgi.url_scheme": "http"},
            **{"wsgi.input": body, "wsgi.errors": BytesIO(), "wsgi.multithread": True, "wsgi.multiprocess": False},
            "wsgi.run_once": False,
        }
        if self.content_type:
            environ["CONTENT_TYPE"] = self.content_type
        if self.length is not None:
            environ["CONTENT_LENGTH"] = self.length
        elif self.body or self.error:
            environ |= {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
        for name, value in self.headers.items():
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        return environ


def header_text(chance: random.Random) -> str:
    """Return a hostile value of a header, as a server may pass it on: without line ends and NUL."""
    text = hostile_text(chance) if chance.random() < 0.7 else chance.randbytes(chance.randrange(30)).decode("latin-1")
    text = text.encode("utf-8", "surrogatepass").decode("latin-1")
    return text.translate({10: None, 13: None, 0: None}).strip(" \t")[:6000]


def make_request(chance: random.Random, whole_headers: dict[str, str]) -> Sent:
    """Return a request for one of the targets, damaged in one or more places, or not at all.

    :param whole_headers: such as a cookie and its token.
    """
    path = chance.choice(list(TARGETS))
    signals: Any = dict(TARGETS[path])
    for _ in range(chance.choice([0, 1, 1, 1, 2, 5])):
        signals = damaged_value(chance, signals)
    sent = Sent(chance.choice(USUAL_METHODS[path.split("/")[-1]]), path)
    sent.headers = {"Datastar-Request": "true", "Sec-Fetch-Site": "same-origin", **whole_headers}
    if "X-CSRFToken" in whole_headers and isinstance(signals, dict) and chance.random() < 0.4:
        # Pages may send it so, instead of in the header.
        token = sent.headers.pop("X-CSRFToken") if chance.random() < 0.5 else whole_headers["X-CSRFToken"]
        signals |= {chance.choice(["csrf", "csrf_token", *NAMES]): token}
    _carry(chance, sent, signals)
    for damage in _chosen(chance):
        damage(chance, sent)
    sent.path = sent.path.encode("utf-8", "surrogatepass").decode("latin-1")
    # More than any server reads of a request line.
    sent.query = sent.query[:100_000]
    return sent


def _carry(chance: random.Random, sent: Sent, signals: Any) -> None:
    """Put signals where the client puts them, as it encodes them, or into a form."""
    text = json_bytes(chance, signals)
    if chance.random() < 0.15:
        text = damaged_bytes(chance, text)
    if sent.method in ("GET", "DELETE") and chance.random() < 0.95:
        sent.query = b"datastar=" + quote(text).encode()
        return
    way = chance.random()
    if way < 0.7 or not isinstance(signals, dict):
        sent.content_type, sent.body = "application/json", text
    elif way < 0.85:
        sent.content_type, sent.body = "application/x-www-form-urlencoded", _urlencoded(signals)
    else:
        sent.content_type, sent.body = _multipart(chance, signals)
    if way >= 0.7 and chance.random() < 0.3:
        sent.body = damaged_bytes(chance, sent.body)
    sent.length = str(len(sent.body)) if chance.random() < 0.8 else None


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _fields(item, f"{name}-{key}" if name else key)
    elif isinstance(value, list):
        for index, item in enumerate(value[:50]):
            yield from _fields(item, f"{name}-{index}" if isinstance(item, dict) else name)
    else:
        yield name, "" if value is None else str(value)[:5000]


def _urlencoded(signals: dict[str, Any]) -> bytes:
    return "&".join(
        f"{quote_plus(name, errors='surrogatepass')}={quote_plus(text, errors='surrogatepass')}"
        for name, text in _fields(signals)
    ).encode()


def _multipart(chance: random.Random, signals: dict[str, Any]) -> tuple[str, bytes]:
    parts = []
    for name, text in [*_fields(signals), ("file", "content")]:
        head = f'name="{name}"' if chance.random() < 0.97 else chance.choice(["", "name=", "x=1", "name*=utf-8''%ff"])
        if name == "file" or chance.random() < 0.03:
            head += f'; filename="{chance.choice(["a.txt", hostile_text(chance)])}"\r\nContent-Type: text/plain'
        parts.append(f"--xx\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n")
    body = "".join(parts).encode("utf-8", "surrogatepass") + b"--xx--\r\n"
    return "multipart/form-data; boundary=xx", body


def _chosen(chance: random.Random) -> list[Any]:
    ways = [_damage_header, _damage_header, _damage_type, _damage_length, _damage_path, _damage_query, _damage_method]
    return chance.sample([*ways, _damage_input], chance.choice([0, 0, 1, 1, 2, 3]))


def _damage_header(chance: random.Random, sent: Sent) -> None:
    name = chance.choice(HEADERS)
    if name in sent.headers and chance.random() < 0.4:
        text = damaged_bytes(chance, sent.headers[name].encode("latin-1")).decode("latin-1")
        sent.headers[name] = text.translate({10: None, 13: None, 0: None})[:6000]
    elif chance.random() < 0.1:
        sent.headers.pop(name, None)
    elif name == "Referer" and chance.random() < 0.6:
        sent.headers[name] = "http://localhost" + chance.choice(["", ":80", "@x", "\\", "/"]) + header_text(chance)
    else:
        sent.headers[name] = header_text(chance)


def _damage_type(chance: random.Random, sent: Sent) -> None:
    sent.content_type = chance.choice(TYPES) if chance.random() < 0.8 else header_text(chance)


def _damage_length(chance: random.Random, sent: Sent) -> None:
    sent.length = chance.choice(
        [*LENGTHS, str(len(sent.body) + 5), str(max(0, len(sent.body) - 5)), header_text(chance)]
    )


def _damage_path(chance: random.Random, sent: Sent) -> None:
    parts = sent.path.split("/")
    place = chance.randrange(1, len(parts))
    parts[place] = chance.choice(
        [hostile_text(chance), chance.choice(NAMES), parts[place] + ".", parts[place].upper(), ""]
    )
    sent.path = "/".join(parts)[:8000]


def _damage_query(chance: random.Random, sent: Sent) -> None:
    if chance.random() < 0.5 and sent.query:
        sent.query = damaged_bytes(chance, sent.query)[:60_000]
        return
    name = chance.choice([*TARGETS.get(sent.path, {"text": 0}), *NAMES, "datastar", "next", "number", "name"])
    text = quote(str(hostile_value(chance))[:20_000], errors="surrogatepass")
    sent.query += f"&{quote(name, errors='surrogatepass')}={text}".encode()


def _damage_method(chance: random.Random, sent: Sent) -> None:
    sent.method = chance.choice(METHODS)


def _damage_input(chance: random.Random, sent: Sent) -> None:
    if chance.random() < 0.3:
        sent.error = chance.choice(
            [ValueError("bad chunk size"), OSError("broken"), ConnectionResetError(), EOFError()]
        )
        sent.length = None if chance.random() < 0.5 else "50"
