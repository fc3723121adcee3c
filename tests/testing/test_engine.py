"""The traps of the JavaScript engine that the tab relies on, each as it is in the pinned version."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_datastar.testing import DatastarClient, PageError, engine_worker
from flask_datastar.testing import engine as engine_module
from flask_datastar.testing.engine import Engine
from flask_datastar.testing.engine_thread import EngineThread
from tests.support.pages import CLIENT, app_with, shown


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Engine]]:
    """Make engines that run a code of the test's own in place of the document's."""
    made: list[Engine] = []

    def make(code: str, **callables: Callable[..., Any]) -> Engine:
        monkeypatch.setattr(
            engine_module,
            "_document_code",
            lambda: f"{code}; const runTab = (name, args) => JSON.stringify(TAB[name](...JSON.parse(args)) ?? null);",
        )
        made.append(Engine(callables))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_text_that_was_put_together_reaches_the_host(engine: Callable[..., Engine]) -> None:
    got: list[str] = []
    code = "const TAB = {send() { let s = ''; for (let i = 0; i < 20000; i++) s += 'ab' + i; host.take(s) }}"

    engine(code, take=got.append).call("send")

    assert got[0].startswith("ab0ab1ab2")
    assert len(got[0]) > 100_000


def test_nul_in_text_does_not_end_it(engine: Callable[..., Engine]) -> None:
    got: list[str] = []

    made = engine("const TAB = {send() { host.take('a\\0b') }, back: (text) => text.length}", take=got.append)
    made.call("send")

    assert got == ["a\ufffdb"]
    assert made.call("back", "a\0b") == 3


def test_exception_of_the_host_is_an_error_in_javascript_and_kept(engine: Callable[..., Engine]) -> None:
    def fail() -> None:
        raise LookupError("nothing here")

    made = engine("const TAB = {go() { try { host.fail() } catch (e) { return e.message } }}", fail=fail)

    assert made.call("go") == "LookupError: nothing here"
    assert [type(error) for error in made.errors] == [LookupError]


def test_microtasks_run_before_a_call_returns(engine: Callable[..., Engine]) -> None:
    code = "let n = 0; const TAB = {go() { Promise.resolve().then(() => { n = 7 }) }, n: () => n}"

    made = engine(code)
    made.call("go")

    assert made.call("n") == 7


def test_code_that_cannot_start_leaves_no_thread(engine: Callable[..., Engine]) -> None:
    before = {*threading.enumerate()}

    with pytest.raises(PageError, match="SyntaxError"):
        engine("const TAB = {")

    assert {*threading.enumerate()} <= before


def test_deep_recursion_is_an_error(engine: Callable[..., Engine]) -> None:
    made = engine("const TAB = {go() { const f = (n) => 1 + f(n + 1); return f(0) }, ok: () => 1}")

    with pytest.raises(PageError):
        made.call("go")
    assert made.call("ok") == 1


def test_loop_without_end_is_given_up(engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = threading.Event()
    made = engine("const TAB = {go() { host.stop() }}", stop=lambda: stopped.wait(30) and None)
    # Not before: a busy machine may need longer to make the engine.
    monkeypatch.setattr(engine_module, "_LONGEST_SECONDS", 0.05)

    with pytest.raises(PageError, match="have not ended"):
        made.call("go")
    with pytest.raises(PageError, match="closed"):
        made.call("go")
    stopped.set()


def test_context_is_used_and_dropped_in_its_own_thread(engine: Callable[..., Engine]) -> None:
    threads: list[str] = []
    made = engine("const TAB = {go() { host.note() }}", note=lambda: threads.append(threading.current_thread().name))

    made.call("go")
    made.close()
    made.close()

    assert threads == ["datastar-test-page"]
    with pytest.raises(PageError, match="closed"):
        made.call("go")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("throw new Error('broken')", "broken"),
        ("const", "SyntaxError"),
        ("export const root = {}", "runs no data-init"),
        # What has exports at its end only is compiled as a function.
        ("const root = {}; throw new Error('broken'); export {root};\n//# sourceMappingURL=x", "broken"),
        ("const root = {}; await Promise.reject(new Error('late')); export {root}", "late"),
        ("const root = {}; const; export {root}", "SyntaxError"),
        ("const root = {}; export {root}", "runs no data-init"),
        ("const root = this === undefined ? {} : null; root.x; export {root}", "runs no data-init"),
    ],
)
def test_error_of_the_client_is_told(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "datastar.js"
    file.write_text(text)

    with DatastarClient(app_with(""), client_file=file) as tab, pytest.raises(PageError, match=message):
        tab.load("/")


def test_a_thousand_effects_of_one_signal_fit_on_the_stack() -> None:
    app = app_with(
        """<div data-signals="{n: 0}">{% for i in range(1000) %}<i data-text="$n"></i>{% endfor %}</div>
        <button data-on:click="$n++">+</button>"""
    )
    with shown(app) as tab:
        tab.click("button")

        assert tab.html("div").count(">1<") == 1000


def test_package_works_without_the_extra() -> None:
    code = """
