"""Direct writes: what takes them, what does not, and that they arrive whole and in order."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from flask_datastar.brokers.payload import Payload
from flask_datastar.hub.direct import DirectWriter, direct_writer
from tests.conftest import MakeApp
from tests.streams.scripts import direct_checks
from tests.support.streams import hub_for
from tests.transport.checks import ROOT, all_checks, run_check

gevent_socket = pytest.importorskip("gevent.socket")
wsgi = pytest.importorskip("gunicorn.http.wsgi")

CERTIFICATE = ROOT / "tests/transport/scripts/localhost.pem"


@all_checks(direct_checks, "gevent")
def test_direct_writes_arrive(kind: str, name: str) -> None:
    run_check(direct_checks, kind, name)


class Exchange:
    """One request to gunicorn, without its worker: its own classes over a pair of sockets."""

    def __init__(self, request: str = "GET / HTTP/1.1") -> None:
        theirs, self.client = socket.socketpair()
        self.server = gevent_socket.socket(theirs.family, theirs.type, theirs.proto, theirs.detach())
        self.client.sendall(f"{request}\r\nHost: localhost\r\n\r\n".encode())
        self.response, self.environ = direct_checks.read_request(self.server)

    def writer(self) -> DirectWriter:
        self.response.start_response("200 OK", [("Content-Type", "text/event-stream")])
        writer = direct_writer(self.environ, self.response.start_response)
        assert writer is not None
        return writer

    def received(self) -> bytes:
        """Give what has come, without waiting."""
        data = b""
        try:
            while part := self.client.recv(1 << 20, socket.MSG_DONTWAIT):
                data += part
        except BlockingIOError:
            pass
        return data

    def close(self) -> None:
        self.server.close()
        self.client.close()


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    made = Exchange()
    yield made
    made.close()


@pytest.mark.parametrize("protocol", ["HTTP/1.1", "HTTP/1.0"])
def test_frame_is_the_server_s_own(protocol: str) -> None:
    data = b"event: datastar-patch-elements\ndata: elements <p>\xc3\xa9</p>\n\n" * 20
    exchange = Exchange(f"GET / {protocol}")
    writer = exchange.writer()
    exchange.response.write(b": open\n\n")
    exchange.received()
    exchange.response.write(data)
    expected = exchange.received()
    sent = exchange.response.sent

    assert writer.write(Payload(data)) is True

    assert (writer.rest, exchange.received()) == (None, expected)
    # For its access log, which is told once the stream wakes up.
    writer.report()
    assert exchange.response.sent == sent + len(data)
    exchange.close()


def test_chunk_is_made_once() -> None:
    payload = Payload(b"x" * 26)

    assert payload.chunk == b"1A\r\n" + b"x" * 26 + b"\r\n"
    assert payload.chunk is payload.chunk


def test_rest_of_a_short_write_is_kept(exchange: Exchange) -> None:
    writer = exchange.writer()
    payload = Payload(b"x" * 4_000_000)

    assert writer.write(payload) is True

    assert writer.rest is not None
    assert 0 < len(writer.rest) < len(payload.chunk)
    assert exchange.received() + writer.rest == payload.chunk
    # Shared by all that did not take it whole, not a copy for each.
    assert writer.rest.obj is payload.chunk


def test_full_connection_takes_nothing(exchange: Exchange) -> None:
    writer = exchange.writer()
    direct_checks.fill(exchange.server)
    sent = exchange.response.sent

    assert writer.write(Payload(b"x")) is False
    assert (writer.rest, exchange.response.sent) == (None, sent)


def test_broken_connection_is_known(exchange: Exchange) -> None:
    writer = exchange.writer()
    exchange.client.close()

    assert writer.write(Payload(b"x")) is None


def test_stream_writes_directly_only_while_it_is_parked(make_app: MakeApp, exchange: Exchange) -> None:
    stream = new_stream(make_app)
    stream.direct = exchange.writer()
    stream.put(Payload(b"first", "row-1"))
    assert (stream.waiting, exchange.received()) == (1, b"")

    stream.is_parked = True
    stream.put(Payload(b"second", "row-2"))
    # Nothing overtakes what waits.
    assert (stream.waiting, exchange.received()) == (2, b"")
    assert stream.take() == b"firstsecond"

    stream.put(Payload(b"third", "row-3"))
    assert (stream.waiting, exchange.received()) == (0, b"5\r\nthird\r\n")
    assert stream.last_id == "row-3"


def test_stream_queues_what_its_connection_does_not_take(make_app: MakeApp, exchange: Exchange) -> None:
    stream = new_stream(make_app)
    stream.direct = exchange.writer()
    direct_checks.fill(exchange.server)
    stream.is_parked = True
    stream.wakeup.clear()

    stream.put(Payload(b"first", "row-1"))

    assert (stream.waiting, stream.last_id) == (1, "")
    assert stream.wakeup.wait(0)


def test_stream_is_woken_for_the_rest_and_queues_what_comes_meanwhile(make_app: MakeApp, exchange: Exchange) -> None:
    stream = new_stream(make_app)
    stream.direct = exchange.writer()
    stream.is_parked = True
    stream.wakeup.clear()

    stream.put(Payload(b"x" * 4_000_000, "row-1"))
    assert stream.direct.rest
    assert stream.wakeup.wait(0)
    exchange.received()
    stream.put(Payload(b"later"))

    assert (stream.waiting, stream.last_id, exchange.received()) == (1, "row-1", b"")


def test_stream_whose_connection_is_broken_has_been_left(make_app: MakeApp, exchange: Exchange) -> None:
    stream = new_stream(make_app)
    stream.direct = exchange.writer()
    stream.is_parked = True
    exchange.client.close()

    stream.put(Payload(b"x"))

    assert (stream.is_gone, stream.reason, stream.waiting) == (True, "left", 0)


def new_stream(make_app: MakeApp) -> Any:
    return hub_for(make_app(DATASTAR_MAX_QUEUED_BYTES=10_000_000)).new_stream()


# What is refused


class Response:
    """Named as gunicorn's, and none of it."""

    def start_response(self, status: str, headers: object) -> None: ...


