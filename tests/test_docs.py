"""The documentation says what the code does: pages are compared with the code, and the README's application is run."""

from __future__ import annotations

import ast
import builtins
import html
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import symtable
import sys
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from contextlib import closing
from dataclasses import MISSING, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from flask import Flask
from jinja2 import Environment, TemplateSyntaxError

import flask_datastar
from flask_datastar import Datastar, Event, StarView, event, sse
from flask_datastar.actions.helpers import PageHelpers
from flask_datastar.brokers import redis
from flask_datastar.cli import datastar_commands
from flask_datastar.config.settings import PREFIX, Settings
from flask_datastar.errors import DatastarError
from flask_datastar.forms.validation import FormMethods
from flask_datastar.hooks import Reason
from flask_datastar.hub.compression import Compression
from flask_datastar.sansio.actions import OPTIONS
from flask_datastar.sending import SendingMethods
from flask_datastar.streams.methods import StreamMethods
from flask_datastar.streams.tabs import Tabs
from flask_datastar.testing import DatastarClient
from flask_datastar.testing.gestures import GestureMethods
from flask_datastar.testing.seen import SeeingMethods
from flask_datastar.testing.waits import WaitMethods
from flask_datastar.views.starview import HANDLE_EVENT
from tests.benchmarks import results

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING")), *DOCS.rglob("*.md")])
KEYS = [f"{PREFIX}{field.name.upper()}" for field in fields(Settings)]

FENCE = re.compile(r"^```(\S+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return [code for found, code in FENCE.findall(text) if found == language]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def check_pages(find_wrong: Callable[[str, Path], list[str]]) -> None:
    """Check every page, and name what is wrong on all of them."""
    found = [
        f"{name_of(page)}: {wrong}" for page in PAGES for wrong in find_wrong(page.read_text(encoding="utf-8"), page)
    ]

    assert not found, "\n".join(found)


def public_names(owner: type) -> list[str]:
    return [name for name in vars(owner) if not name.startswith("_")]


# Reference pages beside the code.


def test_api_page_has_every_public_name() -> None:
    documented = set(re.findall(r"^\.\. (?:auto)?\w+:: ([\w.]+)", read("docs/reference/api.md"), re.MULTILINE))

    # An object and not the class: `handlers` is an attribute of each.
    methods = {f"Datastar.{name}" for name in dir(Datastar()) if not name.startswith("_")}
    assert methods | set(flask_datastar.__all__) <= documented


def test_api_page_links_to_no_module_that_may_move() -> None:
    text = read("docs/reference/api.md")

    public = set(re.findall(r"`(flask_datastar[\w.]*)`", text.split("\n\n")[1]))
    named = set(re.findall(r"^\.\. \w+:: (flask_datastar[\w.]*)", text, re.MULTILINE))
    assert named == public


def test_config_page_has_every_key_with_its_default() -> None:
    text = read("docs/reference/config.md")

    entries = re.findall(r"^## `(\w+)`\n\nDefault: `(.+)`$", text, re.MULTILINE)
    documented = {key: ast.literal_eval(default) for key, default in entries}

    expected = {}
    for key, field in zip(KEYS, fields(Settings), strict=True):
        assert field.default is not MISSING
        expected[key] = [] if field.default == frozenset() else field.default
    assert documented == expected
    assert list(documented) == KEYS


def test_no_page_names_a_key_that_does_not_exist() -> None:
    check_pages(lambda text, page: sorted({*re.findall(rf"\b{PREFIX}[A-Z][A-Z_]*\b", text)} - {*KEYS}))


def test_events_page_has_every_sending_method() -> None:
    text = read("docs/reference/events.md")

    documented = re.findall(r"^\| `(\w+)\(", text, re.MULTILINE)

    assert documented == [name for owner in SendingMethods.__mro__ for name in public_names(owner)]


def test_views_page_has_every_attribute_and_argument() -> None:
    text = read("docs/reference/views.md").split("\n## Targets\n")[0]

    documented = set(re.findall(r"^\| `(\w+)(?:\(.*\))?` \|", text, re.MULTILINE))

    arguments = {*inspect.signature(Datastar.view).parameters, *inspect.signature(event).parameters}
    expected = {*public_names(StarView), HANDLE_EVENT, *arguments, "endpoint"} - {"self", "options", "method"}
    assert documented == expected


def test_events_page_shows_every_function_that_makes_an_event() -> None:
    text = read("docs/reference/events.md")

    makers = {name for name in sse.__all__ if name.islower() and name != "parse_events"}

    assert set(re.findall(r"^    sse\.(\w+)\(", text, re.MULTILINE)) == makers


def test_actions_page_has_every_option() -> None:
    text = read("docs/reference/actions.md")

    documented = re.findall(r"^\| `_(\w+)` \| `(\w+)` \|", text, re.MULTILINE)

    assert dict(documented) == {name: client_name for name, (client_name, _) in OPTIONS.items()}


def test_actions_page_has_every_helper() -> None:
    text = read("docs/reference/actions.md")

    missing = [
        name for name in public_names(PageHelpers) if f"`{name}`" not in text and f"datastar.{name}(" not in text
    ]

    assert missing == []


def test_every_reason_for_an_end_says_when() -> None:
    source = inspect.getsource(Reason)

    assert re.findall(r"    #: .+\n    \w+ = \"(\w+)\"\n", source) == list(Reason)


def test_errors_page_has_every_error() -> None:
    text = read("docs/reference/errors.md")

    documented = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)

    assert set(documented) == {"DatastarError", *(error.__name__ for error in DatastarError.__subclasses__())}


