"""Each row of Dstar's README has a counterpart that works: these tests run the code in `from-dstar.md`."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from configparser import ConfigParser
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import render_template

from flask_datastar import Event, sse
from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient
from tests.from_elixir import tokens
from tests.from_elixir.pages import DOCS, Page, Row, Running
from tests.support.actions import keyed, keyless

PAGE = Page("from-dstar.md")
WITHOUT_CODE = {"Without a counterpart"}

LIVE = sse.patch_signals({"live": True})


def test_every_row_has_a_test() -> None:
    assert set(PAGE.rows) - PAGE.tested == WITHOUT_CODE


def rendered(running: Running, template: str, **context: Any) -> str:
    """Render a template of the section as its page would, with the attributes as the browser reads them."""
    with running.app.test_request_context():
        return unescape(render_template(template, **context))


def log_in(tab: DatastarClient, **values: Any) -> None:
    with tab.client.session_transaction() as session:
        session.update(values)


@PAGE.row("Installation")
def test_script_of_the_client_is_one_call(row: Row) -> None:
    page = rendered(row.run(), "layout.html")

    assert re.fullmatch(
        r'<head><script type="module" src="https://cdn\.jsdelivr\.net/gh/starfederation/datastar@v1\..*"></script></head>',
        page,
    )


@PAGE.row("Handlers")
def test_handlers_patch_signals_elements_and_scripts(row: Row) -> None:
    running = row.run()
    running.tab.signals["left"] = 3

    take, empty = running.tab.post(running["take"]), running.tab.post(running["empty"])

    assert take.events == (sse.patch_elements('<p id="note">2 left</p>'), sse.patch_signals({"left": 2}))
    assert take.signals == {"left": 2}
    script, log, signals = empty.events
    assert "document.getElementById('note').animate" in script.arguments["elements"]
    assert (log, signals) == (sse.console_log("emptied"), sse.patch_signals({"left": 0}))
    assert running.tab.post(running["take"]).signals == {"left": 0}


@PAGE.row("Handlers")
def test_page_of_the_handlers_names_them(row: Row) -> None:
    running = row.run()

    page = unescape(running.tab.client.get("/stock").text)

    assert '<main data-signals="{left: 3}">' in page
    assert re.findall(r"@post\('(.*?)'\)", keyless(page)) == ["/ds/shop/take", "/ds/shop/empty"]


@PAGE.row("A page in one module")
def test_page_has_its_events_and_components(row: Row) -> None:
    running = row.run()
    running.tab.signals["item"] = "<Darjeeling>"

    page = unescape(running.tab.client.get("/shelves/tea").text)
    (path,) = re.findall(r"@post\('(.*?)'\)", keyless(page))
    answer = running.tab.post(path)

    assert '<main data-signals="{"item":""}">' in page
    assert '<b id="last">Assam</b>' in page
    assert path == "/ds/shop-shelf_view/put?name=tea"
    assert answer.events == (
        sse.patch_elements('<b id="last">&lt;Darjeeling&gt;</b>'),
        sse.patch_signals({"item": ""}),
    )
    assert running["shelves"] == {"tea": ["Assam", "<Darjeeling>"]}


@PAGE.row("A page in one module")
def test_page_and_events_are_guarded_alike(row: Row) -> None:
    running = row.run()
    running.tab.signals["item"] = "Mocha"

    assert running.tab.client.get("/shelves/coffee").status_code == 404
    # An empty shelf is one, too.
    running["shelves"]["tea"].clear()
    assert running.tab.client.get("/shelves/tea").status_code == 200
    assert running.tab.post(running["ShelfView"], "put", name="coffee").status_code == 404


@PAGE.row("Streaming")
def test_stream_subscribes_sends_and_cleans_up(row: Row) -> None:
    running = row.run()
    log_in(running.tab, user_id=7)

    stream = running.tab.iter_events("prices", method="GET")
    first = next(stream)
    visitors = list(running["visitors"])
    DatastarClient(running.app, {"price": 12.5}).post(running["change_price"])
    second = next(stream)
    stream.close()

    assert (first, second) == (sse.patch_signals({"connected": True}), sse.patch_signals({"price": 12.5}))
    assert (visitors, running["visitors"]) == (["somebody"], [])
    assert "retry: 'always', retryMaxCount: Infinity" in rendered(running, "prices.html")


@PAGE.row("Authorization")
def test_blueprint_guards_handlers_and_streams(row: Row) -> None:
    running = row.run()
    running.tab.signals["title"] = "Tea"

    handler = running.tab.post(running["rename"], id=1)
    stream = list(running.tab.iter_events(running["note_changes"], method="GET"))

    assert handler.events == (sse.redirect("/login"),)
    # The page goes there, and does not ask for the stream again.
    assert stream[0] == sse.redirect("/login")
    assert [event.event_id for event in stream] == [None, "ds:done"]


@PAGE.row("Authorization")
def test_handler_refuses_a_record_with_a_status(row: Row) -> None:
    running = row.run()
    running.tab.signals["title"] = "Tea"
    log_in(running.tab, user="ada")

    own, other = running.tab.post(running["rename"], id=1), running.tab.post(running["rename"], id=2)
    stream = running.tab.iter_events(running["note_changes"], method="GET")

    assert own.patched == {"saved": "Tea"}
    assert (other.status_code, other.events) == (403, ())
    assert next(stream) == LIVE
    stream.close()


@PAGE.row("Shared components")
def test_component_brings_its_handlers(row: Row) -> None:
    running = row.run()
    running.tab.signals["title"] = "Jam"

    page = unescape(running.tab.client.get("/page").text)
    (path,) = re.findall(r"data-on:change=\"@post\('(.*?)'\)\"", keyless(page))
    answer = running.tab.post(path)

    assert path == "/ds/drawer/rename?id=3"
    assert answer.patched == {"saved": 3}
    assert 'value="Jam"' in answer.html
    assert path in unescape(answer.html)


# The tables of functions

HTML = '<p id="note"></p>'
SIGNALS = {"theme": "dark"}
CORE = {
    "patch_signals": sse.patch_signals({"count": 1}),
    "remove_signals": sse.remove_signals(["user", "draft.title"]),
    "nudge": sse.dispatch_event("posts"),
    "patch_elements": sse.patch_elements(HTML, selector="#note"),
    "remove_elements": sse.remove_elements("#note"),
    "append_elements": sse.patch_elements(HTML, selector="#notes", mode="append"),
    "upsert_elements": sse.patch_elements(HTML),
    "execute_script": sse.execute_script("start()"),
    "redirect": sse.redirect("/next"),
    "console_log": sse.console_log("done"),
}
CORE_OTHERS = {"start", "start_stream", "check_connection", "fetch_signals", "read_signals"}


def core(function: str) -> str:
    """Give the counterpart of one of Dstar's functions."""
    cells = PAGE.rows["The functional core"].cells
    (code,) = [code for elixir, code in cells.items() if elixir.startswith(f"Dstar.{function}(")]
    return code