def other_class(exchange: Exchange) -> tuple[dict[str, Any], Any]:
    response = Response()
    response.sock = exchange.server  # type: ignore[attr-defined]
    return exchange.environ, response.start_response


def subclass(exchange: Exchange) -> tuple[dict[str, Any], Any]:
    class Counting(wsgi.Response):  # type: ignore[misc, name-defined]
        pass

    Counting.__module__ = wsgi.__name__
    return exchange.environ, Counting(exchange.response.req, exchange.server, exchange.response.cfg).start_response


def function(exchange: Exchange) -> tuple[dict[str, Any], Any]:
    # What a middleware puts in front of the server's.
    return exchange.environ, lambda *arguments: exchange.response.start_response(*arguments)


def no_socket(exchange: Exchange) -> tuple[dict[str, Any], Any]:
    environ = {name: value for name, value in exchange.environ.items() if name != "gunicorn.socket"}
    return environ, exchange.response.start_response


def other_socket(exchange: Exchange) -> tuple[dict[str, Any], Any]:
    return {**exchange.environ, "gunicorn.socket": exchange.client}, exchange.response.start_response


def plain_socket(exchange: Exchange) -> tuple[dict[str, Any], Any]:
    exchange.response.sock = exchange.client
    return other_socket(exchange)


def tls(exchange: Exchange) -> tuple[dict[str, Any], Any]:
    from gevent import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    exchange.server = context.wrap_socket(exchange.server, server_side=True, do_handshake_on_connect=False)
    exchange.response.sock = exchange.server
    return {**exchange.environ, "gunicorn.socket": exchange.server}, exchange.response.start_response


def http_2(exchange: Exchange) -> tuple[dict[str, Any], Any]:
    return {**exchange.environ, "SERVER_PROTOCOL": "HTTP/2"}, exchange.response.start_response


def head(exchange: Exchange) -> tuple[dict[str, Any], Any]:
    return {**exchange.environ, "REQUEST_METHOD": "HEAD"}, exchange.response.start_response


@pytest.mark.parametrize(
    "change", [other_class, subclass, function, no_socket, other_socket, plain_socket, tls, http_2, head]
)
def test_anything_but_plain_gunicorn_is_refused(exchange: Exchange, change: Any) -> None:
    assert direct_writer(exchange.environ, exchange.response.start_response) is not None

    assert direct_writer(*change(exchange)) is None
