"""Each row of OctaStar's README has a counterpart that works: these tests run the code in `from-octastar.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import render_template, render_template_string

from flask_datastar import Event, sse
from flask_datastar.__main__ import main
from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient
from tests.from_elixir import tokens
from tests.from_elixir.pages import Page, Row, Running
from tests.support.actions import keyed, keyless

PAGE = Page("from-octastar.md")
WITHOUT_CODE = {"Without a counterpart"}
APP = "from flask import Flask\n\napp = Flask(__name__)\n"
#: Options that leave something out.
NO = re.compile(r"`(--no-[\w-]+)`")


def test_every_row_has_a_test() -> None:
    assert set(PAGE.rows) - PAGE.tested == WITHOUT_CODE


@PAGE.row("Installation")
def test_installer_does_what_its_table_says(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "python -m flask_datastar init --no-example" in row.text
    monkeypatch.chdir(tmp_path)
    before = {"app.py": APP, "templates/layout.html": "<head></head><body></body>", "static/datastar.js": "// v1.0.4\n"}
    for name, text in before.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    named = re.findall(r"`(\{\{.*?\}\})`", row.text)
    options = {option for line in row.text.splitlines() if line.startswith("| ") for option in NO.findall(line)}

    def init(*arguments: str) -> set[str]:
        result = CliRunner().invoke(main, ["init", *arguments])
        assert result.exit_code == 0, result.output
        return {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} - {*before}

    assert init(*options, "--dry-run") == set()
    assert options == {"--no-stream-dedup", "--no-layout", "--no-https", "--no-gunicorn", "--no-example"}
    made = init(*options - {"--no-stream-dedup", "--no-layout"}, "--no-stream-dedup")
    assert made == {"templates/datastar_errors.html"}
    assert "datastar = Datastar(app" in (tmp_path / "app.py").read_text()
    layout = (tmp_path / "templates/layout.html").read_text()
    assert [text in layout for text in named] == [False, True]
    made = init("--no-example")
    assert "gunicorn.conf.py" in made
    assert "certs/localhost.pem" in made
    assert "templates/sample.html" not in made
    assert "tests/test_sample.py" in init()


@PAGE.row("Set up by hand")
def test_factory_needs_no_macro_and_no_route(row: Row) -> None:
    running = row.run()
    app = running["create_app"]()
    assert app is not running.app

    @running.datastar.handler(group="g")
    def act() -> None:
        running.datastar.signal("done", True)

    assert DatastarClient(app).post(act).patched == {"done": True}


@PAGE.row("A view")
def test_view_shows_its_page_and_answers_its_events(row: Row) -> None:
    running = row.run()

    page = unescape(running.tab.client.get("/lamps/hall").text)
    (path,) = re.findall(r"@post\('(.*?)'\)", keyless(page))
    running.tab.signals["level"] = 2
    answer = running.tab.post(path)

    assert '<main data-signals="{"level":0}">' in page
    assert "<h1>hall</h1>" in page
    assert '<output data-text="$level">0</output>' in page
    assert path == "/ds/shop-lamp_view/brighter?room=hall"
    assert answer.events == (sse.patch_signals({"level": 3}),)
    # Nothing but the page and what is marked can be reached.
    assert running.tab.post("/ds/shop-lamp_view/show?room=hall").status_code == 404


@PAGE.row("One function for all events")
def test_one_method_gets_all_events(row: Row) -> None:
    running = row.run()

    page = unescape(running.tab.client.get("/table").text)
    (path,) = re.findall(r"@post\('(.*?)'\)", keyless(page))

    assert path == "/ds/shop-table_view/sort-name"
    assert running.tab.post(path).patched == {"sorted": "name"}


@PAGE.row("A signal is tracked")
def test_signal_is_seen_by_components_and_the_browser(row: Row) -> None:
    running = row.run()
    running.tab.signals["stars"] = 4

    answer = running.tab.post(running["rate"])

    assert answer.events == (
        sse.patch_elements("<b>4.0</b> True", selector="#summary", mode="inner"),
        sse.patch_signals({"voted": True}),
    )


@PAGE.row("`assign` and `signal`")
def test_assign_stays_on_the_server(row: Row) -> None:
    running = row.run()
    assert len(row.cells) == 2
    assign, signal = row.cells.values()

    def seen_after(code: str) -> tuple[str, dict[str, object]]:
        rendered: list[str] = []
        code += "; rendered.append(render_template_string('{{ key }}'))"
        events = running.events_of(code, value=7, rendered=rendered, render_template_string=render_template_string)
        return rendered[0], {"events": events}

    assert seen_after(assign) == ("7", {"events": ()})
    assert seen_after(signal) == ("7", {"events": (sse.patch_signals({"key": 7}),)})
    assert running.events_of('datastar.signal("user.name", "Ada")') == (sse.patch_signals({"user": {"name": "Ada"}}),)


@PAGE.row("Options of a signal")
def test_signal_may_be_set_only_if_missing(row: Row) -> None:
    running = row.run()
    running.tab.signals["theme"] = "light"

    answer = running.tab.post(running["begin"])

    assert answer.signals == {"theme": "light", "step": 1}
    assert answer.events == (
        sse.patch_signals({"step": 1}),
        sse.patch_signals({"theme": "dark"}, only_if_missing=True),
    )


@PAGE.row("No start, no flush")
def test_handler_neither_starts_nor_flushes(row: Row) -> None:
    running = row.run()
    tab = running.tab
    tab.signals["page"] = 2

    assert tab.post(running["next_page"]).events == (sse.patch_signals({"page": 3}),)
    assert tab.post(running["look"]).status_code == 204
    assert tab.post(running["leave"]).events == (sse.redirect("/goodbye"),)


@PAGE.row("No list of handlers")
def test_what_is_declared_is_reachable_and_nothing_else(row: Row) -> None:
    running = row.run()

    assert running.tab.post("/ds/shop/checkout").patched == {"paid": True}
    assert running.tab.post("/ds/shop/refund").status_code == 404
    with pytest.raises(SetupError, match="refund"):
        running.tab.post(running["refund"])


@PAGE.row("Components")
def test_component_is_a_macro_or_html(row: Row) -> None:
    running = row.run()

    answer = running.tab.post(running["load"])

    assert answer.events == (
        sse.patch_elements(
            '<ul id="people"><li>Ada</li><li>&lt;Grace&gt;</li></ul>', selector="#people", mode="replace"
        ),
        sse.patch_elements('<p id="note">Done</p>'),
    )


@PAGE.row("A component with values of its own")
def test_component_gets_a_value_of_its_own(row: Row) -> None:
    running = row.run()

    answer = running.tab.post(running["append"], name="<Ada>")

    assert answer.events == (sse.patch_elements("<li>&lt;Ada&gt; of 3</li>", selector="#people", mode="append"),)


@PAGE.row("Actions")
def test_actions_name_handlers(row: Row) -> None:
    running = row.run()

    page = running.tab.client.get("/").text

    assert [unescape(action) for action in re.findall(r'data-on:click="(.*?)"', page)] == [
        keyed("@post('/ds/shop-cart/increment')"),
        keyed("@delete('/ds/shop-cart/remove?id=7')"),
        keyed("@post('/en/ds/' + encodeURIComponent($_datastar_module) + '/increment')"),
    ]
    with running.app.test_request_context(), pytest.raises(SetupError, match="increase"):
        running.datastar.post("increase")


@PAGE.row("Forms")
def test_form_is_sent_as_a_form(row: Row) -> None:
    running = row.run()
    ((name, _),) = row.templates.items()

    with running.app.test_request_context():
        form = unescape(render_template(name))
    answer = running.tab.post(running["save"], _data={"mail": "ada@example.com"})

    assert "@post('/ds/shop/save?_k=' + Math.random(), {contentType: 'form', headers: {'Datastar-Tab': " in form
    assert "selector: '#signup', requestCancellation: 'disabled'})" in form
    assert answer.patched == {"saved": "ada@example.com"}


# One stream a tab


def stream_of(running: Running, tab_id: str | None, target: str = "feed") -> Iterator[Event]:
    """Open a stream as the user 7, and read its first event."""
    tab = DatastarClient(running.app, {"tabId": tab_id} if tab_id is not None else {})
    with tab.client.session_transaction() as session:
        session["user_id"] = 7
    stream = tab.iter_events(target, method="GET")
    assert next(stream) == sse.patch_signals({"headline": "Rain"})
    return stream


def live_tabs(running: Running) -> list[tuple[str, str | None]]:
    with running.app.app_context():
        return [(entry.scope, entry.tab) for entry in running.datastar.tabs.snapshot()]


@PAGE.row("One stream a tab")
@pytest.mark.parametrize("target", ["feed", "/feed"])
def test_new_stream_of_a_tab_ends_the_older_one(row: Row, target: str) -> None:
    running = row.run(latest_headline=lambda: "Rain")
    older = stream_of(running, "a.1", target)
    newer, other_tab = (stream_of(running, tab_id, target) for tab_id in ("a.2", "b.1"))

    ending = list(older)

    assert [event.event_id for event in ending] == ["ds:replaced:2"]
    assert sorted(live_tabs(running)) == [("7", "a"), ("7", "b")]
    newer.close()
    other_tab.close()
    assert live_tabs(running) == []


@PAGE.row("One stream a tab")
@pytest.mark.parametrize("tab_id", [None, "own"])
def test_streams_without_a_tab_id_stay(row: Row, tab_id: str | None) -> None:
    running = row.run(latest_headline=lambda: "Rain")

    streams = [stream_of(running, tab_id) for _ in range(2)]

    with running.app.app_context():
        assert running.datastar.stats()["opened"] == 2
    # An id of the page's own works as theirs: the newer stream ends the older one.
    assert len(live_tabs(running)) == (2 if tab_id is None else 1)
    for stream in streams:
        stream.close()


@PAGE.row("One stream a tab")
def test_layout_of_a_stream_has_the_tab_id(row: Row) -> None:
    running = row.run()

    with running.app.test_request_context():
        page = unescape(render_template("feed.html"))

    assert 'data-signals:tab-id="' in page
    assert "@get('/ds/shop/feed', {filterSignals: {include: /^tabId$/}" in page


@PAGE.row("Tokens")
def test_tokens_are_accepted_where_the_page_says(row: Row) -> None:
    assert tokens.statuses(row.run()) == tokens.EXPECTED


@PAGE.row("JSON")
def test_json_is_made_by_the_apps_provider(row: Row) -> None:
    running = row.run()

    assert running.tab.post(running["total"]).patched == {"total": "12.50"}


# The table of all functions

HTML = '<p id="target"></p>'
ALL = PAGE.rows["All functions"]
SENDING = {
    "patch_elements": sse.patch_elements(HTML, selector="#target", mode="replace"),
    "remove_elements": sse.remove_elements("#target"),
    "patch_signals": sse.patch_signals({"count": 1}),
    "patch_signals_raw": sse.patch_signals_raw('{"count":1}'),
    "remove_signals": sse.remove_signals(["user.email"]),
    "execute_script": sse.execute_script("console.log('done')"),
    "redirect": sse.redirect("/next"),
    "console_log": sse.console_log("debug"),
}
OTHERS = {"start", "start_stream", "check_connection", "read_signals"}


def python_of(function: str) -> str:
    """Give the counterpart of one of OctaStar's functions."""
    (code,) = [code for elixir, code in ALL.cells.items() if elixir.startswith(f"OctaStar.{function}(")]
    return code


