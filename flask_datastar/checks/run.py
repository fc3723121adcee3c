"""One run of all checks over an app."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flask import Flask

from .attributes import Client
from .catalogue import Catalogue, HasNames
from .check_actions import check_urls, check_use
from .check_ids import check_ids
from .check_signals import SignalCheck
from .check_templates import check_links, check_python_names
from .check_unused import check_unused
from .files import read_files, read_scripts, read_templates
from .findings import Finding
from .fragments import Fragment
from .markup import Facts, check_strings, check_template, read_facts, template_facts
from .project import Project
from .python_files import PythonFile
from .python_signals import read_python_signals
from .uses import uses_in_python, uses_in_template


@dataclass(frozen=True)
class Report:
    """The findings of one run, in the order of files, lines and columns, and how much was read."""

    findings: tuple[Finding, ...]
    templates: int
    files: int


def check_app(app: Flask, view_urls: Mapping[str, HasNames], own_attributes: Iterable[str] = ()) -> Report:
    """Check an app's templates and Python.

    :param view_urls: group of a view → the URL of its page.
    :param own_attributes: the names of attributes that plugins of the app's own add to the client.
    """
    catalogue = Catalogue(app, view_urls)
    files = read_files(app, catalogue.extension)
    project = Project(catalogue, read_templates(app, files), files)
    url = catalogue.script_url
    page = Client(
        prefix="data-star-" if "aliased" in url else "data-",
        is_pro="pro" in url.lower(),
        own=frozenset(name.removeprefix("data-").lower() for name in own_attributes),
    )
    found = {*_check_names(app, project), *_check_markup(project, page), *_check_facts(app, project, page.prefix)}
    own = [template for template in project.templates.values() if template.is_own]
    return Report(tuple(sorted(found)), len(own), len(_loaded(project)))


def _loaded(project: Project) -> list[PythonFile]:
    """Return the files that the app has imported; others in its folders may belong to something else."""
    return [file for file in project.files if file.module is not None]


def _check_names(app: Flask, project: Project) -> Iterator[Finding]:
    of_templates = _public(app.jinja_env.globals["datastar"])
    of_python = _public(project.catalogue.extension)
    for template in project.templates.values():
        if template.is_own:
            yield from check_links(project, template, app.jinja_env)
            for use in uses_in_template(project, template):
                yield from check_use(project, use, of_templates)
    for file in _loaded(project):
        yield from check_python_names(project, file, app.jinja_env)
        for use in uses_in_python(project, file):
            yield from check_use(project, use, of_python)


def _public(helpers: object) -> frozenset[str]:
    return frozenset(name for name in dir(helpers) if not name.startswith("_"))


def _check_markup(project: Project, page: Client) -> Iterator[Finding]:
    def urls(value: str) -> Iterator[tuple[int, str]]:
        return check_urls(project, value)

    for template in project.templates.values():
        if template.is_own:
            yield from check_template(template, page, urls)
    for file in _loaded(project):
        yield from check_strings(file, page, urls)


def _check_facts(app: Flask, project: Project, prefix: str) -> Iterator[Finding]:
    facts = {name: template_facts(template, prefix) for name, template in project.templates.items()}
    scripts = list(read_scripts(app))
    yield from check_ids(project, facts, scripts)
    uses = [use for template in project.templates.values() for use in uses_in_template(project, template)]
    uses += [use for file in project.files for use in uses_in_python(project, file)]
    strings = {file: _string_facts(file, prefix) for file in project.files}
    python = read_python_signals(project, strings)
    signals = SignalCheck(project, facts, python, uses)
    yield from signals.check_handlers()
    yield from signals.check_bound()
    yield from check_unused(project, facts, strings, python, signals, scripts)
    yield from signals.check_reads()


def _string_facts(file: PythonFile, prefix: str) -> Facts:
    """Read the signals in all HTML of a Python file."""
    found = Facts()
    for _, fragment in file.strings:
        one = _facts_of_html(fragment, prefix)
        for path, place in one.sets.items():
            found.sets.setdefault(path, place)
        found.reads += one.reads
        found.is_open |= one.is_open
    return found


def _facts_of_html(fragment: Fragment, prefix: str) -> Facts:
    if "{{" in fragment.text or "{%" in fragment.text:
        # A template, which is read as such.
        return Facts()
    return read_facts(fragment, prefix, lambda index: None)
