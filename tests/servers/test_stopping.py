"""A worker that stops ends its streams cleanly, spreads their return, and is gone soon."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.clients import Client
from tests.servers.crowd import Crowd
from tests.servers.serving import Server, wait_until

#: What the end of a process takes at the most, with clients that keep their connections: 2.5, and more where others use
#: the machine, too. Without the streams' help it would take as long as gunicorn waits for a next request, or longer.
STOP_SECONDS = 5
#: A pause of a busy machine makes one of them late, not all.
ATTEMPTS = 3
KEEP_ALIVE = ("--keep-alive", "20")
FIRST_RETURN_MS, LAST_RETURN_MS = 1500, 5000


def open_both_kinds(crowd: Crowd, count: int, **options: object) -> list[Client]:
    half = count // 2
    streams = crowd.open_streams(half, "/ds/t/follow", topic="news", **options)
    return streams + crowd.open_streams(count - half, "/ds/t/forward", topic="news", **options)


def check_told_to_return(streams: list[Client]) -> None:
    """Check the last words of each: the clients have checked already that the body ends cleanly after them."""
    for stream in streams:
        assert stream.ids[-1].startswith("ds:restart:0:")
        assert stream.blocks[-1].startswith(b"id: ds:restart")
        assert len(stream.retries) == 1
        assert FIRST_RETURN_MS <= stream.retries[0] <= LAST_RETURN_MS
    # Each its own, or they would all come back at the same moment.
    assert len({stream.retries[0] for stream in streams}) > len(streams) / 2


def wait_until_gone(pid: int) -> float:
    wait_until(lambda: not Path(f"/proc/{pid}/exe").exists(), f"the end of process {pid}")
    return time.monotonic()


def check_gone_soon(stop: Callable[[], tuple[float, float]]) -> None:
    """Stop a server; again if it takes long.

    :param stop: gives how long the server took to start and to be in use, and how long to end. A machine on which the
        one takes longer has as much time for the other.
    """
    for _ in range(ATTEMPTS):
        start_seconds, exit_seconds = stop()
        print(f"the process was gone within {exit_seconds:.2f} s, and had started within {start_seconds:.2f} s")
        if exit_seconds < max(STOP_SECONDS, start_seconds):
            return
    pytest.fail(f"the process was not gone soon: {exit_seconds} s")


@pytest.mark.parametrize(("kind", "count"), [("gevent", 1000), ("gthread", 30), ("flask", 30)])
def test_streams_of_a_server_that_stops_end_cleanly(start: Callable[..., Server], kind: str, count: int) -> None:
    def stop() -> tuple[float, float]:
        started = time.monotonic()
        server = start(kind, *(KEEP_ALIVE if kind != "flask" else ()))
        with Crowd(server.port) as crowd:
            streams = open_both_kinds(crowd, count)
            # The development server breaks a connection whose thread it is just starting when Ctrl-C comes: no stream.
            crowd.ask("/ready")

            begin = server.begin_stop()
            crowd.wait(lambda: all(stream.is_ended for stream in streams), "the end of all streams")
            # Nobody has closed a connection so far.
            end = server.wait_stopped()

        print(f"{kind}: {count} streams ended within {max(stream.ended_at for stream in streams) - begin:.2f} s")
        check_told_to_return(streams)
        assert "Traceback" not in server.log(), server.log()
        return begin - started, end - begin

    check_gone_soon(stop)


@pytest.mark.parametrize("kind", ["gevent", "gthread"])
def test_clients_that_do_not_read_hold_no_worker_that_stops(start: Callable[..., Server], kind: str) -> None:
    def stop() -> tuple[float, float]:
        started = time.monotonic()
        server = start(kind, *KEEP_ALIVE, send_buffer=4096)
        with Crowd(server.port) as crowd:
            silent = open_both_kinds(crowd, 4, receive_buffer=4096)
            for stream in silent:
                crowd.pause(stream)
            # More than the connections take, less than the queues.
            crowd.ask("/broadcast", method="POST", topic="news", count=10, size=50_000)
            stats = server.figures()["stats"]
            assert (stats["open"], stats["dropped"]) == (4, 0)

            begin = server.begin_stop()
            end = server.wait_stopped()

        assert "Traceback" not in server.log(), server.log()
        return begin - started, end - begin

    # They are given a second to take their last words.
    check_gone_soon(stop)


@pytest.mark.parametrize("kind", ["gevent", "gthread"])
@pytest.mark.parametrize("way", ["hup", "max_requests"])
def test_streams_of_a_worker_that_is_replaced_end_cleanly(start: Callable[..., Server], kind: str, way: str) -> None:
    def stop() -> tuple[float, float]:
        started = time.monotonic()
        server = start(kind, *KEEP_ALIVE, *(["--max-requests", "40"] if way == "max_requests" else []))
        with Crowd(server.port) as crowd:
            streams = open_both_kinds(crowd, 20)
            pid = int(crowd.ask("/broadcast", method="POST", topic="other", count=0).body)

            begin = time.monotonic()
            start_seconds = begin - started
            if way == "hup":
                server.process.send_signal(signal.SIGHUP)
            else:
                # 22 were made so far: one to see that it is there, the streams, and the one above.
                for _ in range(18):
                    crowd.ask("/ready")
            crowd.wait(lambda: all(stream.is_ended for stream in streams), "the end of all streams")
            begin = max(begin, min(stream.ended_at for stream in streams))
            end = wait_until_gone(pid)

            check_told_to_return(streams)
            # The next worker takes them.
            crowd.open_streams(2, "/ds/t/follow", topic="news", last_id=streams[0].ids[-1])
            assert int(crowd.ask("/broadcast", method="POST", topic="news", count=1).body) != pid
        server.kill()
        assert "Traceback" not in server.log(), server.log()
        return start_seconds, end - begin

    check_gone_soon(stop)


@pytest.mark.parametrize("kind", ["gevent", "gthread"])
def test_generator_handler_is_finished_before_the_worker_stops(start: Callable[..., Server], kind: str) -> None:
    server = start(kind)
    with Crowd(server.port) as crowd:
        streams = open_both_kinds(crowd, 4)
        # It goes on when they have ended: none of them waits for it.
        work = crowd.open("/ds/t/work", method="POST", streams=len(streams))
        crowd.wait(lambda: "begun" in work.text, "the first step")

        server.begin_stop()
        crowd.wait(lambda: all(stream.is_ended for stream in streams), "the end of all streams")
        crowd.wait(lambda: work.is_ended, "the end of the handler")
        crowd.leave(work)
        server.wait_stopped()

    check_told_to_return(streams)
    assert [f'"step":{step}' in work.text for step in (*range(6), '"last"')] == [True] * 7
    assert "Traceback" not in server.log(), server.log()


def test_stream_that_comes_while_the_worker_stops_is_sent_back(start: Callable[..., Server]) -> None:
    server = start("gevent", *KEEP_ALIVE)
    with Crowd(server.port) as crowd:
        # A connection that stays open for a next request, when new ones are not accepted any more.
        first = crowd.open("/ready")
        # It holds the worker until both streams have ended, the late one, too.
        work = crowd.open("/ds/t/work", method="POST", streams=2)
        crowd.wait(lambda: first.is_ended and "begun" in work.text, "both")
        # Ended together with all others, before the late one comes.
        (early,) = crowd.open_streams(1, "/ds/t/follow", topic="news")

        server.begin_stop()
        crowd.wait(lambda: early.is_ended, "the worker's knowledge that it stops")
        stream = Client(server.port, "/ds/t/listen", connection=first.socket, topic="news")
        crowd.add(stream)
        crowd.wait(lambda: stream.is_ended, "the end of the stream")

        assert stream.status == 200
        check_told_to_return([stream])
        crowd.wait(lambda: work.is_ended, "the end of the handler")
    assert '"step":"last"' in work.text
    server.wait_stopped()
