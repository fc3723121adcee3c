"""Checks of ``flask_datastar.transport.leaving`` and its watchers, with real sockets."""

from __future__ import annotations

import os
import random
import socket
import ssl
import struct
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from flask_datastar.testing.waiting import DEADLINE_SECONDS, run_all, wait_until
from flask_datastar.transport import watchers
from flask_datastar.transport.leaving import connection_of, set_user_timeout, shut, shut_for_reading, watch
from flask_datastar.transport.wakeups import is_gevent, make_wakeup, spawn
from tests.support.checks import Counter, Records, finish_child, run_in_child, start_child

#: The most on a busy machine, where 0.1 s is promised on an idle one, in the best of some attempts.
NOTICED_SECONDS = 1
ATTEMPTS = 10
CERTIFICATE = Path(__file__).with_name("localhost.pem")


def peeks() -> bool:
    """Whether the watcher of systems without epoll is checked."""
    return sys.argv[1].endswith("-peek")


def tcp_pairs(count: int, stack: ExitStack) -> list[tuple[socket.socket, socket.socket]]:
    """Give connected pairs: the server's side, the client's side."""
    pairs = []
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        for _ in range(count):
            client = stack.enter_context(socket.create_connection(listener.getsockname()))
            pairs.append((stack.enter_context(listener.accept()[0]), client))
    return pairs


def fence() -> None:
    """Return when the watcher has reported what happened before."""
    with ExitStack() as stack:
        [(server, client)] = tcp_pairs(1, stack)
        counter = Counter()
        assert watch(server, counter) is not None
        client.close()
        assert counter.wait()


def check_client_that_has_left_before_is_noticed_at_once() -> None:
    with ExitStack() as stack:
        # One has sent its next request before; the other connection is broken.
        [(server, client), (broken, breaking)] = tcp_pairs(2, stack)
        client.sendall(b"GET / HTTP/1.1")
        client.close()
        breaking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        breaking.close()
        for left in (server, broken) if not peeks() else (broken,):
            wait_until(lambda left=left: watchers.Watch(left, Counter(), watchers.current_watcher()).has_left())
            counter = Counter()
            assert watch(left, counter) is not None
            assert len(counter.calls) == 1
        assert watchers.current_watcher()._watches == {}


def check_clients_that_leave_together_are_noticed_at_once() -> None:
    # A pause of the machine is no lateness of the watcher, which would be late each time.
    seconds = [leave_together() for _ in range(2)]
    while min(seconds) >= NOTICED_SECONDS and len(seconds) < ATTEMPTS:
        seconds.append(leave_together())
    assert min(seconds) < NOTICED_SECONDS, seconds


def leave_together() -> float:
    """Let many clients leave, and give the seconds until the last one is noticed."""
    with ExitStack() as stack:
        pairs = tcp_pairs(200, stack)
        all_left = Counter(200)
        counters = [Counter() for _ in pairs]
        for (server, _), counter in zip(pairs, counters, strict=True):
            assert watch(server, lambda counter=counter: (counter(), all_left())) is not None

        begin = time.monotonic()
        for _, client in pairs:
            client.close()

        assert all_left.wait()
        fence()
        assert [len(counter.calls) for counter in counters] == [1] * 200
        assert watchers.current_watcher()._watches == {}
        return max(all_left.calls) - begin


def check_unread_bytes_do_not_wake_the_watcher() -> None:
    for make in (lambda stack: tcp_pairs(1, stack)[0], lambda _: socket.socketpair()):
        with ExitStack() as stack:
            server, client = make(stack)
            counter = Counter()
            with server, client:
                assert watch(server, counter) is not None
                client.sendall(b"GET /next HTTP/1.1\r\n\r\n")
                fence()
                used, begin = time.process_time(), time.monotonic()
                assert not counter.wait(0.3)
                assert time.process_time() - used < 0.5 * (time.monotonic() - begin)

                client.shutdown(socket.SHUT_WR)
                if peeks():
                    # This one cannot see the end behind the bytes. Keep-alives do, or the server that reads them.
                    assert server.recv(100) == b"GET /next HTTP/1.1\r\n\r\n"
                assert counter.wait()
                if not peeks():
                    assert server.recv(100) == b"GET /next HTTP/1.1\r\n\r\n"


