"""The check of ``datastar`` in templates and Python: handlers, verbs, parameters, options, regions, helpers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from ..handlers.handler import Handler, default_group
from ..sansio.actions import OPTIONS
from . import client
from .expressions import actions
from .findings import Finding, Place, did_you_mean, finding
from .fragments import GAP
from .project import VERBS, Project
from .uses import Target, Use

_OWN_OPTIONS = frozenset({"_signals", "_prefix", "_module", "_once"})
_MOST_LISTED = 12


def check_use(project: Project, use: Use, helpers: frozenset[str]) -> Iterator[Finding]:
    """Yield the mistakes of one call of ``datastar``.

    :param helpers: the methods that it has.
    """
    if use.method not in helpers:
        new = client.OLD_METHODS.get(use.method)
        advice = f"since v1.0 it is {new}" if new else f"accepted: {listed(helpers)}{did_you_mean(use.method, helpers)}"
        owner = "datastar in templates" if use.is_template else "datastar"
        yield finding(use.place, f"{owner} does not have {use.method}(); {advice}")
    elif use.method in VERBS:
        yield from _check_action(project, use)
    elif use.method == "show" and use.is_template:
        yield from _check_region(project, use)


def listed(names: Iterable[str]) -> str:
    """Return names for a message, not too many."""
    known = sorted(names)
    more = f" and {len(known) - _MOST_LISTED} more" if len(known) > _MOST_LISTED else ""
    return ", ".join(known[:_MOST_LISTED]) + more or "none"


def _check_action(project: Project, use: Use) -> Iterator[Finding]:
    for name, place in use.keywords:
        if name.startswith("_") and name not in _OWN_OPTIONS and name[1:] not in OPTIONS:
            options = [*_OWN_OPTIONS, *(f"_{option}" for option in OPTIONS)]
            yield finding(
                place, f"{use.title} has no option {name}; accepted: {', '.join(options)}{did_you_mean(name, options)}"
            )
    if use.target is None:
        return
    if any(name == "_module" for name, _ in use.keywords):
        yield from _check_any_group(project, use)
        return
    for handlers, place, title in _handlers(project, use.target, use):
        if isinstance(handlers, str):
            yield finding(place, handlers)
        else:
            yield from _check_handlers(project, use, handlers, title)


def _handlers(project: Project, target: Target, use: Use) -> Iterator[tuple[list[Handler] | str, Place, str]]:
    """Yield the handlers that each possible target means, or what is wrong with it."""
    catalogue = project.catalogue
    if target.found is not None:
        found = _by_object(project, *target.found)
        if found is not None:
            yield found, use.place, use.title
    for name, event in target.names:
        title = f"datastar.{use.method}({name.text!r}{f', {event.text!r}' if event else ''})"
        if name.text.startswith("/"):
            if text := check_url(project, name.text, VERBS[use.method]):
                yield f"{title}: {text}", name.place, title
            continue
        results = catalogue.find(name.text, event.text if event else None, use.contexts)
        if results is None:
            continue
        place = event.place if event else name.place
        handlers = [handler for result in results for handler in result]
        if not handlers:
            wanted = event.text if event else name.text
            known = catalogue.known()
            names = {*known, *(one.rpartition(".")[2] for one in known)}
            near = did_you_mean(wanted, names)
            advice = "correct the name, or declare it with @datastar.handler"
            yield f"{title} names no handler; accepted: {listed(known)}{near or f'; {advice}'}", place, title
        elif use.contexts and all(len(result) > 1 for result in results):
            known = catalogue.known(results[0])
            yield f"{title} fits several handlers, {', '.join(known)}; name the group, too", place, title
        else:
            yield handlers, place, title


def _by_object(project: Project, target: Any, event: str | None) -> list[Handler] | None:
    """Return the handlers of a function, a view class or a module; None if it is something else."""
    registry = project.catalogue.handlers
    if isinstance(target, type) and event is not None:
        return registry.of_view(target, event)
    if isinstance(target, ModuleType) and event is not None:
        own = registry.find(default_group(target.__name__), event)
        return [own] if own is not None else registry.of_module(target.__name__, event)
    found = registry.of_function(target) if callable(target) else []
    return found or None


def _check_handlers(project: Project, use: Use, handlers: list[Handler], title: str) -> Iterator[Finding]:
    verb = VERBS[use.method]
    if not handlers:
        yield finding(use.place, f"{title} names no handler; declare it with @datastar.handler or @event")
        return
    fitting = [handler for handler in handlers if verb in handler.methods]
    if not fitting:
        handler = handlers[0]
        others = ", ".join(f"datastar.{one.lower()}" for one in handler.methods)
        yield finding(
            use.place,
            f"{title}: handler {handler.group}.{handler.name} takes {', '.join(handler.methods)}, not {verb}; use "
            f"{others}, or declare it with methods=[{verb!r}]",
        )
        return
    names = [project.catalogue.parameters(handler) for handler in fitting]
    known = set().union(*(one for one in names if one is not None))
    if all(one is not None for one in names):
        yield from _check_parameters(use, known, f"{title}: handler {fitting[0].group}.{fitting[0].name}")


def _check_any_group(project: Project, use: Use) -> Iterator[Finding]:
    """Check an action whose group the browser chooses."""
    registry = project.catalogue.handlers
    for name, _ in use.target.names if use.target else ():
        handlers = registry.named(name.text)
        if not handlers:
            known = {handler.name for handler in registry}
            text = f"{use.title} names no handler; accepted: {listed(known)}{did_you_mean(name.text, known)}"
            yield finding(name.place, text)
        else:
            yield from _check_handlers(project, use, handlers, use.title)


def _check_parameters(use: Use, known: set[str], owner: str) -> Iterator[Finding]:
    for name, place in use.keywords:
        if not name.startswith("_") and name not in known:
            accepted = listed(known)
            yield finding(place, f"{owner} has no parameter {name!r}; accepted: {accepted}{did_you_mean(name, known)}")


def _check_region(project: Project, use: Use) -> Iterator[Finding]:
    if use.target is None:
        return
    catalogue = project.catalogue
    for name, event in use.target.names:
        regions = catalogue.find_region(name.text, event.text if event else None, use.contexts)
        if not regions:
            known = [f"{region.group}.{region.name}" for region in catalogue.regions]
            names = [*known, *(region.name for region in catalogue.regions)]
            near = did_you_mean(event.text if event else name.text, names)
            advice = near or "; correct the name, or declare it with @datastar.region"
            yield finding((event or name).place, f"{use.title} names no region; accepted: {listed(known)}{advice}")
            continue
        parameters = {parameter for region in regions for parameter in region._binder.names}
        yield from _check_parameters(use, parameters, f"{use.title}: region {regions[0].group}.{regions[0].name}")


def check_url(project: Project, url: str, verb: str) -> str | None:
    """Return what is wrong with the URL of an action that is written out, None if nothing is known to be."""
    path = url.partition("?")[0].partition("#")[0]
    if not path.startswith("/") or path.startswith("//") or GAP in path:
        return None
    wrong = project.catalogue.match(path, verb)
    if wrong == "missing":
        # Another server or a mounted app may answer anything else.
        prefix = project.catalogue.url_prefix
        if f"{prefix}/" not in path:
            return None
        known = project.catalogue.urls()
        return f"the app has no handler at {path}; accepted: {listed(known)}{did_you_mean(path, known)}"
    return f"{path} takes {wrong}, not {verb}; use one of these verbs" if wrong else None


def check_urls(project: Project, value: str) -> Iterator[tuple[int, str]]:
    """Yield the mistakes in the actions of an expression that are written out, with their indexes."""
    for name, index, url in actions(value):
        if name in VERBS and url is not None and (text := check_url(project, url, name.upper())):
            yield index, f"@{name}('{url}'): {text}"