def test_handlers_page_has_every_method_for_forms() -> None:
    text = read("docs/reference/handlers.md")

    documented = re.findall(r"^\| `(\w+)\(", text, re.MULTILINE)

    assert set(public_names(FormMethods)) <= set(documented)


def test_streams_page_has_every_method() -> None:
    text = read("docs/reference/streams.md")

    names = [*public_names(StreamMethods), *(f"tabs.{name}" for name in public_names(Tabs))]
    missing = [name for name in names if not re.search(rf"datastar\.{re.escape(name)}\b", text)]

    assert missing == []


def test_streams_page_has_every_ending_and_counter() -> None:
    text = read("docs/reference/streams.md")
    endings, counters = (
        set(re.findall(r"^\| `(\w+)` \|", text.split(f"\n## {heading}\n")[1].split("\n## ")[0], re.MULTILINE))
        for heading in ("Endings", "Counters")
    )
    app = Flask(__name__)
    datastar = Datastar(app)

    assert endings == set(Reason)
    with app.app_context():
        assert counters == set(datastar.stats())


def test_streams_page_has_every_counter_of_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    # Another test of this process may have run gevent, without its patches.
    monkeypatch.setattr(redis, "check_patched", lambda: None)
    text = read("docs/reference/streams.md").split("\n## Counters of Redis\n")[1].split("\n## ")[0]
    app = Flask(__name__)
    datastar = Datastar(app, broker_url="redis://localhost")

    with app.app_context():
        counters = datastar.stats()["broker"]

    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(counters)


def test_streams_page_has_every_counter_of_compression() -> None:
    text = read("docs/reference/streams.md").split("\n## Counters of compression\n")[1].split("\n## ")[0]
    compression = Compression(["gzip"])
    compression.body("gzip").own(b"data: 1\n\n")

    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(compression.stats())


