"""Streams in tests: what a server delivers is delivered, what fails is raised, and no reading waits forever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response, abort, current_app, g, session
from flask_wtf import CSRFProtect

from flask_datastar import Datastar, Signals, StarView, event, sse
from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp

NEWS = sse.patch_signals({"news": 1})
#: For what never comes, so that a test need not wait for the default.
SOON = 0.2


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def streams(datastar: Datastar, log: list[str]) -> None:
    @datastar.stream(group="g", scope="ann")
    def waiting() -> Iterator[Signals]:
        try:
            for number, _ in enumerate(datastar.changes("news", at_most_every=0)):
                yield {"turn": number}
        finally:
            log.append("left")

    @datastar.stream(group="g", scope="ann")
    def following() -> Any:
        feed = datastar.follow("news")
        datastar.signal("turn", 0)
        return feed

    @datastar.stream(group="g", scope="ann")
    def failing() -> Iterator[Signals]:
        yield {"turn": 0}
        raise LookupError("in the stream")

    @datastar.handler(group="g")
    def tell() -> None:
        datastar.broadcast_to("ann").patch_signals({"news": 1})

    @datastar.handler(group="g")
    def failing_late() -> Iterator[Signals]:
        yield {"turn": 0}
        raise LookupError("in the handler")


# What a server delivers


@pytest.mark.parametrize("stream", ["waiting", "following"])
def test_broadcast_to_one_person_arrives_while_the_stream_waits(tab: DatastarClient, stream: str) -> None:
    events = tab.iter_events(stream, method="GET")
    assert next(events) == sse.patch_signals({"turn": 0})

    for _ in range(2):
        tab.post("tell")
        assert next(events) == NEWS
    assert tab.signals == {"turn": 0, "news": 1}
    events.close()  # type: ignore[attr-defined]


def test_broadcast_and_turn_arrive_in_their_order(datastar: Datastar, app: Flask, tab: DatastarClient) -> None:
    events = tab.iter_events("waiting", method="GET")
    next(events)

    tab.post("tell")
    with app.app_context():
        datastar.publish("news")

    assert {next(events), next(events)} == {NEWS, sse.patch_signals({"turn": 1})}
    events.close()  # type: ignore[attr-defined]


def test_nothing_runs_on_before_it_is_asked_for(datastar: Datastar, app: Flask, tab: DatastarClient) -> None:
    steps: list[str] = []

    @datastar.stream(group="g")
    def stepping() -> Iterator[None]:
        for number, _ in enumerate(datastar.changes("news", at_most_every=0)):
            steps.append(f"{number}")
            datastar.signal("turn", number)
            yield

    events = tab.iter_events("stepping", method="GET")
    next(events)
    for _ in range(3):
        with app.app_context():
            datastar.publish("news")

    assert steps == ["0"]
    # One turn for all that came meanwhile.
    assert next(events) == sse.patch_signals({"turn": 1})
    events.close()  # type: ignore[attr-defined]


def test_fresh_token_is_applied_and_not_yielded(app: Flask, tab: DatastarClient) -> None:
    CSRFProtect(app)
    app.add_url_rule("/", "index", lambda: f"<body {app.extensions['datastar'].tab_signal()}>")
    tab.load("/")
    before = tab.signals.pop("_csrf")

    events = tab.iter_events("waiting", method="GET")

    assert next(events) == sse.patch_signals({"turn": 0})
    assert tab.signals["_csrf"].partition(".")[0] == before.partition(".")[0]
    tab.post("tell")
    assert next(events) == NEWS
    events.close()  # type: ignore[attr-defined]


def test_signals_of_the_app_beside_its_own_names_are_yielded(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.stream(group="g")
    def mixed() -> Iterator[Signals]:
        yield {"_csrf": "x", "count": 1}

    assert next(tab.iter_events("mixed", method="GET")) == sse.patch_signals({"_csrf": "x", "count": 1})


def test_closing_is_a_tab_that_leaves(app: Flask, datastar: Datastar, tab: DatastarClient, log: list[str]) -> None:
    events = tab.iter_events("waiting", method="GET")
    next(events)
    with app.app_context():
        assert datastar.stats()["open"] == 1

    events.close()  # type: ignore[attr-defined]

    assert log == ["left"]
    with app.app_context():
        assert (datastar.stats()["open"], datastar.stats()["ended"]) == (0, {"left": 1})


def test_closing_a_stream_that_waits_ends_it(tab: DatastarClient, log: list[str]) -> None:
    events = tab.iter_events("waiting", method="GET")
    next(events)
    # Delivered out of the wait, in which the generator still is.
    tab.post("tell")
    next(events)

    events.close()  # type: ignore[attr-defined]

    assert log == ["left"]


def test_what_a_test_has_set_is_seen_by_the_stream(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.stream(group="g", scope=lambda: session["name"])
    def mine() -> Iterator[Signals]:
        yield {"app": current_app.name, "g": g.get("outer", ""), "name": session["name"]}

    with tab.client.session_transaction() as stored:
        stored["name"] = "ann"

    assert next(tab.iter_events("mine", method="GET")) == sse.patch_signals({"app": "shop", "g": "", "name": "ann"})


def test_cookies_of_a_stream_are_kept(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.stream(group="g")
    def counted() -> Any:
        session["opened"] = session.get("opened", 0) + 1
        feed = datastar.follow("news")
        datastar.signal("opened", session["opened"])
        return feed

    for number in (1, 2):
        events = tab.iter_events("counted", method="GET")
        assert next(events) == sse.patch_signals({"opened": number})
        events.close()  # type: ignore[attr-defined]


# What fails


def test_exception_in_a_stream_is_raised_after_what_came_before(tab: DatastarClient) -> None:
    events = tab.iter_events("failing", method="GET")
    assert next(events) == sse.patch_signals({"turn": 0})

    with pytest.raises(LookupError, match="in the stream"):
        next(events)


def test_exception_in_a_generator_handler_is_raised(tab: DatastarClient) -> None:
    with pytest.raises(LookupError, match="in the handler"):
        tab.post("failing_late")
    events = tab.iter_events("failing_late")
    next(events)
    with pytest.raises(LookupError, match="in the handler"):
        next(events)


def test_exception_in_an_event_of_a_view_is_raised(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/board")
    class Board(StarView):
        @event
        def load_all(self) -> Iterator[Signals]:
            yield {"turn": 0}
            raise LookupError("in the view")

    with pytest.raises(LookupError, match="in the view"):
        tab.post(Board, "load_all")


def test_stream_that_is_read_to_its_end_raises(tab: DatastarClient) -> None:
    with pytest.raises(LookupError, match="in the stream"):
        tab.get("failing")


def test_exception_while_a_stream_is_closed_is_raised(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.stream(group="g")
    def closing() -> Iterator[Signals]:
        try:
            for _ in datastar.changes("news"):
                yield {"turn": 0}
        finally:
            raise LookupError("in the end")

    events = tab.iter_events("closing", method="GET")
    next(events)

    with pytest.raises(LookupError, match="in the end"):
        events.close()  # type: ignore[attr-defined]


def test_error_of_the_opening_is_raised(datastar: Datastar, tab: DatastarClient) -> None:
    def owner() -> str:
        raise LookupError("in the scope")

    @datastar.stream(group="g", scope=owner)
    def unowned() -> Iterator[None]:
        yield

    for read in (lambda: next(tab.iter_events("unowned", method="GET")), lambda: tab.get("unowned")):
        with pytest.raises(LookupError, match="in the scope"):
            read()


@pytest.mark.parametrize("config", [{"TESTING": False}, {"PROPAGATE_EXCEPTIONS": False}], ids=str)
def test_nothing_is_raised_where_flask_s_client_raises_nothing(make_app: MakeApp, config: dict[str, Any]) -> None:
    app = make_app(**config)
    datastar: Datastar = app.extensions["datastar"]

    @datastar.stream(group="g")
    def failing() -> Iterator[Signals]:
        yield {"turn": 0}
        raise LookupError

    found = list(DatastarClient(app).iter_events("failing", method="GET"))

    assert found[0] == sse.patch_signals({"turn": 0})
    assert str(found[-1].event_id).startswith("ds:restart:1:")


def test_exception_of_another_request_is_its_own(datastar: Datastar, app: Flask, tab: DatastarClient) -> None:
    events = tab.iter_events("waiting", method="GET")
    next(events)

    with pytest.raises(LookupError):
        DatastarClient(app).post("failing_late")

    tab.post("tell")
    assert next(events) == NEWS
    events.close()  # type: ignore[attr-defined]


def test_refusal_is_an_answer(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler(group="g")
    def refusing() -> None:
        abort(403)

    assert tab.post("refusing").status_code == 403
    assert list(tab.iter_events("refusing")) == []


def test_handler_in_a_stream_s_place_is_an_error(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler(group="g")
    def misplaced() -> Iterator[None]:
        yield
        for _ in datastar.changes("news"):
            yield

    with pytest.raises(SetupError):
        list(tab.iter_events("misplaced"))


# Deadlines


def test_next_event_that_does_not_come_says_what_came(tab: DatastarClient, log: list[str]) -> None:
    events = tab.iter_events("waiting", method="GET", _within=SOON)
    next(events)

    with pytest.raises(TimeoutError) as caught:
        next(events)

    assert str(caught.value) == (
        "no event came within 0.2 s: the response is open, and it has sent 2 so far, the last one "
        "datastar-patch-signals 'signals {\"turn\":0}'; publish before you read, ask for fewer events, or give it more "
        "time (_within=…)"
    )
    assert log == ["left"]


def test_stream_that_sends_nothing_is_given_up(app: Flask, datastar: Datastar) -> None:
    @datastar.stream(group="g")
    def silent() -> Any:
        return datastar.follow("news")

    with pytest.raises(
        TimeoutError, match=r"no event came within 0.2 s: the response is open, .* 1 so far, .* datastar-stream-opened"
    ):
        next(DatastarClient(app, within=SOON).iter_events("silent", method="GET"))


@pytest.mark.parametrize("stream", ["waiting", "following"])
def test_stream_that_does_not_end_is_not_read_to_its_end(app: Flask, tab: DatastarClient, stream: str) -> None:
    with pytest.raises(TimeoutError, match=r"the stream has not ended within 0.2 s: it has sent .*turn.* and goes on"):
        tab.get(stream, _within=SOON)
    with app.app_context():
        assert app.extensions["datastar"].stats()["open"] == 0


def test_stream_of_a_plain_view_has_a_deadline(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @app.get("/live")
    def live() -> Response:
        return datastar.start_stream("ann", datastar.follow("news"))

    with pytest.raises(TimeoutError, match="has not ended"):
        tab.get("/live", _within=SOON)


def test_stream_that_ends_is_read_to_its_end(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.stream(group="g")
    def short() -> Iterator[Signals]:
        yield {"turn": 0}
        yield {"turn": 1}

    answer = tab.get("short")

    assert (answer.patched, answer.status_code) == ({"turn": 1}, 200)
    assert answer.response.text.endswith("id: ds:done\n\n")


def test_handler_that_blocks_is_given_up(datastar: Datastar, tab: DatastarClient) -> None:
    goes_on = threading.Event()

    @datastar.handler(group="g")
    def blocking() -> Iterator[Signals]:
        yield {"turn": 0}
        goes_on.wait(60)
        yield {"turn": 1}

    events = tab.iter_events("blocking", _within=SOON)
    next(events)
    with pytest.raises(TimeoutError, match=r"no event came within 0\.2 s"):
        next(events)
    goes_on.set()


def test_response_that_does_not_come_is_given_up(datastar: Datastar, tab: DatastarClient) -> None:
    goes_on = threading.Event()

    @datastar.handler(group="g")
    def blocking() -> None:
        goes_on.wait(60)

    with pytest.raises(TimeoutError, match=r"no response came within 0\.2 s"):
        next(tab.iter_events("blocking", _within=SOON))
    goes_on.set()


def test_response_that_is_not_read_is_closed(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    closed: list[bool] = []

    @app.get("/gone")
    def gone() -> Response:
        response = Response("gone", 410)
        response.call_on_close(lambda: closed.append(True))
        return response

    assert list(tab.iter_events("/gone", method="GET")) == []
    assert closed == [True]


def test_what_a_middleware_writes_itself_is_kept(app: Flask, tab: DatastarClient) -> None:
    event = sse.patch_signals({"written": True}).encode()
    inner = app.wsgi_app

    def middleware(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/written":
            return inner(environ, start_response)
        write = start_response("200 OK", [("Content-Type", "text/event-stream")])
        write(event)
        return [event]

    app.wsgi_app = middleware  # type: ignore[method-assign]

    assert len(list(tab.iter_events("/written"))) == 2


def test_deadline_is_for_each_event(app: Flask, datastar: Datastar) -> None:
    tab = DatastarClient(app)
    assert tab.within == 5.0
    tab.within = SOON
    events = tab.iter_events("waiting", method="GET")
    next(events)
    for _ in range(5):
        threading.Event().wait(SOON / 2)
        tab.post("tell")
        assert next(events) == NEWS
    events.close()  # type: ignore[attr-defined]
