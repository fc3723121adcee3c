"""Imports point down only; this table says what each layer may import, and the tests hold the package to it."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import flask_datastar

ROOT = Path(flask_datastar.__file__).parent
PACKAGE = "flask_datastar"

#: Layer → its modules; a package stands for all below it. What is named nowhere is Flask glue, layer 2.
LAYERS = {
    0: ["sansio", "sse"],
    1: ["errors", "hooks", "models", "payload", "transport", "tabs", "topics", "brokers"],
    3: ["extension"],
    4: ["testing", "cli"],
}
#: Layer → what its modules may import from outside of the package, besides the standard library.
OUTSIDE: dict[int, set[str]] = {
    0: {"markupsafe"},
    1: {"blinker"},
    2: {"flask", "werkzeug", "jinja2", "markupsafe", "blinker", "itsdangerous"},
    3: {"flask", "werkzeug"},
    4: {"flask", "werkzeug", "click"},
}
#: Single modules that may import more.
EXCEPTIONS = {"errors": {"werkzeug.exceptions"}}
#: Modules of layer 1 that know of no other module in it but those.
ALONE = {
    "transport": {"transport"},
    "models": {"models"},
    "tabs": {"errors", "transport"},
    "topics": {"errors", "transport"},
    "brokers": {"errors", "payload", "transport", "brokers"},
}
#: What is installed by an extra, or is a server's: imported where it is used, never with the package.
OPTIONAL = [
    *["gevent", "greenlet", "gunicorn", "redis", "sqlalchemy"],
    *["flask_wtf", "wtforms", "flask_login", "pydantic", "msgspec"],
]
#: Modules for one of them, which nothing imports at module level.
BACKENDS = {
    "transport.gevent_wakeup": "gevent",
    "brokers.redis": "redis",
    "brokers.redis_client": "redis",
    "brokers.redis_commands": "redis",
    "brokers.redis_listener": "redis",
    "brokers.redis_presence": "redis",
}

MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in ROOT.rglob("*.py")
)


@dataclass(frozen=True)
class Import:
    target: str
    is_for_types: bool
    is_module_level: bool


def path_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(path_of("" if module == "__init__" else module).read_text())


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    """Find the imports of a module; those of the package's own modules as ``flask_datastar.<module>``."""
    found: list[Import] = []

    def visit(node: ast.AST, is_for_types: bool, is_module_level: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, is_for_types, is_module_level) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.extend(Import(name, is_for_types, is_module_level) for name in imported_names(module, node))
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for child in node.body:
                visit(child, True, is_module_level)
            for child in node.orelse:
                visit(child, is_for_types, is_module_level)
        else:
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for child in ast.iter_child_nodes(node):
                visit(child, is_for_types, is_module_level and not is_function)

    visit(tree_of(module), False, True)
    return tuple(found)


def imported_names(module: str, node: ast.ImportFrom) -> list[str]:
    """Give the modules that a ``from`` import reaches: a name may be a module itself."""
    base = node.module or ""
    if node.level:
        parents = [PACKAGE, *(module.split(".") if module != "__init__" else [])]
        if path_of("" if module == "__init__" else module).name != "__init__.py":
            parents = parents[:-1]
        parents = parents[: len(parents) - node.level + 1]
        base = ".".join([*parents, *([base] if base else [])])
    names = [f"{base}.{alias.name}" for alias in node.names]
    own = [name for name in names if name.removeprefix(f"{PACKAGE}.") in MODULES and name.startswith(PACKAGE)]
    return own if own and len(own) == len(names) else [base, *own]


def own_imports(module: str) -> list[Import]:
    return [found for found in imports_of(module) if found.target.split(".")[0] == PACKAGE]


def short(target: str) -> str:
    return target.removeprefix(PACKAGE).removeprefix(".") or "__init__"


def layer_of(module: str) -> int:
    for layer, names in LAYERS.items():
        if module.split(".")[0] in names:
            return layer
    return 2


def test_the_table_names_what_there_is() -> None:
    assert {"sansio.events", "sse", "errors", "hooks", "_state", "extension"} <= set(MODULES)
    assert [layer_of(name) for name in ("sansio.events", "sse", "hooks", "dispatch", "extension", "testing")] == [
        *[0, 0, 1, 2, 3, 4]
    ]
    assert [layer_of(name) for name in ("transport.wakeups", "tabs", "topics", "streams.hub")] == [1, 1, 1, 2]


