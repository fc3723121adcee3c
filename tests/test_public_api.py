"""What users import: the names, their docstrings, and the marker that makes type checkers look at them."""

from __future__ import annotations

import ast
from importlib import resources
from pathlib import Path

import pytest

import flask_datastar
from flask_datastar import sse
from flask_datastar.extension import Datastar
from flask_datastar.sansio.events import Event

ROOT = Path(flask_datastar.__file__).parent


def test_the_names_of_the_package_are_pinned() -> None:
    assert flask_datastar.__all__ == [
        *["Datastar", "Event", "EventResponse", "Message", "Signal", "Signals", "StarView", "event"],
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

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def is_overload_or_setter(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    return "overload" in decorators or any(decorator.endswith(".setter") for decorator in decorators)


def public_definitions(path: Path) -> list[tuple[str, Documented]]:
    """Find a file's module, its public classes and functions, and the public methods of those classes."""
    tree = ast.parse(path.read_text())
    module = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
    found: list[tuple[str, Documented]] = [(module, tree)]

    def visit(parent: ast.Module | ast.ClassDef, prefix: str) -> None:
        for node in parent.body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            name = f"{prefix}.{node.name}"
            if node.name.startswith("_") and node.name != "__html__":
                continue
            if isinstance(node, ast.ClassDef):
                found.append((name, node))
                visit(node, name)
            elif not is_overload_or_setter(node):
                found.append((name, node))

    visit(tree, module)
    return found


DEFINITIONS = [definition for path in sorted(ROOT.rglob("*.py")) for definition in public_definitions(path)]


@pytest.mark.parametrize(("name", "node"), DEFINITIONS, ids=[name for name, _ in DEFINITIONS])
def test_every_public_name_says_what_it_does_in_one_sentence(name: str, node: Documented) -> None:
    docstring = ast.get_docstring(node)

    assert docstring, f"{name} has no docstring"
    # The first sentence may run on, up to the empty line or the fields.
    summary = docstring.split("\n\n")[0].split("\n:")[0].strip()
    assert summary.endswith("."), f"{name}: {summary!r}"
    assert summary[0].isupper() or summary[0] == "`", f"{name}: {summary!r}"
