"""The lines of Python that ``flask datastar init`` adds: the extension, the sample, and their imports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from . import files, sample
from .project import Project
from .source import Place, Source

_PACKAGE = "flask_datastar"


class Edits:
    """The files of a project, read once and written together."""

    def __init__(self) -> None:
        self._sources: dict[Path, Source] = {}
        self._old: dict[Path, str] = {}

    def source(self, path: Path) -> Source:
        """Return a file of the project as LibCST reads it.

        :raises click.ClickException: if it is not Python.
        """
        if path not in self._sources:
            from libcst import ParserSyntaxError

            text = files.read_text(path)
            try:
                self._sources[path] = Source(text)
            except ParserSyntaxError as error:
                raise click.ClickException(f"{files.shown(path)} is not Python: {error.message}") from error
            self._old[path] = text
        return self._sources[path]

    def write(self, *, dry_run: bool) -> None:
        """Write the files that were changed."""
        for path, source in self._sources.items():
            if source.text != self._old[path]:
                files.change(path, source.text.encode(), dry_run=dry_run)


def add_extension(project: Project, edits: Edits, script_url: str | None) -> tuple[Place, tuple[Path, str]] | None:
    """Add the extension to the file that creates the application, unless the project has one.

    :param script_url: where the app serves the browser client; None for the default.
    :return: the place of the application, and the file and the name of the ``Datastar``; None if the file does not
        show the application.
    """
    source = edits.source(project.path)
    place = source.find_app()
    if place is None:
        return None
    if (known := project.instance()) is not None:
        return place, known
    index = _after_config(source, place)
    if place.factory is None:
        source.insert(index, [_instance(source, script_url, place.name)])
        source.import_name(_PACKAGE, "Datastar")
        return place, (project.path, "datastar")
    is_compound = "\n" in source.code(source.body(place.factory)[index - 1])
    source.insert(index, [f"datastar.init_app({place.name})"], function=place.factory, empty_lines=int(is_compound))
    return place, (_add_instance(project, edits, place, script_url), "datastar")


def _instance(source: Source, script_url: str | None, *arguments: str) -> str:
    options = [f"script_url={source.quote(script_url)}"] if script_url else []
    return f"datastar = Datastar({', '.join([*arguments, *options])})"


def _after_config(source: Source, place: Place) -> int:
    """Return the index behind the application, its configuration, and other extensions."""
    name, index = re.escape(place.name), 0
    mentions = re.compile(
        rf"\b{name}\.(config|secret_key|wsgi_app)\b|\.init_app\({name}\b|^\w+ = \w+\({name}[,)]", re.M
    )
    for number, statement in enumerate(source.body(place.factory)):
        text = source.code(statement)
        if _calls_flask(text, place):
            index = number + 1
        elif index and (text.startswith(("@", "def ", "class ", "return")) or "register_blueprint" in text):
            break
        elif index and mentions.search(text):
            index = number + 1
    return index


def _calls_flask(text: str, place: Place) -> bool:
    return re.match(rf"{re.escape(place.name)}\b[^=\n]*= *(?:\w+\.)?Flask\(", text) is not None


def _add_instance(project: Project, edits: Edits, place: Place, script_url: str | None) -> Path:
    """Add the instance beside those of other extensions, else above the factory.

    :return: the file.
    """
    source = edits.source(project.path)
    other = _other_instance(source, place)
    if other is not None and (module := source.imports_of(other)) is not None:
        path = _path_of(project, module)
        if path is not None and (index := _index_of(edits.source(path), other)) is not None:
            file = edits.source(path)
            file.insert(index + 1, [_instance(file, script_url)])
            file.import_name(_PACKAGE, "Datastar")
            source.import_name(module, "datastar")
            return path
    line = _instance(source, script_url)
    index = _index_of(source, other) if other is not None else None
    if index is not None:
        source.insert(index + 1, [line])
    else:
        source.insert(source.last_import(), [line], empty_lines=1)
    source.import_name(_PACKAGE, "Datastar")
    return project.path


def _other_instance(source: Source, place: Place) -> str | None:
    """Return the name of the last extension that the factory initialises."""
    texts = [source.code(statement) for statement in source.body(place.factory)]
    names = [match[1] for text in texts for match in re.finditer(r"^(\w+)\.init_app\(", text, re.MULTILINE)]
    return next((name for name in reversed(names) if name != "datastar"), None)


def _index_of(source: Source, name: str) -> int | None:
    """Return the index of the last instance of an extension in the block of the named one."""
    named = re.compile(rf"{re.escape(name)}\b[^=\n]*= *[\w.]+\(")
    instance = re.compile(r"\w+(?:: [\w.]+)? = [A-Z]\w*\(")
    found: int | None = None
    for index, statement in enumerate(source.body()):
        text = source.code(statement)
        if named.match(text) or (found == index - 1 and instance.match(text)):
            found = index
    return found


def _path_of(project: Project, module: str) -> Path | None:
    level = len(module) - len(module.lstrip("."))
    folder = project.folder if level else project.root
    for _ in range(level - 1):
        folder = folder.parent
    path = folder.joinpath(*module.lstrip(".").split("."))
    return next((found for found in (path.with_suffix(".py"), path / "__init__.py") if found.is_file()), None)


def add_sample(project: Project, edits: Edits, place: Place, instance: tuple[Path, str]) -> str | None:
    """Add the sample's functions, at module level to the file itself, else as a module with a blueprint.

    :param instance: the file that creates the ``Datastar``, and the name of that.
    :return: the text of the module; None if it has no module.
    """
    source = edits.source(project.path)
    path, name = instance
    if place.factory is None:
        if f'"{sample.PATH}"' in source.text or f"'{sample.PATH}'" in source.text:
            return None
        index = _before_run(source)
        texts = sample.statements(place.name, name)
        if index < len(source.body()):
            source.set_apart(index)
        source.insert(index, list(_spaced(texts)), empty_lines=2)
        source.import_name("flask", "render_template")
        return None
    module = _relative(project, project.folder / sample.MODULE)
    if not re.search(r"register_blueprint\(\s*sample", source.text):
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
