"""What users import: the names, their docstrings, and the marker that makes type checkers look at them."""

from __future__ import annotations

import ast
import builtins
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path

import pytest

import flask_datastar
from flask_datastar import errors, sse
from flask_datastar.extension import Datastar
from flask_datastar.sansio.events import Event

# Only the text of the package is read.
pytestmark = pytest.mark.no_cover

ROOT = Path(flask_datastar.__file__).parent


def test_the_names_of_the_package_are_pinned() -> None:
    assert flask_datastar.__all__ == [
        *["Datastar", "Event", "EventResponse", "Message", "Present", "Signal", "Signals", "StarView", "event"],
    ]


def test_the_names_of_sse_are_pinned() -> None:
    assert sse.__all__ == [
        *["SSE_HEADERS", "Event", "EventParser", "EventType", "Namespace", "PatchMode"],
        *["console_log", "dispatch_event", "execute_script", "parse_events", "patch_elements", "patch_signals"],
        *["patch_signals_raw", "push_url", "raw", "redirect", "remove_elements", "remove_signals", "replace_url"],
    ]


@pytest.mark.parametrize("module", [flask_datastar, sse])
def test_every_name_is_there_and_listed(module: object) -> None:
    for name in module.__all__:  # type: ignore[attr-defined]
        assert hasattr(module, name)
        assert name in dir(module)


def test_lazy_names_are_the_classes_themselves() -> None:
    assert flask_datastar.Datastar is Datastar
    assert flask_datastar.Event is Event
    assert sse.Event is Event


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'flask_datastar' has no attribute 'Datastars'"):
        flask_datastar.Datastars  # type: ignore[attr-defined] # noqa: B018


def test_headers_cannot_be_changed() -> None:
    assert dict(sse.SSE_HEADERS) == {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-cache",
        "X-Accel-Buffering": "no",
    }
    with pytest.raises(TypeError, match="does not support item assignment"):
        sse.SSE_HEADERS["Connection"] = "keep-alive"  # type: ignore[index]


def test_the_marker_for_type_checkers_ships() -> None:
    assert resources.files(flask_datastar).joinpath("py.typed").is_file()


# Docstrings

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function

FIELD = re.compile(r"^:(\w+)(?: ([^:`]+))?:(?=\s|$)", re.MULTILINE)
#: What reStructuredText knows besides, `:returns:` and `:type x:` among them, stands in no docstring of the package.
FIELD_KINDS = {"param", "return", "raises"}


@cache
def trees() -> dict[str, ast.Module]:
    """Parse all modules, by name."""
    return {
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text()
        )
        for path in sorted(ROOT.rglob("*.py"))
    }


@cache
def classes() -> dict[str, ast.ClassDef]:
    nodes = [node for tree in trees().values() for node in ast.walk(tree)]
    return {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}


def is_overload_or_setter(node: Function) -> bool:
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    return "overload" in decorators or any(decorator.endswith(".setter") for decorator in decorators)


def definitions(owner: Documented, name: str) -> Iterator[tuple[str, Documented]]:
    """Find a module with its classes and functions, and the methods of those classes."""
    yield name, owner
    for node in owner.body if isinstance(owner, ast.Module | ast.ClassDef) else []:
        if isinstance(node, ast.ClassDef) or (isinstance(node, Function) and not is_overload_or_setter(node)):
            yield from definitions(node, f"{name}.{node.name}")


def all_definitions() -> Iterator[tuple[str, str, Documented]]:
    """Find what each module defines: the module, the name in it, the definition."""
    for module, tree in trees().items():
        for name, node in definitions(tree, ""):
            yield module, name, node


def is_public(name: str) -> bool:
    return not any(part.startswith("_") and part != "__html__" for part in name.split("."))


def fields_of(node: Documented) -> list[tuple[str, str]]:
    """List kind and argument of a docstring's fields."""
    return FIELD.findall(ast.get_docstring(node) or "")


def parameters_of(node: Documented) -> list[str]:
    """List what a function takes, or a class when it is called."""
    if isinstance(node, Function):
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args, arguments.vararg]
        return [argument.arg for argument in (*positional, *arguments.kwonlyargs, arguments.kwarg) if argument]
    names: list[str] = []
    if isinstance(node, ast.ClassDef):
        for base in node.bases:
            names += parameters_of(classes().get(ast.unparse(base), ast.Module([])))
        for child in node.body:
            if isinstance(child, ast.AnnAssign):  # a field of a data class
                names.append(ast.unparse(child.target))
            elif isinstance(child, ast.FunctionDef) and child.name in ("__init__", "__new__"):
                return parameters_of(child)
    return names


def is_exception(name: str, module: ast.Module) -> bool:
    if "." in name:
        found = pkgutil.resolve_name(name)
        return isinstance(found, type) and issubclass(found, Exception)
    imports = [node for node in ast.walk(module) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {alias.asname or alias.name for node in imports for alias in node.names}
    defined = {node.name for node in ast.walk(module) if isinstance(node, ast.ClassDef)}
    return name in imported | defined or isinstance(getattr(builtins, name, None), type) or hasattr(errors, name)


def test_every_public_name_has_a_docstring() -> None:
    public = [(module + name, node) for module, name, node in all_definitions() if is_public(name)]
    missing = [name for name, node in public if not ast.get_docstring(node)]

    assert "flask_datastar.sansio.parser.EventParser.feed" in dict(public)
    assert not missing, "\n".join(missing)


def test_documented_parameters_are_parameters_in_their_order() -> None:
    wrong = []
    for module, name, node in all_definitions():
        documented, existing = [about for kind, about in fields_of(node) if kind == "param"], parameters_of(node)
        if documented != [parameter for parameter in existing if parameter in documented]:
            wrong.append(f"{module}{name} has the parameters {existing}; documented are {documented}")

    assert not wrong, "\n".join(wrong)


def test_documented_results_and_errors_exist() -> None:
    wrong = []
    for module, name, node in all_definitions():
        returns_nothing = isinstance(node, Function) and ast.unparse(node.returns or ast.Constant(0)) == "None"
        for kind, about in fields_of(node):
            is_known = kind in FIELD_KINDS and not (kind == "return" and returns_nothing)
            if not is_known or (kind == "raises" and not is_exception(about, trees()[module])):
                wrong.append(f"{module}{name}: `:{kind} {about}:`")

    assert not wrong, "\n".join(wrong)
