"""The sample's functions in the user's files: which names they get, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from . import files, sample
from .installing import Edits
from .names import free_name, has_unknown_names
from .project import Project
from .source import Place, Source


def existing_names(project: Project, place: Place) -> sample.Names | None:
    """Return the names of the sample that the project has already; None without a sample."""
    path = project.path if place.factory is None else project.folder / sample.MODULE
    return sample.find_names(files.read_text(path)) if path.is_file() else None


def choose_names(project: Project, edits: Edits, place: Place, endpoints: Collection[str]) -> sample.Names:
    """Return names that the file for the sample does not have yet.

    :param endpoints: names that the view cannot have in addition.
    """
    if place.factory is not None:
        return sample.Names(view="index")
    plain = sample.Names()
    taken = set(edits.names(project.path))
    if has_unknown_names(edits.source(project.path).text):
        taken |= {plain.view, plain.say, plain.messages}
    return sample.Names(
        free_name(plain.view, "sample_page", taken | set(endpoints)),
        free_name(plain.say, "sample_say", taken),
        free_name(plain.messages, "sample_messages", taken),
    )


def add_sample(
    project: Project, edits: Edits, place: Place, instance: tuple[Path, str], names: sample.Names
) -> str | None:
    """Add the sample's functions, at module level to the file itself, else as a module with a blueprint.

    :param instance: the file that creates the ``Datastar``, and the name of that.
    :return: the text of the module; None if it has no module.
    """
    source = edits.source(project.path)
    path, name = instance
    taken = edits.names(project.path)
    if place.factory is None:
        imports = "render_template" in taken and source.imports_of("render_template") != "flask"
        index = _before_run(source)
        texts = sample.statements(place.name, name, names, imports=imports)
        if index < len(source.body()):
            source.set_apart(index)
        source.insert(index, list(_spaced(texts)), empty_lines=2)
        if not imports:
            source.import_name("flask", "render_template")
        return None
    module = _relative(project, project.folder / sample.MODULE)
    if re.search(r"register_blueprint\(\s*sample_bp", source.text) is None:
        body = source.body(place.factory)
        after = [n for n, statement in enumerate(body) if "register_blueprint" in source.code(statement)]
        ends = [n for n, statement in enumerate(body) if source.code(statement).startswith("return")]
        index = ends[-1] if ends else len(body)
        if after:
            index = source.end_of_paragraph(after[-1] + 1, place.factory)
        lines = [f"from {module} import bp as sample_bp", f"{place.name}.register_blueprint(sample_bp)"]
        source.insert(index, lines, function=place.factory, empty_lines=1)
    return sample.module(f"from {_relative(project, path)} import {name}", name)


def _relative(project: Project, path: Path) -> str:
    """Return the name by which the modules beside the application import a file."""
    if not project.is_package or not path.is_relative_to(project.folder):
        return project.module(path)
    parts = path.relative_to(project.folder).with_suffix("").parts
    return "." if parts[-1] == "__init__" else "." + ".".join(parts)


def _before_run(source: Source) -> int:
    """Return the index for new functions: at the end, but before the module runs the application itself."""
    body = source.body()
    for index, statement in enumerate(body):
        if re.match(r"if __name__\b|\w+\.run\(", source.code(statement)):
            return index
    return len(body)


def _spaced(texts: list[str]) -> Iterator[str]:
    yield texts[0]
    for text in texts[1:]:
        yield f"\n\n{text}"
