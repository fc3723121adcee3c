"""Methods of views that are streams: ``load`` runs before each turn, and actions carry the parameters of the URL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, abort, g, redirect, render_template_string

from flask_datastar import Datastar, StarView, event, sse
from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient
from tests.support.streams import Connect, wait_subscribed
from tests.support.wsgi import call

DONE = b"id: ds:done\n\n"


class Board:
    """The data of the tests' view: what ``load`` finds, and how often it has looked."""

    def __init__(self) -> None:
        self.loads: list[int] = []
        self.answer: Any = None


@pytest.fixture
def board(app: Flask, datastar: Datastar) -> Board:
    board = Board()
    app.config["TESTING"] = False

    @app.get("/login")
    def login() -> str:
        return "login"

    @datastar.view("/boards/<int:number>", group="boards")
    class BoardView(StarView):
        def load(self, number: int) -> Any:
            board.loads.append(number)
            self.version = len(board.loads)
            return board.answer() if board.answer is not None else None

        def html(self) -> str:
            return render_template_string("{{ datastar.open_stream('feed') }}")

        @event
        def move(self) -> None: ...

        @datastar.stream(scope="ann")
        def feed(self, name: str = "") -> Iterator[Any]:
            for topics in datastar.changes("cards", at_most_every=0):
                action = datastar.post("move").js.partition("&_k")[0]
                yield {"version": self.version, "topics": sorted(topics), "action": action, "name": name}

        @datastar.stream
        def messages(self) -> Iterator[Any]:
            for message in datastar.subscribe("cards"):
                assert message is not None
                yield {"version": self.version, "data": message.data}

        @datastar.stream
        def clock(self) -> Iterator[Any]:
            for number in datastar.every(0.01):
                yield {"version": self.version, "number": number}
                if number:
                    return

        @datastar.stream(name="news")
        def follow_news(self) -> Any:
            feed = datastar.follow("cards")
            datastar.signal("version", self.version)
            return feed

    return board


def test_page_opens_the_stream_with_the_parameters_of_its_url(app: Flask, board: Board) -> None:
    assert "&#39;/ds/boards/feed?number=7&#39;" in app.test_client().get("/boards/7").get_data(as_text=True)


def test_data_is_loaded_before_each_turn(app: Flask, datastar: Datastar, board: Board, connect: Connect) -> None:
    connection = connect("/ds/boards/feed?number=7&name=Ada", signals={"tabId": "t.p"})
    connection.wait('"version":1')
    with app.app_context():
        datastar.publish("cards")
    connection.wait('"version":2')

    patched = [event.arguments["signals"] for event in connection.events]
    assert patched[0] == '{"action":"@post(\'/ds/boards/move?number=7","name":"Ada","topics":[],"version":1}'
    assert '"topics":["cards"]' in patched[1]
    assert "/ds/boards/move?number=7" in patched[1]
    assert board.loads == [7, 7]
    with app.app_context():
        assert datastar.tabs.count() == 1


@pytest.mark.parametrize("name", ["messages", "clock"])
def test_each_wait_point_begins_a_turn(
    app: Flask, datastar: Datastar, board: Board, connect: Connect, name: str
) -> None:
    connection = connect(f"/ds/boards/{name}?number=7").wait_open()
    if name == "messages":
        wait_subscribed(app, "cards")
        for number in (1, 2):
            with app.app_context():
                datastar.publish("cards", number)
            connection.wait(f'"data":{number}')
        assert board.loads == [7, 7, 7]
    else:
        connection.wait_end()
        assert board.loads == [7, 7]


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        (lambda: abort(403), b""),
        (lambda: abort(404), b""),
        (lambda: redirect("/login"), sse.redirect("/login").encode()),
        (lambda: ("no", 401), b""),
    ],
)
def test_who_may_no_longer_see_it_loses_the_stream(
    app: Flask, datastar: Datastar, board: Board, connect: Connect, answer: Any, sent: bytes
) -> None:
    connection = connect("/ds/boards/feed?number=7")
    connection.wait('"version":1')
    board.answer = answer
    with app.app_context():
        datastar.publish("cards")
    connection.wait_for_end()

    assert connection.error is None
    assert connection.received.endswith(sent + DONE)
    assert b'"version":2' not in connection.received
    # It does not come back, and would not get one either.
    status, _, body = call(app, "/ds/boards/feed?number=7")
    assert (status, b"".join(body)) == (200, sent + DONE)


def test_what_the_stream_follows_is_only_loaded_once(
    app: Flask, datastar: Datastar, board: Board, connect: Connect
) -> None:
    connection = connect("/ds/boards/news?number=7")
    connection.wait('"version":1')
    with app.app_context():
        datastar.broadcast("cards").patch_signals({"a": 1})
    connection.wait('"a":1')

    assert board.loads == [7]


def test_missing_parameter_of_the_url_is_refused_as_for_events(app: Flask, board: Board) -> None:
    assert call(app, "/ds/boards/feed")[0] == call(app, "/ds/boards/move", method="POST")[0] == 400
    assert board.loads == []


def test_decorators_blueprint_and_subclasses_hold_for_streams(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("shop", __name__, url_prefix="/shop")

    def guard(function: Any) -> Any:
        def guarded(**values: Any) -> Any:
            g.guarded = True
            return function(**values)

        return guarded

    class Base(StarView):
        decorators = (guard,)
        text = "base"

        @datastar.stream
        def feed(self) -> Iterator[Any]:
            yield {"text": self.text, "guarded": g.guarded}

        @datastar.stream
        def other(self) -> Iterator[Any]:
            yield

    @datastar.view("/cart", blueprint, group="cart")
    class Cart(Base):
        text = "cart"
        other = None  # type: ignore[assignment]

    app.register_blueprint(blueprint)
    tab = DatastarClient(app)

    with app.test_request_context():
        assert datastar.open_stream(Cart, "feed").js.startswith("@get('/shop/ds/cart/feed'")
    events = tab.iter_events(Cart, "feed", method="GET")
    next(events)
    events.close()
    assert tab.signals == {"text": "cart", "guarded": True}
    assert [(handler.name, handler.kind) for handler in datastar.handlers] == [("feed", "stream")]


@pytest.mark.parametrize("options", [{"group": "g"}, {"blueprint": Blueprint("b", __name__)}])
def test_place_of_a_view_s_stream_is_that_of_the_view(datastar: Datastar, options: Any) -> None:
    with pytest.raises(
        SetupError, match=r"Page.feed is a method, and has the group and the blueprint of its view; leave"
    ):

        class Page(StarView):
            @datastar.stream(**options)
            def feed(self) -> Iterator[Any]:
                yield


def test_method_is_an_event_or_a_stream(datastar: Datastar) -> None:
    with pytest.raises(SetupError, match=r"Page.feed is marked as an event twice"):

        class Page(StarView):
            @event
            @datastar.stream
            def feed(self) -> Iterator[Any]:
                yield