def test_cli_page_has_every_command_with_its_options() -> None:
    text, context = read("docs/reference/cli.md"), click.Context(datastar_commands)

    sections = re.findall(r"^## `flask datastar ([\w-]+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    documented = {name: set(re.findall(r"^\| `(--[\w-]+)", section, re.MULTILINE)) for name, section in sections}

    assert documented == {
        name: {option for parameter in command.params for option in parameter.opts if option.startswith("-")}
        for name in datastar_commands.list_commands(context)
        if (command := datastar_commands.get_command(context, name))
    }


def test_page_about_other_extensions_has_those_that_are_tried() -> None:
    text = read("docs/howto/other-extensions.md")
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")

    rows, sections = re.findall(r"^\| `(.+?)` \|", text, re.MULTILINE), re.findall(r"^## (.+)$", text, re.MULTILINE)
    tried = [name.partition("[")[0] for name in config["options.extras_require"]["extensions"].split()]

    assert sections.pop(0) == "What works unchanged"
    assert sorted([*rows, *sections], key=str.lower) == tried


# Every page.


def test_python_blocks_compile() -> None:
    def find_wrong(text: str, page: Path) -> list[str]:
        wrong = []
        for code in blocks(text, "python"):
            try:
                compile(code, name_of(page), "exec")
            except SyntaxError as error:
                wrong.append(f"{error} in {code}")
        return wrong

    check_pages(find_wrong)


def test_template_blocks_parse() -> None:
    environment = Environment()
    environment.filters["js"] = str

    def find_wrong(text: str, page: Path) -> list[str]:
        wrong = []
        for code in blocks(text, "html+jinja"):
            try:
                environment.from_string(code)
            except TemplateSyntaxError as error:
                wrong.append(f"{error} in {code}")
        return wrong

    check_pages(find_wrong)


def test_links_to_files_lead_somewhere() -> None:
    def find_broken(text: str, page: Path) -> list[str]:
        targets = [target for target in LINK.findall(FENCE.sub("", text)) if "://" not in target]
        return [target for target in targets if not (page.parent / target.partition("#")[0]).exists()]

    check_pages(find_broken)


@pytest.mark.parametrize(
    ("name", "page"), [("streams", "costs"), ("regions", "costs"), ("redis", "scaling"), ("presence", "costs")]
)
def test_measurements_are_written_into_their_page(name: str, page: str, tmp_path: Path) -> None:
    folder = tmp_path / "explanation"
    folder.mkdir()
    path = folder / f"{page}.md"
    path.write_text(read(f"docs/explanation/{page}.md"), encoding="utf-8")

    results.write(name, "| new |\n", "<svg/>", title="A plot", page=path, output=folder / "measured")

    text = path.read_text(encoding="utf-8")
    before, _, after = read(f"docs/explanation/{page}.md").partition(f"<!-- measured: {name} -->\n")
    assert text.startswith(f"{before}<!-- measured: {name} -->\n\n| new |\n\n![A plot](measured/{name}.svg)\n\n")
    assert text.endswith(after.partition(f"<!-- end of {name} -->\n")[2])
    assert (folder / "measured" / f"{name}.svg").read_text() == "<svg/>"


def test_included_files_exist() -> None:
    def find_missing(text: str, page: Path) -> list[str]:
        included = re.findall(r"^```\{(?:literal)?include\} (\S+)$", text, re.MULTILINE)
        return [path for path in included if not (page.parent / path).is_file()]

    check_pages(find_missing)


def test_changelog_starts_with_what_is_unreleased_or_just_released() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    version = re.escape(config["metadata"]["version"])

    (first, *_) = re.findall(r"^## (.+)\n\n### \w+\n\n- ", read("CHANGELOG.md"), re.MULTILINE)

    assert re.fullmatch(rf"Unreleased|{version} - \d{{4}}-\d\d-\d\d", first)


def test_version_directives_have_two_colons() -> None:
    sources = [*PAGES, *(ROOT / "flask_datastar").rglob("*.py")]

    wrong = [
        name_of(source)
        for source in sources
        if re.search(r"version(added|changed|removed)\s*:(?!:)", source.read_text(encoding="utf-8"))
    ]

    assert wrong == []


# Applications of the README and the tutorial, as somebody would type them in.

TUTORIALS = ["counter", "search", "import"]
TYPED_FILE = re.compile(r"^[^`\n]*`([\w./-]+\.\w+)`:\n\n```\S+\n(.*?)^```$", re.MULTILINE | re.DOTALL)

APPLICATION_PAGES = ["README.md", *(f"docs/tutorial/{name}.md" for name in ("datastar", *TUTORIALS, "live"))]
ADDED_CODE = re.compile(r"^Add these to `(app.py)`.*?\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def type_files(page: str, folder: Path, through: str | None = None) -> None:
    """Write the files of a page into a folder, up to the end of a section; a later version replaces an earlier one."""
    text = read(page)
    if through is not None:
        before, heading, rest = text.partition(f"\n## {through}\n")
        assert heading, f"{page} has no section {through!r}"
        text = before + rest.split("\n## ")[0]
    (folder / "templates").mkdir(exist_ok=True)
    for name, content in TYPED_FILE.findall(text):
        (folder / name).write_text(content, encoding="utf-8")
    for name, content in ADDED_CODE.findall(text.rpartition("`app.py`:\n")[2]):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write("\n\n" + content)


@pytest.fixture
def typed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Flask]:
    """Make the application of a page from the files in it, as they are at the end of a section."""

    def make(page: str, through: str | None = None) -> Flask:
        type_files(page, tmp_path, through)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "app", raising=False)
        # A file of the same length that was written within the same second would be taken for the earlier one.
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        importlib.invalidate_caches()
        app = importlib.import_module("app").app
        # Not left behind for other tests.
        monkeypatch.delitem(sys.modules, "app")
        assert isinstance(app, Flask)
        return app

    return make


