"""The check of signals that something sets and nothing uses: their names may be misspelt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from .check_signals import SignalCheck, covers
from .findings import Finding, Place, finding, is_plural, is_typo, nearest
from .markup import Facts
from .project import Project
from .python_files import PythonFile
from .python_signals import PythonSignals

#: Names below this length are like too many others.
_SHORT = 6


def check_unused(
    project: Project,
    facts: Mapping[str, Facts],
    strings: Mapping[PythonFile, Facts],
    python: PythonSignals,
    signals: SignalCheck,
    scripts: Iterable[str],
) -> Iterator[Finding]:
    """Yield the signals that are set, that nothing takes or reads, and that look like a typo of one that is used.

    To be called after the other checks of signals, whose findings may name them.

    :param facts: of each template.
    :param strings: the HTML in the strings of each Python file.
    :param scripts: the texts of the app's scripts.
    """
    reads = {path for one in [*facts.values(), *strings.values()] for path, _ in one.reads}
    known = reads | signals.taken
    for sets in python.by_pages.values():
        yield from _of_python(sets, known, signals, is_typo)
    bound = {path for one in facts.values() for path in one.bound}
    mentions = _Mentions(project, facts, scripts)
    unmentioned = {path: place for path, place in python.sent_by_handlers.items() if not mentions.has(path)}
    yield from _of_python(unmentioned, known | bound, signals, _is_like)
    for name, one in facts.items():
        pages = project.page_of(name)
        if not project.templates[name].is_own or signals.may_read_all(pages):
            continue
        yield from _of_expressions(
            one, known | bound, {path for page in pages for path in facts[page].declared}, mentions
        )


def _of_expressions(facts: Facts, known: set[str], declared: set[str], mentions: _Mentions) -> Iterator[Finding]:
    for path, place in facts.assigned.items():
        if any(covers(path, other) for other in known | declared) or mentions.has_code(path):
            continue
        near = [other for other in sorted(known) if is_typo(path, other) and not is_plural(path, other)]
        if near:
            text = f"${path} is set here, and no handler takes it and no expression reads it"
            yield finding(place, f"{text}; did you mean ${near[0]}?")


def _of_python(
    sets: Mapping[str, Place], known: set[str], signals: SignalCheck, is_like: Callable[[str, str], bool]
) -> Iterator[Finding]:
    for path, place in sets.items():
        near = [other for other in sorted(known) if is_like(path, other)]
        if near and path not in signals.explained and not any(covers(path, other) for other in known):
            signals.explained.add(path)
            text = f"the signal {path!r} is set here, and no handler takes it and no expression reads it"
            yield finding(place, f"{text}; did you mean {near[0]!r}?")


def _is_like(path: str, other: str) -> bool:
    """Return whether a name that stands nowhere else may be another one."""
    if re.sub(r"\d", "", path) == re.sub(r"\d", "", other):
        return False
    return is_typo(path, other) or (len(path) >= _SHORT and nearest(path, [other], 0.85) is not None)


class _Mentions:
    """Texts in which a signal may be used in a way that the check does not understand."""

    def __init__(self, project: Project, facts: Mapping[str, Facts], scripts: Iterable[str]) -> None:
        self._templates = "\n".join(template.fragment.text for template in project.templates.values())
        self._scripts = "\n".join([*scripts, *(one.scripts for one in facts.values())])
        self._python = "\n".join(file.source.text for file in project.files)

    def has(self, path: str) -> bool:
        """Return whether markup, a script or an expression in Python names a signal."""
        return _has(path, f"{self._templates}\n{self._scripts}") or f"${path}" in self._python

    def has_code(self, path: str) -> bool:
        """Return whether a script or any Python names a signal."""
        return _has(path, f"{self._python}\n{self._scripts}")


def _has(path: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(path)}(?!\w)", text) is not None