@PAGE.row("The functional core")
def test_table_has_the_whole_core(row: Row) -> None:
    assert {elixir.split("(")[0] for elixir in row.cells} == {f"Dstar.{name}" for name in {*CORE, *CORE_OTHERS}}


@pytest.mark.parametrize("function", CORE)
def test_function_sends_what_dstars_does(function: str) -> None:
    assert PAGE.rows["The functional core"].run().events_of(core(function), html=HTML) == (CORE[function],)


@pytest.mark.parametrize("function", ["fetch_signals", "read_signals"])
@pytest.mark.parametrize("verb", ["get", "post", "put", "patch", "delete"])
def test_signals_are_read_from_where_the_verb_has_them(function: str, verb: str) -> None:
    running = PAGE.rows["The functional core"].run()
    running.tab.signals["name"] = "Ada"

    @running.app.route("/plain", methods=[verb.upper()])
    def plain() -> Any:
        return eval(core(function), running.names)

    assert getattr(running.tab, verb)("/plain").response.json == {"name": "Ada"}


def test_start_makes_a_response() -> None:
    running = PAGE.rows["The functional core"].run()

    @running.app.post("/plain")
    def plain() -> Any:
        return eval(f"{core('start')}.patch_signals({{'count': 1}})", running.names)

    response = running.tab.post("/plain").response

    assert response.mimetype == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.data == sse.patch_signals({"count": 1}).encode()


