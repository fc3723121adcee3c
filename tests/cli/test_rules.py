"""`flask datastar rules`: a section of a file, which the next run replaces; and rules that are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from flask_datastar import Datastar
from flask_datastar.checks.client import ATTRIBUTES, OLD_METHODS
from flask_datastar.cli.rules import END, START, with_rules
from flask_datastar.cli.usage_rules import USAGE_RULES
from flask_datastar.testing import DatastarClient
from tests.support.pages import CLIENT


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlaskCliRunner:
    monkeypatch.chdir(tmp_path)
    app = Flask("shop")
    Datastar(app)
    return app.test_cli_runner()


def test_file_is_created_and_then_left_alone(runner: FlaskCliRunner, tmp_path: Path) -> None:
    first = runner.invoke(args=["datastar", "rules"])
    text = (tmp_path / "AGENTS.md").read_text()
    second = runner.invoke(args=["datastar", "rules"])

    assert first.output.startswith("AGENTS.md: created\n")
    assert USAGE_RULES in text
    assert second.output == "AGENTS.md: nothing to change\n"
    assert (tmp_path / "AGENTS.md").read_text() == text


def test_dry_run_changes_nothing(runner: FlaskCliRunner, tmp_path: Path) -> None:
    (tmp_path / "CLAUDE.md").write_text("Mine.\n")

    result = runner.invoke(args=["datastar", "rules", "--dry-run", "--file", "CLAUDE.md"])

    assert result.output.startswith("CLAUDE.md: would be changed\n")
    assert (tmp_path / "CLAUDE.md").read_text() == "Mine.\n"


@pytest.mark.parametrize("before", ["", "Mine.", "Mine.\n", "Mine.\n\n", "Mine.\r\nToo.\r\n"])
def test_other_text_is_kept(before: str) -> None:
    once = with_rules(before)

    assert once.startswith(before)
    assert once.count(START) == once.count(END) == 1
    assert with_rules(once) == once
    newline = "\r\n" if "\r\n" in before else "\n"
    assert once.replace(newline, "").count("\n") == 0
    assert not before or f"{newline}{newline}{START}" in once


def test_an_older_section_is_replaced_where_it_stands() -> None:
    old = f"Above.\n\n{START}\n\nOld rules.\n{END}\n\nBelow.\n"

    new = with_rules(old)

    assert "Old rules." not in new
    assert new.startswith(f"Above.\n\n{START}\n\n{USAGE_RULES}")
    assert new.endswith(f"{END}\n\nBelow.\n")


def test_python_in_the_rules_compiles() -> None:
    code = re.findall(r"^```python\n(.*?)^```$", USAGE_RULES, re.MULTILINE | re.DOTALL)

    assert len(code) == 4
    for block in code:
        compile(block, "rules", "exec")


def test_the_first_application_of_the_rules_runs() -> None:
    python, template = re.findall(r"^```(?:python|html\+jinja)\n(.*?)^```$", USAGE_RULES, re.MULTILINE | re.DOTALL)[:2]
    names: dict[str, object] = {"__name__": "shop"}
    exec(python, names)
    app = names["app"]
    assert isinstance(app, Flask)
    from jinja2 import DictLoader

    app.jinja_loader = DictLoader({"index.html": template})
    app.static_folder = str(CLIENT.parent)

    page = app.test_client().get("/").text

    assert "@post(&#39;/ds/counter/increment" in page
    # The tests that the rules show are those of this application.
    for test in re.findall(r"^```python\n(.*?)^```$", USAGE_RULES, re.MULTILINE | re.DOTALL)[2:]:
        exec(test, names)
    for name in ("test_page", "test_increment"):
        names[name]()  # type: ignore[operator]


def test_calls_of_a_tab_in_the_rules_exist() -> None:
    tests = USAGE_RULES.partition("## Tests")[2]
    calls = set(re.findall(r"`(?:tab\.)?(\w+)(?:\([^`]*)?`|\btab\.(\w+)", tests))
    found = {name for pair in calls for name in pair if name} - {"maxlength"}

    assert {"load", "fill", "click", "text", "wait_for", "post"} <= found
    assert {name for name in found if not hasattr(DatastarClient, name)} == set()


def test_methods_and_attributes_of_the_rules_exist() -> None:
    methods = set(re.findall(r"\bdatastar\.(\w+)\(", USAGE_RULES))
    attributes = set(re.findall(r"`data-([a-z-]+)`", USAGE_RULES.split("Do not write the syntax")[0]))

    assert {name for name in methods if not hasattr(Datastar, name)} == set()
    assert attributes == ATTRIBUTES.keys() - {"nonce"}
    assert {"merge_fragments", "merge_signals"} <= OLD_METHODS.keys()
