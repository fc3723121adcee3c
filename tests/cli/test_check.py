"""`flask datastar check`: findings as text, and the exit status."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.checks.findings import Place, Source, finding, is_typo, nearest


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    (tmp_path / "templates").mkdir()
    monkeypatch.chdir(tmp_path)
    app = Flask("shop", root_path=str(tmp_path))
    Datastar(app)
    return app


def test_findings_are_lines_and_the_status_is_one(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "templates" / "page.html").write_text("<p data-on-click='$x = 1'>\n<p data-shwo='$x'>")

    result = app.test_cli_runner().invoke(args=["datastar", "check"])

    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "templates/page.html:1:4: data-on-click is syntax from before v1.0, which the client ignores; "
        "write data-on:click",
        "templates/page.html:2:4: data-shwo is not an attribute of the client; did you mean data-show?",
        "2 mistakes found. Templates: 1, Python files: 0.",
    ]


def test_without_findings_the_status_is_zero(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["datastar", "check"])

    assert (result.exit_code, result.output) == (0, "No mistakes found. Templates: 0, Python files: 0.\n")


def test_attributes_of_plugins_can_be_named(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "templates" / "page.html").write_text("<p data-tip:top='$x' data-menu:open='$x'>")

    result = app.test_cli_runner().invoke(args=["datastar", "check", "--attribute", "tip", "--attribute", "data-menu"])

    assert result.exit_code == 0, result.output


def test_an_app_without_templates_is_checked(tmp_path: Path) -> None:
    app = Flask("shop", root_path=str(tmp_path), template_folder=None, static_folder=None)
    Datastar(app)

    assert app.test_cli_runner().invoke(args=["datastar", "check"]).exit_code == 0


def test_a_place_has_line_and_column() -> None:
    source = Source("a.html", "ab\nc\n")

    assert [source.position(offset) for offset in (0, 1, 3, 5)] == [(1, 1), (1, 2), (2, 1), (3, 1)]
    assert source.offset(2, 0) == 3
    assert str(finding(Place(source, 3), "wrong")) == "a.html:2:1: wrong"


@pytest.mark.parametrize(
    ("name", "meant", "expected"),
    [
        ("clik", "click", True),
        ("clickk", "click", True),
        ("clcik", "click", True),
        ("clock", "click", False),
        ("clicks", "click", False),
        ("click", "click", False),
        ("cilkc", "click", False),
        ("", "click", False),
    ],
)
def test_what_is_a_typo(name: str, meant: str, expected: bool) -> None:
    assert is_typo(name, meant) is expected


def test_the_nearest_name() -> None:
    assert nearest("incremnt", ["decrement", "increment"]) == "increment"
    assert nearest("x", ["increment"]) is None