def test_start_stream_opens_a_stream() -> None:
    running = PAGE.rows["The functional core"].run(user_id=7)

    @running.app.get("/plain")
    def plain() -> Any:
        running.datastar.signal("live", True)
        return eval(core("start_stream"), running.names)

    stream = running.tab.iter_events("/plain", method="GET")

    assert next(stream) == LIVE
    assert [entry.scope for entry in in_app(running, lambda: running.datastar.tabs.snapshot())] == ["7"]
    stream.close()


def in_app(running: Running, ask: Any) -> Any:
    with running.app.app_context():
        return ask()


OPTIONS = {
    "only_if_missing: true": sse.patch_signals(SIGNALS, only_if_missing=True),
    'event_id: "7", retry: 500': sse.patch_signals(SIGNALS, event_id="7", retry_ms=500),
    **{
        f"mode: :{mode}": sse.patch_elements(HTML, selector="#a", mode=mode)
        for mode in ("inner", "append", "prepend", "before", "after", "replace")
    },
    "mode: :remove": sse.remove_elements("#a"),
    "namespace: :svg": sse.patch_elements(HTML, selector="#a", namespace="svg"),
    "namespace: :mathml": sse.patch_elements(HTML, selector="#a", namespace="mathml"),
    "use_view_transitions: true": sse.patch_elements(HTML, selector="#a", use_view_transition=True),
    "auto_remove: false": sse.execute_script("start()", auto_remove=False),
    'attributes: %{type: "module"}': sse.execute_script("start()", attributes={"type": "module"}),
    "level: :warn": sse.console_log("late", level="warn"),
}


@PAGE.row("Options")
def test_every_option_has_its_counterpart(row: Row) -> None:
    running = row.run()
    left = dict(row.cells)

    for option, event in OPTIONS.items():
        (elixir,) = [elixir for elixir in left if elixir.endswith(f"{option})")]
        assert running.events_of(left.pop(elixir), html=HTML, signals=SIGNALS) == (event,), elixir

    assert left == {}


@pytest.mark.parametrize("level", ["log", "warn", "error", "info", "debug"])
def test_console_has_all_levels(level: str) -> None:
    running = PAGE.rows["Options"].run()

    (event,) = running.events_of(f"datastar.console_log('late', level={level!r})")

    assert f'console.{level}("late")' in event.arguments["elements"]


# Input

SENT = {
    '{"a":': b'{"a":',
    "[1]": b"[1]",
    "null": b"null",
    "nothing": b"",
    "more than the limit": b'{"a":"%b"}' % (b"x" * 64_000),
}


@PAGE.row("What signals may be")
@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_unfit_signals_are_refused_as_the_table_says(row: Row, sent: str, verb: str) -> None:
    running = row.run()
    (line,) = [line for line in row.text.splitlines() if line.startswith((f"| `{sent}` |", f"| {sent} |"))]
    said = line.split("|")[3].strip()

    answer = send_raw(running, verb, SENT[sent])

    if said == "`{}`":
        assert (answer.status_code, answer.data) == (200, sse.patch_signals({"got": {}}).encode())
    else:
        assert answer.status_code == int(said[:3])
        assert ("DATASTAR_MAX_SIGNALS_BYTES" in answer.text) == ("DATASTAR_MAX_SIGNALS_BYTES" in said)


