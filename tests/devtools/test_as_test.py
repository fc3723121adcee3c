"""Copied tests are run as they are pasted: they pass, and they fail when the handler is broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, abort, current_app, redirect, render_template_string
from markupsafe import Markup

from flask_datastar import Datastar
from flask_datastar.devtools.as_test import write_test
from flask_datastar.testing import DatastarClient
from tests.devtools.conftest import HEADERS, PANEL, new_browser
from tests.live.apps.base import STATIC

PAGE = """<html><head>{{ datastar.script() }}</head>
<body data-signals:tab-id="'t1.p1'" data-signals="{count: 0, title: ''}">
<input id="title" aria-label="Title" data-bind="title">
<input type="checkbox" id="all" data-bind="all"><select id="menu" data-bind="menu"><option>1<option>2</select>
<button id="go" data-on:click="{{ action }}" data-on:keydown="evt.key == 'x' && {{ datastar.post('go') }}">
Go</button>
<p id="old">old</p>{{ people }}{{ datastar.live() }}</body></html>"""
GO = {"do": "click", "selector": "#go"}
Make = Callable[[Callable[[Datastar], Any]], Flask]


@pytest.fixture
def make() -> Make:
    """Make an app in debug mode with a page and a handler ``g.go``."""

    def make(act: Callable[[Datastar], Any]) -> Flask:
        app = Flask("shop", static_folder=STATIC, static_url_path="/static")
        app.debug = True
        datastar = Datastar(app, script_url="/static/datastar.js")
        app.extensions["names"] = names = ["Ada"]

        @datastar.region(group="g", tables=())
        def people() -> str:
            return f"<ul id='people'>{''.join(f'<li>{name}</li>' for name in names)}</ul>"

        app.extensions["changed"] = people.changed
        app.add_url_rule("/", "page", lambda: _page(datastar, people()))
        app.add_url_rule("/elsewhere", "elsewhere", lambda: "<p>elsewhere</p>")

        @datastar.handler(group="g")
        def go(title: str = "", by: int = 1) -> Any:
            return act(datastar)

        return app

    return make


def _page(datastar: Datastar, people: object) -> str:
    written = current_app.extensions.get("action")
    action = datastar.post("go") if written is None else Markup(written)
    return render_template_string(PAGE, people=people, action=action)


def copy(
    app: Flask,
    steps: list[dict[str, Any]] | None,
    signals: dict[str, Any] | None = None,
    query: str = "",
    *,
    verb: str = "POST",
) -> str:
    """Do the action in debug mode, and copy it."""
    browser = new_browser(app)
    stream = browser.get(
        "/?datastar=%7B%22tabId%22%3A%22t1.p1%22%7D", headers={**HEADERS, "Datastar-Live": ""}, buffered=False
    )
    try:
        next(iter(stream.response))
        body = {"tabId": "t1.p1", **(signals or {})}
        browser.open(f"/ds/g/go{query}", method=verb, json=body, headers=HEADERS).get_data()
        if app.extensions["names"] != ["Ada"]:
            chunk = b""
            while b"Bob" not in chunk:
                chunk = next(iter(stream.response))
    finally:
        stream.close()
    items = browser.get("/ds/-timeline/items.json", headers=PANEL).json["items"]
    number = next(item["id"] for item in items if item.get("path") == "/ds/g/go")
    asked = {"id": number, "as": "test", "gestures": steps and {"path": "/", "steps": steps}}
    return browser.post("/ds/-timeline/copy.txt", json=asked, headers=PANEL).text


def run(text: str, app: Flask, *, debug: bool = False, testing: bool = True) -> None:
    app.debug, app.testing = debug, testing
    names: dict[str, Any] = {}
    exec(compile(text, "<copied>", "exec"), names)
    names["test_go"](app)


def count(datastar: Datastar) -> None:
    datastar.signal("count", 1)
    datastar.patch_elements("<p id='old'>It's <b>new</b></p>")


def join(datastar: Datastar) -> None:
    from flask import current_app

    current_app.extensions["names"].append('Bob & "Eve"')
    current_app.extensions["changed"]()


def remove(datastar: Datastar) -> None:
    datastar.remove_elements("#old").remove_signals("title").execute_script("console.log('done')")
    datastar.dispatch_event("toast", {"text": "Saved"}).patch_elements("<p></p>", to="people", mode="append")


def go_away(datastar: Datastar) -> Any:
    datastar.signal("count", 1)
    return redirect("/elsewhere")


@pytest.mark.parametrize("steps", [[GO], None], ids=["gestures", "handler"])
@pytest.mark.parametrize("act", [count, join, remove, go_away])
def test_it_passes_until_the_handler_is_broken(make: Make, act: Any, steps: Any) -> None:
    text = copy(make(act), steps, {"count": 0, "title": "x"}, "?by=2&_k=0.5")

    run(text, make(act))

    with pytest.raises((AssertionError, TimeoutError, KeyError)):
        # What does not come need not be waited for.
        run(text.replace("Client(app)", "Client(app, within=0.2)"), make(lambda datastar: datastar.signal("other", 1)))
    with pytest.raises(ZeroDivisionError):
        run(text, make(lambda datastar: 1 / 0))


@pytest.mark.parametrize("status", [400, 403, 409])
@pytest.mark.parametrize("steps", [[GO], None], ids=["gestures", "handler"])
def test_a_refusal_passes_as_long_as_it_is_one(make: Make, status: int, steps: Any) -> None:
    text = copy(make(lambda datastar: abort(status)), steps)

    run(text, make(lambda datastar: abort(status)))

    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(text, make(count))


@pytest.mark.parametrize("steps", [[GO], None], ids=["gestures", "handler"])
def test_an_exception_is_repeated_until_it_is_mended(make: Make, steps: Any) -> None:
    text = copy(make(lambda datastar: 1 / 0), steps)

    assert "# Fails with ZeroDivisionError until the handler is mended" in text
    with pytest.raises(ZeroDivisionError):
        run(text, make(lambda datastar: 1 / 0))
    run(text, make(count))


#: What fixtures forget.
BARE: list[dict[str, bool]] = [{"testing": False}, {"testing": False, "debug": True}]


@pytest.mark.parametrize("config", BARE, ids=str)
@pytest.mark.parametrize("steps", [[GO], None], ids=["gestures", "handler"])
def test_an_exception_fails_in_every_configuration(make: Make, steps: Any, config: dict[str, bool]) -> None:
    text = copy(make(lambda datastar: 1 / 0), steps)

    with pytest.raises((ZeroDivisionError, AssertionError), match=r"ZeroDivisionError|division|500"):
        run(text, make(lambda datastar: 1 / 0), **config)
    run(text, make(count), **config)


@pytest.mark.parametrize("config", [{}, *BARE], ids=str)
@pytest.mark.parametrize("steps", [[GO], None], ids=["gestures", "handler"])
def test_signals_that_do_not_fit_are_a_400(make: Make, steps: Any, config: dict[str, bool]) -> None:
    text = copy(make(count), steps, query="?by=many")

    assert "Dismiss" not in text
    unfit = make(count)
    unfit.extensions["action"] = "@post('/ds/g/go?by=many')"
    run(text, unfit, **config)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        # Mended: the page's own action has by=1.
        run(text.replace("many", "2"), make(count), **config)


@pytest.mark.parametrize("steps", [[GO], None], ids=["gestures", "handler"])
def test_a_wrong_verb_passes_until_it_is_taken(make: Make, steps: Any) -> None:
    text = copy(make(count), steps, verb="GET")
    wrong = make(count)
    wrong.extensions["action"] = "@get('/ds/g/go')"

    assert 'get("/ds/g/go")' in text or "RequestRefused" in text
    run(text, wrong)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(text.replace(".get(", ".post("), make(count))


@pytest.mark.parametrize("steps", [[GO], None], ids=["gestures", "handler"])
def test_an_outage_passes_as_long_as_it_is_one(make: Make, steps: Any) -> None:
    text = copy(make(lambda datastar: abort(503)), steps)

    run(text, make(lambda datastar: abort(503)))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(text, make(count))


def test_gestures_come_in_their_order(make: Make) -> None:
    steps = [
        {"do": "fill", "selector": "#title", "value": 'It\'s "Tea"'},
        {"do": "fill", "label": "Title", "value": "x"},
        {"do": "check", "selector": "#all"},
        {"do": "select", "selector": "#menu", "values": ["2"]},
        {"do": "press", "key": "x", "selector": "#go"},
        {"do": "click", "text": "Go"},
    ]
    text = copy(make(count), steps)

    run(text, make(count))

    assert 'tab.fill("#title", \'It\\\'s "Tea"\')' in text
    assert 'tab.fill(label="Title", value="x")' in text
    assert 'tab.select("#menu", "2")' in text
    assert 'tab.press("x", "#go")' in text
    assert 'answer = tab.click(text="Go")' in text


def entry(**facts: Any) -> dict[str, Any]:
    head = {"id": 1, "at": 0, "method": "POST", "path": "/app/ds/g/go", "root": "/app", "query": "", "page": "/app/"}
    return {**head, "headers": {}, "has_cookies": True, "status": 200, "handler": "g.go", "target": "g.go", **facts}


@pytest.mark.parametrize(
    ("facts", "call"),
    [
        ({"parameters": {"id": "3"}}, 'DatastarClient(app).post("g.go", id="3")'),
        ({"parameters": {"a-b": "3"}, "query": "a-b=3&_k=1&datastar=x"}, 'DatastarClient(app).post("/ds/g/go?a-b=3")'),
        ({"parameters": {"class": "3"}}, 'DatastarClient(app).post("/ds/g/go")'),
        ({"parameters": {"_data": "3"}}, 'DatastarClient(app).post("/ds/g/go")'),
        ({"parameters": "too many"}, 'DatastarClient(app).post("/ds/g/go")'),
        ({"target": None, "parameters": {}, "method": "GET"}, 'DatastarClient(app).get("/ds/g/go")'),
        ({"parameters": {}, "form": {"a": "b"}}, 'DatastarClient(app).post("g.go", _data={"a": "b"})'),
        ({"parameters": {}, "signals": "too many"}, 'DatastarClient(app).post("g.go")'),
    ],
)
def test_handlers_are_called_as_they_were(facts: dict[str, Any], call: str) -> None:
    text = write_test([entry(**facts)], [])

    assert f"    answer = {call}\n" in text
    assert "sign in by" in text


@pytest.mark.parametrize(
    "gestures",
    [
        *([], "x", {}, {"path": "/"}, {"path": "x", "steps": []}, {"path": "/", "steps": [{"do": "eval"}]}),
        *({"path": "/", "steps": [{"do": "click", "selector": 3}]}, {"path": "/", "steps": [{}]}),
        *({"path": "/", "steps": ["x"]}, {"path": "/", "steps": [{"do": "click", "text": "x" * 999}]}),
    ],
)
def test_odd_gestures_are_refused(gestures: Any) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        write_test([entry()], [], gestures)


def test_odd_methods_are_refused() -> None:
    with pytest.raises(ValueError, match="method is"):
        write_test([entry(method="X`y'")], [])


def test_what_streams_bring_after_the_next_action_is_not_an_effect() -> None:
    def event(at: int, name: str) -> dict[str, Any]:
        arguments = {"elements": f"<p id='{name}'>{name}</p>"}
        return {"id": 9, "event": {"type": "datastar-patch-elements", "at": at, "arguments": arguments}}

    acting = {"id": 1, "page_id": "p", "at": 10}
    text = write_test(
        [entry(at=10, page_id="p", status=204)],
        [
            {"id": 9, "page_id": "p", "follows": []},
            *(event(5, "before"), acting, event(20, "mine")),
            *({"id": 2, "page_id": "p", "at": 30}, event(40, "theirs")),
        ],
        {"path": "/app/x", "steps": [GO]},
    )

    assert 'tab.load("/x")' in text
    assert 'tab.wait_for("#mine", text="mine")' in text
    assert "before" not in text
    assert "theirs" not in text


def test_the_kit_takes_what_is_written() -> None:
    assert all(hasattr(DatastarClient, name) for name in ("click", "fill", "press", "select", "wait_for", "find_all"))
