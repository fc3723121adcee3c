"""Live pages: the page's own URL is the stream of the regions that it shows."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    flash,
    redirect,
    render_template_string,
    request,
    session,
    url_for,
)

from flask_datastar import Datastar, StarView
from flask_datastar.errors import BrokerError, SetupError
from flask_datastar.regions.process import live_regions_of
from flask_datastar.state.app import app_state_of
from flask_datastar.testing.waiting import wait_until
from tests.conftest import MakeApp
from tests.support.streams import Connect, hub_for
from tests.support.wsgi import ending

PAGE = "<main {{ datastar.tab_signal() }}>{{ shown }}{{ datastar.live() }}</main>"
ELEMENT = re.compile(r'<div id="datastar-live" hidden data-init="([^"]*)"></div>')


class Shop:
    """Pages that show a list by name."""

    def __init__(self, app: Flask, datastar: Datastar) -> None:
        self.app, self.datastar = app, datastar
        self.items: dict[str, list[str]] = {"a": ["one"], "b": []}
        self.runs: list[bool] = []
        #: Called by the view before it shows the list.
        self.before: Callable[[], Any] = lambda: None

        @datastar.region(group="shop", at_most_every=0)
        def list_of(name: str) -> str:
            return f'<ul id="list-{name}">{"".join(f"<li>{item}</li>" for item in self.items[name])}</ul>'

        self.list_of = list_of

        @app.get("/lists/<name>")
        def lists(name: str) -> Any:
            self.runs.append(datastar.is_live_run)
            answer = self.before()
            return answer if answer is not None else render_template_string(PAGE, shown=list_of(name))

        @app.get("/login")
        def login() -> str:
            return "login"

    def load(self, path: str, **options: Any) -> tuple[str, dict[str, str]]:
        """Load a page, and return the URL and the headers with which it opens its stream."""
        text = self.app.test_client().get(path, **options).text
        found = ELEMENT.search(text)
        assert found is not None, text
        action = html.unescape(found[1])
        url, options = re.match(r"@get\('([^']*)', (\{.*)", action).groups()  # type: ignore[union-attr]
        assert "retry: 'always'" in options
        assert "requestCancellation: 'cleanup'" in options
        assert "filterSignals: {include: /^tabId$/}" in options
        headers = re.search(r"headers: (\{[^}]*\})", options)
        assert headers is not None
        return json.loads('"' + url.replace("\\x", "\\u00") + '"'), json.loads(headers[1].replace("'", '"'))

    def changed(self, name: str, item: str) -> None:
        self.items[name].append(item)
        with self.app.app_context():
            self.list_of.changed(name=name)


@pytest.fixture
def shop(app: Flask, datastar: Datastar) -> Shop:
    return Shop(app, datastar)


SIGNALS = {"tabId": "tab.page"}


def test_a_page_is_live(shop: Shop, connect: Connect) -> None:
    url, headers = shop.load("/lists/a")
    connection = connect(url, headers=headers, signals=SIGNALS).wait_open()
    shop.changed("a", "two")
    connection.wait("<li>two</li>")

    assert connection.received.startswith(b"id: live\n\n")
    assert connection.received.count(b"list-a") == 1
    assert dict(connection.headers)["Content-Type"].startswith("text/event-stream")
    assert shop.runs == [False, True]


def test_a_run_renders_no_region(shop: Shop, connect: Connect) -> None:
    """Streams are as many as viewers, and each would render for nobody."""
    rendered: list[str] = []

    @shop.datastar.region(group="shop")
    def counted() -> str:
        rendered.append("once more")
        return '<p id="counted"></p>'

    @shop.app.get("/counted")
    def counted_page() -> Any:
        return render_template_string(PAGE, shown=counted())

    url, headers = shop.load("/counted")
    connect(url, headers=headers, last_id="live").wait("counted")
    connect(url, headers=headers, last_id="live").wait("counted")

    # For the page, and for both streams together.
    assert len(rendered) == 2


def test_a_region_that_fails_as_the_stream_opens_does_not_keep_the_others_from_it(shop: Shop, connect: Connect) -> None:
    has_failed: list[bool] = []

    @shop.datastar.region(group="shop")
    def fragile() -> str:
        if has_failed:
            raise ValueError("no")
        return '<p id="fragile"></p>'

    @shop.app.get("/both")
    def both() -> Any:
        return render_template_string(PAGE.replace("{{ shown }}", "{{ fragile }}{{ shown }}"), **views())

    def views() -> dict[str, Any]:
        return {"fragile": fragile(), "shown": shop.list_of("a")}

    url, headers = shop.load("/both")
    has_failed.append(True)
    connection = connect(url, headers=headers).wait_open()
    shop.changed("a", "two")

    connection.wait("<li>two</li>")


def test_what_changed_before_the_stream_opened_comes_first(shop: Shop, connect: Connect) -> None:
    url, headers = shop.load("/lists/a")
    shop.items["a"].append("between")

    connect(url, headers=headers).wait("<li>between</li>")


def test_a_page_with_newer_html_is_not_put_back_and_renews_all_others(shop: Shop, connect: Connect) -> None:
    url, headers = shop.load("/lists/a")
    other = connect(url, headers=headers).wait_open()
    shop.items["a"].append("unseen")
    url, headers = shop.load("/lists/a")
    page = connect(url, headers=headers).wait_open()

    other.wait("<li>unseen</li>")
    page.wait("<li>unseen</li>")
    assert page.received.count(b"list-a") == page.received.count(b"<li>unseen</li>")


def test_an_own_stream_does_not_put_its_page_back(
    shop: Shop, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine, a rendering takes long, and so does the rest after it.
    monkeypatch.setattr("flask_datastar.regions.arrivals._LONGEST_WAIT", 60.0)

    @shop.datastar.stream(group="shop")
    def feed() -> Any:
        return shop.datastar.follow(shop.list_of("a"))

    other = connect("/ds/shop/feed").wait_open()
    shop.items["a"].append("unseen")
    page = connect("/ds/shop/feed").wait_open()

    page.wait("<li>unseen</li>")
    other.wait("<li>unseen</li>")
    assert page.received.count(b"list-a") == page.received.count(b"<li>unseen</li>")


def test_a_page_with_newer_html_renews_the_pages_of_other_processes(
    shop: Shop, connect: Connect, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second app stands for another process: what the first one publishes reaches both."""
    app = make_app()
    elsewhere = Shop(app, app.extensions["datastar"])
    elsewhere.items = shop.items
    far = connect("/lists/a", app=app, headers={"Datastar-Live": "1"}).wait_open()
    url, headers = shop.load("/lists/a")
    near = connect(url, headers=headers).wait_open()
    regions = [live_regions_of(app_state_of(one)) for one in (shop.app, app)]
    bus = hub_for(shop.app).bus
    published: list[bytes] = []

    def publish(topic: str, kind: Any, payload: Any) -> bool:
        published.append(payload.data)
        for one in regions:
            one.deliver(topic, kind, payload)
        return True

    monkeypatch.setattr(bus, "is_shared", True)
    monkeypatch.setattr(bus, "publish", publish)
    shop.items["a"].append("unseen")
    url, headers = shop.load("/lists/a")
    connect(url, headers=headers).wait_open()
    near.wait("<li>unseen</li>")
    far.wait("<li>unseen</li>")

    assert len(published) == 1
    monkeypatch.undo()
    # For the first page and for the newer one; the process's own message causes no third rendering.
    assert regions[0].stats()["renders"] == 2


