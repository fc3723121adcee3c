"""Regions and live pages that show who is there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_datastar import StarView
from flask_datastar.regions import pacing
from flask_datastar.testing.waiting import wait_until
from tests.presence.conftest import MakeSite, Site
from tests.support.streams import hub_for
from tests.support.wsgi import Connection


class Pages:
    """An app whose pages show the people at a board."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.renders = 0
        datastar, app = site.datastar, site.app

        @datastar.region(group="g", tables=(), at_most_every=0)
        def faces(board: int) -> str:
            self.renders += 1
            names = [f"{one.scope}{one.data}" for one in datastar.presence(f"board{board}")]
            return f"<ul id=faces-{board}>{' '.join(names)}</ul>"

        @datastar.region(group="g", at_most_every=0)
        def either(card: int) -> str:
            self.renders += 1
            topic = "card1" if not datastar.presence("switch") else "card2"
            return f"<p id=either-{card}>{topic} {len(datastar.presence(topic))}</p>"

        self.faces, self.either = faces, either

        @app.get("/boards/<int:board>")
        def show(board: int) -> str:
            datastar.join(f"board{board}", at=board)
            return f"<body>{faces(board).__html__()}{datastar.live(scope='ann')}</body>"

        @app.get("/either")
        def show_either() -> str:
            return f"<body>{either(1).__html__()}{datastar.live(scope='watcher')}</body>"

    def live(self, path: str, tab: str) -> Connection:
        """Open a page's stream, as its page does."""
        headers = {"Datastar-Live": ""}
        return self.site._connect(path, app=self.site.app, signals={"tabId": tab}, headers=headers).wait_open()


@pytest.fixture
def pages(site: Site) -> Pages:
    return Pages(site)


def test_a_live_page_makes_its_person_present_and_shows_it(pages: Pages) -> None:
    assert pages.site.app.test_client().get("/boards/3").text.startswith("<body><ul id=faces-3></ul>")
    stream = pages.live("/boards/3", "t.p")
    stream.wait("<ul id=faces-3>ann{'at': 3}</ul>")
    assert pages.site.names("board3") == ["ann"]
    assert pages.site.names("board4") == []
    # The HTML of a page that is loaded now has the person.
    assert "ann{" in pages.site.app.test_client().get("/boards/3").text
    stream.close()
    pages.site.wait_for([], "board3")


def test_a_region_follows_the_people_and_only_its_own(pages: Pages) -> None:
    stream = pages.live("/boards/3", "t.p")
    stream.wait("ann{")
    before = pages.renders
    pages.site.open("board", "u.p", "bob")
    other = pages.live("/boards/4", "v.p")
    other.wait("ann{'at': 4}")
    assert pages.renders - before <= 3, "the page of board 4 alone was rendered"

    @pages.site.datastar.stream(group="g", scope="bob")
    def visitor() -> Any:
        pages.site.datastar.join("board3", n=1)
        return pages.site.datastar.follow()

    visit = pages.site.open("visitor", "w.p")
    stream.wait("ann{'at': 3} bob{'n': 1}</ul>")
    visit.close()
    stream.wait("<ul id=faces-3>ann{'at': 3}</ul>", count=2)
    assert b"faces-3" not in other.received


def test_a_region_does_not_rest_for_the_time_in_which_its_process_asked_the_others(
    make_process: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Half a second, as nobody answers, would be a rest of a minute.
    monkeypatch.setattr(pacing, "_REST_FACTOR", 120)
    pages = Pages(make_process())
    stream = pages.live("/boards/3", "t.p")
    stream.wait("ann{")


def test_a_region_reads_other_topics_than_before(pages: Pages) -> None:
    stream = pages.live("/either", "t.p")
    topics = hub_for(pages.site.app).topics

    def read() -> set[str]:
        return {name.removeprefix("datastar:presence:") for name in topics.names()}

    assert read() == {"switch", "card1"}

    @pages.site.datastar.stream(group="g")
    def at(topic: str) -> Any:
        pages.site.datastar.join(topic)
        return pages.site.datastar.follow()

    pages.site.open("at", "u.p", signals={"topic": "switch"})
    stream.wait("card2 0")
    wait_until(lambda: read() == {"switch", "card2"})
    pages.site.open("at", "v.p", signals={"topic": "card2"})
    stream.wait("card2 1")
    stream.close()
    wait_until(lambda: read() == set())


def test_a_change_between_reading_and_subscribing_is_seen(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    datastar, opened = pages.site.datastar, []

    @datastar.stream(group="g")
    def at() -> Any:
        datastar.join("card1")
        return datastar.follow()

    read = datastar.presence

    def presence(topic: str, /) -> Any:
        found = read(topic)
        if topic == "card1" and not opened:
            # Somebody comes right after the region has read the list, and before anything listens to it.
            opened.append(None)
            assert found == []
            assert "datastar:presence:card1" not in hub_for(pages.site.app).topics.names()
            pages.site.open("at", "u.p")
        return found

    monkeypatch.setattr(datastar, "presence", presence)
    stream = pages.live("/either", "t.p")
    stream.wait("card1 1")
    assert opened == [None]


def test_a_debugging_app_says_nothing_of_a_region_that_reads_people(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    pages = Pages(make_site(DEBUG=True))
    pages.live("/either", "t.p")
    assert "has read no table" not in caplog.text


def test_a_view_class_joins_in_what_it_shows_and_streams(site: Site) -> None:
    datastar = site.datastar

    @datastar.region(group="g")
    def people() -> str:
        return f"<p id=people>{len(datastar.presence('room'))}</p>"

    @datastar.view("/room")
    class RoomView(StarView):
        def html(self) -> str:
            datastar.join("room")
            return f"<body>{people().__html__()}{datastar.live(scope='ann')}</body>"

        @datastar.stream(scope="bob")
        def feed(self) -> Any:
            datastar.join("room")
            return datastar.follow()

    stream = site._connect("/room", app=site.app, signals={"tabId": "t.p"}, headers={"Datastar-Live": ""}).wait_open()
    stream.wait("<p id=people>1</p>")
    [url] = [rule.rule for rule in site.app.url_map.iter_rules() if rule.endpoint.endswith(":feed")]
    site._connect(url, app=site.app, signals={"tabId": "u.p"}).wait_open()
    stream.wait("<p id=people>2</p>")
    assert site.names("room") == ["ann", "bob"]


def test_without_a_request_people_can_be_read(site: Site) -> None:
    site.open("board", "t.p", "ann")
    with site.app.app_context():
        assert json.dumps([one.data for one in site.datastar.presence("board")]) == '[{"name": ""}]'
