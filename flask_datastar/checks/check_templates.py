"""The check of names of templates, blocks and macros, and of syntax."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jinja2 import Environment, TemplateNotFound

from ..sansio.consts import Namespace, PatchMode
from .client import OLD_EVENTS
from .findings import Finding, did_you_mean, finding
from .fragments import GAP
from .project import Project
from .python_files import PythonFile
from .templates import Template
from .values import texts_of

_RENDERING = frozenset({"render_template", "stream_template", "patch_template"})
_PATCHING = frozenset({"patch_elements", "patch_element", "patch_template"})
_CHOICES: dict[str, tuple[str, ...]] = {
    "mode": tuple(mode.value for mode in PatchMode),
    "namespace": tuple(namespace.value for namespace in Namespace),
}
_MOST_LISTED = 12


def check_links(project: Project, template: Template, environment: Environment) -> Iterator[Finding]:
    """Yield the templates that a template names and that do not exist."""
    if template.error is not None:
        text, place = template.error
        yield finding(place, f"Jinja cannot read the template: {text}; correct its syntax")
    for kind, node, scope in template.links:
        for name in texts_of(node, scope) or ():
            if not kind.endswith("?") and not _exists(environment, name.text):
                yield finding(name.place, _no_template(project, name.text))


def check_python_names(project: Project, file: PythonFile, environment: Environment) -> Iterator[Finding]:
    """Yield the templates, blocks and macros that Python names and that do not exist, and events from before v1.0."""
    for call in file.calls:
        method = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if method in _RENDERING and call.args:
            for name in file.patterns(call.args[0]):
                if GAP in name:
                    continue
                if not _exists(environment, name):
                    yield finding(file.place(call.args[0]), _no_template(project, name))
                elif method == "patch_template" and name in project.templates:
                    yield from _check_parts(project, file, call, name)
        if method in _PATCHING:
            yield from _check_choices(file, call)
        elif method == "send" and call.args:
            for event in file.patterns(call.args[0]):
                if event in OLD_EVENTS:
                    text = f"the event {event!r} is from before v1.0, and the client ignores it; "
                    yield finding(file.place(call.args[0]), f"{text}send {OLD_EVENTS[event]!r}")


def _check_choices(file: PythonFile, call: ast.Call) -> Iterator[Finding]:
    """Yield wrong values of options that accept a few texts only."""
    for keyword in call.keywords:
        accepted = _CHOICES.get(keyword.arg or "", ())
        for text in file.patterns(keyword.value) if accepted else ():
            if GAP not in text and text not in accepted:
                near = did_you_mean(text, accepted)
                yield finding(
                    file.place(keyword.value), f"{keyword.arg} is {text!r}; accepted: {', '.join(accepted)}{near}"
                )


def _check_parts(project: Project, file: PythonFile, call: ast.Call, name: str) -> Iterator[Finding]:
    template = project.templates[name]
    for keyword in call.keywords:
        if keyword.arg not in ("block", "macro") or not isinstance(keyword.value, ast.Constant):
            continue
        wanted, known = keyword.value.value, set(template.blocks if keyword.arg == "block" else template.macros)
        if keyword.arg == "block":
            known |= {block for parent in _parents(project, template) for block in parent.blocks}
        if isinstance(wanted, str) and wanted not in known and template.error is None:
            accepted = ", ".join(sorted(known)[:_MOST_LISTED]) or "none"
            yield finding(
                file.place(keyword.value),
                f"template {name!r} has no {keyword.arg} {wanted!r}; accepted: {accepted}{did_you_mean(wanted, known)}",
            )


def _parents(project: Project, template: Template) -> Iterator[Template]:
    seen: set[str] = set()
    waiting = [template]
    while waiting:
        current = waiting.pop()
        for kind, node, scope in current.links:
            if kind == "extends":
                for text in texts_of(node, scope) or ():
                    parent = project.templates.get(text.text)
                    if parent is not None and parent.name not in seen:
                        seen.add(parent.name)
                        waiting.append(parent)
                        yield parent


def _exists(environment: Environment, name: str) -> bool:
    if environment.loader is None:
        return True
    try:
        environment.loader.get_source(environment, name)
    except TemplateNotFound:
        return False
    except Exception:
        # Such as a file that is not UTF-8: it is there.
        return True
    return True


def _no_template(project: Project, name: str) -> str:
    known = [template.name for template in project.templates.values() if template.is_own]
    accepted = ", ".join(sorted(known)[:_MOST_LISTED])
    return f"template {name!r} does not exist; accepted: {accepted}{did_you_mean(name, known)}"
