"""Wait points: what they give, when, and what is sent meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, current_app, g, render_template_string, request, session, url_for
from flask_sqlalchemy import SQLAlchemy

from flask_datastar import Datastar, Message, sse
from flask_datastar.errors import SetupError
from flask_datastar.sansio.stream_events import OPENED
from flask_datastar.streams.every import Ticks
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.streams.scripts import turn_checks
from tests.support.streams import Connect, assert_nothing_is_left, hub_for, wait_subscribed
from tests.support.wsgi import DEADLINE_SECONDS, call, ending
from tests.transport.checks import all_checks, run_check


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(TESTING=False, DATASTAR_KEEPALIVE_SECONDS=0.2)


# every


#: A busy machine misses ticks, too; one of these is longer than its pauses. The first that serves is enough.
PERIODS = (0.02, 0.1, 0.5, 2.5)


def test_first_tick_comes_at_once_and_ticks_are_numbered(datastar: Datastar, connect: Connect) -> None:
    numbers: list[int] = []

    @datastar.stream(group="g")
    def stream(period: float) -> Iterator[Any]:
        for tick in datastar.every(period):
            numbers.append(tick)
            if len(numbers) == 3:
                return
            yield

    for period in PERIODS:
        numbers.clear()
        connect(f"/ds/g/stream?period={period}").wait_end()
        assert numbers[0] == 0
        assert numbers == sorted(set(numbers))
        if numbers == [0, 1, 2]:
            return
    pytest.fail(f"ticks are missed in every period: {numbers}")


def test_missed_ticks_are_dropped_and_the_rhythm_is_kept(datastar: Datastar, connect: Connect) -> None:
    ticks: list[tuple[int, float]] = []

    @datastar.stream(group="g")
    def stream(period: float) -> Iterator[Any]:
        for tick in datastar.every(period):
            ticks.append((tick, time.monotonic()))
            if len(ticks) == 2:
                # A handler that takes longer than three periods.
                begin = time.monotonic()
                while time.monotonic() - begin < 3.2 * period:
                    threading.Event().wait(0.01)
            if len(ticks) > 4:
                return
            yield

    for period in PERIODS:
        ticks.clear()
        connect(f"/ds/g/stream?period={period}").wait_end()
        numbers = [number for number, _ in ticks]
        assert numbers == sorted(set(numbers))
        assert numbers[2] >= numbers[1] + 3
        for number, at in ticks[1:]:
            assert at >= ticks[0][1] + number * period - 0.001
        if numbers == [0, 1, 4, 5, 6]:
            return
    pytest.fail(f"ticks are missed in every period: {numbers}")


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "5", True, timedelta(seconds=5)])
@pytest.mark.usefixtures("req_ctx")
def test_period_that_is_none_is_refused(datastar: Datastar, seconds: Any) -> None:
    error = ValueError if type(seconds) in (int, float) else TypeError
    with pytest.raises(error, match=r"^seconds is .*; accepted: numbers above 0, in seconds$"):
        datastar.every(seconds)
    with pytest.raises(error, match=r"^every is .*; accepted: numbers above 0, in seconds$"):
        datastar.subscribe("news", every=seconds)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "5", None])
@pytest.mark.usefixtures("req_ctx")
def test_pause_that_is_none_is_refused(datastar: Datastar, seconds: Any) -> None:
    error = ValueError if type(seconds) in (int, float) else TypeError
    with pytest.raises(error, match=r"^at_most_every is .*; accepted: 0 and numbers above it, in seconds$"):
        datastar.changes("news", at_most_every=seconds)


# subscribe


def test_messages_are_decoded_from_json(app: Flask, datastar: Datastar, connect: Connect) -> None:
    seen: list[Message | None] = []

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        for message in datastar.subscribe("a", "b", "a"):
            seen.append(message)
            yield {"seen": len(seen)}

    first, second = [connect("/ds/g/stream").wait_open() for _ in range(2)]
    # It subscribes to them in their order.
    wait_subscribed(app, "b", 2)
    sent = {"id": UUID(int=7), "list": (1, 2)}
    with app.app_context():
        datastar.publish("a", sent)
        datastar.publish("b")
        datastar.publish("c", "nobody hears it")
    for connection in (first, second):
        connection.wait('"seen"', count=2)

    expected = [Message("a", {"id": str(UUID(int=7)), "list": [1, 2]}), Message("b", None)]
    assert sorted(map(repr, seen)) == sorted(map(repr, expected * 2))
    assert all(message is None or message.data is not sent for message in seen)
    # Two streams never share what they may change.
    assert len({id(message.data) for message in seen if message and message.topic == "a"}) == 2


def test_data_without_a_json_form_is_refused(app: Flask, datastar: Datastar) -> None:
    with app.app_context(), pytest.raises(ValueError, match="nan"):
        datastar.publish("a", float("nan"))


def test_nothing_is_lost_between_the_call_and_the_first_wait(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        messages = datastar.subscribe("a")
        datastar.publish("a", 1)
        datastar.publish("a", 2)
        yield {"opened": True}
        for message in messages:
            assert message
            yield {f"got{message.data}": 1}

    connect("/ds/g/stream").wait('{"got1":1}', '{"got2":1}')


def test_none_comes_between_the_messages(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        ticks = 0
        for message in datastar.subscribe("a", every=0.03):
            if message is None:
                ticks += 1
                yield {f"tick{ticks}": 1}
            else:
                yield {"message": message.data}

    connection = connect("/ds/g/stream")
    connection.wait("tick2")
    with app.app_context():
        datastar.publish("a", "x")

    connection.wait('{"message":"x"}', "tick4")


def test_ticks_come_although_messages_never_pause(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        datastar.publish("a")
        for message in datastar.subscribe("a", every=0.01):
            datastar.publish("a")
            if message is None:
                return {"ticked": True}
            yield

    connection = connect("/ds/g/stream")

    connection.wait("ticked")
    connection.wait_end()


@pytest.mark.parametrize("limit", ["DATASTAR_MAX_QUEUED_EVENTS", "DATASTAR_MAX_QUEUED_BYTES"])
@pytest.mark.parametrize("is_early", [False, True])
def test_stream_that_falls_behind_its_messages_ends(
    make_app: MakeApp, connect: Connect, limit: str, is_early: bool, caplog: pytest.LogCaptureFixture
) -> None:
    datastar = Datastar()
    app = make_app(datastar, **{limit: 10})
    opened, published = threading.Event(), threading.Event()

    @datastar.stream(group="g")
    def stream() -> Any:
        messages = datastar.subscribe("a")

        def generator() -> Iterator[Any]:
            if not is_early:
                opened.set()
                assert published.wait(DEADLINE_SECONDS)
            for message in messages:
                yield {"got": message.data if message else None}

        if is_early:
            opened.set()
            assert published.wait(DEADLINE_SECONDS)
        return generator()

    connection = connect("/ds/g/stream", app=app)
    assert opened.wait(DEADLINE_SECONDS)
    with app.app_context():
        for number in range(30):
            datastar.publish("a", number)
    published.set()

    assert ending(connection.wait_end())[0] == "ds:restart:0:"
    with app.app_context():
        stats = datastar.stats()
    assert (stats["dropped"], stats["ended"]) == (1, {"slow": 1})
    assert caplog.text.count("reads too slowly") == 1


def test_stream_with_several_full_queues_is_dropped_once(
    make_app: MakeApp, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_MAX_QUEUED_EVENTS=2)

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        listening = [datastar.subscribe("a") for _ in range(3)]
        for number in range(5):
            datastar.publish("a", number)
        return (None for messages in listening for _ in messages)

    connection = connect("/ds/g/stream", app=app)

    assert ending(connection.wait_end())[0] == "ds:restart:0:"
    with app.app_context():
        stats = datastar.stats()
    assert (stats["dropped"], stats["ended"]) == (1, {"slow": 1})
    assert caplog.text.count("reads too slowly") == 1


def test_one_large_message_is_taken(make_app: MakeApp, connect: Connect) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_MAX_QUEUED_BYTES=10)

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        messages = datastar.subscribe("a")
        datastar.publish("a", "x" * 100)
        for message in messages:
            yield {"size": len(message.data) if message else 0}

    connect("/ds/g/stream", app=app).wait('{"size":100}')


# changes


def test_changes_come_at_the_start_and_then_once_for_all_that_came_meanwhile(
    app: Flask, datastar: Datastar, connect: Connect
) -> None:
    seen: list[frozenset[str]] = []
    times: list[float] = []
    may_go_on = threading.Semaphore(0)

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        for topics in datastar.changes("a", "b", at_most_every=0.05):
            seen.append(topics)
            times.append(time.monotonic())
            yield {"change": len(seen)}
            assert may_go_on.acquire(timeout=DEADLINE_SECONDS)

    connection = connect("/ds/g/stream")
    connection.wait('{"change":1}')
    with app.app_context():
        for _ in range(100):
            datastar.publish("a")
            datastar.broadcast("b").signal("x", 1)
        may_go_on.release()
        connection.wait('{"change":2}')
        may_go_on.release()
        datastar.publish("a")
        connection.wait('{"change":3}')
        may_go_on.release()

    assert seen == [frozenset(), frozenset({"a", "b"}), frozenset({"a"})]
    assert all(later - earlier >= 0.05 for earlier, later in pairwise(times))
    # What is broadcast reaches those that follow; changes only note it.
    assert b'"x"' not in connection.received


def test_what_came_before_the_first_look_needs_no_second_one(app: Flask, datastar: Datastar, connect: Connect) -> None:
    seen: list[frozenset[str]] = []

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        changes = datastar.changes("a", "b", at_most_every=0)
        datastar.publish("a")
        # As after an outage of the broker.
        hub_for(app).bus.catch_up()
        for topics in changes:
            seen.append(topics)
            yield {"change": len(seen)}

    connection = connect("/ds/g/stream")
    connection.wait('{"change":1}')
    with app.app_context():
        datastar.publish("b")
    connection.wait('{"change":2}')

    assert seen == [frozenset(), frozenset({"b"})]


# follow, and what is sent while a generator waits


@pytest.mark.parametrize("has_write", [True, False])
def test_followed_events_are_forwarded_in_a_generator(
    app: Flask, datastar: Datastar, connect: Connect, has_write: bool
) -> None:
    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        yield {"before": 1}
        yield from datastar.follow("news", "more")

    connection = connect("/ds/g/stream", has_write=has_write)
    connection.wait("before")
    wait_subscribed(app, "more")
    with app.app_context():
        for number in range(50):
            datastar.broadcast("news" if number % 2 else "more").signal("n", number)

    connection.wait('{"n":49}')
    assert [event.arguments["signals"] for event in connection.events] == [
        '{"before":1}',
        *[f'{{"n":{number}}}' for number in range(50)],
    ]


def test_followed_events_are_forwarded_in_a_loop_that_does_not_yield(
    app: Flask, datastar: Datastar, connect: Connect
) -> None:
    turns: list[None] = []

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        feed = datastar.follow("news")
        yield
        turns.extend(feed)

    connection = connect("/ds/g/stream").wait_open()
    connection.wait(":\n\n")
    for number in range(3):
        with app.app_context():
            datastar.broadcast("news").signal("number", number)
        connection.wait(f'{{"number":{number}}}')
    connection.close()

    # One for each at the most, and not as many as fit into the time.
    assert len(turns) <= 3


def test_followed_events_that_are_more_than_one_write_need_no_write_of_the_server(
    app: Flask, datastar: Datastar, connect: Connect
) -> None:
    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        feed = datastar.follow("news")
        for _ in range(3):
            datastar.broadcast("news").signal("text", "x" * 50_000)
        yield from feed

    connect("/ds/g/stream", has_write=False).wait("text", count=3)


@pytest.mark.parametrize("has_socket", [True, False])
def test_what_is_sent_to_a_tab_and_keepalives_go_out_while_a_generator_waits(
    app: Flask, datastar: Datastar, connect: Connect, has_socket: bool
) -> None:
    @datastar.stream(group="g", scope=7)
    def stream() -> Iterator[Any]:
        for _ in datastar.every(100):
            yield

    connection = connect("/ds/g/stream", signals={"tabId": "t"}, has_socket=has_socket).wait_open()
    with app.app_context():
        datastar.broadcast_to(7, "t").signal("a", 1)
        datastar.broadcast_to("7").signal("b", 2)

    connection.wait('{"a":1}', '{"b":2}')
    connection.wait(":\n\n", count=3)
    with app.app_context():
        datastar.tabs.close(7)
    connection.wait_end()


def test_followed_events_are_forwarded_from_the_call_on(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @datastar.stream(group="g")
    def stream() -> Any:
        feed = datastar.follow("news")
        datastar.broadcast("news").signal("early", 1)
        datastar.signal("state", 0)
        return feed

    connection = connect("/ds/g/stream", last_id="ds:restart:0:")
    connection.wait("early")

    assert connection.raw.startswith(b"retry: 1000\n\n")
    assert [event.arguments["signals"] for event in connection.events if event.type] == ['{"state":0}', '{"early":1}']


def test_what_is_sent_to_a_scope_is_forwarded_from_the_call_on(
    app: Flask, datastar: Datastar, connect: Connect
) -> None:
    """What the function reads may be old when it returns."""

    @datastar.stream(group="g", scope="ann")
    def stream() -> Any:
        feed = datastar.follow("news")
        datastar.signal("unread", 0)
        datastar.broadcast_to("ann").signal("unread", 1)
        datastar.broadcast_to("ann", "t").signal("unread", 2)
        return feed

    connection = connect("/ds/g/stream", signals={"tabId": "t.p"})
    connection.wait("unread", count=3)

    assert connection.events == [sse.patch_signals({"unread": count}) for count in range(3)]


def test_messages_are_not_forwarded_whether_the_stream_is_open_or_not(
    app: Flask, datastar: Datastar, connect: Connect
) -> None:
    @datastar.stream(group="g")
    def stream() -> Any:
        feed = datastar.follow("news")
        datastar.publish("news", "early")
        return feed

    connection = connect("/ds/g/stream").wait_open()
    with app.app_context():
        datastar.publish("news", "later")
        datastar.broadcast("news").signal("last", 1)

    connection.wait("last")
    assert connection.events == [sse.patch_signals({"last": 1})]


def test_what_is_delivered_while_the_stream_opens_is_not_lost(app: Flask, datastar: Datastar) -> None:
    delivers, may_go_on = threading.Event(), threading.Event()

    class Slow:
        def deliver(self, topic: str, kind: str, payload: Any) -> None:
            delivers.set()
            assert may_go_on.wait(DEADLINE_SECONDS)

    def publish() -> None:
        with app.app_context():
            datastar.broadcast("news").signal("a", 1)

    publisher = threading.Thread(target=publish)

    @datastar.stream(group="g")
    def stream() -> Any:
        feed = datastar.follow("news")
        # It has taken down who listens, and is on its way to the feed.
        publisher.start()
        assert delivers.wait(DEADLINE_SECONDS)
        return feed

    slow = Slow()
    topics = hub_for(app).topics
    topics.subscribe(("news",), slow)
    body = call(app, "/ds/g/stream")[2]
    may_go_on.set()
    publisher.join(DEADLINE_SECONDS)
    assert not publisher.is_alive()
    topics.unsubscribe(("news",), slow)

    assert [next(body), next(body)] == [OPENED, sse.patch_signals({"a": 1}).encode()]
    body.close()
    assert_nothing_is_left(app)


def test_what_was_set_before_a_generator_goes_out_before_it_waits(datastar: Datastar, connect: Connect) -> None:
    @datastar.stream(group="g")
    def stream() -> Any:
        datastar.signal("state", 0)
        return iter(datastar.follow("news"))

    connect("/ds/g/stream").wait('{"state":0}')


def test_keepalives_are_sent_when_nothing_else_was(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @datastar.stream(group="g")
    def stream() -> Any:
        return datastar.follow("news")

    connection = connect("/ds/g/stream")

    connection.wait(":\n\n", count=2)


# Contexts


def test_contexts_are_there_at_every_step(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @app.get("/page/<int:number>")
    def page(number: int) -> str:
        return str(number)

    @datastar.stream(group="g")
    def stream(room: str) -> Iterator[Any]:
        g.user = "ann"
        for tick in datastar.every(0.001):
            assert (current_app.name, request.args["room"], g.user) == ("shop", "7", "ann")
            assert session.get("nothing") is None
            yield render_template_string("<p id='a'>{{ g.user }} {{ url_for('page', number=tick) }}</p>", tick=tick)
            assert url_for("page", number=tick) == f"/page/{tick}"

    connect("/ds/g/stream?room=7").wait("<p id='a'>ann /page/", count=4)


def test_before_wait_is_called_before_each_wait_and_each_chunk(datastar: Datastar, connect: Connect) -> None:
    calls: list[str] = []

    @datastar.before_wait
    def give_back() -> None:
        calls.append(g.name)

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        g.name = "x"
        for tick in datastar.every(0.001):
            calls.append(f"tick {tick}")
            yield {"tick": tick}
            if tick >= 1:
                return

    connect("/ds/g/stream").wait_end()

    assert give_back is not None
    assert calls[:5] == ["tick 0", "x", "x", calls[3], "x"]


def test_before_wait_that_fails_fails_the_stream(
    datastar: Datastar, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    @datastar.before_wait
    def give_back() -> None:
        raise RuntimeError("no connection")

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        yield from datastar.follow("a")

    assert ending(connect("/ds/g/stream").wait_end())[0] == "ds:restart:1:"
    assert "no connection" in caplog.text


def test_session_of_flask_sqlalchemy_is_removed(app: Flask, datastar: Datastar, connect: Connect) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db, held = SQLAlchemy(app), []

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        db.session.connection()
        yield {"a": 1}
        held.append(db.session.registry.has())

    connect("/ds/g/stream").wait_end()

    assert held == [False]
    with app.app_context():
        db.engine.dispose()


def test_other_extension_of_that_name_is_not_asked_for_its_session(
    app: Flask, datastar: Datastar, connect: Connect
) -> None:
    class Lite:
        """As Flask-SQLAlchemy-Lite, whose property makes a session, which has no ``remove``."""

        @property
        def session(self) -> object:
            raise KeyError("no engine")

    app.extensions["sqlalchemy"] = Lite()

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        datastar.publish("a")
        yield {"a": 1}

    assert ending(connect("/ds/g/stream").wait_end())[0] == "ds:done"


def test_what_cannot_be_called_is_refused_at_once(app: Flask, datastar: Datastar) -> None:
    with pytest.raises(TypeError, match=r"@datastar\.before_wait decorates a function without parameters, not 'now'"):
        datastar.before_wait("now")  # type: ignore[type-var]
    with (
        app.test_request_context(),
        pytest.raises(
            TypeError, match="on_gap is 'read'; accepted: a function of one argument, which sends to the stream"
        ),
    ):
        datastar.follow("news", on_gap="read")  # type: ignore[arg-type]


# Work without rest


@all_checks(turn_checks, "threads", "gevent")
def test_stream_that_works_without_rest_leaves_time_to_others(kind: str, name: str) -> None:
    run_check(turn_checks, kind, name)


# Elsewhere


def test_connection_is_checked(app: Flask, datastar: Datastar, connect: Connect) -> None:
    seen: list[bool] = []
    left = threading.Event()

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        seen.append(datastar.check_connection())
        yield
        while datastar.check_connection():
            left.wait(0.01)
        seen.append(datastar.check_connection())
        left.set()

    connection = connect("/ds/g/stream").wait_open()
    connection.wait(":\n\n")
    connection.leave()

    assert left.wait(DEADLINE_SECONDS)
    assert seen == [True, False]
    with app.test_request_context():
        assert datastar.check_connection() is False


@pytest.mark.parametrize("name", ["every", "subscribe", "changes", "follow"])
def test_wait_point_outside_of_a_stream_is_refused(app: Flask, datastar: Datastar, name: str) -> None:
    waits: dict[str, Callable[[], Any]] = {
        "every": lambda: datastar.every(1),
        "subscribe": lambda: datastar.subscribe("a"),
        "changes": lambda: datastar.changes("a"),
        "follow": lambda: datastar.follow("a"),
    }
    with (
        app.test_request_context(headers={"Datastar-Request": "true"}),
        pytest.raises(SetupError, match=r"a wait point was reached outside of a stream; use it in .*@datastar\.stream"),
    ):
        next(iter(waits[name]()))


@pytest.mark.parametrize("name", ["every", "subscribe", "changes", "follow"])
def test_stream_that_forgets_its_yield_is_told_so(app: Flask, datastar: Datastar, name: str) -> None:
    waits: dict[str, Callable[[], Any]] = {
        "every": lambda: datastar.every(1),
        "subscribe": lambda: datastar.subscribe("a"),
        "changes": lambda: datastar.changes("a"),
        "follow": lambda: datastar.follow("a"),
    }

    app.testing = True

    @datastar.stream(group="g")
    def stream() -> Any:
        for number, _ in enumerate(waits[name]()):
            datastar.signal("number", number)

    with pytest.raises(SetupError, match=r"^stream g:stream \(.*\) waits before .* has no 'yield'; write 'yield' in "):
        call(app, "/ds/g/stream")
    with app.test_request_context(), pytest.raises(SetupError, match="reached outside of a stream"):
        next(iter(waits[name]()))


def test_stream_without_a_wait_that_forgets_its_yield_is_told_so(app: Flask, datastar: Datastar) -> None:
    app.testing = True

    @datastar.stream(group="g")
    def stream() -> Any:
        while datastar.check_connection():
            datastar.signal("number", 1)

    with pytest.raises(
        TypeError, match=r"^stream g:stream \(.*\) gave NoneType; accepted: .*; its function has no 'yield'"
    ):
        call(app, "/ds/g/stream")


def test_wait_after_following_is_told_so(app: Flask, datastar: Datastar) -> None:
    app.testing = True

    @app.get("/plain")
    def plain() -> Any:
        feed = datastar.start_stream(None, datastar.follow("news"))
        next(datastar.every(1))
        next(datastar.every(1))
        next(iter(datastar.changes("news")))
        next(iter(datastar.subscribe("news")))
        return feed

    with pytest.raises(SetupError, match=r"after the stream was opened with datastar\.follow"):
        call(app, "/plain")


def test_wait_point_in_a_generator_handler_is_refused(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    app.testing = True

    @datastar.handler
    def act() -> Iterator[Any]:
        for _ in datastar.every(1):
            yield

    with pytest.raises(SetupError, match="reached outside of a stream"):
        tab.post(act)


def test_wait_point_without_a_request_is_refused(app: Flask, datastar: Datastar) -> None:
    with app.app_context(), pytest.raises(SetupError, match="there is no request"):
        datastar.subscribe("a")
    with app.app_context(), pytest.raises(SetupError, match="there is no request"):
        next(Ticks(1))


@pytest.mark.parametrize(
    ("topics", "error", "message"),
    [
        ((), ValueError, "no topic is given; give one or more names"),
        (("a", ""), ValueError, "topic is '': an empty text names nothing; give a name"),
        (("\0ann",), ValueError, r"topic is '\\x00ann': NUL at the start is reserved; give any other text"),
        ((1,), TypeError, "topic is int; accepted: str"),
        ((None,), TypeError, "topic is NoneType; accepted: str"),
    ],
)
def test_topic_that_is_none_is_refused(
    app: Flask, datastar: Datastar, topics: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with app.test_request_context():
        # follow() without a topic is for what is sent to its user.
        for use in (datastar.subscribe, datastar.changes, *([datastar.follow] if topics else [])):
            with pytest.raises(error, match=f"^{message}$"):
                use(*topics)
        for send in (datastar.publish, datastar.broadcast) if topics else ():
            with pytest.raises(error, match=f"^{message}$"):
                send(topics[-1])