def action_path(page: str, label: str) -> str:
    """Find the path of the action in the tag that has a label: an attribute's beginning, or the text of a button."""
    tags = re.findall(r"<[^>]*data-(?:on:click|on:submit|on:input[\w.]*|init)=\"([^\"]+)\"[^>]*>([^<]*)", page)
    (expression,) = [code for code, text in tags if label in (text.strip(), code.partition("(")[0])]
    (path,) = re.findall(r"@\w+\('([^']+)'", html.unescape(expression))
    # The browser makes the key of the click.
    return re.sub(r"[?&]_k=$", "", str(path))


def responses(page: str) -> list[str]:
    """Find what a page shows of responses."""
    return [code for code in blocks(read(page), "text") if code.startswith("event: ")]


def live_events(tab: DatastarClient, page: str) -> Iterator[Event]:
    """Open the stream of a live page as its browser does: under the page's own URL, with what the page shows."""
    path = action_path(page, "@get")
    ((name, value),) = re.findall(r"headers: {'?([\w-]+)'?: '([\w-]+)'}", html.unescape(page))
    return tab.iter_events(path, method="GET", _headers={name: value})


# Sections of the README up to which its application is typed in: kept in memory, with more handlers, with a database.
IN_MEMORY, WITH_HANDLERS, WITH_DATABASE = (
    "A list that everybody edits together",
    "What a handler can do",
    "With a database",
)


@pytest.mark.parametrize("section", [IN_MEMORY, WITH_HANDLERS, WITH_DATABASE])
def test_readme_application_runs(typed_in: Callable[..., Flask], section: str) -> None:
    app = typed_in("README.md", section)
    ann, bob = DatastarClient(app, {"item": "<Tea>"}), DatastarClient(app)
    pages = [tab.client.get("/").text for tab in (ann, bob)]
    with closing(live_events(ann, pages[0])) as to_ann, closing(live_events(bob, pages[1])) as to_bob:
        # The stream is open, and has nothing else to send: its page is up to date.
        assert {next(events).event_id for events in (to_ann, to_bob)} == {"live"}
        path = action_path(pages[0], "@post")
        answer = ann.post(path)
        shown = [next(events).arguments["elements"] for events in (to_ann, to_bob)]

    assert path == "/ds/app/add"
    assert "https://cdn.jsdelivr.net/" in pages[0]
    assert '<ul id="items"></ul>' in pages[0]
    assert answer.events == (sse.patch_signals({"item": ""}),)
    assert answer.response.text.strip() == responses("README.md")[0].strip()
    assert shown == ['<ul id="items"><li>&lt;Tea&gt;</li></ul>'] * 2
    assert shown[0] in bob.client.get("/").text