import sys
sys.modules["_quickjs"] = sys.modules["turbohtml"] = None
from flask import Flask
from flask_datastar import Datastar
from flask_datastar.testing import DatastarClient
app = Flask("shop"); app.testing = True; datastar = Datastar(app)
@datastar.handler(group="c")
def add(n: int = 0): datastar.signal("n", n + 1)
app.add_url_rule("/", "index", lambda: "<script src=/static/datastar.js></script><p data-signals='{\\"n\\": 1}'>")
tab = DatastarClient(app, client_file=__file__ if "__file__" in globals() else sys.executable)
tab.load("/")
assert tab.post(add).signals == {"n": 2}
try: tab.click("p")
except ImportError as error: assert "Flask-Datastar[testing]" in str(error)
else: raise SystemExit("it ran")
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# One context for several pages


def worker_of(tab: DatastarClient) -> engine_worker.Worker:
    assert tab._page is not None
    return tab._page.engine._worker


@pytest.fixture
def fresh() -> Iterator[None]:
    """No idle context before and after a test."""
    engine_worker.end_idle()
    yield
    engine_worker.end_idle()


#: An expression that runs a script of the page's own.
SCRIPT = "document.body.append(Object.assign(document.createElement('script'), {text: `%s`}))"


@pytest.mark.usefixtures("fresh")
def test_script_of_a_page_leaves_nothing_to_the_next_one() -> None:
    script = "var a = 1; let b = 2; const c = 3; class D {}; function e() {}; f = 6; setTimeout(e, 1000)"
    app = app_with(
        f"""<script>{script}</script>
        <p data-text="[typeof a, typeof b, typeof c, typeof D, typeof e, typeof f].join()"></p>"""
    )
    other = app_with('<p data-text="[typeof a, typeof b, typeof c, typeof D, typeof e, typeof f].join()"></p>')
    with shown(app) as tab:
        first = worker_of(tab)
        # Here a script's own let, const and class stay in it.
        assert tab.text("p") == "number,undefined,undefined,undefined,function,number"
    with shown(other) as tab:
        assert worker_of(tab) is first
        assert tab.text("p") == ",".join(["undefined"] * 6)
        tab.wait(2)


