"""The parts of ``init`` for an application whose source is at hand: the extension, and the sample with its files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import click
from flask import Flask

from . import fetching, files, sample
from .init_files import init_errors
from .layouts import add_to_layout, find_layout, template_folder
from .project import Project

_BLOCK = re.compile(r"\{%-?\s*block\s+(content|main|body)\b")
_TITLE = re.compile(r"\{%-?\s*block\s+title\b")


@dataclass(frozen=True, slots=True)
class Target:
    """An application by the names under which it is imported.

    :param module: its module.
    :param variable: the application, or the factory.
    :param takes_nothing: whether the factory can be called without arguments.
    """

    module: str
    variable: str
    is_factory: bool
    takes_nothing: bool

    @property
    def name(self) -> str:
        """The name for servers."""
        return f"{self.module}:{self.variable}"


def add_python(app: Flask, project: Project, *, has_sample: bool, dry_run: bool) -> Target | None:
    """Add the extension and the sample to the source; without LibCST, or where that is unclear, print what to add.

    :return: the names of the application; None if nothing could be added.
    """
    if find_spec("libcst") is None:
        _say_lines(project, 'this needs LibCST: pip install "Flask-Datastar[cli]"')
        return None
    from .installing import Edits, add_extension, add_sample

    edits = Edits()
    found = add_extension(project, edits, _script_url(app))
    if found is None:
        _say_lines(project, "it has no line 'app = Flask(…)', neither at its top level nor in a function there")
        return None
    place, instance = found
    text = add_sample(project, edits, place, instance) if has_sample else None
    edits.write(dry_run=dry_run)
    path = project.folder / sample.MODULE
    if text is not None and not path.exists():
        files.change(path, text.encode(), dry_run=dry_run)
    return Target(project.module(), place.factory or place.name, place.factory is not None, place.takes_nothing)


def create_layout(app: Flask, *, has_tab: bool, dry_run: bool) -> None:
    """Create a layout, for a project without one."""
    text = add_to_layout(sample.LAYOUT, has_tab=has_tab).text
    files.change(template_folder(app) / sample.BASE, text.encode(), dry_run=dry_run)
    init_errors(app, dry_run)


def add_sample_files(app: Flask, target: Target, layout: str | None, *, has_tab: bool, dry_run: bool) -> None:
    """Create the sample's template and its test, unless they exist."""
    path = template_folder(app) / sample.TEMPLATE
    _create(path, _template(app, layout, has_tab=has_tab), dry_run=dry_run)
    path = Path.cwd() / "tests" / sample.TEST
    if not target.takes_nothing:
        click.echo(f"{files.shown(path)}: not created, because {target.variable} needs arguments")
        return
    called = f"{target.variable}()" if target.is_factory else target.variable
    has_client = _script_url(app) is not None
    text = sample.make_test(f"from {target.module} import {target.variable}", called, has_client=has_client)
    _create(path, text, dry_run=dry_run)
    extra = ' (pip install "Flask-Datastar[testing]")' if has_client else ""
    click.echo(f"    run it with: python -m pytest {files.shown(path)}{extra}")


def _template(app: Flask, name: str | None, *, has_tab: bool) -> str:
    layout = find_layout(app, name)
    if layout is not None:
        text = files.read_text(layout)
        block = _BLOCK.search(text)
        if block is not None:
            base = layout.relative_to(template_folder(app)).as_posix()
            return sample.template(base, block[1], has_title=_TITLE.search(text) is not None)
    return add_to_layout(sample.page(), has_tab=has_tab).text


def _create(path: Path, text: str, *, dry_run: bool) -> None:
    if path.exists():
        click.echo(f"{files.shown(path)}: nothing to add")
    else:
        files.change(path, text.encode(), dry_run=dry_run)


def _script_url(app: Flask) -> str | None:
    """Return the URL of the client if it is in the static folder."""
    if app.static_folder is None or not (Path(app.static_folder) / fetching.NAME).exists():
        return None
    return f"{app.static_url_path}/{fetching.NAME}"


def _say_lines(project: Project, why: str) -> None:
    click.echo(f"{files.shown(project.path)}: not changed, because {why}. The lines to add, if it lacks them:")
    click.echo("    from flask_datastar import Datastar")
    click.echo("    datastar = Datastar(app)")
    click.echo("  or, with a factory, Datastar() at the top level, and datastar.init_app(app) in the factory.")
