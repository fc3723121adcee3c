from __future__ import annotations

import gc
import re
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask, abort, redirect, render_template_string, request

from flask_datastar import Datastar
from flask_datastar.testing import (
    DatastarClient,
    DuplicateId,
    ElementError,
    NotInTab,
    PageError,
    RequestRefused,
)
from tests.support.pages import CLIENT, LAYOUT, app_with, shown

datastar = Datastar()
BODY = Path(__file__).with_name("page.html").read_text(encoding="utf-8")


@datastar.handler(group="page")
def add(title: str = "") -> None:
    datastar.patch_elements(f"<li>{title}</li>", to="list", mode="append")
    datastar.signal("title", "")


@datastar.handler(group="page")
def fail() -> None:
    raise LookupError("no stock")


@datastar.handler(group="page")
def stop() -> None:
    abort(403, "not yours")


@datastar.handler(group="page")
def conflict() -> None:
    abort(409)


@pytest.fixture(scope="module")
def site() -> Flask:
    app = app_with(BODY, datastar)

    @app.get("/two")
    def two() -> str:
        return render_template_string(LAYOUT.replace("BODY", "<p id=p>two {{ a }}</p>"), a=request.args.get("a"))

    @app.post("/posted")
    def posted() -> object:
        return redirect(f"/two?a={request.form['f']}")

    @app.route("/echo", methods=["POST", "PUT"])
    def echo() -> str:
        if request.files:
            return f"{request.files['f'].filename} {request.files['f'].read()!r} {request.form['t']}"
        return f"{request.content_type} {request.get_data()!r}"

    app.add_url_rule("/data", "data", lambda: {"a": 1})
    app.add_url_rule("/loop", "loop", lambda: "<script>location.href = '/loop?' + Math.random()</script>")
    app.add_url_rule("/plain", "plain", lambda: "<form action=/two><input name=a value=1><button>go</button></form>")
    return app


@pytest.fixture
def page(site: Flask) -> Iterator[DatastarClient]:
    with shown(site) as tab:
        yield tab


def test_click_runs_the_handler_and_its_answer(page: DatastarClient) -> None:
    assert page.fill("#title", "Tea") is None
    answer = page.click(text="Add")

    assert answer is not None
    assert answer.patched == {"title": ""}
    assert answer.signals["title"] == ""
    assert page.text("#list") == "Tea"
    (sent,) = page.requests
    assert (sent.method, sent.path, sent.status_code, sent.signals["title"]) == ("POST", "/ds/page/add", 200, "Tea")
    assert len(page.events) == 2


def test_test_changes_signals_as_a_user_would(page: DatastarClient) -> None:
    page.signals["title"] = "Milk"
    assert page.value("#title") == "Milk"
    page.signals = {**page.signals, "out": {"deep": 1}}
    del page.signals["n"]

    page.click("#add")

    assert page.text("#list") == "Milk"
    assert page.requests[0].signals["out"] == {"deep": 1}
    assert "n" not in page.requests[0].signals


def test_action_without_a_page_changes_the_page(page: DatastarClient) -> None:
    page.post(add, title="Bread")
    assert page.text("#list") == "Bread"
    assert page.signals["title"] == ""


def test_exception_of_a_handler_is_raised(page: DatastarClient) -> None:
    with pytest.raises(LookupError, match="no stock"):
        page.click("#fail")
    assert page.requests[-1].status_code == 500
    assert page.text("#list") == ""


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("#stop", "POST /ds/page/stop, which was refused with 403: .*not yours"),
        ("#gone", r"GET /nowhere, which nothing answers \(404\)"),
        ("#verb", r"nothing answers \(405\): it takes .*POST"),
    ],
)
def test_refused_request_fails_at_once(page: DatastarClient, selector: str, message: str) -> None:
    with pytest.raises(RequestRefused, match=message) as caught:
        page.click(selector)
    assert caught.value.answer.status_code in (403, 404, 405)


