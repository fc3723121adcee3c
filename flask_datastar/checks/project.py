"""An app's templates and Python as one: which function uses which template, what is on a page, and who calls whom."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from jinja2 import nodes

from ..handlers.handler import Handler, default_group
from .callers import Callers
from .catalogue import Catalogue, Context, Entry
from .python_files import Function, PythonFile
from .templates import HelperCall, Template
from .values import Imported, MacroInfo, Scope, texts_of


class Project:
    """The templates and the Python files of an app."""

    def __init__(self, catalogue: Catalogue, templates: Iterable[Template], files: Iterable[PythonFile]) -> None:
        self.catalogue = catalogue
        self.templates = {template.name: template for template in templates}
        self.files = list(files)
        self.callers = Callers(catalogue, self.files)
        self._connect_macros()

    # Templates

    def _connect_macros(self) -> None:
        for template in self.templates.values():
            for call, scope in template.calls:
                macro = self._macro_of(template, call, scope)
                if macro is not None:
                    macro.calls.append((call, scope))
        patched = {
            str(keyword.value.value)
            for file in self.files
            for made in file.calls
            for keyword in made.keywords
            if keyword.arg == "macro" and isinstance(keyword.value, ast.Constant)
        }
        for template in self.templates.values():
            for name in patched & template.macros.keys():
                template.macros[name].has_other_calls = True

    def _macro_of(self, template: Template, call: object, scope: Scope) -> MacroInfo | None:
        owner = getattr(call, "node", None)
        if isinstance(owner, nodes.Getattr):
            # forms.field(...), after {% import "forms.html" as forms %}
            name, bindings = owner.attr, scope.find(getattr(owner.node, "name", ""))
        else:
            name = getattr(owner, "name", "")
            bindings = scope.find(name)
            if bindings is None:
                return template.macros.get(name)
        for binding in bindings or ():
            if isinstance(binding, Imported):
                for text in texts_of(binding.template, binding.scope) or ():
                    other = self.templates.get(text.text)
                    macro = other.macros.get(binding.name or name) if other is not None else None
                    if macro is not None:
                        return macro
        return None

    @cached_property
    def _uses(self) -> dict[str, list[tuple[PythonFile, Function | None, str]]]:
        """Template → the functions, or else the classes, that name it."""
        found: dict[str, list[tuple[PythonFile, Function | None, str]]] = {}
        for file in self.files:
            for node in file.nodes:
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in self.templates:
                    found.setdefault(node.value, []).append((file, file.function_of(node), self._class_of(file, node)))
        for name, template in self.templates.items():
            # A template in a string of Python is used where it stands.
            if template.used_by is not None:
                found.setdefault(name, []).append((*template.used_by, ""))
        return found

    @staticmethod
    def _class_of(file: PythonFile, node: ast.AST) -> str:
        names = []
        while (parent := file.parents.get(node)) is not None:
            if isinstance(parent, ast.ClassDef):
                names.append(parent.name)
            node = parent
        return ".".join(reversed(names))

    @cached_property
    def _links(self) -> dict[str, frozenset[str]]:
        """Template → the templates on the same page because of it."""
        by_function = self._templates_by_function
        found = {}
        for name, template in self.templates.items():
            links = {text.text for _, node, scope in template.links for text in texts_of(node, scope) or ()}
            if any(texts_of(node, scope) is None and not kind.endswith("?") for kind, node, scope in template.links):
                links |= set(self.templates)
            for helper in template.helpers:
                if helper.method == "show":
                    for region in self.regions_of(helper, None):
                        links |= by_function.get(region.source, frozenset())
            for file, function, _ in self._uses.get(name, ()):
                for region in self.catalogue.regions:
                    if function is not None and self._mentions_region(file, function, region.source):
                        links |= by_function.get(region.source, frozenset())
            found[name] = frozenset(links & set(self.templates))
        return found

    @staticmethod
    def _mentions_region(file: PythonFile, function: Function, source: tuple[str, str]) -> bool:
        name = source[1].rpartition(".")[2]
        if (file.module, function.qualname) == source:
            return False
        return name in function.mentions or f"{source[0].rpartition('.')[2]}.{name}" in function.mentions

    @cached_property
    def _templates_by_function(self) -> dict[tuple[str, str], frozenset[str]]:
        found: dict[tuple[str, str], set[str]] = {}
        for name, uses in self._uses.items():
            for file, function, _ in uses:
                if function is not None and file.module is not None:
                    found.setdefault((file.module, function.qualname), set()).add(name)
        return {source: frozenset(names) for source, names in found.items()}

    def regions_of(self, helper: HelperCall, contexts: Iterable[Context] | None) -> list[Any]:
        """Return the regions that a call of ``show`` may mean."""
        arguments = [texts_of(argument, helper.scope) for argument in helper.node.args[:2]]
        if not arguments or any(texts is None or len(texts) != 1 for texts in arguments):
            return []
        names = [texts[0].text for texts in arguments if texts]
        return self.catalogue.find_region(names[0], names[1] if len(names) > 1 else None, list(contexts or ()))

    def closure(self, name: str) -> frozenset[str]:
        """Return a template with all that are on the page with it because of it."""
        if name not in self._closures:
            seen, waiting = {name}, [name]
            while waiting:
                for other in self._links.get(waiting.pop(), ()):
                    if other not in seen:
                        seen.add(other)
                        waiting.append(other)
            self._closures[name] = frozenset(seen)
        return self._closures[name]

    @cached_property
    def _closures(self) -> dict[str, frozenset[str]]:
        return {}

    def page_of(self, name: str) -> frozenset[str]:
        """Return all templates that may be on a page together with a template."""
        pages = [closure for root in self._uses if name in (closure := self.closure(root))]
        return frozenset().union(*pages) | self.closure(name)

    @cached_property
    def contexts(self) -> dict[str, frozenset[Context] | None]:
        """Template → where it is rendered, None if that is not known."""
        found: dict[str, set[Context] | None] = {}
        for root, uses in self._uses.items():
            contexts = self._contexts_of_uses(uses)
            for name in self.closure(root):
                earlier = found.get(name, set())
                found[name] = None if contexts is None or earlier is None else earlier | contexts
        return {name: frozenset(contexts) if contexts else None for name, contexts in found.items()}

    def _contexts_of_uses(self, uses: Iterable[tuple[PythonFile, Function | None, str]]) -> set[Context] | None:
        found: set[Context] = set()
        for file, function, cls in uses:
            entries = self.callers.roots(file, function) if function is not None else frozenset()
            if function is None and cls and file.module is not None:
                entries = frozenset(self.catalogue.entries.get((file.module, cls), ()))
                if not entries:
                    entries = frozenset({Entry(Context(default_group(file.module, cls), file.module), None, cls)})
            if not entries or None in entries:
                return None
            found |= {entry.context for entry in entries if entry is not None}
        return found

    # Python

    def modules_of(self, pages: Iterable[str]) -> frozenset[str]:
        """Return the modules that render templates."""
        return frozenset(file.module for name in pages for file, _, _ in self._uses.get(name, ()) if file.module)

    # Handlers on pages

    def handlers_of(self, template: Template, helper: HelperCall) -> list[Handler] | None:
        """Return the handlers that an action of a template may mean, None if that is not known."""
        arguments = helper.node.args
        if not arguments or helper.node.dyn_args is not None or any(one.key == "_module" for one in helper.node.kwargs):
            return None
        targets = texts_of(arguments[0], helper.scope)
        events = texts_of(arguments[1], helper.scope) if len(arguments) > 1 else ()
        if targets is None or events is None:
            return None
        found: list[Handler] = []
        for target in targets:
            for event in tuple(one.text for one in events) or (None,):
                results = self.catalogue.find(target.text, event, self.contexts.get(template.name))
                if results is None:
                    return None
                found += [handler for result in results for handler in result]
        return found

    def pages_with(self, handler: Handler) -> frozenset[str] | None:
        """Return all templates on the pages that have an action for a handler, None if some are not known."""
        return self._pages_by_handler.get(handler.key)

    @cached_property
    def _pages_by_handler(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        unknown: set[str] = set()
        for template in self.templates.values():
            for helper in template.helpers:
                if helper.method in VERBS:
                    for handler in self.handlers_of(template, helper) or ():
                        found.setdefault(handler.key, set()).update(self.page_of(template.name))
                        if not self._is_rendered(template.name):
                            unknown.add(handler.key)
        return {key: frozenset(names) for key, names in found.items() if key not in unknown}

    def _is_rendered(self, name: str) -> bool:
        """Return whether Python is known to render a page with a template."""
        return any(name in self.closure(root) for root in self._uses)


#: The helpers that write actions → the verb.
VERBS = {
    **{verb: verb.upper() for verb in ("get", "post", "put", "patch", "delete", "query")},
    "open_stream": "GET",
}