def test_processes_that_cannot_be_told_do_not_stop_a_region(
    shop: Shop, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url, headers = shop.load("/lists/a")
    other = connect(url, headers=headers).wait_open()

    def publish(*_: Any) -> bool:
        raise BrokerError("Redis is away")

    bus = hub_for(shop.app).bus
    monkeypatch.setattr(bus, "is_shared", True)
    monkeypatch.setattr(bus, "publish", publish)
    shop.items["a"].append("unseen")
    url, headers = shop.load("/lists/a")
    connect(url, headers=headers).wait_open()
    other.wait("<li>unseen</li>")
    wait_until(lambda: "other processes may keep an old state of region shop:list_of(name='a')" in caplog.text)
    monkeypatch.undo()
    shop.changed("a", "next")
    other.wait("<li>next</li>")


def test_a_stream_that_comes_back_gets_everything(shop: Shop, connect: Connect) -> None:
    url, headers = shop.load("/lists/a")

    connect(url, headers=headers, last_id="live").wait("<li>one</li>")
    connect(url, headers=headers, last_id="ds:restart:live").wait("<li>one</li>")


def test_the_view_runs_as_for_a_visitor(shop: Shop, connect: Connect) -> None:
    seen: list[Any] = []

    def before() -> None:
        seen.append(
            (
                request.accept_mimetypes.best_match(["application/json", "text/html"]),
                shop.datastar.is_datastar_request,
                dict(request.args),
                request.full_path,
                request.url,
                request.query_string,
                shop.datastar.last_event_id,
                shop.datastar.read_signals(),
            )
        )

    shop.before = before
    url, headers = shop.load("/lists/a?sort=name&x=1")
    accepted = {"Accept": "text/event-stream, text/html, application/json"}
    connect(url, headers={**headers, **accepted}, signals=SIGNALS, last_id="live").wait("one")

    assert seen[1][1:] == (
        False,
        {"sort": "name", "x": "1"},
        "/lists/a?sort=name&x=1",
        "http://localhost/lists/a?sort=name&x=1",
        b"sort=name&x=1",
        None,
        {},
    )
    assert seen[1][0] == "text/html"


def test_the_stream_belongs_to_its_tab(app: Flask, shop: Shop, datastar: Datastar, connect: Connect) -> None:
    @app.get("/own")
    def own() -> str:
        return render_template_string("{{ shown }}{{ datastar.live(scope=7) }}", shown=shop.list_of("a"))

    url, headers = shop.load("/own")
    connection = connect(url, headers=headers, signals=SIGNALS).wait_open()
    connection.wait("id: live")
    with app.app_context():
        (info,) = datastar.tabs.snapshot()
        datastar.broadcast_to(7).console_log("for you")

    assert (info.scope, info.tab, info.endpoint) == ("7", "tab", "own")
    connection.wait("for you")


@pytest.mark.parametrize(("live", "scopes"), [("live()", ["ann"]), ("live(scope=7)", ["7"]), ("live(scope='')", [])])
def test_the_stream_belongs_to_the_scope_of_the_app(
    make_app: MakeApp, connect: Connect, live: str, scopes: list[str]
) -> None:
    datastar = Datastar()
    shop = Shop(make_app(datastar, DATASTAR_SCOPE=lambda: request.headers["X-User"]), datastar)

    @shop.app.get("/own")
    def own() -> str:
        return render_template_string("{{ shown }}{{ datastar." + live + " }}", shown=shop.list_of("a"))

    url, headers = shop.load("/own")
    connect(url, app=shop.app, headers={**headers, "X-User": "ann"}).wait_open().wait("id: live")
    with shop.app.app_context():
        assert [info.scope for info in datastar.tabs.snapshot()] == scopes


@pytest.mark.parametrize(
    ("refuse", "events"),
    [
        (lambda: abort(403), b""),
        (lambda: abort(404), b""),
        (lambda: redirect("/login"), b"/login"),
        (lambda: redirect(url_for("login", next=request.full_path)), b"/login?next=%2Flists%2Fa"),
    ],
)
def test_who_may_not_see_the_page_any_longer_gets_no_stream(
    shop: Shop, connect: Connect, refuse: Callable[[], Any], events: bytes
) -> None:
    url, headers = shop.load("/lists/a")
    shop.before = refuse
    connection = connect(url, headers=headers, signals=SIGNALS)

    assert ending(connection.wait_end())[0].startswith("ds:done")
    assert events in connection.received
    assert b"list-a" not in connection.received
    assert live_regions_of(app_state_of(shop.app)).stats()["views"] == 0


def test_a_guard_of_the_blueprint_refuses(app: Flask, shop: Shop, connect: Connect) -> None:
    members = Blueprint("members", __name__, url_prefix="/members")
    is_member = [True]

    @members.before_request
    def check() -> Any:
        return None if is_member[0] else redirect("/login")

    @members.get("/")
    def page() -> str:
        return render_template_string(PAGE, shown=shop.list_of("a"))

    app.register_blueprint(members)
    url, headers = shop.load("/members/")
    is_member[0] = False
    connection = connect(url, headers=headers)

    assert ending(connection.wait_end())[0].startswith("ds:done")


def test_a_stream_that_is_done_runs_no_view(shop: Shop, connect: Connect) -> None:
    url, headers = shop.load("/lists/a")
    connection = connect(url, headers=headers, last_id="ds:done")
    connection.wait_for_end()

    assert connection.status == 204
    assert shop.runs == [False]


def test_a_full_process_runs_no_view(app: Flask, shop: Shop, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    url, headers = shop.load("/lists/a")
    monkeypatch.setattr(hub_for(app), "has_place", lambda: False)
    connection = connect(url, headers=headers)
    connection.wait_for_end()

    assert connection.status == 503
    assert shop.runs == [False]


def test_an_exception_is_answered_with_its_status(shop: Shop, connect: Connect) -> None:
    shop.app.config["PROPAGATE_EXCEPTIONS"] = False
    url, headers = shop.load("/lists/a")
    shop.before = lambda: 1 / 0  # type: ignore[assignment, return-value]
    connection = connect(url, headers=headers)
    connection.wait_for_end()

    assert connection.status == 500


def test_changes_of_the_session_are_dropped(app: Flask, shop: Shop, connect: Connect) -> None:
    def before() -> None:
        session["visits"] = session.get("visits", 0) + 1
        flash("seen")

    shop.before = before
    url, headers = shop.load("/lists/a")
    connection = connect(url, headers=headers)
    connection.wait("id: live")

    assert "Set-Cookie" not in dict(connection.headers)


def test_headers_and_signals_of_the_page_are_dropped(app: Flask, shop: Shop, connect: Connect) -> None:
    def before() -> None:
        shop.datastar.signal("count", 1)

    @app.after_request
    def mark(response: Response) -> Response:
        response.headers["X-Page"] = "yes"
        return response

    shop.before = before
    url, headers = shop.load("/lists/a")
    connection = connect(url, headers=headers)
    connection.wait("id: live")

    assert b"count" not in connection.received
    assert "X-Page" not in dict(connection.headers)


def test_a_page_that_is_not_live_any_longer_is_loaded_again_once(
    shop: Shop, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    url, headers = shop.load("/lists/a")
    shop.before = lambda: "another page"

    first = connect(url, headers=headers)
    assert ending(first.wait_end())[0].startswith("ds:done")
    assert b"another page" not in first.received
    assert b"reload" not in first.received
    assert "the page /lists/a is not live" in caplog.text

    again = connect(url, headers=headers, last_id="live")
    assert ending(again.wait_end())[0].startswith("ds:done")
    assert b"window.location.reload()" in again.received


def test_a_page_of_another_method_is_not_live(app: Flask, shop: Shop) -> None:
    @app.post("/form")
    def form() -> tuple[str, int]:
        return render_template_string(PAGE, shown=shop.list_of("a")), 422

    assert "datastar-live" not in app.test_client().post("/form").text


def test_html_for_an_open_page_is_not_live(app: Flask, shop: Shop) -> None:
    text = app.test_client().get("/lists/a", headers={"Datastar-Request": "true"}).text

    assert "list-a" in text
    assert "datastar-live" not in text


def test_the_header_alone_opens_nothing(app: Flask, shop: Shop) -> None:
    response = app.test_client().get("/lists/a", headers={"Datastar-Live": "1"})

    assert response.mimetype == "text/html"
    assert shop.runs == [False]


def test_live_stands_once(app: Flask, shop: Shop) -> None:
    with app.test_request_context("/"), pytest.raises(SetupError, match="on this page twice"):
        render_template_string(PAGE * 2, shown="")


def test_live_stands_in_the_page(app: Flask, datastar: Datastar) -> None:
    @datastar.region(group="shop")
    def part() -> str:
        return render_template_string('<p id="part">{{ datastar.live() }}</p>')

    with app.test_request_context("/"), pytest.raises(SetupError, match=r"is in region shop:part\(\): .*; write it in"):
        part().__html__()


def test_an_early_live_sends_everything_once_more(app: Flask, shop: Shop, connect: Connect) -> None:
    @app.get("/early")
    def early() -> str:
        return render_template_string("{{ datastar.live() }}{{ shown }}", shown=shop.list_of("a"))

    url, headers = shop.load("/early")
    connect(url, headers=headers).wait("<li>one</li>")


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/lists/a?q=%22'%3Cb%3E&datastar=own&r=1", "/lists/a?q=%22'%3Cb%3E&r=1"),
        ("/any/%C3%A4%20b%3F/%2523", "/any/%C3%A4%20b%3F/%2523"),
        ("/any/a%27);alert(1", "/any/a');alert(1"),
    ],
)
def test_the_url_is_the_page_s_own(app: Flask, shop: Shop, path: str, url: str) -> None:
    @app.get("/any/<path:path>")
    def any_path(path: str) -> str:
        return render_template_string(PAGE, shown=shop.list_of("a"))

    assert shop.load(path)[0] == url


def test_no_path_is_taken_for_a_host(app: Flask, shop: Shop) -> None:
    app.url_map.merge_slashes = False

    @app.get("/<path:path>")
    def any_path(path: str) -> str:
        return render_template_string(PAGE, shown=shop.list_of("a"))

    assert shop.load("/", environ_overrides={"PATH_INFO": "//evil.example/x"})[0] == "/evil.example/x"


def test_a_page_below_a_mount_is_live(shop: Shop, connect: Connect) -> None:
    url, headers = shop.load("/lists/a", base_url="http://localhost/mnt")
    assert url == "/mnt/lists/a"

    connection = connect("/lists/a", headers=headers, SCRIPT_NAME="/mnt").wait_open()
    shop.changed("a", "two")
    connection.wait("<li>two</li>")
    assert connection.received.count(b"list-a") == 1


def test_a_star_view_is_live(app: Flask, shop: Shop, connect: Connect) -> None:
    @shop.datastar.view("/star/<name>")
    class Star(StarView):
        def load(self, name: str) -> None:
            self.name = name

        def show(self, name: str) -> None:
            shop.datastar.signal("name", name)

        def html(self) -> str:
            return render_template_string(PAGE, shown=shop.list_of(self.name))

    url, headers = shop.load("/star/a")
    connection = connect(url, headers=headers, signals=SIGNALS).wait_open()
    shop.changed("a", "two")

    connection.wait("<li>two</li>")
    assert b"datastar-patch-signals" not in connection.received


def test_pages_share_what_is_rendered(shop: Shop, connect: Connect) -> None:
    url, headers = shop.load("/lists/a")
    pages = [connect(url, headers=headers, signals={"tabId": f"tab{n}.page"}).wait_open() for n in range(5)]
    shop.changed("a", "two")
    for page in pages:
        page.wait("<li>two</li>")

    stats = live_regions_of(app_state_of(shop.app)).stats()
    assert (stats["views"], stats["renders"]) == (1, 2)
