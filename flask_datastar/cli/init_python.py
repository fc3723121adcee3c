"""The additions of ``init`` to the source of an application: the extension, and the sample if its place is free."""

from __future__ import annotations

import re
from pathlib import Path

import click
from flask import Flask

from . import fetching, files, sample, sample_testing
from .installing import Edits, add_extension
from .obstacles import endpoints_of, find_obstacles, find_other_files, modules_of
from .project import Project, Target
from .sample_code import add_sample, choose_names, existing_names
from .source import Place

_HAS_URL = re.compile(r"\bscript_url\s*=|DATASTAR_SCRIPT_URL")


def add_lines(app: Flask, project: Project, *, has_sample: bool, dry_run: bool) -> Target | str:
    """Add the extension and the sample to the source.

    :return: the names of the application; the reason if nothing could be added.
    """
    edits = Edits()
    known = project.instance()
    if known is None:
        source = edits.source(project.path)
        if project.has_nameless_instance():
            return "its Datastar has no name at the top level of a file, by which the sample could import it"
        if "Datastar" in edits.names(project.path) and source.imports_of("Datastar") != "flask_datastar":
            return "it has another Datastar than this extension's"
    found = add_extension(project, edits, fetching.served_url(app))
    if found is None:
        return "it has no line 'app = Flask(…)', neither at its top level nor in a function there"
    place, instance = found
    if known is not None:
        _serve_client(app, project, edits, instance)
    names = _add_sample(app, project, edits, place, instance, dry_run=dry_run) if has_sample else None
    edits.write(dry_run=dry_run)
    return Target(
        source=project.source,
        module=project.module(),
        variable=place.factory or place.name,
        is_factory=place.factory is not None,
        takes_nothing=place.takes_nothing,
        names=names,
        has_stores=sample_testing.has_stores([*modules_of(project.folder)]),
    )


def _serve_client(app: Flask, project: Project, edits: Edits, instance: tuple[Path, str]) -> None:
    """Set the URL of a client that came after the extension, unless a file of the project has a URL for it."""
    url = fetching.served_url(app)
    if url is None or not fetching.needs_url(app):
        return
    paths = [*modules_of(project.folder), *project.root.glob(".*env"), *project.root.glob("*.toml")]
    if any(_HAS_URL.search(path.read_bytes().decode(errors="replace")) for path in paths if path.is_file()):
        return
    path, name = instance
    source = edits.source(path)
    if not source.add_argument(name, "Datastar", f"script_url={source.quote(url)}"):
        click.echo(f"{files.shown(path)}: its Datastar does not know that the client is in the static folder.")
        fetching.say_url(app)


def _add_sample(
    app: Flask, project: Project, edits: Edits, place: Place, instance: tuple[Path, str], *, dry_run: bool
) -> sample.Names | None:
    """Add the sample's functions; if anything of the user's is in their place, say what, and add nothing.

    :return: the names of the functions; None if there is no sample.
    """
    known = existing_names(project, place)
    names = known or choose_names(project, edits, place, endpoints_of(app, project))
    found = [] if known is not None else [*find_obstacles(app, project, has_module=place.factory is not None)]
    found += find_other_files(app, names, has_test=place.takes_nothing or sample_testing.has_app_fixture(project.root))
    if found:
        click.echo(f"The sample is left out, because its place is taken: {'; '.join(found)}.")
        return None
    text = add_sample(project, edits, place, instance, names) if known is None else None
    if text is not None:
        files.change(project.folder / sample.MODULE, text.encode(), dry_run=dry_run)
    return names
