"""The doctor's requests, made as a browser makes them, with a stream that is read as it arrives."""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import click

from ..sansio.consts import REQUEST_HEADER

_TIMEOUT_SECONDS = 30
_MOST_BYTES = 2_097_152
_REDIRECTS, _MOST_REDIRECTS = (301, 302, 303, 307, 308), 5
_LOCAL = ("localhost", "127.", "[::1]", "::1")
_BROWSER = {
    "Accept": "text/event-stream, text/html, application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": "flask datastar doctor",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, read whole."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        body = self.body
        if self.headers.get("Content-Encoding") == "gzip":
            with suppress(zlib.error):
                body = zlib.decompress(body, 31)
        return body.decode(errors="replace")


class Site:
    """An application at a URL.

    :param url: where it is mounted, with ``http`` or ``https``.
    :param is_trusting: whether certificates that cannot be verified are accepted.
    :raises click.UsageError: if the URL is not one.
    """

    def __init__(self, url: str, *, is_trusting: bool = False) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise click.UsageError(f"the URL is {url!r}: it has no scheme or host; write https://app.example.com")
        self.url = url
        self.is_https = parts.scheme == "https"
        self.host = parts.netloc.rpartition("@")[2]
        self.root = parts.path.rstrip("/")
        self._address = (parts.hostname, parts.port or (443 if self.is_https else 80))
        self.context = ssl.create_default_context()
        if is_trusting:
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE

    @property
    def is_local(self) -> bool:
        """Whether the site is on this machine, for development."""
        return self.host.startswith(_LOCAL)

    def get(self, path: str, **headers: str) -> Answer:
        """Get a path below the site's root.

        :param headers: with ``_`` for ``-``.
        :raises OSError: if there is no response.
        """
        connection = self._request(path, _BROWSER | _named(headers))
        try:
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read(_MOST_BYTES))
        except http.client.HTTPException as error:
            raise OSError(f"{type(error).__name__} {error}".strip()) from error
        finally:
            connection.close()

    def get_page(self, path: str) -> Answer:
        """Get a page below the site's root, and follow redirects within the site, such as to the page for signing in.

        :raises OSError: if there is no response.
        """
        answer, url = self.get(path), f"{self.root}{path}"
        for _ in range(_MOST_REDIRECTS):
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or location is None:
                break
            target = urlsplit(urljoin(f"{'https' if self.is_https else 'http'}://{self.host}{url}", location))
            if target.netloc != self.host or (target.scheme == "https") != self.is_https:
                break
            url = target.path + (f"?{target.query}" if target.query else "")
            answer = self.get(url.removeprefix(self.root))
        return answer

    def open(self, path: str, **headers: str) -> Arrivals:
        """Open a stream at a path below the site's root.

        :raises OSError: if there is no connection.
        """
        return Arrivals(self._request(path, _BROWSER | {REQUEST_HEADER: "true"} | _named(headers)))

    def speaks_http2(self) -> bool:
        """Return whether the site offers HTTP/2 to browsers.

        :raises OSError: if there is no connection.
        """
        if not self.is_https:
            return False
        self.context.set_alpn_protocols(["h2", "http/1.1"])
        try:
            with (
                socket.create_connection(self._address, _TIMEOUT_SECONDS) as plain,
                self.context.wrap_socket(plain, server_hostname=self._address[0]) as connection,
            ):
                return connection.selected_alpn_protocol() == "h2"
        finally:
            self.context.set_alpn_protocols(["http/1.1"])

    def _request(self, path: str, headers: Mapping[str, str]) -> http.client.HTTPConnection:
        host, port = self._address
        connection = (
            http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_SECONDS, context=self.context)
            if self.is_https
            else http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
        )
        try:
            connection.request("GET", f"{self.root}{path}", headers=dict(headers))
        except BaseException:
            connection.close()
            raise
        return connection


class Arrivals:
    """A response that is read by a thread of its own, as it arrives."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self.status: int | None = None
        self.headers = http.client.HTTPMessage()
        self.text = ""
        #: When something arrived last.
        self.arrived = time.monotonic()
        #: When the response ended; None while it goes on.
        self.ended: float | None = None
        #: Why it ended before its end; "" for a clean end.
        self.error = ""
        self._connection = connection
        self._decoder: Callable[[bytes], bytes] = bytes
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        # A stream may be silent for as long as it likes.
        connection.sock.settimeout(None)
        self._socket = connection.sock
        self._thread.start()

    def wait_for(self, is_there: Callable[[], object], seconds: float) -> bool:
        """Wait until a condition holds, the response ends, or the time is up.

        :return: whether the condition holds.
        """
        deadline = time.monotonic() + seconds
        while not is_there():
            left = deadline - time.monotonic()
            if left <= 0 or self.ended is not None:
                return bool(is_there())
            with suppress(queue.Empty):
                self._news.get(timeout=left)
        return True

    def close(self) -> None:
        """Close the connection, and wait for the thread."""
        # http.client gives the socket away where the response ends with the connection.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(_TIMEOUT_SECONDS)
        self._connection.close()

    def _read(self) -> None:
        try:
            response = self._connection.getresponse()
            self.headers, self.status = response.headers, response.status
            if response.headers.get("Content-Encoding") == "gzip":
                self._decoder = zlib.decompressobj(31).decompress
            while block := response.read1(65536):
                self.text += self._decoder(block).decode(errors="replace")
                self.arrived = time.monotonic()
                self._news.put(None)
            response.close()
        except (OSError, ValueError, zlib.error, http.client.HTTPException) as error:
            self.error = f"{type(error).__name__}: {error}"
        self.ended = time.monotonic()
        self._news.put(None)


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
