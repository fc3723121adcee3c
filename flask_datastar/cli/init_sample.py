"""The parts of ``init`` for an application whose source is at hand: the extension, and the sample with its files."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import click
from flask import Flask

from . import fetching, files, sample, sample_testing
from .errors_element import ERRORS_NAME
from .init_files import Layout, init_errors
from .layouts import add_to_layout, loads_client, template_folder, without_comments
from .project import Project, Target

_BLOCK = re.compile(r"\{%-?\s*block\s+(content|main|body)\b")
_MAIN = re.compile(r"<main\b", re.IGNORECASE)
_TITLE = re.compile(r"\{%-?\s*block\s+title\b")


def add_python(app: Flask, project: Project, *, has_sample: bool, dry_run: bool) -> Target | None:
    """Add the extension and the sample to the source; without LibCST, or where that is unclear, print what to add.

    :return: the names of the application; None if nothing could be added.
    """
    if find_spec("libcst") is None:
        _say_lines(project, 'this needs LibCST: pip install "Flask-Datastar[cli]"')
        return None
    from .init_python import add_lines

    target = add_lines(app, project, has_sample=has_sample, dry_run=dry_run)
    if isinstance(target, str):
        _say_lines(project, target)
        return None
    return target


def add_sample_files(
    app: Flask, target: Target, names: sample.Names, layout: Layout | None, *, has_tab: bool, dry_run: bool
) -> None:
    """Create the sample's template and its test, unless they exist."""
    text = _template(app, layout, names, has_tab=has_tab)
    _create(template_folder(app) / sample.TEMPLATE, text, dry_run=dry_run)
    if ERRORS_NAME in text and (layout is None or ERRORS_NAME not in layout.text):
        init_errors(app, dry_run)
    path = Path.cwd() / "tests" / sample.TEST
    has_fixture = sample_testing.has_app_fixture(Path.cwd())
    if not target.takes_nothing and not has_fixture:
        click.echo(f"{files.shown(path)}: not created, because {target.variable} needs arguments")
        return
    has_client, warns = fetching.served_url(app) is not None, target.has_stores and not has_fixture
    text = sample_testing.make_test(target, names, has_client=has_client, has_fixture=has_fixture, warns=warns)
    is_new = _create(path, text, dry_run=dry_run)
    line = sample_testing.run_line(Path.cwd(), path, target, has_client=has_client)
    click.echo(f"    run it with: {line}")
    if is_new and warns:
        click.echo(
            "    it tests the application with its own database; to test with another one, write a fixture app in"
        )
        click.echo("    tests/conftest.py first")


def _template(app: Flask, layout: Layout | None, names: sample.Names, *, has_tab: bool) -> str:
    """Return the text of the sample's template: below the layout if that loads the client, else a page of its own."""
    block = _BLOCK.search(layout.text) if layout is not None else None
    if layout is None or block is None or not loads_client(layout.text):
        return add_to_layout(sample.page(names), has_tab=has_tab).text
    base = layout.path.relative_to(template_folder(app)).as_posix()
    text = without_comments(layout.text)
    has_title, has_main = (found.search(text) is not None for found in (_TITLE, _MAIN))
    return sample.template(base, block[1], names, has_title=has_title, has_main=has_main)


def _create(path: Path, text: str, *, dry_run: bool) -> bool:
    """Create a file unless it exists.

    :return: whether it did not exist.
    """
    if path.exists():
        click.echo(f"{files.shown(path)}: nothing to add")
        return False
    files.change(path, text.encode(), dry_run=dry_run)
    return True


def _say_lines(project: Project, why: str) -> None:
    click.echo(f"{files.shown(project.path)}: not changed, because {why}. The lines to add, if it lacks them:")
    click.echo("    from flask_datastar import Datastar")
    click.echo("    datastar = Datastar(app)")
    click.echo("  or, with a factory, Datastar() at the top level, and datastar.init_app(app) in the factory.")