@PAGE.row("All functions")
def test_table_has_all_functions(row: Row) -> None:
    assert {elixir.split("(")[0] for elixir in row.cells} == {f"OctaStar.{name}" for name in {*SENDING, *OTHERS}}


@pytest.mark.parametrize("function", SENDING)
def test_function_sends_what_octastars_does(function: str) -> None:
    assert ALL.run().events_of(python_of(function), html=HTML) == (SENDING[function],)


def test_console_log_takes_what_has_a_json_form() -> None:
    (event,) = ALL.run().events_of("datastar.console_log({'debug': True})")

    assert 'console.log({"debug":true})' in event.arguments["elements"]


def test_read_signals_gives_a_mapping() -> None:
    running = ALL.run()
    running.tab.signals["name"] = "Ada"

    events = running.events_of(f"datastar.signal('seen', {python_of('read_signals')})")

    assert events == (sse.patch_signals({"seen": {"name": "Ada"}}),)


def test_start_makes_a_response_for_a_plain_view() -> None:
    running = ALL.run()

    @running.app.post("/plain")
    def plain() -> Any:
        return eval(f"{python_of('start')}.patch_signals({{'count': 1}}).remove_elements('#old')", running.names)

    assert running.tab.post("/plain").events == (sse.patch_signals({"count": 1}), sse.remove_elements("#old"))


