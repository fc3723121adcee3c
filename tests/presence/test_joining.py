"""Who joins and leaves where: streams, generators and handlers of one process."""

from __future__ import annotations

import logging
import time

import pytest
from flask import Flask

from flask_datastar import Datastar, Present
from flask_datastar.errors import SetupError
from flask_datastar.testing.waiting import wait_until
from tests.presence.conftest import LINGER_SECONDS, MakeSite, Site
from tests.support.streams import hub_for
from tests.support.wsgi import call

# Streams


def test_a_stream_makes_its_person_present_while_it_is_open(site: Site) -> None:
    before = time.time()
    stream = site.open("board", "t.p", "ann", signals={"name": "Ann"})
    [ann] = site.people()
    assert (ann.scope, ann.tabs, ann.data) == ("ann", 1, {"name": "Ann"})
    assert before <= ann.since <= time.time()
    assert isinstance(ann, Present)
    site.open("board", "u.p", "bob")
    assert site.names() == ["ann", "bob"]

    stream.close()
    assert site.names() == ["ann", "bob"], "it lingers"
    site.wait_for(["bob"])


def test_a_person_counts_once_and_each_tab_without_a_scope(site: Site) -> None:
    for tab, scope in [("t.p", "ann"), ("u.p", "ann"), ("v.p", None), ("w.p", None), (None, None), (None, "ann")]:
        site.open("board", tab, scope)
    site.open("busy", "t.p", "ann")

    assert [(one.scope, one.tabs) for one in site.people()] == [("ann", 3), ("", 1), ("", 1), ("", 1)]


def test_a_reload_changes_nothing_that_others_see(site: Site) -> None:
    stream = site.open("board", "t.p", "ann")
    since = site.people()[0].since
    watcher = site.open("watching")
    watcher.wait('{"names":["ann"]}')
    stream.close()
    site.open("board", "t.q", "ann")

    time.sleep(LINGER_SECONDS * 1.5)
    [ann] = site.people()
    assert (ann.tabs, ann.since) == (1, since)
    assert watcher.received.count(b"names") == 1


def test_changes_tells_of_people(site: Site) -> None:
    watcher = site.open("watching")
    watcher.wait('{"names":[]}')
    stream = site.open("board", "t.p", "ann")
    watcher.wait('{"names":["ann"]}')
    stream.close()
    watcher.wait('{"names":[]}', count=2)


def test_a_generator_joins_changes_and_leaves_at_once(site: Site) -> None:
    stream = site.open("busy", "t.p", "ann")
    with site.app.app_context():
        wait_until(lambda: site.names() == ["ann"])
        for data in (1, "leave", 2):
            site.datastar.publish("busy", data)
            stream.wait(f'{{"done":{data!r}}}'.replace("'", '"'))
            assert [one.data for one in site.people()] == ([] if data == "leave" else [{"n": data}])
        # A stream that is done does not come back.
        site.datastar.publish("busy", "end")
    stream.wait_end()
    site.wait_for([])


def test_a_generator_that_is_done_leaves_nobody_lingering(make_site: MakeSite) -> None:
    site = make_site(DATASTAR_PRESENCE_LINGER_SECONDS=3600)
    stream = site.open("busy", "t.p", "ann")
    site.wait_for(["ann"])
    with site.app.app_context():
        site.datastar.publish("busy", "end")
    stream.wait_end()
    site.wait_for([])


@pytest.mark.parametrize("tab", ["t.p", None])
def test_leaving_ends_the_stream_s_own_join(site: Site, tab: str | None) -> None:
    site.open("busy", tab)
    wait_until(lambda: len(site.people()) == 1)
    with site.app.app_context():
        site.datastar.publish("busy", "leave")
    wait_until(lambda: not site.people())


@pytest.mark.parametrize("restart", [False, True])
def test_signing_out_ends_presence_at_once(make_site: MakeSite, restart: bool) -> None:
    site = make_site(DATASTAR_PRESENCE_LINGER_SECONDS=3600, DATASTAR_RESTART_SPREAD_SECONDS=3600)
    site.open("board", "t.p", "ann").close()
    site.open("board", "u.p", "ann")
    site.post("edit", "u.p")
    site.open("board", "v.p", "bob")
    with site.app.app_context():
        assert [one.tabs for one in site.people()] == [2, 1]
        site.datastar.tabs.close("ann", "u", restart=restart)
        assert [one.tabs for one in site.people()] == [1, 1]
        assert site.names("card1") == []
        site.datastar.tabs.close("ann", restart=restart)
        assert site.names() == ["bob"]
    # Whoever is let in when the page comes back is there.
    site.open("board", "u.p", "ann")
    assert site.names() == ["bob", "ann"]
    assert site.names("card1") == []