def send_raw(running: Running, verb: str, body: bytes) -> Any:
    headers = {"Datastar-Request": "true", "Sec-Fetch-Site": "same-origin"}
    options: dict[str, Any] = {"query_string": f"datastar={quote(body)}"} if verb == "GET" else {"data": body}
    return running.tab.client.open(
        "/ds/shop/echo", method=verb, headers=headers, content_type="application/json", **options
    )


# URLs


@PAGE.row("What may stand in a URL")
def test_values_in_urls_arrive_as_they_are(row: Row) -> None:
    running = row.run()

    page = unescape(running.tab.client.get("/items").text)
    (url,) = re.findall(r"data-on:click=\"@post\('([^']*)'\)\"", keyless(page))
    parts = urlsplit(url.removeprefix("/en"))

    assert parse_qs(parts.query) == {"name": ["a/b?c#d'\"<é"]}
    assert running.tab.post(f"{parts.path}?{parts.query}").patched == {"opened": "a/b?c#d'\"<é"}


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a?b", "a'b", "é"])
def test_name_that_is_no_plain_segment_is_refused(name: str) -> None:
    running = PAGE.rows["What may stand in a URL"].run()

    with pytest.raises(SetupError, match="name"):
        running.datastar.handler(name=name)(lambda: None)


@pytest.mark.parametrize(
    "prefix", ["en", "//evil.example", "/en/", "/a/../b", "/./a", "/a?b", "/a#b", "/a\\b", "/a\nb", "/%zz", "/%2e", 3]
)
def test_prefix_that_is_no_local_path_is_refused(prefix: object) -> None:
    running = PAGE.rows["What may stand in a URL"].run()

    with running.app.test_request_context(), pytest.raises(ValueError, match=r"_prefix is .* accepted: a path"):
        running.datastar.post("open_item", _prefix=prefix)


# Streams


@PAGE.row("A loop of your own")
def test_loop_in_a_plain_view_gets_what_is_published(row: Row) -> None:
    running = row.run()

    stream = running.tab.iter_events("/ticker", method="GET")
    first = next(stream)
    in_app(running, lambda: running.datastar.publish("ticker", 5))
    second = next(stream)
    stream.close()

    assert (first, second) == (sse.patch_signals({"tick": 0}), sse.patch_signals({"tick": 5}))
    assert "@get('/ticker', {retry: 'always', retryMaxCount: Infinity})" in rendered(running, "ticker.html")


@PAGE.row("A loop of your own")
def test_loop_that_works_notices_its_end(row: Row) -> None:
    running = row.run()
    running.tab.signals["tabId"] = "a"

    stream = running.tab.iter_events("report", method="GET")
    first = [next(stream) for _ in range(3)]
    stream.close()

    assert first == [sse.patch_signals({"done": number}) for number in range(3)]
    assert in_app(running, running.datastar.stats)["ended"] == {"left": 1}


@PAGE.row("Live collections")
def test_nudge_makes_the_page_ask_with_its_own_filter(row: Row) -> None:
    running = row.run()
    running.tab.signals["filter"] = "draft"
    nudge = sse.dispatch_event("posts")
    page = rendered(running, "posts.html", posts=[])

    stream = running.tab.iter_events("live", method="GET")
    at_once = next(stream)
    DatastarClient(running.app, {"title": "Honey"}).post(running["add"])
    after_a_change = next(stream)
    stream.close()
    answer = running.tab.get(running["reload"])

    assert (at_once, after_a_change) == (nudge, nudge)
    assert f"evt.detail.type === '{nudge.type}' && @get('/ds/shop/reload')" in page
    assert answer.events == (sse.patch_elements('<ul id="posts"><li>Tea</li><li>Honey</li></ul>'),)


