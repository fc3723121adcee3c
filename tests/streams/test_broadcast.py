"""Publishing and broadcasting: from anywhere, encoded once, atomic in a block; and what is counted and told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, url_for

from flask_datastar import Datastar, Event, hooks, sse
from flask_datastar.hub.scopes import ALL_TABS
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.support.streams import Connect, assert_nothing_is_left, hub_for
from tests.support.wsgi import Connection, call, ending

PATH = "/ds/g/stream"


@pytest.fixture
def followers(datastar: Datastar, connect: Connect) -> list[Connection]:
    """Three open streams that follow "news"."""

    @datastar.stream(group="g", scope=iter("abc").__next__)
    def stream() -> Any:
        return datastar.follow("news")

    return [connect(PATH, signals={"tabId": "t.p"}).wait_open() for _ in range(3)]


def finish(app: Flask, datastar: Datastar, followers: list[Connection]) -> list[list[Event]]:
    """Send one last event and give what came before it, for each stream."""
    with app.app_context():
        datastar.broadcast("news").signal("last", 1)
    for connection in followers:
        connection.wait('{"last":1}')
    return [connection.events[:-1] for connection in followers]


def test_each_call_is_a_message_with_all_sending_methods(
    app: Flask, datastar: Datastar, followers: list[Connection]
) -> None:
    with app.app_context():
        out = datastar.broadcast("news")
        out.patch_elements("<p id='a'></p>")
        out.signal("a", 1)
        out.signal("b", 2)
        out.remove_elements("#a")

    expected = [
        sse.patch_elements("<p id='a'></p>"),
        sse.patch_signals({"a": 1}),
        sse.patch_signals({"b": 2}),
        sse.remove_elements("#a"),
    ]
    assert finish(app, datastar, followers) == [expected] * 3


def test_event_is_encoded_once_however_many_get_it(
    app: Flask, datastar: Datastar, followers: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[Event] = []
    encode = Event.encode
    monkeypatch.setattr(Event, "encode", lambda event: (encoded.append(event), encode(event))[1])

    with app.app_context():
        datastar.broadcast("news").patch_elements("<p id='a'></p>")

    assert finish(app, datastar, followers)[0]
    assert len(encoded) == 2


def test_block_is_one_message(app: Flask, datastar: Datastar, followers: list[Connection]) -> None:
    payloads: list[Any] = []

    class Listener:
        def deliver(self, topic: str, kind: str, payload: Any) -> None:
            payloads.append((kind, payload.data, payload.last_id))

    listener = Listener()
    topics = hub_for(app).topics
    topics.subscribe(("news",), listener)
    with app.app_context(), datastar.broadcast("news") as out:
        out.signal("a", 1)
        out.patch_elements("<p id='a'></p>", event_id="row-1")
        out.signal("a", 2)
        out.patch_elements("<p id='b'></p>", event_id="row-2")
        assert payloads == []
    with app.app_context(), datastar.broadcast("news"):
        pass
    topics.unsubscribe(("news",), listener)

    events = [
        sse.patch_elements("<p id='a'></p>", event_id="row-1"),
        sse.patch_elements("<p id='b'></p>", event_id="row-2"),
        sse.patch_signals({"a": 2}),
    ]
    assert payloads == [("events", b"".join(event.encode() for event in events), "row-2")]
    assert finish(app, datastar, followers) == [events] * 3


@pytest.mark.parametrize("value", [1, object()])
def test_block_that_raises_sends_nothing(
    app: Flask, datastar: Datastar, followers: list[Connection], value: object
) -> None:
    with app.app_context():
        out = datastar.broadcast("news")

        def send() -> None:
            with out:
                out.patch_elements("<p id='a'></p>")
                out.signal("a", value)
                if value == 1:
                    raise RuntimeError("broken")

        with pytest.raises((RuntimeError, TypeError)):
            send()
        with out:
            out.signal("b", 2)

    assert finish(app, datastar, followers) == [[sse.patch_signals({"b": 2})]] * 3


def test_templates_of_a_broadcast_see_what_it_assigns(make_app: MakeApp, connect: Connect) -> None:
    datastar = Datastar()
    app = make_app(datastar, templates={"row.html": "<p id='a'>{{ user }} {{ count }}</p>"})

    @datastar.stream(group="g")
    def stream() -> Any:
        return datastar.follow("news")

    connection = connect(PATH, app=app).wait_open()
    with app.app_context(), datastar.broadcast("news") as out:
        out.signal("count", 3)
        out.assign("user", "ann")
        out.patch_template("row.html")

    connection.wait("<p id='a'>ann 3</p>", '{"count":3}')


TOAST = """
{%- macro toast(text, kind='info') %}<p id='t' class='{{ kind }}'>{{ text }} {{ user }} {{ unread }}</p>{% endmacro -%}
{% block toast %}<p id='t' class='info'>{{ text }} {{ user }} {{ unread }}</p>{% endblock -%}
"""


@pytest.mark.parametrize("where", ["broadcast", "broadcast_to", "on_gap", "handler"])
@pytest.mark.parametrize("part", ["macro", "block", "template"])
def test_what_was_set_before_is_no_argument_of_a_macro(
    make_app: MakeApp, connect: Connect, where: str, part: str
) -> None:
    datastar = Datastar()
    app = make_app(datastar, templates={"toast.html": TOAST})

    def send(out: Any) -> None:
        out.signal("unread", 1)
        out.assign("user", "ann")
        parts = {} if part == "template" else {part: "toast"}
        out.patch_template("toast.html", **parts, context={"text": "Hello"}, to="t")

    @datastar.stream(group="g", scope="ann")
    def stream() -> Any:
        return datastar.follow("news", on_gap=send)

    @datastar.handler(group="g")
    def act() -> None:
        send(datastar)

    wanted = "<p id='t' class='info'>Hello ann 1</p>"
    if where == "handler":
        assert wanted in DatastarClient(app).post(act).html
        return
    connection = connect(PATH, app=app).wait_open()
    with app.app_context():
        if where == "on_gap":
            for subscriber in hub_for(app).topics.subscribers("news"):
                subscriber.catch_up()
        else:
            with datastar.broadcast("news") if where == "broadcast" else datastar.broadcast_to("ann") as out:
                send(out)

    connection.wait(wanted, '{"unread":1}')


def test_publishing_works_in_a_view_a_command_and_a_thread(
    app: Flask, datastar: Datastar, followers: list[Connection]
) -> None:
    @datastar.handler(group="g", methods=["GET"])
    def view() -> None:
        datastar.broadcast("news").signal("view", 1)

    @app.cli.command("tell")
    def tell() -> None:
        datastar.broadcast("news").signal("command", 1)

    def run() -> None:
        with app.app_context():
            datastar.broadcast("news").signal("thread", 1)

    call(app, "/ds/g/view")
    assert app.test_cli_runner().invoke(args=["tell"]).exit_code == 0
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    expected = [sse.patch_signals({name: 1}) for name in ("view", "command", "thread")]
    assert finish(app, datastar, followers) == [expected] * 3


def test_publishing_from_a_process_that_served_no_request_warns_once(
    app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context():
        for _ in range(2):
            datastar.publish("a")
            datastar.broadcast("a").signal("b", 1)

    assert caplog.text.count("do not get the message; set DATASTAR_BROKER_URL") == 1


def test_publishing_from_a_process_that_serves_does_not_warn(
    app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture
) -> None:
    app.test_client().get("/")
    with app.app_context():
        datastar.publish("a")

    assert caplog.text == ""


def test_publishing_with_a_broker_does_not_warn(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_BROKER_URL="memory://")
    with app.app_context():
        datastar.publish("a")

    assert caplog.text == ""


def test_sender_s_own_tab_receives_too(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @datastar.stream(group="g", scope="ann")
    def stream() -> Iterator[Any]:
        feed = datastar.follow("news")
        datastar.broadcast_to("ann", datastar.tab_id).signal("mine", 1)
        datastar.broadcast("news").signal("a", 1)
        yield from feed

    connect(PATH, signals={"tabId": "t.p"}).wait('{"a":1}', '{"mine":1}')


def test_all_tabs_are_shown_as_such() -> None:
    assert repr(ALL_TABS) == "all"


@pytest.mark.parametrize("tab", [None, ""])
def test_a_tab_that_is_not_known_is_never_all_tabs(app: Flask, datastar: Datastar, tab: Any) -> None:
    with app.app_context():
        for call in (datastar.broadcast_to, datastar.tabs.close):
            with pytest.raises(
                ValueError,
                match=f"^tab is {tab!r}: the page has sent no tab id, which never means all tabs; put tab_signal",
            ):
                call("ann", tab)
            with pytest.raises(ValueError, match=r"leave tab out to mean all tabs of the scope$"):
                call("ann", tab=tab)


@pytest.mark.parametrize("way", ["_data", "_json"])
def test_a_post_without_the_signal_reaches_its_own_tab_alone(
    app: Flask, datastar: Datastar, connect: Connect, way: str
) -> None:
    @datastar.stream(group="g", scope="ann")
    def stream() -> Any:
        return datastar.follow("news")

    @datastar.handler(group="g")
    def act() -> None:
        datastar.broadcast_to("ann", tab=datastar.tab_id).signal("mine", 1)
        datastar.broadcast("news").signal("last", 1)

    own, other = (connect(PATH, signals={"tabId": tab_id}).wait_open() for tab_id in ("t1.p", "t2.p"))
    DatastarClient(app, {"tabId": "t1.p"}).post("g.act", **{way: {"name": "Ada"}})

    own.wait('{"mine":1}', '{"last":1}')
    other.wait('{"last":1}')
    assert "mine" not in str(other.reads)

    with pytest.raises(ValueError, match=r"^tab is None: the page has sent no tab id"):
        DatastarClient(app).post("g.act", **{way: {"name": "Ada"}})


# Slow clients


@pytest.mark.parametrize(("limit", "value"), [("DATASTAR_MAX_QUEUED_EVENTS", 10), ("DATASTAR_MAX_QUEUED_BYTES", 1000)])
def test_client_that_does_not_read_ends_with_restart_and_others_go_on(
    make_app: MakeApp, connect: Connect, limit: str, value: int, caplog: pytest.LogCaptureFixture
) -> None:
    datastar = Datastar()
    app = make_app(datastar, **{limit: value})

    @datastar.stream(group="g")
    def stream() -> Any:
        return datastar.follow("news")

    slow, fast = (connect(PATH, app=app).wait_open() for _ in range(2))
    with app.app_context():
        datastar.broadcast("news").signal("first", 1)
        slow.wait("first")
        slow.reads.clear()
        for number in range(60):
            datastar.broadcast("news").patch_elements(f"<p id='a'>{number}</p>", event_id=f"row-{number}")
            fast.wait(f"row-{number}")
    slow.reads.set()

    event_id, retry_ms = ending(slow.wait_end())
    assert retry_ms is not None
    # What was dropped does not count as sent.
    last = [event.event_id for event in slow.events if event.event_id and event.event_id.startswith("row")]
    assert event_id == f"ds:restart:0:{last[-1] if last else ''}"
    assert len(fast.events) == 61
    with app.app_context():
        stats = datastar.stats()
    assert (stats["dropped"], stats["ended"], stats["open"], stats["opened"]) == (1, {"slow": 1}, 1, 2)
    assert 1 < stats["queue_high_water"] <= 20
    assert caplog.text.count("a client reads too slowly") == 1


def test_what_comes_before_the_stream_is_open_is_bounded_too(
    make_app: MakeApp, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_MAX_QUEUED_EVENTS=10)

    @datastar.stream(group="g")
    def stream() -> Any:
        feed = datastar.follow("news")
        for number in range(30):
            datastar.broadcast("news").signal("a", number)
        return feed

    connection = connect(PATH, app=app)

    assert ending(connection.wait_end())[0] == "ds:restart:0:"
    assert caplog.text.count("a client reads too slowly") == 1


def test_publisher_that_never_rests_does_not_end_streams_that_read(
    app: Flask, datastar: Datastar, followers: list[Connection], connect: Connect
) -> None:
    @datastar.stream(group="g")
    def subscriber() -> Iterator[Any]:
        messages = datastar.subscribe("news")
        yield {"ready": 1}
        for message in messages:
            yield {"n": message.data if message else None}

    reader = connect("/ds/g/subscriber")
    reader.wait("ready")
    with app.app_context():
        for number in range(3000):
            datastar.broadcast("news").signal("n", number)
            datastar.publish("news", number)

    for connection in [*followers, reader]:
        connection.wait('{"n":2999}')
        assert [event.arguments["signals"] for event in connection.events if event.type][-3000:] == [
            f'{{"n":{number}}}' for number in range(3000)
        ]
        assert not connection.has_ended


# What is told


def test_hooks_tell_of_streams_in_the_context_of_their_app(app: Flask, datastar: Datastar, connect: Connect) -> None:
    told: list[Any] = []

    def opened(sender: Flask, **details: Any) -> None:
        datastar.publish("online", details["scope"])
        told.append((sender, details))

    def closed(sender: Flask, **details: Any) -> None:
        datastar.publish("online", details["scope"])
        told.append((sender, details))

    @datastar.stream(group="g", scope="ann")
    def stream() -> Any:
        return datastar.follow("news")

    with hooks.stream_opened.connected_to(opened, app), hooks.stream_closed.connected_to(closed, app):
        connect(PATH, signals={"tabId": "t.p"}).wait_open().close()
        call(app, PATH)[2].close()

    details = {"scope": "ann", "tab": "t", "endpoint": "datastar.g:stream"}
    assert told == [(app, details), (app, {**details, "reason": "left"})]


def test_endpoint_is_flask_s_own(app: Flask, datastar: Datastar, connect: Connect) -> None:
    shop, outer = Blueprint("shop", __name__, url_prefix="/shop"), Blueprint("outer", __name__, url_prefix="/outer")
    told: list[str] = []

    def note(sender: Flask, **details: Any) -> None:
        told.append(details["endpoint"])

    @datastar.stream(group="g", scope="ann")
    def plain() -> Any:
        return datastar.follow("news")

    @datastar.stream(group="g", scope="ann", blueprint=shop)
    def behind() -> Any:
        return datastar.follow("news")

    @app.get("/own", endpoint="own-name")
    def own() -> Any:
        return datastar.start_stream("ann", datastar.follow("news"))

    outer.register_blueprint(shop, name="inner")
    app.register_blueprint(outer)
    app.register_blueprint(shop)
    endpoints = ["datastar.g:plain", "shop.g:behind", "outer.inner.g:behind", "own-name"]
    with app.test_request_context():
        urls = [url_for(endpoint) for endpoint in endpoints]

    with hooks.stream_opened.connected_to(note, app), hooks.stream_closed.connected_to(note, app):
        for url in urls:
            connection = connect(url, signals={"tabId": "t.p"}).wait_open()
            with app.app_context():
                told += [info.endpoint for info in datastar.tabs.snapshot()]
            connection.close()

    assert told == [endpoint for endpoint in endpoints for _ in range(3)]


def test_receiver_that_fails_harms_no_stream(
    app: Flask, datastar: Datastar, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(sender: Flask, **details: Any) -> None:
        raise RuntimeError("broken receiver")

    @datastar.stream(group="g")
    def stream() -> Any:
        datastar.signal("a", 1)
        return datastar.follow("news")

    with hooks.stream_opened.connected_to(fail), hooks.stream_closed.connected_to(fail):
        connection = connect(PATH)
        connection.wait('{"a":1}')
        connection.close()

    assert connection.error is None
    assert caplog.text.count("RuntimeError: broken receiver") == 2
    assert_nothing_is_left(app)


def test_nothing_is_counted_before_the_first_stream(app: Flask, datastar: Datastar) -> None:
    with app.app_context():
        counts = datastar.stats()
        assert not any(counts.pop("repeats").values())
        assert counts == {"open": 0, "opened": 0, "ended": {}, "dropped": 0, "queue_high_water": 0}
        assert (datastar.tabs.count(), datastar.tabs.snapshot(), datastar.tabs.close("ann")) == (0, [], 0)
