"""The documentation says what the code does: pages are compared with the code, and the README's application is run."""

from __future__ import annotations

import ast
import html
import importlib
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import Environment, TemplateSyntaxError

from flask_datastar import Datastar, StarView, event, sse
from flask_datastar.actions import PageHelpers
from flask_datastar.brokers import redis
from flask_datastar.cli import datastar_commands
from flask_datastar.config import PREFIX, Settings
from flask_datastar.errors import DatastarError
from flask_datastar.sansio.actions import OPTIONS
from flask_datastar.sending import SendingMethods
from flask_datastar.streams.api import StreamMethods
from flask_datastar.streams.open_tabs import Tabs
from flask_datastar.testing import DatastarClient
from flask_datastar.validation import ValidationMethods
from flask_datastar.views import HANDLE_EVENT

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
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


def test_errors_page_has_every_error() -> None:
    text = read("docs/reference/errors.md")

    documented = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)

    assert set(documented) == {"DatastarError", *(error.__name__ for error in DatastarError.__subclasses__())}


def test_handlers_page_has_every_method_for_forms() -> None:
    text = read("docs/reference/handlers.md")

    documented = re.findall(r"^\| `(\w+)\(", text, re.MULTILINE)

    assert set(public_names(ValidationMethods)) <= set(documented)


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

    hooks = read("flask_datastar/hooks.py")
    assert endings == set(re.findall(r"``(\w+)``", hooks.split("``reason``:")[1]))
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


def test_cli_page_has_every_command_with_its_options() -> None:
    text = read("docs/reference/cli.md")

    sections = re.findall(r"^## `flask datastar ([\w-]+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    documented = {name: set(re.findall(r"^\| `(--[\w-]+)", section, re.MULTILINE)) for name, section in sections}

    assert documented == {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in datastar_commands.commands.items()
    }


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
        targets = [target for target in LINK.findall(text) if "://" not in target]
        return [target for target in targets if not (page.parent / target.partition("#")[0]).exists()]

    check_pages(find_broken)


def test_included_files_exist() -> None:
    def find_missing(text: str, page: Path) -> list[str]:
        included = re.findall(r"^```\{(?:literal)?include\} (\S+)$", text, re.MULTILINE)
        return [path for path in included if not (page.parent / path).is_file()]

    check_pages(find_missing)


def test_changelog_has_unreleased_heading() -> None:
    assert re.search(r"^## Unreleased\n\n### Added\n\n- ", read("CHANGELOG.md"), re.MULTILINE)


def test_version_directives_have_two_colons() -> None:
    sources = [*PAGES, *(ROOT / "flask_datastar").rglob("*.py")]

    wrong = [
        name_of(source)
        for source in sources
        if re.search(r"version(added|changed|removed)\s*:(?!:)", source.read_text(encoding="utf-8"))
    ]

    assert wrong == []


# Applications of two files, as somebody would type them in.


@pytest.fixture
def typed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Flask]:
    """Make the application of a page from the file `app.py` and the template in it."""

    def make(page: str) -> Flask:
        text = read(page)
        (python,) = re.findall(r"`app\.py`:\n\n```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        ((name, template),) = re.findall(
            r"`templates/(\w+\.html)`:\n\n```html\+jinja\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
        )
        (tmp_path / "app.py").write_text(python, encoding="utf-8")
        (tmp_path / "templates").mkdir()
        (tmp_path / "templates" / name).write_text(template, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "app", raising=False)
        app = importlib.import_module("app").app
        # Not left behind for other tests.
        monkeypatch.delitem(sys.modules, "app")
        assert isinstance(app, Flask)
        return app

    return make


def action_path(page: str, attribute: str, verb: str) -> str:
    (found,) = re.findall(rf'{attribute}="(.+?)">', page)
    (path,) = re.findall(rf"^@{verb}\('([^']+)'", html.unescape(found))
    return str(path)


def test_readme_application_runs(typed_in: Callable[[str], Flask]) -> None:
    tab = DatastarClient(typed_in("README.md"), {"count": 41})

    page = tab.client.get("/").text
    path = action_path(page, "<button data-on:click", "post")

    assert path == "/ds/app/increment"
    assert "https://cdn.jsdelivr.net/" in page
    assert tab.post(path).events == (sse.patch_signals({"count": 42}),)


def test_readme_application_has_ten_lines() -> None:
    (python,) = re.findall(r"`app\.py`:\n\n```python\n(.*?)^```$", read("README.md"), re.MULTILINE | re.DOTALL)

    assert len([line for line in python.splitlines() if line.strip()]) == 10


def test_live_application_runs(typed_in: Callable[[str], Flask]) -> None:
    tab = DatastarClient(typed_in("docs/tutorial/live.md"), {"item": "Tea"})
    page = tab.client.get("/").text
    stream = tab.iter_events(action_path(page, "data-init", "get"), method="GET")
    first = next(stream)

    answer = tab.post(action_path(page, "data-on:submit", "post"))
    second = next(stream)
    stream.close()

    assert 'data-signals:tab-id="' in page
    assert "<li>" not in first.arguments["elements"]
    assert "<li>Tea</li>" in second.arguments["elements"]
    assert answer.signals["item"] == ""
