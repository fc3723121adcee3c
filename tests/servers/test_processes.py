"""Applications that are loaded before the fork, and servers of several processes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.servers.clients import Client
from tests.servers.cluster import only
from tests.servers.crowd import Crowd
from tests.servers.serving import Server, wait_until

PRELOADED = ("--preload", "--workers", "2")


def broadcast(crowd: Crowd, first: int) -> int:
    """Broadcast one number, and give the worker that did."""
    return int(crowd.ask("/broadcast", method="POST", topic="news", first=first, count=1).body)


@pytest.mark.parametrize("kind", ["gevent", "gthread"])
def test_preloaded_workers_have_streams_of_their_own(start: Callable[..., Server], kind: str) -> None:
    server = start(kind, *PRELOADED, EXTRA_DATASTAR_BROKER_URL='"memory://"', EXTRA_STREAM_AT_IMPORT="true")
    wait_until(lambda: len(server.worker_pids()) == 2, server.log)
    streams: dict[int, list[Client]] = {}
    with Crowd(server.port) as crowd:
        for pid in server.worker_pids():
            with only(server, pid):
                opened = [crowd.open(path, topic="news") for path in ("/ds/t/follow", "/ds/t/forward")]
                crowd.wait_open(opened)
                assert f'"pid":{pid}' in opened[0].text
                streams[pid] = opened
        for number, pid in enumerate(streams):
            with only(server, pid):
                assert broadcast(crowd, number) == pid
                crowd.wait(lambda pid=pid, n=number: all(f'"n":{n},' in s.text for s in streams[pid]), "the event")
        for number, pid in enumerate(streams):
            assert not any(f'"n":{1 - number},' in stream.text for stream in streams[pid])

        # One is noticed to leave, the other ends with the worker.
        for pid, (one, _) in streams.items():
            crowd.leave(one)
            with only(server, pid):
                wait_until(lambda: server.figures()["stats"]["ended"] == {"left": 1}, lambda: server.figures())
        server.begin_stop()
        rest = [other for _, other in streams.values()]
        crowd.wait(lambda: all(stream.is_ended for stream in rest), "the end of the others")
        server.wait_stopped()
    assert all(stream.ids[-1].startswith("ds:restart:0:") for stream in rest)
    log = server.log()
    assert "Traceback" not in log, log
    # Once for each process.
    assert log.count("a broadcast reaches the streams of its own process only") == 2


def test_several_workers_without_a_broker_open_no_stream(start: Callable[..., Server]) -> None:
    server = start("gevent", "--workers", "2")
    with Crowd(server.port) as crowd:
        for path in ("/ds/t/follow", "/ds/t/listen"):
            answer = crowd.open(path, topic="news")
            crowd.wait(lambda answer=answer: answer.is_ended, "the answer")
            assert answer.status == 500
    server.kill()
    log = server.log()
    assert log.count("SetupError: this server runs several processes") == 2
    assert "DATASTAR_BROKER_URL" in log