@pytest.fixture
def faulty() -> Iterator[Callable[..., DatastarClient]]:
    """Create an app whose handlers fail in several ways, with a configuration, and show its page."""
    with ExitStack() as stack:

        def show(**config: object) -> DatastarClient:
            datastar = Datastar()
            kinds = ("fail", "steps", "maintain", "typed")
            app = app_with(
                "".join(f"<button id={kind} data-on:click=\"@post('/ds/f/{kind}')\">b</button>" for kind in kinds)
                + '<p id=told data-on:datastar-fetch__window="'
                + "el.textContent += evt.detail.type + ' '; setTimeout(() => 1, 50)\"></p>",
                datastar,
            )
            app.config.update(config)

            @datastar.handler(group="f", name="fail")
            def fails() -> None:
                raise LookupError("no stock")

            @datastar.handler(group="f")
            def steps() -> Iterator[None]:
                yield
                raise LookupError("no more")

            @datastar.handler(group="f")
            def maintain() -> None:
                abort(503, "back at noon")

            @datastar.handler(group="f")
            def typed(count: int) -> None:
                pass

            return stack.enter_context(shown(app))

        yield show


@pytest.mark.parametrize(
    "config", [{"TESTING": True, "PROPAGATE_EXCEPTIONS": False}, {"TESTING": False}], ids=["asked", "production"]
)
def test_failed_request_fails_at_once_where_exceptions_are_not_raised(
    faulty: Callable[..., DatastarClient], config: dict[str, object]
) -> None:
    page = faulty(**config)

    with pytest.raises(RequestRefused, match="POST /ds/f/fail, which failed with 500: LookupError: no stock") as caught:
        page.click("#fail")
    assert caught.value.answer.status_code == 500
    assert isinstance(caught.value.__cause__, LookupError)
    assert "error" in page.text("#told")  # the page has had the answer, and a test may go on
    with pytest.raises(RequestRefused, match="POST /ds/f/steps, which broke off: LookupError: no more"):
        page.click("#steps")
    with pytest.raises(RequestRefused, match=r"which failed with 503: .*back at noon"):
        page.click("#maintain")


@pytest.mark.parametrize("config", [{"TESTING": False, "DEBUG": True}, {"TESTING": True, "DEBUG": True}])
def test_no_overlay_hides_an_error_in_debug_mode(
    faulty: Callable[..., DatastarClient], config: dict[str, object]
) -> None:
    page = faulty(**config)

    for kind in ("fail", "steps"):
        with pytest.raises(LookupError):
            page.click(f"#{kind}")
    with pytest.raises(RequestRefused, match=r"refused with 400: .*count"):
        page.click("#typed")


def test_other_statuses_are_answers(page: DatastarClient) -> None:
    answer = page.click("#conflict")

    assert answer is not None
    assert (answer.status_code, answer.events) == (409, ())


