"""Compressed streams: what each kind of stream sends, whatever it is asked for, and what may share a window."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response, abort, render_template, request
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf

from flask_datastar import Datastar
from flask_datastar.codecs.codings import CODINGS
from flask_datastar.hub import compression
from flask_datastar.sse import parse_events
from flask_datastar.testing import DatastarClient
from flask_datastar.testing.waiting import wait_until
from tests.brokers.joined import BROKERS, URL, JoinedBroker
from tests.conftest import MakeApp
from tests.support.decoding import decode
from tests.support.pages import CLIENT
from tests.support.streams import Connect, hub_for
from tests.support.wsgi import Connection, call

#: Half of it goes over the wire where it is encoded for the first time.
TEXT = "".join(f"{number * 7919 % 10007:x}" for number in range(400))


@pytest.fixture(params=CODINGS)
def coding(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return add_streams(make_app(DATASTAR_COMPRESSION=CODINGS, DATASTAR_KEEPALIVE_SECONDS=60))


def add_streams(app: Flask) -> Flask:
    datastar: Datastar = app.extensions["datastar"]

    @datastar.stream(group="g", scope=lambda: request.args.get("user"))
    def feed() -> Any:
        feed = datastar.follow("news", "alerts")
        datastar.signal("opened", 1)
        return feed

    @datastar.stream(group="g", scope=lambda: request.args.get("user"))
    def generator() -> Iterator[Any]:
        feed = datastar.follow("alerts", "news")
        yield {"opened": 1}
        yield from feed

    @datastar.stream(group="g")
    def own() -> Iterator[Any]:
        for number in range(3):
            yield {"number": number}

    @datastar.stream(group="g")
    def refused() -> Any:
        abort(403)

    return app


class Coded:
    """A stream whose client accepts a coding."""

    def __init__(self, connect: Connect, path: str, accepted: str | None, **options: Any) -> None:
        headers = {"Accept-Encoding": accepted} if accepted is not None else {}
        self.connection: Connection = connect(path, headers={**headers, **options.pop("headers", {})}, **options)
        self.connection.wait_open()
        self.headers = dict(self.connection.headers)
        if path.startswith(("/ds/g/feed", "/ds/g/generator")):
            # A generator follows from its first step on, after the first bytes.
            self.wait('"opened":1')

    @property
    def coding(self) -> str | None:
        return self.headers.get("Content-Encoding")

    @property
    def text(self) -> str:
        return decode(self.coding, self.connection.raw).decode()

    def wait(self, *texts: str) -> None:
        wait_until(lambda: all(text in self.text for text in texts))

    def size_of(self, send: Any, text: str) -> int:
        """Return how many bytes an event took."""
        before = len(self.connection.raw)
        send()
        self.wait(text)
        return len(self.connection.raw) - before


def say(app: Flask, topic: str, number: int, *, compress: bool = True) -> None:
    with app.app_context():
        datastar: Datastar = app.extensions["datastar"]
        datastar.broadcast(topic, compress=compress).patch_signals({"n": number, "text": TEXT})


# What a client gets


@pytest.mark.parametrize("path", ["/ds/g/feed", "/ds/g/generator"])
def test_every_event_arrives_and_the_body_ends_whole(app: Flask, connect: Connect, path: str, coding: str) -> None:
    streams = [Coded(connect, f"{path}?user=ann", coding, signals={"tabId": f"t{n}.p"}) for n in range(2)]
    for number, topic in enumerate(["news", "alerts", "news", "news"]):
        say(app, topic, number)
    with app.app_context():
        app.extensions["datastar"].tabs.close("ann")

    for stream in streams:
        assert stream.coding == coding
        stream.connection.wait_for_end()
        assert stream.connection.error is None
        events = parse_events(stream.text.encode())
        texts = [event.arguments["signals"] for event in events if event.type == "datastar-patch-signals"]
        assert [text[:6] for text in texts] == ['{"open', '{"n":0', '{"n":1', '{"n":2', '{"n":3']
        assert stream.text.endswith("id: ds:done\n\n")


def test_generator_of_its_own_events_ends_whole(connect: Connect, coding: str) -> None:
    stream = Coded(connect, "/ds/g/own", coding)
    stream.connection.wait_for_end()

    assert [f'"number":{number}' in stream.text for number in range(3)] == [True] * 3
    assert stream.text.endswith("id: ds:done\n\n")


def test_later_events_are_small_for_all_kinds_of_streams_of_the_same_topics(
    app: Flask, connect: Connect, coding: str
) -> None:
    streams = [Coded(connect, path, coding) for path in ("/ds/g/feed", "/ds/g/feed", "/ds/g/generator")]

    def sizes(number: int) -> list[int]:
        before = [len(stream.connection.raw) for stream in streams]
        say(app, ("news", "alerts")[number % 2], number)
        for stream in streams:
            stream.wait(f'"n":{number}')
        return [len(stream.connection.raw) - size for stream, size in zip(streams, before, strict=True)]

    assert min(sizes(0)) > 300
    for number in range(1, 4):
        assert max(sizes(number)) < 50


def test_clients_that_ask_for_different_codings_get_the_same_events(app: Flask, connect: Connect) -> None:
    accepted = ["zstd", "gzip", None, "br", "gzip, deflate, br, zstd", "gzip;q=1, zstd;q=0.5", "identity"]
    streams = [Coded(connect, "/ds/g/feed", one) for one in accepted]
    for number in range(4):
        say(app, "news", number)
    for stream in streams:
        stream.wait('"n":3')

    assert [stream.coding for stream in streams] == ["zstd", "gzip", None, None, "zstd", "gzip", None]
    texts = {
        "\n".join(event.arguments.get("signals", "") for event in parse_events(stream.text.encode()))
        for stream in streams
    }
    assert len(texts) == 1


def test_client_that_comes_later_joins_at_a_key(app: Flask, connect: Connect, coding: str) -> None:
    first = [Coded(connect, "/ds/g/feed", coding) for _ in range(2)]
    for number in range(3):
        say(app, "news", number)
    late = Coded(connect, "/ds/g/feed", coding)

    sizes = [late.size_of(lambda n=n: say(app, "news", n), f'"n":{n}') for n in range(3, 60)]

    assert sizes[0] > 300
    assert max(sizes[-10:]) < 50
    for stream in first:
        stream.wait('"n":59')


def test_single_follower_gets_events_alone_and_no_encoder(app: Flask, connect: Connect, coding: str) -> None:
    stream = Coded(connect, "/ds/g/feed", coding)

    sizes = [stream.size_of(lambda n=n: say(app, "news", n), f'"n":{n}') for n in range(3)]

    assert min(sizes) > 300
    with app.app_context():
        assert app.extensions["datastar"].stats()["compression"]["frames"] == 0


def test_event_for_one_user_is_encoded_for_each_of_them_alone(app: Flask, connect: Connect, coding: str) -> None:
    one, other = (Coded(connect, f"/ds/g/feed?user={user}", coding) for user in ("ann", "bob"))
    say(app, "news", 0)
    one.wait('"n":0')
    with app.app_context():
        app.extensions["datastar"].broadcast_to("ann").patch_signals({"own": TEXT})
    one.wait('"own"')
    say(app, "news", 1)
    for stream in (one, other):
        stream.wait('"n":1')

    assert '"own"' not in other.text


def test_event_that_is_not_to_be_compressed_is_on_the_wire_as_it_is(app: Flask, connect: Connect, coding: str) -> None:
    streams = [Coded(connect, "/ds/g/feed", coding) for _ in range(2)]
    say(app, "news", 0)
    say(app, "news", 1, compress=False)
    say(app, "news", 2)
    for stream in streams:
        stream.wait('"n":2')

    for stream in streams:
        assert stream.connection.raw.count(TEXT.encode()) == 1
        assert stream.text.count(TEXT) == 3


def test_other_processes_do_not_compress_it_either(
    monkeypatch: pytest.MonkeyPatch, make_app: MakeApp, connect: Connect
) -> None:
    monkeypatch.setattr(JoinedBroker, "lines", {})
    apps = []
    for _ in range(2):
        config = {"DATASTAR_BROKER_URL": URL, "DATASTAR_COMPRESSION": ["gzip"]}
        apps.append(add_streams(make_app(Datastar(brokers=BROKERS), **config)))
    stream = Coded(connect, "/ds/g/feed", "gzip", app=apps[0])
    say(apps[1], "news", 1, compress=False)
    stream.wait('"n":1')

    assert TEXT.encode() in stream.connection.raw


def test_region_is_encoded_once_for_the_streams_that_follow_it(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(DATASTAR_COMPRESSION=["gzip"])
    datastar: Datastar = app.extensions["datastar"]
    shown = {"state": 1}

    @datastar.region(tables=(), at_most_every=0)
    def board(number: int) -> str:
        return f'<p id="board">{shown["state"]} {TEXT}</p>'

    @datastar.stream(group="g")
    def live() -> Any:
        return datastar.follow(board(1), "news")

    streams = [Coded(connect, "/ds/g/live", "gzip", app=app) for _ in range(3)]
    for stream in streams:
        stream.wait('id="board">1 ')

    def change() -> None:
        shown["state"] += 1
        with app.app_context():
            board.changed()

    for number in range(2, 6):
        sizes = [len(stream.connection.raw) for stream in streams]
        change()
        for stream in streams:
            stream.wait(f'id="board">{number} ')
        sizes = [len(stream.connection.raw) - size for stream, size in zip(streams, sizes, strict=True)]
        assert len({*sizes}) == 1
        if number > 2:
            assert sizes[0] < 60


# What a response says


def test_every_answer_of_a_stream_s_url_varies(app: Flask, connect: Connect) -> None:
    datastar: Datastar = app.extensions["datastar"]

    @app.get("/plain")
    def plain() -> Response:
        return datastar.start_stream(None, datastar.follow("news"))

    @app.get("/page")
    def page() -> str:
        return "page"

    for path in ("/ds/g/feed", "/plain"):
        assert Coded(connect, path, None).headers["Vary"] == "Accept-Encoding"
        assert Coded(connect, path, "gzip").headers["Vary"] == "Accept-Encoding"
        for options in ({"method": "HEAD"}, {"last_id": "ds:done"}):
            _, headers, body = call(app, path, **options)
            body.close()
            assert headers["Vary"] == "Accept-Encoding", (path, options)
            assert "Content-Encoding" not in headers
    _, headers, _ = call(app, "/ds/g/refused")
    assert headers["Vary"] == "Accept-Encoding"
    _, headers, _ = call(app, "/page")
    assert "Vary" not in headers


def test_page_s_own_stream_varies_and_is_compressed(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(
        DATASTAR_COMPRESSION=["gzip"], templates={"page.html": "<body>{{ board }}{{ datastar.live() }}</body>"}
    )
    datastar: Datastar = app.extensions["datastar"]

    @datastar.region(tables=())
    def board() -> str:
        return '<p id="board">1</p>'

    @app.get("/")
    def page() -> str:
        return render_template("page.html", board=board())

    stream = Coded(connect, "/", "gzip", app=app, headers={"Datastar-Live": "1"})

    assert stream.coding == "gzip"
    assert "Accept-Encoding" in stream.headers["Vary"]
    stream.wait('id="board"')


def test_without_codings_nothing_is_said_of_them(make_app: MakeApp, connect: Connect) -> None:
    app = add_streams(make_app(DATASTAR_COMPRESSION=()))

    stream = Coded(connect, "/ds/g/feed", "gzip, zstd", app=app)

    assert (stream.coding, stream.headers.get("Vary")) == (None, None)


def test_body_that_is_wrapped_goes_out_as_it_is(app: Flask, connect: Connect, coding: str) -> None:
    @app.after_request
    def watch(response: Response) -> Response:
        chunks: Any = response.response
        response.response = (chunk for chunk in chunks)
        return response

    streams = [Coded(connect, "/ds/g/feed", coding) for _ in range(2)]
    say(app, "news", 1)

    for stream in streams:
        assert stream.coding is None
        stream.wait('"n":1')


def test_wrapper_s_own_coding_is_left_to_it(app: Flask, connect: Connect) -> None:
    import zlib

    @app.after_request
    def pack(response: Response) -> Response:
        chunks: Any = response.response
        packer = zlib.compressobj(wbits=31)
        response.response = (packer.compress(chunk) + packer.flush(zlib.Z_SYNC_FLUSH) for chunk in chunks)
        response.headers["Content-Encoding"] = "gzip"
        return response

    stream = Coded(connect, "/ds/g/feed", "gzip")
    say(app, "news", 1)

    assert stream.coding == "gzip"
    stream.wait('"n":1')


def test_middleware_around_the_app_passes_the_encoded_body_on(app: Flask, connect: Connect, coding: str) -> None:
    inner, passed = app.wsgi_app, bytearray()

    def watch(environ: Any, start_response: Any) -> Iterator[bytes]:
        body: Any = inner(environ, lambda *head: start_response(*head) and None)
        try:
            for chunk in body:
                passed.extend(chunk)
                yield chunk
        finally:
            body.close()

    app.wsgi_app = watch  # type: ignore[method-assign]
    stream = Coded(connect, "/ds/g/feed", coding)
    say(app, "news", 1)
    stream.wait('"n":1')

    assert stream.coding == coding
    assert bytes(passed) == stream.connection.raw


def test_response_whose_header_is_taken_away_goes_out_as_it_is(app: Flask, connect: Connect, coding: str) -> None:
    @app.after_request
    def take_away(response: Response) -> Response:
        response.headers.pop("Content-Encoding", None)
        return response

    stream = Coded(connect, "/ds/g/feed", coding)
    say(app, "news", 1)

    assert stream.coding is None
    stream.wait('"n":1')


# Secrets


def test_token_is_never_encoded(make_app: MakeApp, connect: Connect, coding: str) -> None:
    app = add_streams(make_app(DATASTAR_COMPRESSION=CODINGS))
    CSRFProtect(app)
    datastar: Datastar = app.extensions["datastar"]
    tokens: list[str] = []

    def token() -> str:
        tokens.append(generate_csrf())
        return tokens[-1]

    @app.get("/")
    def page() -> str:
        return token()

    @datastar.stream(group="g")
    def first() -> Any:
        feed = datastar.follow("news")
        datastar.patch_signals({"first": token()})
        return feed

    @datastar.stream(group="g")
    def later() -> Iterator[Any]:
        yield {"opened": TEXT}
        datastar.patch_signals({"later": token()})
        yield

    browser = app.test_client()
    assert browser.get("/").status_code == 200
    cookie = browser.get_cookie("session")
    assert cookie is not None
    headers = {"Cookie": f"session={cookie.value}"}
    streams = [Coded(connect, f"/ds/g/{name}", coding, app=app, headers=headers) for name in ("first", "later")]
    streams[0].wait('"first"', '"_csrf"')
    streams[1].wait('"later"', '"_csrf"')

    for stream, name in zip(streams, ("first", "later"), strict=True):
        values = [
            event.arguments["signals"].split('"')[3]
            for event in parse_events(stream.text.encode())
            if event.type == "datastar-patch-signals" and ("_csrf" in str(event) or name in str(event))
        ]
        assert len(values) == 2
        assert all(value.encode() in stream.connection.raw for value in values)
    # What holds none is encoded.
    assert TEXT.encode() not in streams[1].connection.raw


def sizes_of_guesses(make_app: MakeApp, connect: Connect, coding: str, *, compress: bool) -> list[int]:
    """Return the bytes of messages in a public region, beside a region with a secret; the first message is right."""
    app = make_app(DATASTAR_COMPRESSION=CODINGS)
    datastar: Datastar = app.extensions["datastar"]
    said = ["hello"]
    shown = [0]

    @datastar.region(tables=(), at_most_every=0)
    def chat() -> str:
        return f'<p id="chat">{said[-1]}</p>'

    @datastar.region(tables=(), at_most_every=0, compress=compress)
    def salaries(person: str) -> str:
        return f'<p id="salaries">{shown[0]} {person}: {inner(person).__html__()}</p>'

    @datastar.region(tables=(), at_most_every=0)
    def inner(person: str) -> str:
        return f'<b id="salary">{shown[0]} code TIGER-4711-QX</b>'

    @datastar.stream(group="g")
    def live() -> Any:
        return datastar.follow(chat(), salaries("ada"))

    streams = [Coded(connect, "/ds/g/live", coding, app=app) for _ in range(2)]
    for stream in streams:
        stream.wait(">hello<", "TIGER")

    def sizes(change: Any, text: str) -> int:
        before = [len(stream.connection.raw) for stream in streams]
        with app.app_context():
            change()
        for stream in streams:
            stream.wait(text)
        taken = {len(stream.connection.raw) - size for stream, size in zip(streams, before, strict=True)}
        assert len(taken) == 1
        return taken.pop()

    def remind(region: Any) -> None:
        shown[0] += 1
        sizes(region.changed, f">{shown[0]} ")

    def say(text: str) -> int:
        said.append(text)
        return sizes(chat.changed, f">{text}<")

    # Past the key, so that both regions would be in the window.
    for text in ("MULES-0936-VB", "GNOME-5820-ZF"):
        remind(salaries)
        remind(inner)
        say(text)
    return [say(text) for text in ("TIGER-4711-QX", "PANDA-0385-KY", "HORSE-2968-WJ")]


def test_size_shows_what_a_region_says_beside_another_that_outsiders_write(
    make_app: MakeApp, connect: Connect, coding: str
) -> None:
    right, *wrong = sizes_of_guesses(make_app, connect, coding, compress=True)

    assert right + 4 < min(wrong)


def test_region_that_is_not_compressed_makes_no_guess_shorter(make_app: MakeApp, connect: Connect, coding: str) -> None:
    right, *wrong = sizes_of_guesses(make_app, connect, coding, compress=False)

    assert abs(right - min(wrong)) <= 2


def test_region_that_is_not_compressed_is_on_the_wire_as_it_is(app: Flask, connect: Connect, coding: str) -> None:
    datastar: Datastar = app.extensions["datastar"]
    shown = ["1 plain"]

    @datastar.region(tables=(), at_most_every=0)
    def outer() -> str:
        return f'<div id="outer">{shown[0]} {TEXT} {secret().__html__()}</div>'

    @datastar.region(tables=(), at_most_every=0, compress=False)
    def secret() -> str:
        return f'<p id="secret">{TEXT}</p>'

    @datastar.stream(group="g")
    def live() -> Any:
        return datastar.follow(outer(), "news")

    streams = [Coded(connect, "/ds/g/live", coding) for _ in range(2)]
    for stream in streams:
        stream.wait("1 plain")
    shown[0] = "2 plain"
    with app.app_context():
        outer.changed()
    for stream in streams:
        stream.wait("2 plain")

    # The state at the opening, and the change: the region that shows it is not compressed either.
    assert [stream.connection.raw.count(TEXT.encode()) for stream in streams] == [4, 4]


def test_debug_page_shows_a_region_that_is_not_compressed(make_app: MakeApp, connect: Connect, coding: str) -> None:
    template = "<head>{{ datastar.script() }}</head><body>{{ chat }}{{ secret }}{{ datastar.live() }}</body>"
    app = make_app(DATASTAR_COMPRESSION=CODINGS, TESTING=False, DEBUG=True, templates={"page.html": template})
    datastar: Datastar = app.extensions["datastar"]
    said = ["first"]

    @datastar.region(tables=(), at_most_every=0)
    def chat() -> str:
        return f'<p id="chat">{said[0]} chat {TEXT}</p>'

    @datastar.region(tables=(), at_most_every=0, compress=False)
    def secret() -> str:
        return f'<p id="secret">{said[0]} secret {TEXT[::-1]}</p>'

    @app.get("/")
    def page() -> str:
        return render_template("page.html", chat=chat(), secret=secret())

    def say(text: str) -> None:
        said[0] = text
        with app.app_context():
            chat.changed()
            secret.changed()

    with DatastarClient(app, client_file=CLIENT) as tab:
        # As a browser does that gets its name.
        tab.client.get("/", headers={"Accept": "text/html"})
        cookie = tab.client.get_cookie("datastar_timeline")
        assert cookie is not None
        assert "/ds/-timeline/" in tab.load("/").text
        live = {"Datastar-Live": "1"}
        others = [Coded(connect, "/", coding, app=app, headers=live) for _ in range(2)]
        watched = Coded(connect, "/", coding, app=app, headers={**live, "Cookie": f"datastar_timeline={cookie.value}"})
        for text in ("second", "third"):
            say(text)
            for stream in (*others, watched):
                stream.wait(f"{text} chat", f"{text} secret")

        assert (tab.text("#chat"), tab.text("#secret")) == (f"third chat {TEXT}", f"third secret {TEXT[::-1]}")
        panel = tab.client.get("/ds/-timeline/items.json", headers={"Datastar-Timeline": "1"})
        assert {"third chat", "third secret"} <= set(re.findall("third (?:chat|secret)", panel.text))

    # What the timeline reads is not compressed; other streams keep the secret out of what they share.
    assert (watched.coding, [stream.coding for stream in others]) == (None, [coding] * 2)
    for stream in others:
        raw = stream.connection.raw
        assert raw.count(TEXT[::-1].encode()) == stream.text.count(TEXT[::-1]) >= 2
        assert raw.count(TEXT.encode()) < stream.text.count(TEXT)


# Errors and limits


def test_callback_that_raises_before_a_wait_leaves_the_body_whole(app: Flask, connect: Connect, coding: str) -> None:
    datastar: Datastar = app.extensions["datastar"]
    app.config["PROPAGATE_EXCEPTIONS"] = False
    is_broken: list[bool] = []

    @datastar.before_wait
    def fail() -> None:
        if is_broken:
            raise RuntimeError("on purpose")

    streams = [Coded(connect, "/ds/g/generator", coding) for _ in range(2)]
    for number in range(3):
        say(app, "news", number)
    for stream in streams:
        stream.wait('"n":2')
    is_broken.append(True)
    say(app, "news", 3)

    for stream in streams:
        stream.connection.wait_for_end()
        assert stream.connection.error is None
        # Decoded with its checksum.
        assert "id: ds:restart" in stream.text


def test_connection_holds_little_once_it_waits_and_gets_its_buffer_back(
    app: Flask, connect: Connect, coding: str
) -> None:
    stream = Coded(connect, "/ds/g/feed", coding)
    (open_one,) = hub_for(app)._snapshot()
    wait_until(lambda: open_one.is_parked)
    connection: Any = open_one.socket
    # For a look after the test's server has closed it.
    with connection.dup() as kept:
        small = kept.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        stream.connection.close()
        restored = kept.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)

    assert small <= 2 * 8192 < restored


def test_identity_keeps_its_buffer(app: Flask, connect: Connect) -> None:
    Coded(connect, "/ds/g/feed", None)
    (stream,) = hub_for(app)._snapshot()

    wait_until(lambda: stream.is_parked)
    assert stream.socket is not None
    connection: Any = stream.socket
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) > 2 * 8192


def test_counters_say_what_was_saved_and_nothing_is_kept(app: Flask, connect: Connect, coding: str) -> None:
    datastar: Datastar = app.extensions["datastar"]
    with app.app_context():
        assert "compression" not in datastar.stats()
    streams = [Coded(connect, "/ds/g/feed", coding) for _ in range(2)]
    for number in range(10):
        say(app, "news", number)
    for stream in streams:
        stream.wait('"n":9')

    with app.app_context():
        counts = datastar.stats()["compression"]
    assert {*counts} == {"bytes_in", "bytes_out", "frames", "keys", "alone"}
    assert counts["bytes_in"] > 5 * counts["bytes_out"] > 0
    assert (counts["frames"], counts["keys"]) == (1, 1)
    for stream in streams:
        stream.connection.close()
    with app.app_context():
        assert datastar.stats()["compression"]["frames"] == 0
    assert len(hub_for(app).compression._groups) == 0


def test_encoder_that_is_not_used_is_dropped(app: Flask, connect: Connect, coding: str) -> None:
    streams = [Coded(connect, "/ds/g/feed", coding) for _ in range(2)]
    say(app, "news", 0)
    for stream in streams:
        stream.wait('"n":0')
    compression = hub_for(app).compression
    assert compression.stats()["frames"] == 1

    compression._pool._idle_seconds = 0.0
    compression.drop_idle()

    assert compression.stats()["frames"] == 0
    say(app, "news", 1)
    for stream in streams:
        stream.wait('"n":1')
    assert compression.stats()["keys"] == 2


@pytest.mark.parametrize("kind", ["feed", "generator"])
def test_a_tab_that_a_broadcast_leaves_out_decodes_all_others(
    app: Flask, connect: Connect, coding: str, kind: str
) -> None:
    datastar: Datastar = app.extensions["datastar"]
    names = ("one", "two", "three", None)
    streams = {
        name: Coded(connect, f"/ds/g/{kind}", coding, signals={} if name is None else {"tabId": name}) for name in names
    }

    with app.app_context():
        for number in range(30):
            # One tab after another is left out, now and then twice in a row, and now and then nobody is.
            but = [*names, "one"][number % 5]
            datastar.broadcast("news", but=but).patch_signals({"text": TEXT, "n": number})
        datastar.broadcast("news").signal("last", 1)

    for name, stream in streams.items():
        stream.wait('"last":1')
        wanted = [number for number in range(30) if name is None or [*names, "one"][number % 5] != name]
        found = [json.loads(event.arguments.get("signals", "{}")) for event in parse_events(stream.text.encode())]
        assert [signals["n"] for signals in found if "n" in signals] == wanted


def test_codings_are_looked_up_when_a_client_wants_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(compression, "is_available", lambda name: not asked.append(name))
    made = compression.Compression(("zstd", "gzip"))

    assert [made.choose(None), made.choose("")] == [None, None]
    assert asked == []
    assert [made.choose("gzip"), made.choose("zstd")] == ["gzip", "zstd"]
    assert asked == ["zstd", "gzip"]


@pytest.mark.parametrize(("codings", "lines"), [(("zstd",), 1), (("zstd", "gzip"), 0), ((), 0)])
def test_codings_that_all_lack_their_package_are_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, codings: tuple[str, ...], lines: int
) -> None:
    monkeypatch.setattr(compression, "is_available", lambda name: name != "zstd")
    made = compression.Compression(codings)

    assert {made.choose("zstd") for _ in range(3)} == {None}

    assert [record.getMessage() for record in caplog.records] == lines * [
        "Datastar: DATASTAR_COMPRESSION is ('zstd',): its package is not installed, so streams go out as they are; "
        "run pip install \"Flask-Datastar[zstd]\", or add 'gzip'"
    ]