def test_start_stream_opens_a_stream_in_a_plain_view() -> None:
    running = ALL.run(user_id=7)

    @running.app.get("/plain")
    def plain() -> Any:
        running.datastar.signal("open", True)
        return eval(python_of("start_stream"), running.names)

    stream = running.tab.iter_events("/plain", method="GET")
    assert next(stream) == sse.patch_signals({"open": True})
    with running.app.app_context():
        running.datastar.broadcast("news").signal("headline", "Rain")

    assert next(stream) == sse.patch_signals({"headline": "Rain"})
    stream.close()


def test_check_connection_is_false_when_the_stream_is_to_end() -> None:
    running = ALL.run()
    seen: list[bool] = []

    @running.datastar.stream(scope="ada")
    def report() -> Iterator[dict[str, int]]:
        seen.append(eval(python_of("check_connection"), running.names))
        running.datastar.tabs.close("ada")
        seen.append(eval(python_of("check_connection"), running.names))
        yield {}

    list(running.tab.iter_events(report, method="GET"))

    assert seen == [True, False]


@PAGE.row("From Dstar to OctaStar to here")
def test_names_of_the_migration_table_are_there(row: Row) -> None:
    running = row.run()

    @running.datastar.handler(group="cart")
    def add() -> None: ...

    @running.app.get("/plain")
    def plain() -> dict[str, Any]:
        return {
            "signals": running.datastar.read_signals(),
            "tabs": running.datastar.tabs.count(),
            "action": str(running.datastar.post("add", _module="$_datastar_module").js),
        }

    assert "`datastar.tabs`" in row.text
    assert '`_module="$_datastar_module"`' in row.text
    assert "`datastar.read_signals()`" in row.text
    assert running.tab.client.get('/plain?datastar={"a":1}').json == {
        "signals": {"a": 1},
        "tabs": 0,
        "action": keyed("@post('/ds/' + encodeURIComponent($_datastar_module) + '/add')"),
    }