def check_connection_that_breaks_is_noticed() -> None:
    with ExitStack() as stack:
        [(server, client)] = tcp_pairs(1, stack)
        counter = Counter()
        assert watch(server, counter) is not None
        client.sendall(b"unread")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

        assert counter.wait()


def tls_pair(stack: ExitStack) -> tuple[ssl.SSLSocket, ssl.SSLSocket, socket.socket]:
    """Give both ends, and the client's bare socket."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(CERTIFICATE)
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    [(bare_server, bare_client)] = tcp_pairs(1, stack)
    ends: dict[str, ssl.SSLSocket] = {}
    run_all(
        [
            lambda: ends.update(server=server_context.wrap_socket(bare_server, server_side=True)),
            lambda: ends.update(client=client_context.wrap_socket(bare_client)),
        ]
    )
    server, client = stack.enter_context(ends["server"]), stack.enter_context(ends["client"])
    # The handshake's last messages (session tickets) are read with the first bytes.
    server.sendall(b"hello")
    assert client.recv(100) == b"hello"
    bare = stack.enter_context(socket.socket(fileno=os.dup(client.fileno())))
    return server, client, bare


def check_tls_client_that_leaves_is_noticed() -> None:
    with ExitStack() as stack:
        server, client, bare = tls_pair(stack)
        counter = Counter()
        assert watch(server, counter) is not None
        client.sendall(b"unread")
        fence()
        assert counter.calls == []
        if peeks():
            assert server.recv(100) == b"unread"
        bare.shutdown(socket.SHUT_RDWR)

        assert counter.wait()


def check_tls_goes_on_writing_after_it_is_shut_for_reading() -> None:
    with ExitStack() as stack:
        server, client, _ = tls_pair(stack)
        shut_for_reading(server)
        server.sendall(b"the last event")

        assert server.version() is not None
        assert client.recv(100) == b"the last event"
        # An end without TLS's own farewell, as of a client that went away.
        server.settimeout(DEADLINE_SECONDS)
        with suppress(ssl.SSLEOFError):
            assert server.recv(1) == b""


def check_shut_for_reading_ends_the_server_s_wait_only() -> None:
    with ExitStack() as stack:
        [(server, client)] = tcp_pairs(1, stack)
        shut_for_reading(server)
        server.settimeout(DEADLINE_SECONDS)

        assert server.recv(1) == b""
        server.sendall(b"the last event")
        assert client.recv(100) == b"the last event"
        server.close()
        shut_for_reading(server)
        set_user_timeout(server, 1)


def check_writer_that_is_stuck_is_let_go() -> None:
    for make in (lambda stack: tcp_pairs(1, stack)[0], lambda stack: tls_pair(stack)[:2]):
        with ExitStack() as stack:
            server, _client = make(stack)
            failed, written = Counter(), Counter(2)

            def write(server: Any = server, failed: Counter = failed, written: Counter = written) -> None:
                try:
                    while True:
                        server.sendall(b"x" * 65536)
                        written()
                except OSError:
                    failed()

            spawn(write, "writer")
            assert written.wait()
            assert not failed.wait(0.05)
            shut(server)

            assert failed.wait()
            server.close()
            shut(server)


def check_user_timeout_is_set_where_it_can_be() -> None:
    with ExitStack() as stack:
        [(server, _)] = tcp_pairs(1, stack)
        tls, _, _ = tls_pair(stack)
        set_user_timeout(server, 50.0004)
        set_user_timeout(tls, 1.5)
        set_user_timeout(server, 1e300)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert server.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 50_000
            assert tls.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1500
        one, other = socket.socketpair()
        with one, other:
            set_user_timeout(one, 50)


def check_client_that_left_before_is_noticed() -> None:
    with ExitStack() as stack:
        [(server, client)] = tcp_pairs(1, stack)
        client.close()
        counter = Counter()
        assert watch(server, counter) is not None

        assert counter.wait()


def check_cancelled_watch_stays_silent() -> None:
    with ExitStack() as stack:
        [(server, client), (second, second_client)] = tcp_pairs(2, stack)
        counter, again, other = Counter(), Counter(), Counter()
        watched = watch(server, counter)
        assert watched is not None
        assert watch(second, other) is not None
        watched.cancel()
        watched.cancel()
        # The connection's next request.
        assert watch(server, again) is not None
        client.close()
        second_client.close()

        assert again.wait()
        assert other.wait()
        fence()
        assert counter.calls == []
        watched.cancel()


def check_what_cannot_be_watched_is_refused() -> None:
    with ExitStack() as stack:
        [(server, client), (closed, _)] = tcp_pairs(2, stack)
        counter = Counter()
        closed.close()
        assert watch(closed, counter) is None
        with CERTIFICATE.open() as file:
            assert watch(file, counter) is None
        assert watch(server, counter) is not None
        assert watch(server, lambda: None) is None
        client.close()
        assert counter.wait()


def check_error_of_a_callback_is_logged() -> None:
    def fail() -> None:
        raise LookupError

    with ExitStack() as stack, Records() as records:
        [(server, client), (other, other_client)] = tcp_pairs(2, stack)
        counter = Counter()
        assert watch(server, fail) is not None
        client.close()
        assert watch(other, counter) is not None
        other_client.close()
        assert counter.wait()
        wait_until(lambda: records.texts)
        assert len(records.texts) == 1
        assert "fail" in records.texts[0]


def check_descriptor_is_used_again() -> None:
    with ExitStack() as stack:
        for cancel in (True, False):
            [(server, client), (second, second_client)] = tcp_pairs(2, stack)
            old, new = Counter(), Counter()
            watched = watch(server, old)
            assert watched is not None
            descriptor = server.fileno()
            # A free number below would be given out first.
            filler = []
            if cancel:
                watched.cancel()
            server.close()
            while True:
                filler.append(os.dup(second.fileno()))
                if filler[-1] == descriptor:
                    break
            second.close()
            newer = socket.socket(fileno=descriptor)
            for number in filler[:-1]:
                os.close(number)
            assert watch(newer, new) is not None
            client.close()
            watched.cancel()
            # What was reported for the old connection is looked at only now.
            watchers.current_watcher().report([descriptor, 99_999])
            fence()
            assert (old.calls, new.calls) == ([], [])

            second_client.close()
            assert new.wait()
            assert old.calls == []
            newer.close()


def check_connections_come_and_go() -> None:
    """Descriptors are used over and over; nobody's callback is called for somebody else."""
    rounds, workers = (10, 2) if peeks() else (300, 4)
    wrong: list[str] = []

    def work(number: int) -> None:
        chance = random.Random(number)
        with ExitStack() as stack:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            for _ in range(rounds):
                client = socket.create_connection(listener.getsockname())
                server = listener.accept()[0]
                left, counter = [False], Counter()

                def called(left: list[bool] = left, counter: Counter = counter) -> None:
                    counter()
                    if not left[0]:
                        wrong.append("called although the client was there")

                watched = watch(server, called)
                if watched is None:
                    wrong.append("not watched")
                    continue
                what = chance.choice(["leave", "cancel", "both", "close"])
                if what in ("leave", "both"):
                    left[0] = True
                    client.close()
                if what == "leave" and not counter.wait():
                    wrong.append("not called")
                if what != "close":
                    watched.cancel()
                server.close()
                if what == "close":
                    watched.cancel()
                client.close()
                if len(counter.calls) > 1:
                    wrong.append("called twice")

    run_all([lambda number=number: work(number) for number in range(workers)])
    fence()
    assert wrong == []
    assert watchers.current_watcher()._watches == {}


