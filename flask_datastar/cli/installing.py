"""The lines of Python that ``flask datastar init`` adds for the extension, and the user's files that they change."""

from __future__ import annotations

import re
from pathlib import Path

import click

from . import files, names
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

    def names(self, path: Path) -> frozenset[str]:
        """Return the names in a file of the project as it was.

        :raises click.ClickException: if it is not Python.
        """
        self.source(path)
        try:
            return names.names_in(self._old[path])
        except SyntaxError as error:
            raise click.ClickException(f"{files.shown(path)} is not Python: {error.msg}") from error

    def write(self, *, dry_run: bool) -> None:
        """Write the files that were changed."""
        for path, source in self._sources.items():
            if source.text != self._old[path]:
                files.change_text(path, self._old[path], source.text, dry_run=dry_run)


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
        name = _free_instance(edits.names(project.path))
        source.insert(index, [_instance(source, name, script_url, place.name)])
        source.import_name(_PACKAGE, "Datastar")
        return place, (project.path, name)
    is_compound = "\n" in source.code(source.body(place.factory)[index - 1])
    path, name = _add_instance(project, edits, place, script_url)
    source.insert(index, [f"{name}.init_app({place.name})"], function=place.factory, empty_lines=int(is_compound))
    return place, (path, name)


def _free_instance(taken: frozenset[str]) -> str:
    return names.free_name("datastar", "datastar_extension", taken)


def _instance(source: Source, name: str, script_url: str | None, *arguments: str) -> str:
    options = [f"script_url={source.quote(script_url)}"] if script_url else []
    return f"{name} = Datastar({', '.join([*arguments, *options])})"


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


def _add_instance(project: Project, edits: Edits, place: Place, script_url: str | None) -> tuple[Path, str]:
    """Add the instance beside those of other extensions, else above the factory.

    :return: the file, and the instance's name.
    """
    source = edits.source(project.path)
    other = _other_instance(source, place)
    if other is not None and (module := source.imports_of(other)) is not None:
        path = _path_of(project, module)
        if path is not None and (index := _index_of(edits.source(path), other)) is not None:
            file = edits.source(path)
            name = _free_instance(edits.names(project.path) | edits.names(path))
            file.insert(index + 1, [_instance(file, name, script_url)])
            file.import_name(_PACKAGE, "Datastar")
            source.import_name(module, name)
            return path, name
    name = _free_instance(edits.names(project.path))
    line = _instance(source, name, script_url)
    index = _index_of(source, other) if other is not None else None
    if index is not None:
        source.insert(index + 1, [line])
    else:
        source.insert(source.last_import(), [line], empty_lines=1)
    source.import_name(_PACKAGE, "Datastar")
    return project.path, name


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
