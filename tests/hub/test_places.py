"""How many streams there may be: of one scope, of one client address, of one process, and who comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_datastar import Datastar
from flask_datastar.transport import worker
from tests.conftest import MakeApp
from tests.support.streams import Connect, assert_nothing_is_left
from tests.support.wsgi import call


def make_streams(make_app: MakeApp, **config: Any) -> Flask:
    """Make an app with a stream for each scope that the URL names, or none."""
    datastar = Datastar()
    app = make_app(datastar, **{f"DATASTAR_{key}": value for key, value in config.items()})

    @app.get("/feed")
    def feed() -> Any:
        return datastar.start_stream(request.args.get("scope"), datastar.follow("news"))

    return app


def ask(app: Flask, path: str, **options: Any) -> int:
    """Ask for a stream that nobody iterates, and give the status."""
    status, _, body = call(app, path, **options)
    body.close()
    return status


# Of one scope


@pytest.mark.parametrize("page", ["p", "q"])
def test_page_that_opens_more_streams_than_its_scope_may_have_is_answered_503(
    make_app: MakeApp, connect: Connect, caplog: pytest.LogCaptureFixture, page: str
) -> None:
    app = make_streams(make_app, MAX_STREAMS_PER_SCOPE=2)
    streams = [connect(f"/feed?scope=ann&n={number}", app=app, signals={"tabId": "t.p"}) for number in range(2)]
    for stream in streams:
        stream.wait_open()

    # Its client asks again and again, each time later.
    statuses = [ask(app, "/feed?scope=ann&n=2", signals={"tabId": f"t.{page}"}) for _ in range(3)]

    if page == "q":
        # A new page of the tab takes the places of the old one.
        assert statuses == [200, 200, 200]
        return
    assert statuses == [503, 503, 503]
    assert caplog.text.count("DATASTAR_MAX_STREAMS_PER_SCOPE") == 1
    assert not any(stream.has_ended for stream in streams)
    # The same stream of the page, asked for again, takes the place of its own.
    assert connect("/feed?scope=ann&n=1", app=app, signals={"tabId": "t.p"}).wait_open().status == 200


def test_hand_written_tab_id_takes_the_place_of_its_own(make_app: MakeApp, connect: Connect) -> None:
    app = make_streams(make_app, MAX_STREAMS_PER_SCOPE=1)
    connect("/feed?scope=ann&n=0", app=app, signals={"tabId": "t"}).wait_open()

    assert connect("/feed?scope=ann&n=1", app=app, signals={"tabId": "t"}).wait_open().status == 200


# Of one process


class Crowd:
    """Streams that a server has started to iterate, without a thread for each; they wait for nothing."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._bodies: list[Any] = []
        #: What each that was let in has sent so far.
        self.sent: list[bytes] = []

    def open(self, scope: str = "", **options: Any) -> int:
        """Ask for a stream, take its first chunk, and give the status."""
        status, _, body = call(self._app, f"/feed?scope={scope}", **options)
        if status == 200:
            self._bodies.append(body)
            self.sent.append(next(body))
        return status

    def take_ended(self) -> list[int]:
        """Let the server find the ends of streams, and give which have ended since the last time."""
        ended = []
        for number, body in enumerate(self._bodies):
            if body is not None and body.stream.must_end:
                self.sent[number] += b"".join(body)
                body.close()
                self._bodies[number] = None
                ended.append(number)
        return ended

    def close(self) -> None:
        for body in self._bodies:
            if body is not None:
                body.close()


@pytest.fixture
def make_crowd(make_app: MakeApp) -> Iterator[Callable[..., Crowd]]:
    crowds: list[tuple[Flask, Crowd]] = []

    def make(**config: Any) -> Crowd:
        app = make_streams(make_app, **config)
        crowds.append((app, Crowd(app)))
        return crowds[-1][1]

    yield make
    for app, crowd in crowds:
        crowd.close()
        assert_nothing_is_left(app)


def test_anonymous_client_that_takes_all_places_keeps_nobody_with_a_scope_out(
    make_crowd: Callable[..., Crowd], caplog: pytest.LogCaptureFixture
) -> None:
    crowd = make_crowd()
    assert [crowd.open() for _ in range(900)] == [200] * 900
    assert crowd.open() == 503

    assert [crowd.open(f"user{number}") for number in range(300)] == [200] * 300
    ended = crowd.take_ended()

    # The newest ones, whose pages come back.
    assert ended == list(range(600, 900))
    assert all(b"\nretry: " in crowd.sent[number] and b"id: ds:restart:0:" in crowd.sent[number] for number in ended)
    assert crowd.open() == 503
    assert caplog.text.count("without a scope end") == 1
    assert caplog.text.count("which is the limit (DATASTAR_MAX_STREAMS)") == 2


