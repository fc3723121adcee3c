"""The check has nothing to say about the code of the documentation: its applications, and its fragments."""

from __future__ import annotations

import importlib
import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.checks.attributes import Client
from flask_datastar.checks.findings import Finding, Source
from flask_datastar.checks.markup import check_strings, check_template
from flask_datastar.checks.python_files import read_python
from flask_datastar.checks.run import check_app
from flask_datastar.checks.template_reader import read_template
from flask_datastar.cli.usage_rules import USAGE_RULES
from flask_datastar.state.app import app_state_of
from flask_datastar.views.url import ViewUrls

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\S+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TYPED_FILE = re.compile(r"^[^`\n]*`([\w./-]+\.\w+)`:\n\n```\S+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages_with(*languages: str) -> list[str]:
    return [
        page.relative_to(ROOT).as_posix()
        for page in PAGES
        if any(language in languages for language, _ in FENCE.findall(page.read_text(encoding="utf-8")))
    ]


def blocks(page: str, *languages: str) -> list[str]:
    return [code for found, code in FENCE.findall((ROOT / page).read_text(encoding="utf-8")) if found in languages]


def check(app: Flask) -> list[Finding]:
    with app.app_context():
        return list(check_app(app, app_state_of(app).part(ViewUrls)).findings)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which modules can be imported; they are forgotten at the end."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in ("app", "shop"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.invalidate_caches()
    return tmp_path


TYPED = ["README.md", *(f"docs/tutorial/{name}.md" for name in ("counter", "search", "import", "live"))]


@pytest.mark.parametrize("page", TYPED)
def test_applications_to_type_in_have_no_mistakes(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "templates").mkdir()
    files = TYPED_FILE.findall((ROOT / page).read_text(encoding="utf-8"))
    for name, content in files:
        (folder / name).write_text(content, encoding="utf-8")
    module = importlib.import_module("app")
    monkeypatch.delitem(sys.modules, "app", raising=False)
    sys.modules["app"] = module

    try:
        assert check(module.app) == []
        # It has read them: one letter less is found.
        first = next((folder / name) for name, content in files if "data-on:" in content and ".html" in name)
        wrong = re.sub(
            r"datastar\.(get|post)\((['\"])\w", r"datastar.\1(\2", first.read_text(encoding="utf-8"), count=1
        )
        first.write_text(wrong, encoding="utf-8")
        assert [finding.path for finding in check(module.app)] == [first.relative_to(folder).as_posix()]
    finally:
        del sys.modules["app"]


@pytest.mark.parametrize("page", [page for page in pages_with("{testcode}") if blocks(page, "{testsetup}")])
def test_code_that_the_pages_run_has_no_mistakes(page: str, folder: Path) -> None:
    code = "\n".join(blocks(page, "{testsetup}", "{testcode}"))
    starts = [match.start() for match in re.finditer(r"^app = Flask\(", code, re.MULTILINE)]
    # A page may start with a second application half-way; the first one knows nothing of its templates.
    for start, end in pairwise([0, *starts[1:], len(code)]):
        (folder / "shop.py").write_text(code[:end], encoding="utf-8")
        module = importlib.import_module("shop")
        try:
            first_line = code.count("\n", 0, start)

            assert [str(finding) for finding in check(module.app) if finding.line > first_line] == []
        finally:
            if hasattr(module, "context"):
                module.context.pop()
            del sys.modules["shop"]


@pytest.mark.parametrize("page", [*pages_with("html+jinja", "html", "python", "{testcode}"), "the usage rules"])
def test_fragments_have_no_mistakes(page: str) -> None:
    app = Flask(__name__)
    Datastar(app)
    found = FENCE.findall(USAGE_RULES if page == "the usage rules" else (ROOT / page).read_text(encoding="utf-8"))
    findings: list[Finding] = []
    for language, code in found:
        source = Source(page, code)
        if language in ("html+jinja", "html"):
            template = read_template(app.jinja_env, page, source, is_own=True)
            assert template.error is None
            findings += check_template(template, Client(), lambda value: iter(()))
        elif language in ("python", "{testcode}"):
            findings += check_strings(read_python(source, None, {}, None), Client(), lambda value: iter(()))

    # Pages about migration and pitfalls name the old syntax in their text, never in their code.
    assert findings == []