def check_report_that_comes_after_a_cancel_calls_nobody() -> None:
    with ExitStack() as stack:
        [(server, client)] = tcp_pairs(1, stack)
        counter = Counter()
        watched = watch(server, counter)
        assert watched is not None
        watched.cancel()
        client.close()
        watched.fire()
        watchers.current_watcher().report([server.fileno()])

        assert counter.calls == []


def check_report_that_was_none_does_not_end_the_watch() -> None:
    if peeks():
        return
    with ExitStack() as stack:
        [(server, client)] = tcp_pairs(1, stack)
        counter = Counter()
        assert watch(server, counter) is not None
        watcher = watchers.current_watcher()
        assert isinstance(watcher, watchers.EpollWatcher)
        # As a report leaves it, which comes once.
        watcher._epoll.modify(server.fileno(), 0)
        watcher.report([server.fileno()])
        client.close()

        assert counter.wait()


def check_peek_tells_the_end_from_silence() -> None:
    with ExitStack() as stack:
        [(server, client)] = tcp_pairs(1, stack)
        assert not watchers._is_at_end(server)
        client.sendall(b"x")
        wait_until(lambda: server.recv(1, socket.MSG_PEEK))
        assert not watchers._is_at_end(server)
        assert server.recv(1) == b"x"
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        assert watchers._is_at_end(server)  # broken
        assert watchers._is_at_end(server)  # at its end