@pytest.mark.parametrize(
    ("selector", "error", "message"),
    [
        ("#bad", PageError, r'page http://localhost/: <button id="bad">, data-on:click="\$out.nothing.more\(\)"'),
        (".noid", PageError, r'<p>, data-on:click="nobody.there\(\)": .*nobody'),
        ("#gone2", PageError, r'data-on:click="el.id = '),
        ("#ctx", PageError, '<button id="ctx">: Context'),
        ("#gone3", PageError, '<button id="gone3">, data-on:click="el.remove'),
        ("#thrown", PageError, "page http://localhost/"),
        ("#native", PageError, '<button id="native">: .*nobody'),
        ("#late", PageError, "the page's script: .*nothing"),
        ("#form", PageError, "FetchFormNotFound"),
        ("#layout", NotInTab, r'offsetWidth of <button id="layout".*used by <button id="layout">, data-on:click='),
        ("#glob", NotInTab, "ResizeObserver"),
        ("#far", NotInTab, "https://other.example/, which is another site"),
        ("#ask", NotInTab, "confirm\\('Sure\\?'\\) asks a person"),
        ("#js", NotInTab, "javascript: URL"),
        ("#double", DuplicateId, "has the id 'double' 2 times: on <button"),
    ],
)
def test_what_the_page_does_wrong_is_raised(
    page: DatastarClient, selector: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        page.click(selector)


def test_names_that_no_browser_has_are_undefined(page: DatastarClient) -> None:
    page.click("#own")
    assert page.signals["out"] == "undefinedundefined"


def test_questions_are_answered(page: DatastarClient) -> None:
    page.answers += [True, "Ada"]
    page.click("#ask")
    assert page.signals["out"] == "trueAda"


def test_what_is_not_run_is_listed(page: DatastarClient) -> None:
    page.click("#dl")
    page.click("#new")

    assert "script /other.js" in page.left_out
    assert any(one.startswith("data-on-intersect of <p") for one in page.left_out)
    assert [one for one in page.left_out if one.startswith(("download", "link"))] == [
        "download http://localhost/x",
        'link http://localhost/x in another tab (target="_blank")',
    ]
    assert page.scripts == ["window.inline = 1", "window.inModule = document.readyState"]
    page.intersect("#seen")
    assert page.signals["out"] == "seen"
    with pytest.raises(ElementError, match="has no data-on-intersect"):
        page.intersect("#key")


def test_window_has_console_cookies_and_storage(page: DatastarClient) -> None:
    page.click("#script")
    assert page.console[-1].startswith('warn: careful {"a":1} <button id="script"')
    page.click("#cookie")
    assert page.signals["out"] == "a=b"
    page.click("#read")
    assert page.signals["out"] == "1"
    page.click("#store")
    assert page.signals["out"] == 1
    page.click("#url")
    assert page.signals["out"] == "falsehttp://b.example/%C3%BC?q=%C3%A9#f"


@pytest.mark.parametrize(
    ("gesture", "arguments", "message"),
    [
        ("fill", ("#num", "abc"), "does not take 'abc'"),
        ("fill", ("#day", "soon"), "does not take 'soon'"),
        ("fill", ("#box", "x"), "use check"),
        ("fill", ("#file", "x"), "use upload"),
        ("fill", ("#ro", "x"), "read-only"),
        ("fill", ("#plain", "x"), "is not a field"),
        ("fill", ("#ed", "x"), "contenteditable"),
        ("select", ("#menu", "c"), "'c' is not among its options; it has 'a', 'b'"),
        ("select", ("#menu", "b"), "'b' is disabled"),
        ("select", ("#menu", "a", "b"), "takes one value"),
        ("select", ("#plain", "a"), "is not a select"),
        ("upload", ("#title", ("a", b"")), "takes no files"),
        ("upload", ("#file", ("a", b""), ("b", b"")), "takes one file"),
        ("check", ("#plain",), "neither a checkbox"),
        ("check", ("#stay",), "stays unchecked"),
        ("submit", ("#plain",), "is not a form"),
        ("submit", ("#form1",), "its button <button disabled> is disabled"),
        ("focus", ("#plain",), "cannot have the focus"),
        ("press", ("a", "#title"), "use fill"),
        ("press", ("Backspace", "#title"), "use fill"),
        ("press", ("ArrowDown", "#menu"), "ArrowDown"),
        ("press", ("Ctrl+k",), "'Ctrl' is not a modifier"),
        ("wait", (0,), "accepted: numbers above 0"),
    ],
)
def test_what_a_person_cannot_do_is_refused(
    page: DatastarClient, gesture: str, arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises((ElementError, ValueError, NotInTab), match=re.escape(message)):
        getattr(page, gesture)(*arguments)


def test_keys_and_focus(page: DatastarClient) -> None:
    page.press("Control+k", "#key")
    assert page.signals["out"] == "ktrue"
    page.focus("#title")
    assert page.find("#title").has_focus
    page.blur()
    with pytest.raises(ElementError, match="does not have the focus, nothing has it"):
        page.blur("#title")
    assert not page.find("#title").has_focus
    page.hover("#add")
    page.uncheck("#box")
    page.fill("#day", "2026-01-02")
    assert page.value("#day") == "2026-01-02"
    page.select("#menu", "A")


def test_bodies_of_all_kinds_are_sent(page: DatastarClient) -> None:
    found = []
    for button in ("#raw", "#blob", "#parts"):
        page.click(button)
        found.append(page.signals["out"])

    assert found == ["text/plain;charset=UTF-8 b'raw text'", "text/x b'blob'", "f.bin b'a\\x00b' v"]
    assert [one.form for one in page.requests] == [None, None, {"f": "f.bin", "t": "v"}]
    assert page.requests[0].signals == "raw text"


def test_client_that_keeps_contexts_keeps_none_of_a_page(page: DatastarClient) -> None:
    with page.client:
        page.click("#add")
        page.click("#add")
    assert len(page.requests) == 2


def test_timer_leads_to_another_page(page: DatastarClient) -> None:
    page.click("#gopage")
    assert page.url == "/"
    page.wait(3)
    assert page.url == "/two"


def test_links_and_forms_lead_to_other_pages(page: DatastarClient) -> None:
    page.click("#link")
    assert (page.url, page.text("#p")) == ("/two?a=1#frag", "two 1")
    page.back()
    assert page.url == "/"
    page.submit("#form2")
    assert (page.url, page.text("#p")) == ("/two?a=v", "two v")
    page.reload()
    assert page.url == "/two?a=v"
    page.back()
    with pytest.raises(PageError, match="no page before"):
        page.back()


def test_page_without_the_client_starts_with_the_first_gesture(site: Flask) -> None:
    with DatastarClient(site, client_file=CLIENT) as tab:
        tab.load("/plain")
        assert tab._page is None
        tab.click(text="go")
        assert tab.text("#p") == "two 1"


@pytest.mark.parametrize(
    "part", ['<b data-on:click="$a = 1">', '<b data-signals:a="1">', "<b data-bind:a>", """<b data-x="@post('/x')">"""]
)
def test_page_that_lacks_its_client_says_so(part: str) -> None:
    app = app_with("")
    app.add_url_rule(
        "/bare", "bare", lambda: f"<body>{part}</b><button>b</button><script src=/bundle.js></script></body>"
    )
    with DatastarClient(app, client_file=CLIENT) as tab:
        tab.load("/bare")
        assert tab.text("button") == "b"
        with pytest.raises(PageError, match=r"has <b data-.*, and names no Datastar client, only script /bundle.js: "):
            tab.click("button")


def test_pages_without_end_are_given_up(site: Flask) -> None:
    with DatastarClient(site) as tab:
        tab.load("/loop")
        with pytest.raises(PageError, match="lead to one another without end"):
            tab.text()


def test_tab_without_a_page_says_so(site: Flask) -> None:
    with DatastarClient(site, client_file=CLIENT) as tab:
        with pytest.raises(PageError, match="load one first"):
            tab.click("#add")
        tab.load("/data")
        with pytest.raises(PageError, match="application/json, which is not a page"):
            tab.text()
        tab.close()
        with pytest.raises(PageError, match="closed"):
            tab.text()


def test_fixture_gives_a_tab_of_the_app(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        """
import pytest
from flask import Flask
from flask_datastar import Datastar

@pytest.fixture
def app():
    app = Flask("shop")
    Datastar(app)
    app.add_url_rule("/", "index", lambda: "<p>Hello</p>")
    return app

def test_page(datastar_tab):
    datastar_tab.load("/")
    assert datastar_tab.text("p") == "Hello"
"""
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "1 passed" in done.stdout, done.stdout


def test_page_that_is_left_is_not_kept() -> None:
    with shown(app_with("<p></p>")) as tab:
        left = weakref.ref(tab._running_page())
        tab.reload()
        gc.collect()

        assert left() is None
