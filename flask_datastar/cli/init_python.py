"""What ``init`` adds to the source of an application: the extension, and the sample if nothing is in its place."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Flask

from . import fetching, files, sample
from .installing import Edits, add_extension
from .obstacles import endpoints_of, find_obstacles, find_other_files
from .project import Project, Target
from .sample_code import add_sample, choose_names, existing_names
from .source import Place


def add_lines(app: Flask, project: Project, *, has_sample: bool, dry_run: bool) -> Target | str:
    """Add the extension and the sample to the source.

    :return: the names of the application; the reason if nothing could be added.
    """
    edits = Edits()
    found = add_extension(project, edits, fetching.served_url(app))
    if found is None:
        return "it has no line 'app = Flask(…)', neither at its top level nor in a function there"
    place, instance = found
    names = _add_sample(app, project, edits, place, instance, dry_run=dry_run) if has_sample else None
    edits.write(dry_run=dry_run)
    return Target(project.module(), place.factory or place.name, place.factory is not None, place.takes_nothing, names)


def _add_sample(
    app: Flask, project: Project, edits: Edits, place: Place, instance: tuple[Path, str], *, dry_run: bool
) -> sample.Names | None:
    """Add the sample's functions; if anything of the user's is in their place, say what, and add nothing.

    :return: the names of the functions; None if there is no sample.
    """
    known = existing_names(project, place)
    names = known or choose_names(project, edits, place, endpoints_of(app, project))
    found = [] if known is not None else [*find_obstacles(app, project, has_module=place.factory is not None)]
    found += find_other_files(app, names, has_test=place.takes_nothing)
    if found:
        click.echo(f"The sample is left out, because its place is taken: {'; '.join(found)}.")
        return None
    text = add_sample(project, edits, place, instance, names) if known is None else None
    if text is not None:
        files.change(project.folder / sample.MODULE, text.encode(), dry_run=dry_run)
    return names
