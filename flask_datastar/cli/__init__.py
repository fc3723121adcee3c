"""The commands ``flask datastar …``, which set up an application and fetch the browser client.

``init_app`` attaches the group. The commands report what they do, only add to a user's files, and can be run again.
"""

from __future__ import annotations

from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from ..config.settings import DEFAULT_SCRIPT_URL, KNOWN_INTEGRITY
from ..state.app import app_state_of
from . import client, files, layouts
from .check import check
from .errors_element import ERRORS_ELEMENT, ERRORS_NAME
from .gunicorn_conf import GUNICORN_CONF
from .handlers import handlers
from .rules import rules

datastar_commands = AppGroup("datastar", help="Set an application up for Datastar.")

for _command in (handlers, check, rules):
    datastar_commands.add_command(_command)

_dry_run = click.option("--dry-run", is_flag=True, help="Show what would change without changing it.")


@datastar_commands.command("init")
@click.option("--layout", metavar="NAME", help="The template to change; by default the only one with a <head>.")
@click.option("--no-layout", is_flag=True, help="Do not change templates.")
@click.option("--no-gunicorn", is_flag=True, help="Do not create gunicorn.conf.py.")
@click.option("--fetch-client", "wants_client", is_flag=True, help="Also fetch the browser client, like fetch-client.")
@_dry_run
def init(layout: str | None, no_layout: bool, no_gunicorn: bool, wants_client: bool, dry_run: bool) -> None:
    """Add Datastar to the layout template and create a gunicorn.conf.py.

    Existing content is kept, so the command can be run again.
    """
    app = _app()
    if not no_layout:
        _init_layout(app, layout, dry_run)
    if not no_gunicorn:
        _init_gunicorn(dry_run)
    if wants_client:
        _fetch_client(app, force=False, dry_run=dry_run)


@datastar_commands.command("fetch-client")
@click.option("--force", is_flag=True, help="Replace another file of that name.")
@_dry_run
def fetch_client(force: bool, dry_run: bool) -> None:
    """Fetch the browser client into the static folder, to serve it yourself."""
    _fetch_client(_app(), force=force, dry_run=dry_run)


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]


def _init_layout(app: Flask, name: str | None, dry_run: bool) -> None:
    path = layouts.find_layout(app, name)
    if path is None:
        click.echo(f"No template has a <head> yet. Add {layouts.SCRIPT} to the <head> of your layout, and")
        click.echo(
            f"{layouts.TAB_SIGNAL} to its <body ...> tag; or run the command again when there is one, which also"
        )
        click.echo("adds the element that shows errors and lost connections.")
        return
    text = files.read_text(path)
    edit = layouts.add_to_layout(text)
    advice = list(edit.advice)
    if app_state_of(app).settings.csp_nonce is not None and "html_attrs" not in text:
        advice.append(f"DATASTAR_CSP_NONCE needs {layouts.HTML_ATTRS} in the <html> tag")
    if edit.text != text:
        files.change(path, edit.text.encode(), dry_run=dry_run)
        for added in edit.added:
            click.echo(f"    added {added}")
    elif not advice:
        click.echo(f"{files.shown(path)}: nothing to add")
    for said in advice:
        click.echo(f"{files.shown(path)}: {said}")
    if ERRORS_NAME in edit.text:
        _init_errors(app, dry_run)


def _init_errors(app: Flask, dry_run: bool) -> None:
    """Create the template that the layout includes, unless the user has one of that name."""
    path = layouts.template_folder(app) / ERRORS_NAME
    if path.exists():
        click.echo(f"{files.shown(path)}: nothing to add")
    else:
        files.change(path, ERRORS_ELEMENT.encode(), dry_run=dry_run)
        click.echo("    shows errors and lost connections; change its texts and its looks as you like")


def _init_gunicorn(dry_run: bool) -> None:
    path = Path.cwd() / "gunicorn.conf.py"
    if not path.exists():
        files.change(path, GUNICORN_CONF.encode(), dry_run=dry_run)
        click.echo('    run it with: gunicorn "<module>:<app>" (pip install "Flask-Datastar[gunicorn]")')
    elif "gevent" in files.read_text(path):
        click.echo(f"{files.shown(path)}: nothing to add")
    else:
        click.echo(f'{files.shown(path)}: kept as it is. Streams need worker_class = "gevent", and workers = 1 unless')
        click.echo("    DATASTAR_BROKER_URL is set")


def _fetch_client(app: Flask, *, force: bool, dry_run: bool) -> None:
    if app.static_folder is None or app.static_url_path is None:
        raise click.ClickException(f"{app!r} has no static folder; add one, or put the client where you serve it.")
    settings = app_state_of(app).settings
    # An app that already serves the client has a path there, from which nothing can be fetched.
    source = DEFAULT_SCRIPT_URL if settings.script_url.startswith("/") else settings.script_url
    integrity = settings.script_integrity or KNOWN_INTEGRITY.get(source)
    path = Path(app.static_folder) / "datastar.js"
    content = client.download(source)
    digest = client.check_integrity(content, source, integrity)
    if path.exists() and path.read_bytes() != content and not force:
        raise click.ClickException(f"{files.shown(path)} differs from {source} and is kept; --force replaces it.")
    if path.exists() and path.read_bytes() == content:
        click.echo(f"{files.shown(path)}: nothing to do")
    else:
        files.change(path, content, dry_run=dry_run)
    click.echo(f"    from {source}, {len(content)} bytes, {digest}")
    if integrity is None:
        click.echo("    No checksum of this file is known; compare it with a source that you trust.")
    url = f"{app.static_url_path}/datastar.js"
    if settings.script_url != url:
        click.echo(f'    To serve it: DATASTAR_SCRIPT_URL = "{url}"')