def test_a_page_that_its_server_sends_away_has_longer(make_site: MakeSite) -> None:
    site = make_site(DATASTAR_PRESENCE_LINGER_SECONDS=0, DATASTAR_RESTART_SPREAD_SECONDS=0.5)
    left, stopped = site.open("board", "t.p", "ann"), site.open("board", "u.p", "bob")
    left.close()
    site.wait_for(["bob"])

    hub_for(site.app).stop()
    stopped.wait_end()
    assert site.names() == ["bob"]
    site.wait_for([])


def test_a_stream_that_does_not_open_counts_nobody(site: Site) -> None:
    _, _, body = call(site.app, "/ds/g/board?scope=ann", signals={"tabId": "t.p"})
    assert site.names() == []
    body.close()
    call(site.app, "/ds/g/board?scope=ann", method="HEAD", signals={"tabId": "t.p"})[2].close()
    assert site.names() == []
    assert site.presence._pages._expected == {}


def test_a_stream_that_is_refused_counts_nobody(make_site: MakeSite) -> None:
    site = make_site(DATASTAR_MAX_STREAMS_PER_SCOPE=1)
    site.open("silent", "t.p", "ann")
    status, _, body = call(site.app, "/ds/g/board?scope=ann", signals={"tabId": "u.p"})
    body.close()
    assert status == 503
    assert site.names() == []


def test_streams_that_are_open_before_the_first_use_count_from_then_on(site: Site) -> None:
    first, second = site.open("silent", "t.p", "ann"), site.open("silent", "u.p", "bob")
    assert hub_for(site.app).watcher is None, "an app that does not use presence pays for it at each opening"
    second.close()
    site.post("edit", "t.p")
    assert site.names("card1") == ["ann"]
    assert hub_for(site.app).watcher is site.presence
    [stream] = site.presence._pages._by_tab["t"]
    # As if this had been the first use while the stream opened.
    site.presence.opened(stream)
    assert site.presence._pages._by_tab["t"] == [stream]
    first.close()
    site.wait_for([], "card1")


# Handlers


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_handler_joins_for_its_page(site: Site, method: str) -> None:
    stream = site.open("silent", "t.p", "ann")
    site.open("silent", "u.p", "bob")
    assert site.post("edit", "t.p", method) == 204
    assert [(one.scope, one.data) for one in site.people("card1")] == [("ann", {"by": "hand"})]

    site.post("stop", "t.p", method)
    assert site.names("card1") == []
    site.post("edit", "t.p", method)
    stream.close()
    site.wait_for([], "card1")


def test_a_handler_counts_only_while_its_page_has_a_stream(site: Site) -> None:
    site.post("edit", "t.p")
    stream = site.open("silent", "t.p", "ann")
    assert site.names("card1") == []
    for tab in ("t.q", "u.p", "t", "no tab!"):
        site.post("edit", tab)
    assert site.names("card1") == []
    site.post("edit", "t.p")
    assert site.names("card1") == ["ann"]
    stream.close()
    site.wait_for([], "card1")
    site.post("edit", "t.p")
    assert site.names("card1") == []


def test_a_click_after_the_end_of_the_page_s_stream_counts_as_long_as_the_page_lingers(make_site: MakeSite) -> None:
    site = make_site(DATASTAR_PRESENCE_LINGER_SECONDS=3600)
    site.open("board", "t.p", "ann").close()
    site.post("edit", "t.q")
    site.post("edit", "t.p")
    assert [(one.scope, one.tabs) for one in site.people("card1")] == [("ann", 1)]
    stops = {held.gone_at for held in site.presence._state._own.held.values()}
    assert None not in stops
    assert len({round(at or 0) for at in stops}) == 1, "it is gone with its page"
    site.post("stop", "t.p")
    assert site.names("card1") == []
    for number in range(3):
        site.open("silent", f"u{number}.p").close()
    assert len(site.presence._pages._parted) == 4
    site.presence._pages._part(("", "v", "p"), time.monotonic() + 7200, time.monotonic() + 3601)
    assert [*site.presence._pages._parted] == [("v", "p")]