def test_streams_without_a_scope_keep_their_share(make_crowd: Callable[..., Crowd]) -> None:
    crowd = make_crowd(MAX_STREAMS=10, SHARE_WITHOUT_SCOPE=0.35)
    assert [crowd.open() for _ in range(10)] == [200] * 10

    assert [crowd.open(f"user{number}") for number in range(8)] == [200] * 7 + [503]
    assert crowd.take_ended() == list(range(3, 10))
    assert crowd.open("user8") == 503
    assert crowd.open() == 503


def test_streams_with_a_scope_do_not_give_way_to_each_other(make_crowd: Callable[..., Crowd]) -> None:
    crowd = make_crowd(MAX_STREAMS=3)
    assert [crowd.open(f"user{number}") for number in range(4)] == [200, 200, 200, 503]
    assert crowd.open() == 503
    assert crowd.take_ended() == []


def test_refused_request_ends_no_stream(make_crowd: Callable[..., Crowd]) -> None:
    crowd = make_crowd(MAX_STREAMS=2, MAX_STREAMS_PER_SCOPE=1)
    assert [crowd.open("ann"), crowd.open()] == [200, 200]

    # Neither one above its own limit, nor one whose client leaves before its first byte.
    assert crowd.open("ann") == 503
    assert ask(crowd._app, "/feed?scope=bob") == 200
    assert crowd.take_ended() == []


def test_with_threads_one_place_is_made_at_a_time(
    make_crowd: Callable[..., Crowd], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A stream that has been told to end holds its thread until its client has read that.
    monkeypatch.setattr(worker, "thread_count", lambda: 5)
    crowd = make_crowd()
    assert [crowd.open() for _ in range(4)] == [200, 200, 200, 503]

    assert [crowd.open("ann"), crowd.open("bob")] == [200, 503]
    assert crowd.take_ended() == [2]
    assert crowd.open("bob") == 200


def test_address_that_has_the_most_gives_way_first(make_crowd: Callable[..., Crowd]) -> None:
    crowd = make_crowd(MAX_STREAMS=5)
    for address in ("198.51.100.1", "198.51.100.7", "198.51.100.7", "198.51.100.7", "198.51.100.2"):
        assert crowd.open(REMOTE_ADDR=address) == 200

    for scope in ("ann", "bob", "cem"):
        assert crowd.open(scope, REMOTE_ADDR="198.51.100.9") == 200
    # Two of the three, then the newest of those that have one each.
    assert crowd.take_ended() == [2, 3, 4]


# Of one client address


@pytest.mark.parametrize("is_new_visitor", [False, True])
def test_client_address_has_a_limit(
    make_crowd: Callable[..., Crowd], caplog: pytest.LogCaptureFixture, is_new_visitor: bool
) -> None:
    crowd = make_crowd()
    # Whoever drops its cookies is somebody else each time, where visitors have a scope, too.
    scopes = [f"visitor-{number}" if is_new_visitor else "" for number in range(900)]

    statuses = [crowd.open(scope, REMOTE_ADDR="203.0.113.7") for scope in scopes]

    assert statuses == [200] * 300 + [503] * 600
    assert caplog.text.count("DATASTAR_MAX_STREAMS_PER_ADDRESS") == 1
    assert crowd.open(REMOTE_ADDR="203.0.113.8") == 200


def test_place_of_an_address_is_free_when_its_stream_has_ended(make_crowd: Callable[..., Crowd]) -> None:
    crowd = make_crowd(MAX_STREAMS_PER_ADDRESS=1)
    assert [crowd.open(REMOTE_ADDR="203.0.113.7") for _ in range(2)] == [200, 503]
    crowd.close()

    assert crowd.open(REMOTE_ADDR="203.0.113.7") == 200


def test_address_of_a_proxy_is_no_client_s(make_crowd: Callable[..., Crowd]) -> None:
    crowd = make_crowd(MAX_STREAMS_PER_ADDRESS=2)

    statuses = [crowd.open(REMOTE_ADDR="203.0.113.7", HTTP_X_FORWARDED_FOR="198.51.100.1") for _ in range(4)]

    assert statuses == [200] * 4


def test_address_that_proxy_fix_found_is_the_client_s(make_crowd: Callable[..., Crowd]) -> None:
    crowd = make_crowd(MAX_STREAMS_PER_ADDRESS=2)
    crowd._app.wsgi_app = ProxyFix(crowd._app.wsgi_app)  # type: ignore[method-assign]

    def open_from(address: str) -> int:
        return crowd.open(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR=f"1.2.3.4, {address}")

    assert [open_from("203.0.113.7") for _ in range(3)] == [200, 200, 503]
    assert open_from("203.0.113.8") == 200
