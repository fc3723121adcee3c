"""The check of ids: every element that a patch aims at is in a template, in HTML of Python, or in a script."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from .findings import Finding, Place, did_you_mean, finding
from .fragments import GAP, Fragment, read_tags
from .markup import Facts
from .project import Project
from .python_files import PythonFile

_METHODS = frozenset({"patch_elements", "patch_element", "patch_template", "remove_elements"})
_BY_ID = frozenset({"outer", "replace"})
_SELECTED = re.compile(r"#((?:[\w-]|\\.|[^\x00-\x7f]|\ue000)+)")
_HARD = re.compile(r"\([^)]*\)|\[[^\]]*\]|'[^']*'|\"[^\"]*\"")
_SHORTHAND = re.compile(r"#([\w-]+)(?:\.[\w-]+)*")


def check_ids(project: Project, facts: dict[str, Facts], texts_of_scripts: Iterable[str]) -> Iterator[Finding]:
    """Yield the patches whose element no page has.

    :param facts: template → its ids.
    :param texts_of_scripts: the scripts in the static folders, which may make elements.
    """
    scripts = "\n".join(texts_of_scripts)
    aims = [(file, *aim) for file in project.files for aim in _aims(file)]
    in_python = set(_ids_in_python(project, {id(node) for _, node, *_ in aims}))
    for file, node, place, wanted in aims:
        pages = _pages(project, file, node)
        if pages is None:
            continue
        known = {one for name in pages for one in facts[name].ids} | in_python
        # An app without any id has its pages elsewhere.
        if not known or GAP in known or wanted.strip(GAP) == "" or any(may_equal(wanted, one) for one in known):
            continue
        if GAP not in wanted and re.search(rf"(?<![\w-]){re.escape(wanted)}(?![\w-])", scripts):
            continue
        if any(facts[name].is_open for name in pages):
            continue
        shown = wanted.replace(GAP, "…")
        names = {one.replace(GAP, "…") for one in known if one}
        near = did_you_mean(shown, names)
        accepted = ", ".join(sorted(names)[:12]) or "none"
        yield finding(
            place,
            f"a patch aims at the id {shown!r}, which no template has; accepted: {accepted}"
            f"{near or '; correct it, or give the element this id'}",
        )


def _pages(project: Project, file: PythonFile, node: ast.AST) -> Iterable[str] | None:
    """Return the templates on the pages that may get a patch, None if they are not known."""
    function = file.function_of(node)
    found: set[str] = set()
    for entry in project.callers.roots(file, function) if function is not None else (None,):
        if entry is None or entry.handler is None:
            return project.templates
        pages = project.pages_with(entry.handler)
        if pages is None:
            # Something else than the app's templates calls the handler.
            return None
        found |= pages
    return found


def _aims(file: PythonFile) -> Iterator[tuple[ast.AST, Place, str]]:
    """Yield the ids that patches aim at: the node, its place, and the id with gaps."""
    for call in file.calls:
        method = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if method not in _METHODS:
            continue
        given = {one.arg: one.value for one in call.keywords}
        selector = given.get("selector", call.args[0] if method == "remove_elements" and call.args else None)
        if "to" in given:
            yield from ((given["to"], file.place(given["to"]), text) for text in _alternatives(file, given["to"]))
        elif selector is not None:
            for text in file.patterns(selector):
                for wanted in _SELECTED.findall(_HARD.sub("", text)):
                    yield selector, file.place(selector), wanted.replace("\\", "")
        elif method != "patch_template" and None not in given and "namespace" not in given and call.args:
            mode = given.get("mode")
            if mode is None or (isinstance(mode, ast.Constant) and mode.value in _BY_ID):
                yield from _top_level_ids(file, call.args[0])


def _alternatives(file: PythonFile, node: ast.expr) -> tuple[str, ...]:
    texts = file.patterns(node)
    return () if any(text == GAP for text in texts) else texts


def _top_level_ids(file: PythonFile, node: ast.expr) -> Iterator[tuple[ast.AST, Place, str]]:
    """Yield the id of the first element in literal HTML, which takes the place of the element with this id."""
    while isinstance(node, ast.Call):
        # Markup("…").format(…)
        inner = node.func.value if isinstance(node.func, ast.Attribute) else node.args[0] if node.args else None
        if inner is None or not isinstance(inner, ast.expr):
            return
        node = inner
    for string, fragment in file.strings:
        if string is node and (tags := read_tags(fragment)):
            for attribute in tags[0].attributes:
                if attribute.name == "id" and attribute.value and fragment.text.lstrip().startswith("<"):
                    for text in _with_format(fragment, attribute.value_start, attribute.value_end):
                        yield string, fragment.place(attribute.value_start), text


def _with_format(fragment: Fragment, start: int, end: int) -> Iterator[str]:
    """Yield the texts of a part, with gaps for the fields of ``format()`` and for ``%s``."""
    for text in fragment.pattern(start, end):
        yield re.sub(r"\{[^{}]*\}|%\(?\w*\)?[sd]", GAP, text)


def _ids_in_python(project: Project, aimed: set[int]) -> Iterator[str]:
    """Yield the ids of elements that Python makes."""
    for file in project.files:
        for string, fragment in file.strings:
            tags = read_tags(fragment)
            for position, tag in enumerate(tags):
                for attribute in tag.attributes:
                    is_aim = position == 0 and id(string) in aimed
                    if attribute.name == "id" and attribute.value and not is_aim:
                        yield from _with_format(fragment, attribute.value_start, attribute.value_end)
        for call in file.calls:
            for keyword in call.keywords:
                if keyword.arg in ("id", "id_", "_id"):
                    yield from _alternatives(file, keyword.value)
            # htpy's div("#items.wide")
            for argument in call.args:
                text = argument.value if isinstance(argument, ast.Constant) and id(argument) not in aimed else None
                if isinstance(text, str) and (match := _SHORTHAND.fullmatch(text)) is not None:
                    yield match[1]
        for node in file.nodes:
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "id":
                        yield from _alternatives(file, value)


def may_equal(first: str, second: str) -> bool:
    """Return whether two texts with gaps can be the same text.

    >>> may_equal("item-\ue000", "item-\ue000-done")
    True
    >>> may_equal("item-\ue000", "row-\ue000")
    False
    """

    @lru_cache(None)
    def match(left: int, right: int) -> bool:
        if left == len(first) and right == len(second):
            return True
        if left < len(first) and first[left] == GAP:
            return match(left + 1, right) or (right < len(second) and match(left, right + 1))
        if right < len(second) and second[right] == GAP:
            return match(left, right + 1) or (left < len(first) and match(left + 1, right))
        return left < len(first) and right < len(second) and first[left] == second[right] and match(left + 1, right + 1)

    return match(0, 0)