@PAGE.row("Live collections")
def test_feed_appends_the_same_row_everywhere(row: Row) -> None:
    running = row.run()
    streams = [DatastarClient(running.app).iter_events("feed", method="GET") for _ in range(2)]
    assert [next(stream) for stream in streams] == [LIVE, LIVE]

    running.tab.post(running["post_row"], title="<Honey>")

    appended = sse.patch_elements("<li>&lt;Honey&gt;</li>", selector="#posts", mode="append")
    assert [next(stream) for stream in streams] == [appended, appended]
    for stream in streams:
        stream.close()


def open_board(running: Running, tab_id: str | None, **session: Any) -> Iterator[Event]:
    tab = DatastarClient(running.app, {"tabId": tab_id} if tab_id is not None else {})
    log_in(tab, **{"user_id": 7, "workspace_id": 1, **session})
    stream = tab.iter_events("board", method="GET")
    assert next(stream) == LIVE
    return stream


def live_tabs(running: Running) -> list[tuple[str, str | None]]:
    return in_app(running, lambda: sorted((found.scope, found.tab) for found in running.datastar.tabs.snapshot()))


@PAGE.row("One stream a tab")
def test_five_pages_of_one_tab_leave_one_stream(row: Row) -> None:
    running = row.run()

    streams = [open_board(running, f"a.{page}") for page in range(5)]

    assert live_tabs(running) == [("7:1", "a")]
    assert [list(stream)[-1].event_id for stream in streams[:4]] == [f"ds:replaced:{page}" for page in range(1, 5)]
    streams[4].close()
    assert live_tabs(running) == []


@PAGE.row("One stream a tab")
def test_three_tabs_and_another_scope_keep_theirs(row: Row) -> None:
    running = row.run()

    streams = [open_board(running, tab_id) for tab_id in ("a.1", "b.1", "c.1")]
    streams += [open_board(running, "a.1", workspace_id=2)]

    assert live_tabs(running) == [("7:1", "a"), ("7:1", "b"), ("7:1", "c"), ("7:2", "a")]
    for stream in streams:
        stream.close()


