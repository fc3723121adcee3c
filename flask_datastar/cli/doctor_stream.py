"""The doctor's stream: opened through the real URL, and judged by what arrives when."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .doctor_http import Arrivals, Site
from .doctor_proxy import FORGED_ADDRESS, LAST_EVENT_ID
from .doctor_token import TOKEN_HEADER
from .findings import Facts, Finding
from .probe import PROBE, SILENCE, STOP

#: How many reports are asked for, so that several processes are likely to respond.
_REPORTS = 6
#: By how much the silence is longer than a keep-alive, as a minimum.
MARGIN_SECONDS = 1.0
_BUFFERING = (
    "nginx: remove proxy_ignore_headers X-Accel-Buffering, or set proxy_buffering off; a CDN or another proxy has a "
    "switch of its own; leave event streams out of what collects responses in the application, such as Flask-Compress"
)

#: Signs what is asked for.
Sign = Callable[[dict[str, Any]], str]


class Probe:
    """The running app's probe, as the doctor reaches it.

    :param prefix: ``DATASTAR_URL_PREFIX``.
    """

    def __init__(self, site: Site, prefix: str, sign: Sign) -> None:
        self._site = site
        self._path = f"{prefix}/{PROBE}"
        self._sign = sign
        self.topic = f"doctor.{secrets.token_hex(8)}"

    def report(self, asked: Mapping[str, str] | None = None, *, padding: int = 0) -> tuple[int, str]:
        """Ask for a report.

        :param asked: the topic to publish to, and what to say there; nothing is published without it.
        :param padding: bytes of the request line, which a query fills.
        :return: the status and the text of the response.
        :raises OSError: if there is no response.
        """
        token = self._sign({"ask": "report", **(asked or {})})
        path = self._path
        if padding:
            path += "?pad=" + "x" * (padding - len(f"GET {self._site.root}{path}?pad= HTTP/1.1"))
        headers = {
            TOKEN_HEADER: token,
            "Datastar_Request": "true",
            "Last_Event_ID": LAST_EVENT_ID,
            "X_Forwarded_For": FORGED_ADDRESS,
        }
        answer = self._site.get(path, **headers)
        return answer.status, answer.text

    def publish(self, message: str) -> None:
        """Publish a message to the stream, by whichever process responds."""
        self.report({"topic": self.topic, "say": message})

    def open(self, seconds: float) -> Arrivals:
        """Open the stream.

        :param seconds: how long it is silent, once it is asked to be.
        :raises OSError: if there is no connection.
        """
        token = self._sign({"ask": "stream", "topic": self.topic, "seconds": seconds})
        return self._site.open(self._path, **{TOKEN_HEADER: token})


def check_stream(probe: Probe, load: Callable[[str], Facts], keepalive: float, patience: float) -> Iterator[Finding]:
    """Open a stream, publish to it, and let it be silent for longer than a keep-alive.

    :param load: reads a report.
    :param keepalive: ``DATASTAR_KEEPALIVE_SECONDS``.
    :param patience: how long to wait for what should arrive at once, in seconds.
    """
    silence = keepalive + max(MARGIN_SECONDS, keepalive / 5)
    stream = probe.open(silence)
    try:
        is_open = stream.wait_for(lambda: "state opened" in stream.text, patience)
        yield from _check_headers(stream)
        if not is_open:
            yield _why_closed(probe, stream, patience)
            return
        yield from _check_messages(probe, stream, load, patience)
        yield from _check_silence(probe, stream, silence, keepalive, patience)
    finally:
        stream.close()


def _check_headers(stream: Arrivals) -> Iterator[Finding]:
    encoding = stream.headers.get("Content-Encoding")
    if encoding is not None:
        yield Finding(
            "compression",
            f"the stream arrives with Content-Encoding: {encoding}, which the extension has not done: a proxy or a "
            "middleware compresses events, and may hold them back",
            "nginx: leave text/event-stream out of gzip_types; for a CDN add no-transform to Cache-Control; "
            "leave event streams out of Flask-Compress",
        )


def _why_closed(probe: Probe, stream: Arrivals, patience: float) -> Finding:
    """Find out why the first event has not arrived: end the stream, and look whether it arrives then."""
    if stream.status not in (None, 200):
        stream.wait_for(lambda: False, patience)
        return Finding(
            "stream", f"the stream is answered with {stream.status}: {stream.text.strip()[:300]}", "see the log"
        )
    probe.publish(STOP)
    if stream.wait_for(lambda: "state opened" in stream.text, patience):
        return Finding("buffering", f"the stream arrives in one lump, when it ends{_served_by(stream)}", _BUFFERING)
    return Finding(
        "buffering",
        f"nothing of the stream has arrived within {patience:g} seconds{_served_by(stream)}",
        _BUFFERING,
    )


def _check_messages(probe: Probe, stream: Arrivals, load: Callable[[str], Facts], patience: float) -> Iterator[Finding]:
    """Ask processes to publish, each its own name, and check which of them reach the stream."""
    names: list[str] = []
    for _ in range(_REPORTS):
        report = load(probe.report({"topic": probe.topic})[1])
        if report["failed"] is not None:
            yield Finding("broker", f"publishing fails: {report['failed']}", "see the log of the application")
            return
        names.append(report["server"]["process"])
    stream.wait_for(lambda: all(f"said {name}" in stream.text for name in names), patience)
    lost = {name for name in names if f"said {name}" not in stream.text}
    if stream.ended is not None:
        # Judged with the silence, during which it would have ended as well.
        return
    if lost == set(names):
        yield Finding("buffering", f"events are held back after the first one{_served_by(stream)}", _BUFFERING)
    elif lost:
        yield Finding(
            "broker",
            f"what {len(lost)} of {len(set(names))} processes publish does not reach the stream",
            "set the same DATASTAR_BROKER_URL and DATASTAR_BROKER_NAMESPACE in all of them, and look into their logs",
        )


def _check_silence(
    probe: Probe, stream: Arrivals, silence: float, keepalive: float, patience: float
) -> Iterator[Finding]:
    for _ in range(_REPORTS):
        # A process without a broker keeps it to itself.
        probe.publish(SILENCE)
        if stream.wait_for(lambda: "state silent" in stream.text, patience / _REPORTS) or stream.ended is not None:
            break
    length = len(stream.text)
    if stream.wait_for(lambda: "state closing" in stream.text, silence + patience):
        if not stream.wait_for(lambda: stream.ended is not None, patience) or stream.error:
            yield Finding("end", f"the stream does not end cleanly: {stream.error or 'it stays open'}", "see the log")
    elif stream.ended is not None:
        seconds = stream.ended - stream.arrived
        yield Finding(
            "time-out",
            f"the stream is broken off after {seconds:.1f} seconds of silence, and a keep-alive comes after "
            f"{keepalive:g}",
            "nginx: raise proxy_read_timeout above it (60s is its default); or lower DATASTAR_KEEPALIVE_SECONDS",
        )
    elif len(stream.text) == length:
        yield Finding("buffering", f"keep-alives are held back{_served_by(stream)}", _BUFFERING)


def _served_by(stream: Arrivals) -> str:
    server = stream.headers.get("Server")
    return f" (Server: {server})" if server else ""