@pytest.mark.parametrize("page", APPLICATION_PAGES)
def test_every_application_of_a_page_is_typed_in(page: str) -> None:
    typed = [code for name, code in TYPED_FILE.findall(read(page)) if name == "app.py"]

    assert typed == [code for code in blocks(read(page), "python") if "Flask(__name__)" in code]


def test_readmes_handlers_do_what_it_says(typed_in: Callable[..., Flask]) -> None:
    tab = DatastarClient(typed_in("README.md", WITH_HANDLERS), {"item": "b"})

    restocked = tab.post("/ds/app/restock")
    suggested = tab.post("/ds/app/suggest")
    page = tab.load("/").text
    cleared = tab.post("/ds/app/clear")

    assert restocked.events == tuple(sse.patch_signals({"done": done}) for done in (1, 2, 3))
    assert suggested.patched == {"found": 1}
    assert suggested.html == '<p id="hint">On the list: Bread</p>'
    assert "<li>Bread</li><li>Milk</li><li>Salt</li>" in page
    assert 'window.location.href = "/"' in cleared.html
    assert '<ul id="items"></ul>' in tab.load("/").text


@pytest.mark.parametrize("section", [IN_MEMORY, WITH_DATABASE])
def test_readmes_test_fails_without_its_handler_and_passes_with_it(
    typed_in: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str
) -> None:
    app = typed_in("README.md", section)
    (name,) = re.findall(r"`(test_\w+\.py)`:\n", read("README.md"))
    (code,) = [code for found, code in TYPED_FILE.findall(read("README.md")) if found == name]
    # As fetch-client stores it.
    shutil.copytree(ROOT / "example" / "static", tmp_path / "static", dirs_exist_ok=True)
    monkeypatch.setitem(sys.modules, "app", SimpleNamespace(app=app))  # type: ignore[arg-type]
    module: dict[str, Any] = {}
    exec(compile(code, name, "exec"), module)
    (test,) = [value for key, value in module.items() if key.startswith("test_")]
    (endpoint,) = [endpoint for endpoint in app.view_functions if endpoint.endswith("add")]

    with monkeypatch.context() as broken:
        broken.setitem(app.view_functions, endpoint, lambda: ("", 204))
        with pytest.raises(AssertionError):
            test()
    test()


def test_actions_of_the_readme_call_its_handlers(typed_in: Callable[..., Flask]) -> None:
    app = typed_in("README.md", WITH_HANDLERS)
    templates = re.findall(r"{{ datastar\.post\(.+?\) }}", read("README.md"))

    with app.test_request_context():
        actions = [app.jinja_env.from_string(template).render() for template in templates]

    assert {*re.findall(r"/ds/app/(\w+)", "".join(actions))} == {"add", "restock"}
    assert len(actions) >= 3


def test_readme_application_has_sixteen_lines() -> None:
    python = blocks(read("README.md"), "python")[0]

    assert len([line for line in python.splitlines() if line.strip()]) == 16
    assert "In sixteen lines of Python" in read("README.md")


def test_readmes_first_code_is_a_live_region() -> None:
    text = read("README.md")

    first = FENCE.search(text)

    assert first is not None
    assert TYPED_FILE.findall(text)[0] == ("app.py", first[2])
    assert "@datastar.region" in first[2]


def test_start_page_has_the_application_of_the_readme() -> None:
    before, _, _ = read("README.md").partition("\n## Datastar in two minutes\n")

    assert FENCE.findall(before) == FENCE.findall(read("docs/index.md"))[:-1]