@PAGE.row("One stream a tab")
def test_several_requests_at_once_leave_one_stream(row: Row) -> None:
    running = row.run()
    barrier = threading.Barrier(8)
    streams: list[Iterator[Event]] = []

    def open_at_once(page: int) -> None:
        tab = DatastarClient(running.app, {"tabId": f"a.{page}"})
        log_in(tab, user_id=7, workspace_id=1)
        barrier.wait(timeout=60)
        stream = tab.iter_events("board", method="GET")
        first = next(stream)
        # Another one may have taken its place before it sent anything.
        assert first == LIVE or str(first.event_id).startswith("ds:replaced:")
        streams.append(stream)

    threads = [threading.Thread(target=open_at_once, args=(page,)) for page in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert len(streams) == 8
    assert live_tabs(running) == [("7:1", "a")]
    for stream in streams:
        stream.close()  # type: ignore[attr-defined]


@PAGE.row("One stream a tab")
def test_streams_without_a_tab_id_are_not_told_apart(row: Row) -> None:
    running = row.run()

    streams = [open_board(running, None) for _ in range(2)]

    assert in_app(running, running.datastar.stats)["open"] == 2
    for stream in streams:
        stream.close()


@PAGE.row("One stream a tab")
def test_newcomer_without_room_is_answered_503(row: Row) -> None:
    running = row.run()
    streams = [open_board(running, f"tab{number}.1") for number in range(20)]
    log_in(running.tab, user_id=7, workspace_id=1)

    refused = running.tab.get("board")

    assert refused.status_code == 503
    for stream in streams:
        stream.close()


@PAGE.row("One stream a tab")
def test_layout_has_the_tab_id_and_the_stream(row: Row) -> None:
    page = rendered(row.run(), "layout.html")

    assert 'data-signals:tab-id="' in page
    assert "sessionStorage" in page
    assert "@get('/ds/shop/board', {filterSignals: {include: /^tabId$/}" in page


# The rest


@PAGE.row("Connections, HTTP/2 and HTTPS")
def test_handlers_work_behind_a_proxy_with_https(row: Row) -> None:
    running = row.run()
    headers = {"Host": "shop.localhost", "X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}
    headers |= {"Datastar-Request": "true"}

    own = running.tab.client.post("/ds/shop/where", headers={**headers, "Origin": "https://shop.localhost"})
    other = running.tab.client.post("/ds/shop/where", headers={**headers, "Origin": "https://evil.localhost"})

    assert own.data == sse.patch_signals({"url": "https://shop.localhost/"}).encode()
    assert other.status_code == 403


@PAGE.row("Without dispatch")
def test_plain_view_answers_the_client(row: Row) -> None:
    running = row.run()
    running.tab.signals["count"] = 1

    assert running.tab.post("/counter/increment").events == (sse.patch_signals({"count": 2}),)
    assert running.tab.post("/counter/increment", _headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


@PAGE.row("Tokens")
def test_tokens_are_accepted_where_the_page_says(row: Row) -> None:
    assert tokens.statuses(row.run()) == tokens.EXPECTED


@PAGE.row("Testing")
def test_test_of_the_page_passes_and_can_fail(row: Row) -> None:
    running = row.run()

    running["test_increment_counts"]()

    broken = Running(row.code.replace("count + 1", "count + 2"), {}, row.page, {})
    with pytest.raises(AssertionError):
        broken["test_increment_counts"]()


LINES = ['signals {"count":1}']
MODULES = {
    "Dstar.SSE.send_event": sse.patch_signals({"count": 1}),
    "Dstar.SSE.format_event": sse.patch_signals({"count": 1}),
    "Dstar.Signals.patch_raw": sse.patch_signals_raw('{"count": 1}'),
    "Dstar.Signals.format_patch": sse.patch_signals({"count": 1}),
    "Dstar.Signals.format_remove": sse.remove_signals("user.name"),
    "Dstar.Elements.format_patch": sse.patch_elements(HTML, selector="#a"),
    "Dstar.Elements.format_remove": sse.remove_elements("#a"),
    "Dstar.Scripts.execute": sse.execute_script("start()"),
    "Dstar.Actions.put": keyed("@put('/ds/shop-events/save')"),
    "Dstar.Actions.patch": keyed("@patch('/ds/shop-events/save')"),
    "Dstar.Actions.delete": keyed("@delete('/ds/shop-events/save')"),
    "Dstar.Actions.get": "@get('/ds/shop-events/show')",
    "Dstar.Actions.post": keyed("@post('/ds/' + encodeURIComponent($_dstar_module) + '/save')"),
}


@PAGE.row("Lower-level modules")
@pytest.mark.parametrize("function", MODULES)
def test_function_of_a_lower_module_has_its_counterpart(row: Row, function: str) -> None:
    running = row.run(html=HTML, lines=LINES, text='{"count": 1}')
    running.datastar.handler(group="shop-events", name="save")(lambda: None)
    running.datastar.handler(group="shop-events", name="show", methods=["GET"])(lambda: None)
    (code,) = [code for elixir, code in row.cells.items() if elixir.startswith(f"{function}(")]
    expected = MODULES[function]

    if isinstance(expected, str):
        with running.app.test_request_context():
            assert eval(code, running.names).js == expected
    elif code.startswith("sse."):
        assert eval(code, running.names) == expected.encode()
    else:
        assert running.events_of(code) == (expected,)


@PAGE.row("Lower-level modules")
def test_table_has_nothing_that_is_not_tried(row: Row) -> None:
    assert {elixir.split("(")[0] for elixir in row.cells} == set(MODULES)


@PAGE.row("Dependencies")
def test_flask_is_all_that_is_needed(row: Row) -> None:
    setup = ConfigParser()
    setup.read(DOCS.parents[1] / "setup.cfg", encoding="utf-8")

    needed = setup["options"]["install_requires"].split()

    assert "Flask-Datastar needs Flask" in row.text
    assert [re.split(r"[<>=~!]", text)[0] for text in needed] == ["Flask"]