def test_a_click_while_the_page_s_stream_ends_counts(make_site: MakeSite) -> None:
    site = make_site(DATASTAR_PRESENCE_LINGER_SECONDS=3600)
    site.open("board", "u.p", "bob")
    stream = site.open("silent", "t.p", "ann")
    [ending] = site.presence._pages._by_tab["t"]
    hub = hub_for(site.app)
    # The client has left, and the stream's thread has not noticed it.
    watcher, hub.watcher = hub.watcher, None
    stream.close()
    wait_until(lambda: hub.stats()["open"] == 1)
    assert ending.must_end
    site.post("edit", "t.p")
    site.presence.closed(ending)
    hub.watcher = watcher
    assert site.names("card1") == ["ann"]
    site.open("silent", "t.p", "ann")
    [entry] = site.presence._state.own_entries("t")[-1:]
    assert site.presence._state.is_open(entry.number)


def test_what_a_handler_joined_survives_a_new_stream_of_the_page_alone(site: Site) -> None:
    first = site.open("silent", "t.p", "ann")
    site.post("edit", "t.p")
    since = site.people("card1")[0].since
    first.close()
    second = site.open("silent", "t.p", "ann")
    time.sleep(LINGER_SECONDS * 1.5)
    assert [(one.scope, one.tabs, one.since) for one in site.people("card1")] == [("ann", 1, since)]

    second.close()
    site.open("silent", "t.q", "ann")
    site.wait_for([], "card1")


def test_one_of_several_streams_keeps_a_page(site: Site) -> None:
    first = site.open("silent", "t.p", "ann")
    second = site.open("busy", "t.p", "ann")
    site.post("edit", "t.p")
    second.close()
    time.sleep(LINGER_SECONDS * 1.5)
    assert site.names("card1") == ["ann"]
    first.close()
    site.wait_for([], "card1")


def test_a_tab_id_without_a_page_part_works(site: Site) -> None:
    stream = site.open("silent", "t", "ann")
    site.post("edit", "t")
    assert site.names("card1") == ["ann"]
    stream.close()
    site.wait_for([], "card1")


def test_the_newest_join_of_a_tab_says_its_data(site: Site) -> None:
    site.open("board", "t.p", "ann", signals={"name": "Ann"})

    @site.datastar.handler(group="g")
    def rename() -> None:
        site.datastar.join("board", name="Anna")

    site.post("rename", "t.p")
    assert [(one.data, one.tabs) for one in site.people()] == [({"name": "Anna"}, 1)]
    site.people()[0].data["name"] = "changed by a template"
    assert site.people()[0].data == {"name": "Anna"}


