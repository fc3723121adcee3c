"""The browser client in the static folder: what ``fetch-client`` and ``init`` write there."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from ..config.settings import DEFAULT_SCRIPT_URL, KNOWN_INTEGRITY
from ..state.app import app_state_of
from . import client, files

NAME = "datastar.js"


@click.command("fetch-client", short_help="Fetch the browser client.")
@click.option("--force", is_flag=True, help="Replace another file of that name.")
@click.option("--dry-run", is_flag=True, help="Show what would change without changing it.")
@with_appcontext
def fetch_client_command(force: bool, dry_run: bool) -> None:
    """Fetch the browser client into the static folder, to serve it yourself."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    fetch_client(app, force=force, dry_run=dry_run)
    say_url(app)


def fetch_client(app: Flask, *, force: bool, dry_run: bool) -> None:
    """Fetch the client, check it, and write it into the static folder.

    :param force: whether another file of that name is replaced.
    :raises click.ClickException: if it cannot be fetched, is not the expected one, or would replace another file.
    """
    if app.static_folder is None or app.static_url_path is None:
        raise click.ClickException(f"{app!r} has no static folder; add one, or put the client where you serve it.")
    settings = app_state_of(app).settings
    # An app that already serves the client has a path there, from which nothing can be fetched.
    source = DEFAULT_SCRIPT_URL if settings.script_url.startswith("/") else settings.script_url
    integrity = settings.script_integrity or KNOWN_INTEGRITY.get(source)
    path = Path(app.static_folder) / NAME
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


def say_url(app: Flask) -> None:
    """Print how to serve the client from the static folder, unless the app does."""
    url = f"{app.static_url_path}/{NAME}"
    if app_state_of(app).settings.script_url != url:
        click.echo(f'    To serve it: DATASTAR_SCRIPT_URL = "{url}"')


def served_url(app: Flask) -> str | None:
    """Return the URL of the client if it is in the static folder."""
    if app.static_folder is None or not (Path(app.static_folder) / NAME).exists():
        return None
    return f"{app.static_url_path}/{NAME}"


def needs_url(app: Flask) -> bool:
    """Check whether the client is in the static folder, but pages load the default one."""
    return served_url(app) is not None and app_state_of(app).settings.script_url == DEFAULT_SCRIPT_URL