def test_links_of_the_readme_to_headings_find_them() -> None:
    """Sphinx checks the links of all other pages."""

    def anchors(path: str) -> set[str]:
        headings = re.findall(r"^#+ (.+)$", read(path), re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    targets = [target.partition("#") for target in LINK.findall(read("README.md")) if "://" not in target]
    wanted = [(path or "README.md", anchor) for path, _, anchor in targets if anchor]

    assert len(wanted) >= 3
    assert [(path, anchor) for path, anchor in wanted if anchor not in anchors(path)] == []


def missing_names(code: str) -> set[str]:
    """Return the names that code reads, and neither imports, defines nor takes from Python itself."""

    def walk(table: symtable.SymbolTable) -> Iterator[tuple[symtable.SymbolTable, symtable.Symbol]]:
        yield from ((table, symbol) for symbol in table.get_symbols())
        for child in table.get_children():
            yield from walk(child)

    module = symtable.symtable(code, "sample", "exec")
    defined = {symbol.get_name() for symbol in module.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    read_names = {
        symbol.get_name()
        for table, symbol in walk(module)
        if symbol.is_referenced() and (table is module or symbol.is_global())
    }
    # The interpreter has names of its own: "__name__" in a module, others where a class has annotations.
    return {name for name in read_names - defined - set(dir(builtins)) if not name.startswith((".", "__"))}


@pytest.mark.parametrize("page", APPLICATION_PAGES)
def test_samples_import_every_name(page: str) -> None:
    """A sample that follows another one on the page may use its names."""
    before = ""
    for code in blocks(read(page), "python"):
        before += code

        assert missing_names(before) == set(), code


def test_names_that_are_missing_are_found() -> None:
    assert missing_names("import os\ndef f(a):\n    return [os, a, b, [len(c) for c in a]]\nf(d)") == {"b", "d"}


def test_datastar_primer_runs(typed_in: Callable[..., Flask]) -> None:
    tab = DatastarClient(typed_in("docs/tutorial/datastar.md"))
    page = tab.load("/").text
    (request,) = blocks(read("docs/tutorial/datastar.md"), "http")
    line, _, body = request.partition("\n\n")
    tab.signals = json.loads(body)

    answer = tab.post(action_path(page, "@post"))

    assert line == f"POST {action_path(page, '@post')}"
    assert answer.response.text.strip() == responses("docs/tutorial/datastar.md")[0].strip()


def test_counter_counts(typed_in: Callable[..., Flask]) -> None:
    tab = DatastarClient(typed_in("docs/tutorial/counter.md", "A number and a button"))
    page = tab.load("/").text

    answer = tab.post(action_path(page, "+1"))

    assert '<output data-text="$count">0</output>' in page
    assert answer.signals["count"] == 1
    assert answer.response.text.strip() == responses("docs/tutorial/counter.md")[0].strip()


def test_counter_has_a_history(typed_in: Callable[..., Flask]) -> None:
    tab = DatastarClient(typed_in("docs/tutorial/counter.md", "A history"))
    page = tab.load("/").text

    up, down, reset = (tab.post(action_path(page, label)) for label in ("+1", "−1", "Reset"))

    assert up.response.text.strip() == responses("docs/tutorial/counter.md")[1].strip()
    assert "<li>1 → 0</li>" in down.html
    assert reset.html.strip() == '<ol id="history"></ol>'
    assert reset.patched == {"count": 0}


def test_counter_ends_with_a_message(typed_in: Callable[..., Flask]) -> None:
    tab = DatastarClient(typed_in("docs/tutorial/counter.md"))
    page = tab.load("/").text
    tab.post(action_path(page, "+1"))

    answer = tab.post(action_path(page, "Finish"))

    assert 'window.location.href = "/"' in answer.html
    assert '<p role="status">You counted to 1.</p>' in tab.load("/").text


def test_search_finds(typed_in: Callable[..., Flask]) -> None:
    tab = DatastarClient(typed_in("docs/tutorial/search.md"))
    page = tab.load("/").text
    tab.signals["query"] = "são"

    answer = tab.get(action_path(page, "@get"))

    assert "11 found" in page
    assert '<li id="city-são-paulo"' in answer.html
    assert "1 found" in answer.html


def test_import_names_what_is_broken(typed_in: Callable[..., Flask], tmp_path: Path) -> None:
    tab = DatastarClient(typed_in("docs/tutorial/import.md"))
    page = tab.load("/").text
    path = action_path(page, "@post")

    with (tmp_path / "expenses.csv").open("rb") as file:
        answer = tab.post(path, _data={"file": file})

    assert tab.post(path, _data={}).status_code == 400
    assert "<li>Row 3: a lot is not an amount</li>" in answer.html
    assert (answer.signals["progress"], answer.signals["imported"], answer.signals["rejected"]) == (100, 3, 1)


def test_live_application_runs(typed_in: Callable[..., Flask]) -> None:
    app = typed_in("docs/tutorial/live.md")
    ann, bob = DatastarClient(app, {"text": "Tea"}), DatastarClient(app)
    page, other_page = (tab.client.get("/").text for tab in (ann, bob))
    with closing(live_events(ann, page)) as to_ann, closing(live_events(bob, other_page)) as to_bob:

        def shown() -> str:
            first, second = (next(events).arguments["elements"] for events in (to_ann, to_bob))
            assert first == second
            return first

        assert {next(events).event_id for events in (to_ann, to_bob)} == {"live"}
        answer = ann.post(action_path(page, "@post"))
        added = shown()
        bob.post(action_path(added, "Bought"))
        bought = shown()

    assert 'data-signals:tab-id="' in page
    assert "<li" not in page
    assert 'Tea <button data-on:click="' in added
    assert answer.signals["text"] == ""
    assert "<s>Tea</s>" in bought
    assert bought in ann.client.get("/").text


@pytest.mark.parametrize("name", TUTORIALS)
def test_tests_of_the_tutorial_pass(name: str, tmp_path: Path) -> None:
    type_files(f"docs/tutorial/{name}.md", tmp_path)

    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert re.search(r"\b[1-9]\d* passed", result.stdout), result.stdout + result.stderr
    assert result.returncode == 0


def test_every_tutorial_has_its_files() -> None:
    pages = {page.stem for page in (DOCS / "tutorial").glob("*.md")} - {"index"}

    assert {f"docs/tutorial/{page}.md" for page in pages} == {*APPLICATION_PAGES[1:]}
    for page in pages:
        files = dict(TYPED_FILE.findall(read(f"docs/tutorial/{page}.md")))
        assert "app.py" in files
        assert any(name.startswith("templates/") for name in files)


def test_guide_to_testing_has_each_gesture_with_its_signature() -> None:
    rows = re.findall(r"^\| `((\w+)\(.*\))` \| `([^`]*)`", read("docs/howto/testing.md"), re.MULTILINE)
    classes = (GestureMethods, SeeingMethods, WaitMethods)
    public = [name for cls in classes for name, one in vars(cls).items() if inspect.isfunction(one) and name[0] != "_"]
    assert [name for _, name, _ in rows] == public

    for written, name, example in rows:
        signature = inspect.signature(getattr(DatastarClient, name))
        bare = [one.replace(annotation=one.empty) for one in [*signature.parameters.values()][1:]]
        assert written == f"{name}{signature.replace(parameters=bare, return_annotation=signature.empty)}"
        (call,) = [one for one in ast.walk(ast.parse(example)) if ast.unparse(one).startswith(f"tab.{name}(")][-1:]
        assert isinstance(call, ast.Call)
        signature.bind("self", *call.args, **{str(one.arg): one.value for one in call.keywords})
