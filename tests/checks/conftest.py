"""A site that is written in a test: one module and its templates, imported and checked."""

from __future__ import annotations

import importlib
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from flask_datastar.checks.run import check_app
from flask_datastar.state.app import app_state_of
from flask_datastar.views.url import ViewUrls

START = """\
from flask import Flask, Blueprint, render_template
from markupsafe import Markup
from flask_datastar import Datastar, StarView, event
app = Flask(__name__)
datastar = Datastar(app)
"""
#: The lines before the test's own code.
LINES = START.count("\n")

#: Stands in the files of a test at each place where a finding is expected.
MARK = "‸"

_numbers = itertools.count()


class Found(list[str]):
    """Findings, each as ``file:line:column: text``, and the places where the test has marks."""

    expected: list[str]

    @property
    def places(self) -> list[str]:
        return [line.partition(": ")[0] for line in self]


CheckSite = Callable[..., Found]


@pytest.fixture
def check_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CheckSite]:
    """Check a site: its Python after the usual start, its templates by name without ``.html``, and other files.

    The findings name the module ``site.py`` and count its lines from the test's own.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    names: list[str] = []

    def check(
        python: str = "",
        /,
        files: dict[str, str] | None = None,
        attributes: tuple[str, ...] = (),
        **templates: str,
    ) -> Found:
        for earlier in names:
            sys.modules.pop(earlier, None)
            (tmp_path / f"{earlier}.py").unlink(missing_ok=True)
        name = f"site{next(_numbers)}"
        names.append(name)
        texts = {
            f"{name}.py": START + dedent(python),
            **{f"templates/{template}.html": dedent(text) for template, text in templates.items()},
            **{path: dedent(text) for path, text in (files or {}).items()},
        }
        expected = sorted(place for path, text in texts.items() for place in _marks(path, text))
        for path, text in texts.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(text.replace(MARK, "").encode())
        importlib.invalidate_caches()
        app = importlib.import_module(name).app
        with app.app_context():
            findings = check_app(app, app_state_of(app).part(ViewUrls), attributes).findings
        found = Found(f"{_shown(one.path, one.line, one.column, name)}: {one.text}" for one in findings)
        found.expected = [_shown(*place, name) for place in expected]
        return found

    yield check
    for name in names:
        sys.modules.pop(name, None)


def _marks(path: str, text: str) -> Iterator[tuple[str, int, int]]:
    for number, line in enumerate(text.split("\n"), 1):
        for order, match in enumerate(re.finditer(MARK, line)):
            yield path, number, match.start() - order + 1


def _shown(path: str, line: int, column: int, module: str) -> str:
    if path == f"{module}.py":
        return f"site.py:{line - LINES}:{column}"
    return f"{path.removeprefix('templates/')}:{line}:{column}"