def test_a_stranger_with_a_tab_id_is_not_its_person(make_site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    whose = ["ann"]
    site = make_site(DATASTAR_SCOPE=lambda: whose[0])
    site.open("silent", "t.p", "ann")
    whose[0] = "mallory"
    site.post("edit", "t.p")
    assert site.names("card1") == []
    assert "another scope than DATASTAR_SCOPE" in caplog.text
    whose[0] = "ann"
    site.post("edit", "t.p")
    whose[0] = "mallory"
    site.post("stop", "t.p")
    assert site.names("card1") == ["ann"]


def test_a_page_without_a_tab_id_is_told(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert site.post("edit", None) == 204
    assert [record.message for record in caplog.records if "tab_signal()" in record.message] == [
        "Datastar: datastar.g:edit joins or leaves a topic, but its page has sent no tab id, so nobody is counted; put "
        "tab_signal() on the layout's root element, and where the action has _signals=(), which sends no signals, give "
        "_signals=('tabId',)"
    ]


# Requests that open a stream themselves


def test_a_plain_view_joins_before_or_after_it_opens_the_stream(site: Site) -> None:
    datastar = site.datastar

    @site.app.get("/before")
    def before() -> object:
        datastar.join("board", when="before")
        return datastar.start_stream("ann", datastar.follow("board"))

    @site.app.get("/after")
    def after() -> object:
        response = datastar.start_stream("bob", datastar.follow("board"))
        datastar.join("board", when="after")
        return response

    for name in ("before", "after"):
        site._connect(f"/{name}", app=site.app, signals={"tabId": f"{name}.p"}).wait_open()
    wait_until(lambda: [one.data for one in site.people()] == [{"when": "before"}, {"when": "after"}])


def test_leaving_takes_back_a_join_of_the_same_request(site: Site) -> None:
    datastar = site.datastar

    @datastar.stream(group="g", scope="ann")
    def undecided() -> object:
        datastar.join("board")
        datastar.join("card1")
        datastar.leave("board")
        return datastar.follow("board")

    site.open("undecided", "t.p")
    assert site.names("card1") == ["ann"]
    assert site.names() == []


def test_the_request_of_a_page_counts_nobody(site: Site) -> None:
    datastar = site.datastar

    @site.app.get("/")
    def index() -> str:
        datastar.join("board")
        datastar.leave("card1")
        return "page"

    assert site.app.test_client().get("/").text == "page"
    assert site.names() == []


# What is refused


def test_data_is_small_and_json(site: Site) -> None:
    with site.app.test_request_context():
        site.datastar.join("board", text="x" * 1000)
        with pytest.raises(ValueError, match=r"the data for topic 'board' is 1\d{3} bytes of JSON.* 1024 are accepted"):
            site.datastar.join("board", text="x" * 1024)
        with pytest.raises(ValueError, match=r"nan"):
            site.datastar.join("board", number=float("nan"))
        with pytest.raises(TypeError, match=r"object"):
            site.datastar.join("board", thing=object())
        # Every name is the application's.
        site.datastar.join("board", topic="x", self="y", scope="z", tab="t")


@pytest.mark.parametrize("name", ["join", "leave", "presence", "presence_topic"])
def test_topics_are_checked(site: Site, name: str) -> None:
    with site.app.test_request_context():
        for wrong, error in [("", ValueError), ("\0x", ValueError), (3, TypeError), (None, TypeError)]:
            with pytest.raises(error, match="topic is"):
                getattr(site.datastar, name)(wrong)


@pytest.mark.parametrize("name", ["join", "leave"])
def test_without_a_request_nobody_joins(site: Site, name: str) -> None:
    with pytest.raises(SetupError, match="needs an app context"):
        getattr(site.datastar, name)("board")
    with (
        site.app.app_context(),
        pytest.raises(SetupError, match=rf"datastar\.{name}\(\) was called without a request"),
    ):
        getattr(site.datastar, name)("board")


def test_before_init_app_it_says_so() -> None:
    datastar, app = Datastar(), Flask("shop")
    with app.app_context(), pytest.raises(SetupError, match="has no Datastar"):
        datastar.presence("board")
    with app.test_request_context(), pytest.raises(SetupError, match="has no Datastar"):
        datastar.join("board")


@pytest.mark.parametrize("name", ["join", "leave"])
def test_several_processes_need_a_broker(site: Site, name: str) -> None:
    several = {"wsgi.multiprocess": True}
    headers = {"Datastar-Request": "true"}
    with (
        site.app.test_request_context(method="POST", headers=headers, environ_overrides=several),
        pytest.raises(SetupError, match="DATASTAR_BROKER_URL"),
    ):
        getattr(site.datastar, name)("board")
    # A page that is loaded stays readable; its stream is refused.
    with site.app.test_request_context(environ_overrides=several):
        getattr(site.datastar, name)("board")


def test_a_page_that_joins_loads_without_a_broker_and_its_stream_is_refused(site: Site) -> None:
    @site.datastar.region(group="shop")
    def people() -> str:
        return f'<p id="people">{len(site.datastar.presence("board"))}</p>'

    @site.app.get("/people")
    def people_page() -> str:
        site.datastar.join("board")
        return f"{people().__html__()}{site.datastar.live()}"

    client = site.app.test_client()
    several = {"wsgi.multiprocess": True}
    assert '<p id="people">0</p>' in client.get("/people", environ_overrides=several).text
    headers = {"Datastar-Request": "true", "Datastar-Live": "1"}
    with pytest.raises(SetupError, match="DATASTAR_BROKER_URL"):
        client.get("/people", headers=headers, environ_overrides=several)


# Apart


def test_two_apps_share_nobody(make_site: MakeSite) -> None:
    one, other = make_site(), make_site()
    one.open("board", "t.p", "ann")
    other.open("board", "t.p", "bob")
    assert one.names() == ["ann"]
    assert other.names() == ["bob"]


def test_what_nobody_uses_shows_no_counters(site: Site) -> None:
    stream = site.open("silent", "t.p", "ann")
    with site.app.app_context():
        assert "presence" not in site.datastar.stats()
        stream.close()
        site.open("board", "t.p", "ann")
        wait_until(lambda: site.datastar.stats()["presence"]["people"] == 1)
        found = site.datastar.stats()["presence"]
    assert found == {"topics": 1, "people": 1, "entries": 1, "processes": 1, "sent": 1, "received": 0}