def check_connection_closed_on_this_side_is_forgotten() -> None:
    with ExitStack() as stack:
        [(server, _)] = tcp_pairs(1, stack)
        counter = Counter()
        assert watch(server, counter) is not None
        descriptor = server.fileno()
        server.close()
        watchers.current_watcher().report([descriptor])

        assert counter.calls == []
        assert watchers.current_watcher()._watches == {}


def check_forked_child_watches_for_itself() -> None:
    with ExitStack() as stack:
        [(server, client), (second, second_client)] = tcp_pairs(2, stack)
        counter, other = Counter(), Counter()
        watched = watch(server, counter)
        assert watched is not None
        assert watch(second, other) is not None
        fence()
        watcher = watchers.current_watcher()
        readable, writable = os.pipe()

        def child() -> None:
            assert watchers.current_watcher() is not watcher
            # Nothing of this may disturb the parent, although the epoll and the connections are one.
            watched.cancel()
            client.shutdown(socket.SHUT_WR)
            second_client.shutdown(socket.SHUT_WR)
            fence()
            fence()
            assert counter.calls == other.calls == []
            os.write(writable, b"x")

        process = start_child(child)
        # gevent's hub stands still here, so the child has every chance to take what is the parent's.
        assert os.read(readable, 1) == b"x"
        assert counter.wait()
        assert other.wait()
        finish_child(process)
        os.close(readable)
        os.close(writable)


def check_child_forked_before_the_first_use_watches() -> None:
    run_in_child(fence)
    fence()


def check_servers_give_their_connection() -> None:
    with ExitStack() as stack:
        [(server, _)] = tcp_pairs(1, stack)
        assert connection_of({"gunicorn.socket": server}) is server
        assert connection_of({"werkzeug.socket": server}) is server
        assert connection_of({"gunicorn.sock": server}) is server
        assert connection_of({"werkzeug.socket": None, "wsgi.input": object()}) is None
        assert connection_of({}) is None


def check_client_of_a_real_server_is_noticed() -> None:
    left, found = Counter(), []
    may_end = make_wakeup()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        connection = connection_of(environ)
        assert connection is not None
        found.append(watch(connection, left))
        start_response("200 OK", [("Content-Length", "2")])
        # The client leaves while the answer is being made.
        asked.set()
        may_end.wait(DEADLINE_SECONDS)
        return [b"ok"]

    asked = make_wakeup()
    if is_gevent():
        from gevent.pywsgi import WSGIServer

        server: Any = WSGIServer(("127.0.0.1", 0), application, log=None, error_log=None)
        server.start()
        address, stop = ("127.0.0.1", server.server_port), server.stop
    else:
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log_request(self, *arguments: object) -> None: ...

        server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
        spawn(server.serve_forever, "server")
        address, stop = ("127.0.0.1", server.server_port), lambda: (server.shutdown(), server.server_close())
    with socket.create_connection(address) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert asked.wait(DEADLINE_SECONDS)
        assert left.calls == []
    noticed = left.wait()
    may_end.set()
    stop()
    assert noticed
    assert found[0] is not None


def check_idle_watcher_does_not_hold_the_program() -> None:
    if is_gevent() and not peeks():
        from gevent import get_hub

        with ExitStack() as stack:
            [(server, _)] = tcp_pairs(1, stack)
            assert watch(server, print) is not None
            fence()
            assert get_hub().join(DEADLINE_SECONDS)