@pytest.mark.usefixtures("fresh")
def test_next_page_takes_the_context_and_finds_nothing_in_it() -> None:
    app = app_with(
        """<div data-signals="{n: 0}"></div><p id=seen data-text="typeof left + ' ' + (window.left ?? '')"></p>
        <button id=leave data-on:click="window.left = window.alert = window.Date = 1">l</button>
        <i id=left></i>"""
    )
    with shown(app) as tab:
        first = worker_of(tab)
        assert tab.text("#seen").startswith("object")
        tab.click("#leave")
    with shown(app) as tab, shown(app) as other:
        assert worker_of(tab) is first
        assert worker_of(other) is not first
        assert tab.text("#seen").startswith("object")
        # The tab's own: a page that changed it would have changed it for all.
        assert tab._page is not None
        assert tab._page.call("evaluate", "[typeof Date, typeof alert, typeof left]") == [
            "function",
            "function",
            "object",
        ]


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    "act",
    [
        "Array.prototype.last = 1",
        "String.prototype.trim = () => 'mine'",
        "delete Object.values",
        "Object.setPrototypeOf(Map.prototype, {})",
        "Object.defineProperty(globalThis, 'fixed', {value: 1})",
        "Object.preventExtensions(globalThis)",
        "Object.freeze(Array.prototype)",
        SCRIPT % "Array.prototype.map.mine = 1",
        SCRIPT % "Object.setPrototypeOf(globalThis, {})",
        SCRIPT % "Object.defineProperty(Math, 'max', {writable: false})",
    ],
)
def test_context_that_a_page_has_changed_is_dropped(act: str) -> None:
    app = app_with(f'<button data-on:click="{act}">b</button><p data-text="[2, 1].toString()"></p>')
    with shown(app) as tab:
        first = worker_of(tab)
        tab.click("button")
    first.join()
    assert not first.thread.is_alive()
    with shown(app) as tab:
        assert worker_of(tab) is not first
        assert tab.text("p") == "2,1"


@pytest.mark.usefixtures("fresh")
def test_context_ends_after_some_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_worker, "_MOST_PAGES", 3)
    app = app_with("<p data-text='1'></p>")
    workers = []
    for _ in range(4):
        with shown(app) as tab:
            workers.append(worker_of(tab))

    assert workers[0] is workers[1] is workers[2] is not workers[3]
    assert not workers[0].thread.is_alive()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("change", "is_kept"), [(lambda text: text, True), (lambda text: f"{text}\nexport {{}}", False)]
)
def test_context_keeps_few_modules(
    change: Callable[[str], str], is_kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_worker, "_MOST_MODULES", 2)
    file = tmp_path / "datastar.js"
    file.write_text(change(CLIENT.read_text(encoding="utf-8")), encoding="utf-8")
    workers = []
    for _ in range(3):
        with DatastarClient(app_with("<p data-text='1 + 1'></p>"), client_file=file) as tab:
            tab.load("/")
            assert tab.text("p") == "2"
            workers.append(worker_of(tab))

    # With exports in two places it is no function, and each page has a module of its own.
    assert (workers[2] is workers[0]) is is_kept


@pytest.mark.usefixtures("fresh")
def test_context_gets_ready_while_the_server_makes_the_page() -> None:
    app = app_with("<p></p>")
    waiting: list[engine_worker.Worker] = []
    app.before_request(lambda: waiting.extend(engine_worker._idle))

    with shown(app) as tab:
        assert [worker_of(tab)] == waiting
        # A tab with a page leaves its context to the next page.
        tab.reload()
        assert [worker_of(tab)] == waiting
        tab.load("/")
        assert [worker_of(tab)] == waiting


@pytest.mark.usefixtures("fresh")
def test_one_context_waits_for_the_next_page() -> None:
    app = app_with("<p></p>")
    with shown(app) as tab, shown(app) as other:
        workers = [worker_of(tab), worker_of(other)]

    assert [worker.thread.is_alive() for worker in workers] == [True, False]
    engine_worker.end_idle()
    assert not workers[0].thread.is_alive()


def test_answer_to_a_wait_that_was_broken_off_is_not_the_next_one() -> None:
    thread = EngineThread()
    may_end = threading.Event()

    with pytest.raises(TimeoutError):
        thread.run(may_end.wait, 0.001)
    may_end.set()

    assert thread.run(lambda: "next") == "next"
    thread.end()
    thread.join()
