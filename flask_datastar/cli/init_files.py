"""The files of a project that ``init`` changes or creates: the layout, the element with errors, gunicorn's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
from flask import Flask

from ..state.app import app_state_of
from . import files, layouts, sample
from .errors_element import ERRORS_ELEMENT, ERRORS_NAME
from .gunicorn_conf import GUNICORN_CONF
from .names import free_name


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout, with its text after the changes."""

    path: Path
    text: str


def say_parts(*, has_tab: bool) -> None:
    """Print what a layout needs, for a project without one."""
    tab = f", and\n{layouts.TAB_SIGNAL} to its <body ...> tag" if has_tab else ""
    click.echo(f"No template has a <head> yet. Add {layouts.SCRIPT} to the <head> of your layout{tab};")
    click.echo("or run the command again when there is one, which also adds the element that shows errors and lost")
    click.echo("connections.")


def create_layout(app: Flask, *, has_tab: bool, dry_run: bool) -> Layout:
    """Create a layout, for a project without one."""
    folder = layouts.template_folder(app)
    path = folder / f"{free_name(sample.BASE, 'layout', {each.stem for each in folder.glob('*')})}.html"
    layout = Layout(path, layouts.add_to_layout(sample.LAYOUT, has_tab=has_tab).text)
    files.change(path, layout.text.encode(), dry_run=dry_run)
    init_errors(app, dry_run)
    return layout


def init_layout(app: Flask, path: Path, *, has_tab: bool, dry_run: bool) -> Layout:
    """Add the parts of Datastar to the layout, and create the template that it includes.

    :param has_tab: whether browser tabs get an id.
    """
    text = files.read_text(path)
    edit = layouts.add_to_layout(text, has_tab=has_tab)
    advice = list(edit.advice)
    if app_state_of(app).settings.csp_nonce is not None and "html_attrs" not in text:
        advice.append(f"DATASTAR_CSP_NONCE needs {layouts.HTML_ATTRS} in the <html> tag")
    if edit.text != text:
        files.change_text(path, text, edit.text, dry_run=dry_run)
        for added in edit.added:
            click.echo(f"    added {added}")
    elif not advice:
        click.echo(f"{files.shown(path)}: nothing to add")
    for said in advice:
        click.echo(f"{files.shown(path)}: {said}")
    if ERRORS_NAME in edit.text:
        init_errors(app, dry_run)
    return Layout(path, edit.text)


def init_errors(app: Flask, dry_run: bool) -> None:
    """Create the template that the layout includes, unless the user has one of that name."""
    path = layouts.template_folder(app) / ERRORS_NAME
    if path.exists():
        click.echo(f"{files.shown(path)}: nothing to add")
    else:
        files.change(path, ERRORS_ELEMENT.encode(), dry_run=dry_run)
        click.echo("    shows errors and lost connections; change its texts and its looks as you like")


def init_gunicorn(*, has_target: bool, dry_run: bool) -> None:
    """Create gunicorn's configuration in the current folder, unless there is one.

    :param has_target: whether the command prints how to run the application itself.
    """
    path = Path.cwd() / "gunicorn.conf.py"
    if not path.exists():
        files.change(path, GUNICORN_CONF.encode(), dry_run=dry_run)
        if not has_target:
            click.echo('    run it with: gunicorn "<module>:<app>" (pip install "Flask-Datastar[gunicorn]")')
    elif "gevent" in files.read_text(path):
        click.echo(f"{files.shown(path)}: nothing to add")
    else:
        click.echo(f'{files.shown(path)}: kept as it is. Streams need worker_class = "gevent", and workers = 1 unless')
        click.echo("    DATASTAR_BROKER_URL is set")
