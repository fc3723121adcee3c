"""``docs/reference/cli.md``: the page shows what the commands really print."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask

from flask_datastar.cli import datastar_commands

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## `flask datastar ([\w-]+)`\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n\$ flask datastar (.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^<!-- example: (\S+) -->\n```\S+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MISTAKE = re.compile(r"^<!-- mistakes: (\S+): (.*?) -> (.*?) -->$", re.MULTILINE)
#: Commands whose output is compared in the tests of their own, because it depends on the network or on a project.
ELSEWHERE = {"init", "fetch-client", "doctor"}

CONTEXT = click.Context(datastar_commands)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's application, as somebody would type it in."""
    (tmp_path / "templates").mkdir()
    for name, content in FILE.findall(PAGE):
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "app", raising=False)
    importlib.invalidate_caches()
    yield tmp_path
    sys.modules.pop("app", None)


@pytest.mark.parametrize(
    ("name", "section"), [(name, text) for name, text in SECTION.findall(PAGE) if name not in ELSEWHERE]
)
def test_output_is_what_the_command_prints(name: str, section: str, folder: Path) -> None:
    for file, right, wrong in MISTAKE.findall(section):
        text = (folder / file).read_text(encoding="utf-8")
        assert right in text
        (folder / file).write_text(text.replace(right, wrong, 1), encoding="utf-8")
    app: Flask = importlib.import_module("app").app
    shown = CONSOLE.findall(section)
    assert shown, f"the section about {name} shows no output"

    for arguments, output in shown:
        result = app.test_cli_runner().invoke(args=["datastar", *arguments.split()])

        assert result.output == output, result.exception
        assert result.exit_code == (1 if name == "check" else 0)


def test_the_application_has_no_mistakes(folder: Path) -> None:
    app: Flask = importlib.import_module("app").app

    result = app.test_cli_runner().invoke(args=["datastar", "check"])

    assert (result.exit_code, result.output) == (0, "No mistakes found. Templates: 1, Python files: 1.\n")


def test_commands_are_imported_when_they_are_asked_for() -> None:
    group = type(datastar_commands)("datastar")

    assert not group.commands
    assert group.get_command(CONTEXT, "check") is datastar_commands.get_command(CONTEXT, "check")
    assert group.list_commands(CONTEXT) == datastar_commands.list_commands(CONTEXT)


@pytest.mark.parametrize("name", datastar_commands.list_commands(CONTEXT))
def test_help_says_in_one_line_what_a_command_does(name: str) -> None:
    command = datastar_commands.get_command(CONTEXT, name)
    assert command is not None
    help_text = command.help or ""
    first, _, rest = help_text.partition("\n")

    assert first.endswith(".")
    assert len(first) <= 100
    assert not rest.strip() or rest.startswith("\n")
