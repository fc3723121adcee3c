"""The command ``init``: sets a project up, with a sample to start from. It only adds, and can be run again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from . import fetching, files, https, sample
from .init_files import Layout, create_layout, init_gunicorn, init_layout, say_parts
from .init_sample import add_python, add_sample_files
from .layouts import find_layout
from .project import Project, Target, find_project, project_of

_OPTIONS = [
    click.option("--layout", metavar="NAME", help="The template to change; by default the only one with a <head>."),
    click.option("--no-layout", is_flag=True, help="Do not change templates."),
    click.option("--no-stream-dedup", is_flag=True, help="Do not give browser tabs an id in the layout."),
    click.option("--no-example", is_flag=True, help="Do not add the sample page and its test."),
    click.option("--no-gunicorn", is_flag=True, help="Do not create gunicorn.conf.py."),
    click.option("--no-https", is_flag=True, help="Do not create a certificate for development."),
    click.option("--no-fetch-client", is_flag=True, help="Do not fetch the browser client."),
    click.option("--dry-run", is_flag=True, help="Show what would change without changing it."),
]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command, as given."""

    layout: str | None
    no_layout: bool
    no_stream_dedup: bool
    no_example: bool
    no_gunicorn: bool
    no_https: bool
    no_fetch_client: bool
    dry_run: bool


def _with_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command("init", short_help="Set a project up, with a sample.")
@_with_options
@with_appcontext
def init(**given: Any) -> None:
    """Set the project up: client, layout, sample page, gunicorn.conf.py, a certificate for development.

    Existing content is kept, so the command can be run again.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    _set_up(app, project_of(app, Path.cwd()), Options(**given))


@click.command("init", short_help="Set a project up, with a sample.")
@click.option("--app", "name", metavar="FILE", help="The file or module that creates the Flask application.")
@_with_options
@click.pass_obj
def init_project(install: Callable[[Flask], object], /, name: str | None, **given: Any) -> None:
    """Add the extension to the application, and set the project up: client, layout, sample page, server, certificate.

    Existing content is kept, so the command can be run again.
    """
    project = find_project(Path.cwd(), name)
    app = Flask(project.module(), root_path=str(project.folder), **_folders(project))
    install(app)
    _set_up(app, project, Options(**given))


def _folders(project: Project) -> dict[str, Any]:
    """Return the folders that the user's application is given, if they are literals."""
    if find_spec("libcst") is None:
        return {}
    from .installing import Edits

    place = Edits().source(project.path).find_app()
    return place.folders if place is not None else {}


def _set_up(app: Flask, project: Project | None, options: Options) -> None:
    dry_run = options.dry_run
    # An ambiguous layout is refused before anything is written.
    path = _find_layout(app, options)
    if not options.no_fetch_client:
        _fetch(app, dry_run=dry_run)
    has_sample = not options.no_example and app.template_folder is not None
    target = add_python(app, project, has_sample=has_sample, dry_run=dry_run) if project is not None else None
    if target is None and fetching.needs_url(app):
        fetching.say_url(app)
    names = target.names if target is not None else None
    layout = _init_layout(app, path, options, has_target=target is not None)
    if target is not None and names is not None:
        add_sample_files(app, target, names, layout, has_tab=not options.no_stream_dedup, dry_run=dry_run)
    if not options.no_gunicorn:
        init_gunicorn(has_target=target is not None, dry_run=dry_run)
    has_certificate = not options.no_https and https.make_certificate(Path.cwd(), dry_run=dry_run)
    if target is not None:
        _say_run_line(target, sample.PATH if names is not None else "/", has_certificate=has_certificate)


def _find_layout(app: Flask, options: Options) -> Path | None:
    try:
        return find_layout(app, options.layout)
    except click.ClickException:
        if options.no_layout and options.layout is None:
            return None
        raise


def _init_layout(app: Flask, path: Path | None, options: Options, *, has_target: bool) -> Layout | None:
    """Add to the layout or create it, unless templates are left alone."""
    has_tab = not options.no_stream_dedup
    if options.no_layout:
        return Layout(path, files.read_text(path)) if path is not None else None
    if path is not None:
        return init_layout(app, path, has_tab=has_tab, dry_run=options.dry_run)
    if has_target:
        return create_layout(app, has_tab=has_tab, dry_run=options.dry_run)
    say_parts(has_tab=has_tab)
    return None


def _say_run_line(target: Target, path: str, *, has_certificate: bool) -> None:
    line = https.run_line(
        target.name, is_factory=target.is_factory, has_certificate=has_certificate, source=target.source
    )
    click.echo(f"Run it: {line}")
    http2 = https.http2_line(target.name, is_factory=target.is_factory, source=target.source)
    if has_certificate and http2 is not None:
        click.echo(f"Or over HTTP/2: {http2}")
    click.echo(f"Open http{'s' * has_certificate}://127.0.0.1:8000{path}")


def _fetch(app: Flask, *, dry_run: bool) -> None:
    """Fetch the client if the static folder does not have it; without a network the page loads it from the CDN."""
    if app.static_folder is None:
        return
    path = Path(app.static_folder) / fetching.NAME
    if path.exists():
        click.echo(f"{files.shown(path)}: nothing to do")
        return
    try:
        fetching.fetch_client(app, force=False, dry_run=dry_run)
    except click.ClickException as error:
        click.echo(f"{files.shown(path)}: not fetched, so that pages load the client from the CDN. {error.message}")
        click.echo("    Or run this command again when it is there, which adds the URL.")