def test_relative_imports_are_followed() -> None:
    assert f"{PACKAGE}.sansio.consts" in {found.target for found in imports_of("sansio.events")}
    assert f"{PACKAGE}.sansio.strictjson" in {found.target for found in imports_of("_state")}
    assert f"{PACKAGE}.reading" in {found.target for found in imports_of("extension")}


@pytest.mark.parametrize("module", [module for module in MODULES if module != "__init__"])
def test_a_module_imports_what_its_layer_may(module: str) -> None:
    layer = layer_of(module)
    allowed = OUTSIDE[layer] | EXCEPTIONS.get(module, set())

    for found in imports_of(module):
        target = found.target
        top = target.split(".")[0]
        if top == PACKAGE:
            program = BACKENDS.get(short(target))
            is_late = program in (None, BACKENDS.get(module)) or not found.is_module_level
            assert is_late, f"{target} is for {program}: import it where it is used"
            lower = layer_of(short(target))
            # init_app attaches the commands, which lie above it.
            is_attached = module == "extension" and short(target) == "cli" and not found.is_module_level
            assert lower <= layer or is_attached, f"layer {layer} imports {short(target)} of layer {lower}"
            assert lower != 0 or layer > 0 or short(target).startswith("sansio"), f"{target} is no part of sansio"
        elif top in OPTIONAL and BACKENDS.get(module) != top:
            assert not found.is_module_level, f"{target} is optional: import it where it is used"
        elif top not in OPTIONAL:
            is_allowed = top in sys.stdlib_module_names or top in allowed or target in allowed
            assert is_allowed, f"layer {layer} imports {target}; allowed: the standard library, {sorted(allowed)}"


@pytest.mark.parametrize("module", [module for module in MODULES if layer_of(module) < 3 and module != "__init__"])
def test_nothing_imports_the_edges(module: str) -> None:
    for found in own_imports(module):
        assert layer_of(short(found.target)) < 4 or not found.is_module_level
        assert short(found.target) != "__init__", "import the module itself, not what the package exports"


def test_models_tabs_topics_brokers_and_transport_do_not_know_each_other() -> None:
    for module in MODULES:
        if (group := module.split(".")[0]) in ALONE:
            for found in own_imports(module):
                name = short(found.target).split(".")[0]
                assert layer_of(name) == 0 or name in ALONE[group], f"{module} imports {name}"


def test_module_level_imports_have_no_cycle() -> None:
    graph = {
        module: {
            short(found.target) for found in own_imports(module) if found.is_module_level and not found.is_for_types
        }
        for module in MODULES
        if module != "__init__"
    }

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("module", [module for module in MODULES if module != "__init__"])
def test_no_cycle_is_hidden_behind_types(module: str) -> None:
    hidden = [found.target for found in own_imports(module) if found.is_for_types]

    assert hidden == [], "only __init__ may import own modules for types: its names are loaded when asked for"


# What sansio raises


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("sansio")])
def test_sansio_raises_value_and_type_errors_only(module: str) -> None:
    tree = tree_of(module)
    allowed = {"ValueError", "TypeError"}
    # Functions that make an error count by what they are annotated to return.
    makers = {
        node.name
        for other in MODULES
        if other.startswith("sansio")
        for node in ast.walk(tree_of(other))
        if isinstance(node, ast.FunctionDef)
        and node.returns is not None
        and {name.id for name in ast.walk(node.returns) if isinstance(name, ast.Name)} <= allowed
        and not isinstance(node.returns, ast.Constant)
    }

    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            assert isinstance(error, ast.Name), f"line {node.lineno}: {ast.unparse(node)}"
            assert error.id in allowed | makers, f"line {node.lineno}: {ast.unparse(node)}"


# What an import loads


def loaded_by(statement: str) -> set[str]:
    """Give the top-level modules that a statement loads in a fresh interpreter; coverage has loaded others before."""
    code = f"import sys; before = {{*sys.modules}}\n{statement}\n"
    code += "print(*{name.partition('.')[0] for name in {*sys.modules} - before})"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    return set(result.stdout.split())


def test_the_package_loads_nothing_optional() -> None:
    statement = "from flask_datastar import Datastar; from flask import Flask; Datastar(Flask('shop'))"

    loaded = loaded_by(statement)

    assert "flask" in loaded
    assert loaded.isdisjoint(OPTIONAL)


@pytest.mark.parametrize("statement", ["import flask_datastar.sse", "from flask_datastar import sse, Event, Signals"])
def test_events_alone_load_no_flask(statement: str) -> None:
    assert loaded_by(statement).isdisjoint({"flask", "werkzeug", "jinja2", "click", "blinker", *OPTIONAL})
