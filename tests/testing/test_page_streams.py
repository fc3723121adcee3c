"""Pages with streams: what they bring, how a tab waits for it, and what happens to a tab as a whole."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask, Response

from flask_datastar import Datastar, sse
from flask_datastar.testing import (
    DatastarClient,
    NotInTab,
    PageError,
    RequestRefused,
    capture_published,
    frozen_clock,
)
from tests.support.pages import app_with, shown

BODY = """<div data-signals="{n: -1, tick: -1}"><b id=n data-text="$n"></b><b id=tick data-text="$tick"></b>
<ul id=log></ul><p id=people>{{ people() }}</p>
<i data-init="{{ datastar.open_stream('shop.news') }}"></i><i data-init="{{ datastar.open_stream('shop.ticks') }}"></i>
<i data-init="{{ datastar.open_stream('shop.log') }}"></i>
<button id=publish data-on:click="{{ datastar.post('shop.publish') }}">p</button>
<button id=break data-on:click="{{ datastar.get('shop.breaks') }}">b</button>
<button id=endless data-on:click="{{ datastar.post('shop.endless') }}">e</button>
<button id=busy data-on:click="@get('/ds/shop/busy')">y</button>
<button id=steps data-on:click="{{ datastar.post('shop.steps') }}">s</button>
<button id=flaky data-on:click="@get('/flaky', {retry: 'error'})">f</button>
<button id=page data-on:click="history.pushState({a: 1}, '', '/pushed')">h</button>
<i data-on:popstate__window="$n = location.pathname"></i><i data-on-interval__duration.2s="$tick = 'i' + $tick"></i>
<button id=timer data-on:click="setTimeout(() => $n = 'timer', 3000)">t</button></div>"""


@dataclass
class Shop:
    app: Flask
    datastar: Datastar
    count: int = 0
    statuses: list[int] = field(default_factory=list)

    def publish(self) -> None:
        self.count += 1
        with self.app.app_context():
            self.datastar.publish("news", {"count": self.count})

    def log(self, text: str) -> None:
        with self.app.app_context():
            self.datastar.broadcast("log").patch_elements(f"<li>{text}</li>", to="log", mode="append")


@pytest.fixture
def shop() -> Shop:
    datastar = Datastar(stream_max_age_seconds=600)
    app = app_with(BODY, datastar)
    shop = Shop(app, datastar)
    app.jinja_env.globals["people"] = lambda: "nobody"

    @datastar.stream(group="shop")
    def news() -> Iterator[None]:
        for _ in datastar.changes("news"):
            datastar.signal("n", shop.count)
            yield

    @datastar.stream(group="shop")
    def ticks() -> Iterator[None]:
        for number in datastar.every(60):
            datastar.signal("tick", number)
            yield

    @datastar.stream(group="shop")
    def log() -> object:
        return datastar.follow("log")

    @datastar.handler(group="shop")
    def publish() -> None:
        shop.count += 1
        datastar.publish("news", {"count": shop.count})

    @datastar.stream(group="shop")
    def breaks() -> Iterator[None]:
        yield
        raise LookupError("the stream broke")

    @datastar.stream(group="shop")
    def busy() -> Iterator[None]:
        yield
        time.sleep(0.4)

    @datastar.handler(group="shop")
    def endless() -> Iterator[None]:
        while True:
            datastar.signal("n", 1)
            yield

    @datastar.handler(group="shop")
    def steps() -> Iterator[None]:
        for number in range(3):
            datastar.signal("n", f"step {number}")
            yield

    @app.get("/flaky")
    def flaky() -> Response:
        body = sse.patch_signals({"n": "back"}).encode()
        return Response(body, shop.statuses.pop(0), content_type="text/event-stream")

    return shop


@pytest.fixture
def tab(shop: Shop) -> Iterator[DatastarClient]:
    with shown(shop.app) as tab:
        yield tab


def test_page_shows_what_its_streams_have_sent(shop: Shop, tab: DatastarClient) -> None:
    assert (tab.text("#n"), tab.text("#tick")) == ("0", "0")
    shop.publish()
    assert tab.text("#n") == "1"
    tab.click("#publish")
    assert tab.text("#n") == "2"
    shop.log("one")
    shop.log("two")
    assert [one.text for one in tab.find_all("#log li")] == ["one", "two"]
    assert tab.click("#steps").signals["n"] == "step 2"  # type: ignore[union-attr]


def test_other_threads_are_waited_for(shop: Shop, tab: DatastarClient) -> None:
    thread = threading.Timer(0.05, shop.publish)
    thread.start()
    tab.wait_for("#n", text="1")
    thread.join()
    shop.log("three")
    tab.wait_for(text="three", signals={"n": 1})
    tab.wait_for("#log li")
    count = len(tab.events)
    thread = threading.Timer(0.05, shop.publish)
    thread.start()
    tab.wait_for(event="datastar-patch-signals")
    thread.join()
    assert len(tab.events) > count


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"selector": "#log li"}, "nobody sees an element '#log li' within 0.05 s; no event has come"),
        ({"text": "Tea"}, "the page does not show 'Tea', but '"),
        ({"selector": "#n", "text": "7"}, "#n does not show '7', but '0'"),
        ({"signals": {"n": 5}}, r"the signals are not {'n': 5}, but {'n': 0}"),
        ({"event": "datastar-patch-elements"}, "no event datastar-patch-elements has come"),
    ],
)
def test_wait_says_what_came_instead(tab: DatastarClient, given: dict[str, object], message: str) -> None:
    with pytest.raises(TimeoutError, match=message):
        tab.wait_for(**given, within=0.05)  # type: ignore[arg-type]


def test_wait_tells_the_last_event(shop: Shop, tab: DatastarClient) -> None:
    thread = threading.Timer(0.05, shop.publish)
    thread.start()
    with pytest.raises(TimeoutError, match=r"1 events have come meanwhile, the last one datastar-patch-signals"):
        tab.wait_for(text="Tea", within=0.5)
    thread.join()


def test_wait_needs_something_that_can_come(shop: Shop) -> None:
    with pytest.raises(TypeError, match="nothing to wait for"), shown(shop.app) as tab:
        tab.wait_for()
    with shown(app_with("<p>x</p>")) as tab, pytest.raises(TimeoutError, match="no open stream that could change"):
        tab.wait_for(text="y")


@pytest.fixture
def room() -> Shop:
    """A page that follows a topic, of a person whose stream can be closed."""
    datastar = Datastar(scope=lambda: "ada", restart_spread_seconds=0)
    app = app_with(
        """<div data-signals="{n: 0}"><b id=n data-text="$n"></b><button id=go data-on:click="$n += 10">g</button>
        <i data-init="{{ datastar.open_stream('room.news') }}"></i><p id=p></p></div>""",
        datastar,
    )

    @datastar.stream(group="room")
    def news() -> object:
        return datastar.follow("room")

    return Shop(app, datastar)


def announce(room: Shop) -> None:
    with room.app.app_context():
        room.datastar.broadcast("room").patch_signals({"n": 1})
        room.datastar.broadcast("room").execute_script("console.log('told')")


@pytest.mark.parametrize(
    "look",
    [
        lambda tab: tab.signals["n"] == 1,
        lambda tab: [one for one in tab.events if one.type == "datastar-patch-signals"],
        lambda tab: tab.console == ["log: told"],
        lambda tab: any("told" in one for one in tab.scripts),
        lambda tab: tab.click("#go") is None and tab.signals["n"] == 11,
        lambda tab: tab.lose_network() or tab.text("#n") == "1",
    ],
    ids=["signals", "events", "console", "scripts", "click", "network"],
)
def test_what_was_sent_is_taken_in_first(room: Shop, look: Callable[[DatastarClient], object]) -> None:
    with shown(room.app) as tab:
        announce(room)
        assert look(tab)


def test_signals_that_came_are_sent(room: Shop) -> None:
    @room.datastar.handler(group="room")
    def say(n: int) -> None:
        room.count = n

    with shown(room.app) as tab:
        announce(room)
        tab.post(say)
        assert room.count == 1


@pytest.mark.parametrize("leave", [DatastarClient.reload, DatastarClient.duplicate], ids=["reload", "duplicate"])
def test_what_leads_away_is_taken_in_first(room: Shop, leave: Callable[[DatastarClient], object]) -> None:
    with shown(room.app) as tab:
        with room.app.app_context():
            room.datastar.broadcast("room").push_url("/?next=1")
        left = leave(tab)
        assert (left or tab).url == "/?next=1"  # type: ignore[attr-defined]
        if isinstance(left, DatastarClient):
            left.close()


def test_wait_takes_in_the_end_of_a_stream_first(room: Shop) -> None:
    with shown(room.app) as tab:
        count = len(tab.requests)
        with room.app.app_context():
            room.datastar.tabs.close("ada", restart=True)
        tab.wait(5)
        assert len(tab.requests) == count + 1
        with room.app.app_context():
            room.datastar.tabs.close("ada", restart=True)
        with pytest.raises(TimeoutError, match=r"no open stream.*; the page repeats a request in [\d.]+ s of"):
            tab.wait_for(text="Tea")
        tab.wait(5)
        with pytest.raises(TimeoutError) as caught:
            tab.wait_for(text="Tea", within=0.01)
        assert "clock" not in str(caught.value)


def test_exceptions_of_streams_and_endless_handlers_are_raised(shop: Shop, tab: DatastarClient) -> None:
    with pytest.raises(LookupError, match="the stream broke"):
        tab.click("#break")
    with shown(shop.app, within=0.2) as other:
        with pytest.raises(TimeoutError, match=r"has not ended within 0\.2 s"):
            other.click("#endless")
        with pytest.raises(TimeoutError, match=r"/busy.* does not come to rest within 0\.2 s"):
            other.click("#busy")


def test_clock_of_the_tab_runs_repeats_and_timers(shop: Shop, tab: DatastarClient) -> None:
    shop.statuses = [503, 503, 200]
    answer = tab.click("#flaky")
    assert answer is not None
    assert answer.status_code == 503
    tab.wait(1)
    assert tab.signals["n"] == 0
    tab.wait(2)
    assert tab.signals["n"] == "back"
    assert tab.signals["tick"] == "i0"
    tab.click("#timer")
    assert tab.signals["n"] == "back"
    tab.wait(3.5)
    assert tab.signals["n"] == "timer"


def test_clock_of_the_streams_is_moved(shop: Shop) -> None:
    with frozen_clock(shop.app) as clock, shown(shop.app) as tab:
        assert tab.text("#tick") == "0"
        clock.move(60)
        assert tab.text("#tick") == "1"
        clock.move(100_000)
        tab.text()
        endings = [event.arguments["reason"] for event in tab.events if event.type == "datastar-stream-ending"]
        assert endings == ['"age"'] * 3
        assert clock.time() > 0
        with pytest.raises(ValueError, match="accepted: numbers above 0"):
            clock.move(0)


def test_published_messages_are_captured(shop: Shop) -> None:
    with capture_published(shop.app) as published:
        shop.publish()
        shop.log("one")
    shop.publish()

    assert [(one.topic, one.data, one.is_broadcast) for one in published] == [
        ("news", {"count": 1}, False),
        ("log", None, True),
    ]
    assert published[1].events[0].arguments["elements"] == "<li>one</li>"


def test_broadcast_that_is_not_compressed_is_captured_too(shop: Shop) -> None:
    datastar = shop.app.extensions["datastar"]
    with capture_published(shop.app) as published, shop.app.app_context():
        datastar.broadcast("log", compress=False).signal("one", 1)

    assert [(one.topic, one.is_broadcast) for one in published] == [("log", True)]


def test_hidden_tab_closes_its_streams(shop: Shop, tab: DatastarClient) -> None:
    assert len(tab._running_page().exchanges.open) == 3
    tab.hide()
    tab.hide()
    assert tab._running_page().exchanges.open == []
    shop.publish()
    assert tab.text("#n") == "0"
    tab.show()
    assert tab.text("#n") == "1"


def test_lost_network_fails_requests_until_it_is_back(shop: Shop, tab: DatastarClient) -> None:
    tab.lose_network()
    shop.publish()
    tab.click("#steps")
    assert tab.requests[-1].status_code == 0
    assert tab.text("#n") == "0"
    tab.regain_network()
    tab.wait(5)
    assert tab.text("#n") in ("1", "step 2")
    assert len(tab._running_page().exchanges.open) == 3


def test_pages_and_tabs_come_and_go(shop: Shop, tab: DatastarClient) -> None:
    tab.click("#page")
    assert tab.url == "/pushed"
    tab.back()
    assert (tab.url, tab.signals["n"]) == ("/", "/")
    tab.reload()
    assert tab.signals["n"] == 0
    with tab.duplicate() as other:
        shop.publish()
        assert (other.text("#n"), tab.text("#n")) == ("1", "1")
        assert other.signals["tabId"].split(".")[0] == tab.signals["tabId"].split(".")[0]
    tab.hide()
    tab.reload()
    # As in a browser: what starts while the page is hidden is opened.
    assert len(tab._running_page().exchanges.open) == 3
    tab.close()
    tab.close()
    with pytest.raises(PageError, match="closed"):
        tab.show()


def test_streams_end_with_their_tab(shop: Shop, tab: DatastarClient) -> None:
    page = tab._running_page()
    tab.close()

    with shop.app.app_context():
        deadline = time.monotonic() + 5
        while shop.datastar.stats()["open"] and time.monotonic() < deadline:
            time.sleep(0.005)
        assert shop.datastar.stats()["open"] == 0
    assert page.exchanges.open == []


def test_errors_are_failures_of_a_test() -> None:
    assert issubclass(RequestRefused, AssertionError)
    assert not issubclass(NotInTab, AssertionError)
