"""Imports point down only; this table says what each layer may import, and the tests hold the package to it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import flask_datastar

ROOT = Path(flask_datastar.__file__).parent
PACKAGE = "flask_datastar"


@dataclass(frozen=True)
class Room:
    """A folder of the package, or a module beside the folders."""

    #: The rooms that it may import; all of them stand above it in the table.
    imports: frozenset[str]
    #: What it may import from outside of the package, besides the standard library.
    outside: frozenset[str]


def room(imports: str = "", *, outside: str = "") -> Room:
    return Room(frozenset(imports.split()), frozenset(outside.split()))


#: Every room, from the ground up. A module whose room is not listed fails: say here what it may import.
ROOMS = {
    "errors": room(outside="werkzeug.exceptions"),
    "sansio": room(outside="markupsafe"),
    "transport": room(),
    "hooks": room(outside="blinker"),
    "config": room("errors sansio"),
    "models": room("sansio"),
    "codecs": room("sansio"),
    "sse": room("sansio"),
    "brokers": room("errors transport"),
    "state": room("errors sansio config", outside="flask"),
    "hub": room("errors codecs sansio transport hooks config brokers", outside="blinker"),
    "reading": room("errors sansio models state", outside="flask werkzeug"),
    "sending": room("errors sansio state reading", outside="flask jinja2 werkzeug"),
    "security": room("errors sansio state reading sending", outside="flask itsdangerous markupsafe werkzeug"),
    "repeats": room(
        "errors sansio transport hooks state reading security",
        outside="flask werkzeug",
    ),
    "forms": room("errors sansio models state reading sending security", outside="flask werkzeug"),
    "handlers": room("errors hooks state reading sending security repeats forms", outside="flask werkzeug"),
    # Only in debug mode; nothing that works without it knows it.
    "devtools": room("errors sansio transport hooks state reading handlers", outside="flask werkzeug"),
    "streams": room(
        "errors sansio transport hooks brokers state hub reading sending security repeats handlers",
        outside="blinker flask werkzeug",
    ),
    "presence": room("errors sansio transport hooks brokers state hub reading security streams", outside="flask"),
    "regions": room(
        "errors sansio transport hooks models brokers state hub reading sending handlers streams",
        outside="flask markupsafe werkzeug",
    ),
    "views": room("errors sansio state reading sending handlers", outside="flask jinja2 werkzeug"),
    # What `flask datastar check` finds. Jinja is installed with Flask.
    "checks": room("errors sansio state reading handlers", outside="flask jinja2 werkzeug"),
    "cli": room(
        "errors sansio transport config state streams views checks",
        outside="click flask itsdangerous werkzeug",
    ),
    "actions": room(
        "errors sansio models state reading security handlers views",
        outside="flask markupsafe werkzeug",
    ),
    "extension": room(
        "errors sansio config brokers state reading sending security repeats forms handlers streams regions presence "
        "views actions",
        outside="flask",
    ),
    # ``python -m flask_datastar``.
    "__main__": room("cli extension", outside="click"),
    "testing": room(
        "sansio transport hooks sse brokers state hub security streams regions actions extension",
        # pytest: the plugin alone.
        outside="flask werkzeug pytest",
    ),
}
#: ``init_app`` attaches the commands, which lie above it, and the timeline, of which it imports nothing before the
#: first request of an app in debug mode.
ATTACHED = {("extension", "cli"), ("extension", "devtools")}
#: What is installed by an extra, or is a server's: imported where it is used, never with the package.
OPTIONAL = [
    *["gevent", "greenlet", "gunicorn", "redis", "sqlalchemy"],
    *["flask_wtf", "wtforms", "flask_login", "pydantic", "msgspec", "backports"],
    *["_quickjs", "turbohtml", "libcst", "trustme"],
]
#: Modules for one of them, which nothing imports at module level.
BACKENDS = {
    "cli.nodes": "libcst",
    "cli.source": "libcst",
    "cli.installing": "libcst",
    "cli.init_python": "libcst",
    "cli.sample_code": "libcst",
    "transport.gevent_wakeup": "gevent",
    "brokers.redis": "redis",
    "brokers.redis_claims": "redis",
    "brokers.redis_client": "redis",
    "brokers.redis_commands": "redis",
    "brokers.redis_listener": "redis",
    "brokers.redis_own": "redis",
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


def room_of(module: str) -> str:
    return module.split(".")[0]


def test_every_room_is_listed_above_what_imports_it() -> None:
    found = {room_of(module) for module in MODULES if module != "__init__"}

    assert found == set(ROOMS), "each folder, and each module beside them, has one row in ROOMS"
    listed: set[str] = set()
    for name, row in ROOMS.items():
        assert row.imports <= listed, f"{name} imports {sorted(row.imports - listed)}, which stand below it"
        listed.add(name)


def test_no_row_allows_more_than_is_used() -> None:
    used: dict[str, set[str]] = {name: set() for name in ROOMS}
    for module in MODULES:
        if module != "__init__":
            used[room_of(module)] |= {room_of(short(found.target)) for found in own_imports(module)}

    spare = {name: sorted(row.imports - used[name]) for name, row in ROOMS.items() if row.imports - used[name]}
    assert spare == {}


def test_relative_imports_are_followed() -> None:
    assert f"{PACKAGE}.sansio.consts" in {found.target for found in imports_of("sansio.events")}
    assert f"{PACKAGE}.sansio.strictjson" in {found.target for found in imports_of("state.app")}
    assert f"{PACKAGE}.reading.parameters" in {found.target for found in imports_of("handlers.handler")}


def test_a_module_imports_what_its_room_may() -> None:
    refused = [text for module in MODULES if module != "__init__" for text in refused_imports(module)]

    assert refused == []


def refused_imports(module: str) -> Iterator[str]:
    name = room_of(module)
    own = ROOMS.get(name, room())
    for found in imports_of(module):
        target = found.target
        top = target.split(".")[0]
        if top == PACKAGE:
            other = room_of(short(target))
            program = BACKENDS.get(short(target))
            if short(target) == "__init__":
                yield f"{module} imports the package; import the module itself, not what the package exports"
            elif (name, other) in ATTACHED and not found.is_module_level:
                continue
            elif other != name and other not in own.imports:
                yield f"{module} imports {short(target)}; {name} may import {sorted(own.imports)}"
            elif program not in (None, BACKENDS.get(module)) and found.is_module_level:
                yield f"{module} imports {short(target)}, which is for {program}; import it where it is used"
        elif top in OPTIONAL:
            if BACKENDS.get(module) != top and found.is_module_level:
                yield f"{module} imports {target}, which is optional; import it where it is used"
        elif top not in sys.stdlib_module_names and top not in own.outside and target not in own.outside:
            yield f"{module} imports {target}; {name} may import the standard library and {sorted(own.outside)}"


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


def test_no_cycle_is_hidden_behind_types() -> None:
    # Only these packages may import own modules for types: their names are loaded when asked for.
    hidden = [
        f"{module}: {found.target}"
        for module in MODULES
        if module not in ("__init__", "testing")
        for found in own_imports(module)
        if found.is_for_types
    ]

    assert hidden == []


@pytest.mark.parametrize(
    ("source", "refused"),
    [
        ("from ..state.app import AppState", "sansio.sample imports"),
        ("import flask", "sansio.sample imports flask"),
        ("import redis", "optional"),
        ("from .. import Datastar", "import the module itself"),
    ],
)
def test_wrong_imports_are_found(source: str, refused: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "tree_of", lambda module: ast.parse(source))
    monkeypatch.setattr(sys.modules[__name__], "path_of", lambda module: Path("sample.py"))
    imports_of.cache_clear()
    try:
        texts = list(refused_imports("sansio.sample"))
    finally:
        imports_of.cache_clear()

    assert any(refused in text for text in texts), texts


# What sansio raises


def test_sansio_raises_value_and_type_errors_only() -> None:
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

    for module in MODULES:
        for node in ast.walk(tree_of(module)) if module.startswith("sansio") else ():
            if isinstance(node, ast.Raise):
                error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                assert isinstance(error, ast.Name), f"{module}, line {node.lineno}: {ast.unparse(node)}"
                assert error.id in allowed | makers, f"{module}, line {node.lineno}: {ast.unparse(node)}"


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


def test_the_test_helpers_load_no_pytest() -> None:
    loaded = loaded_by("from flask_datastar.testing import DatastarClient, SharedBrokerContract")

    assert "flask" in loaded
    assert loaded.isdisjoint({"pytest", "_pytest", *OPTIONAL})


@pytest.mark.parametrize("statement", ["import flask_datastar.sse", "from flask_datastar import sse, Event, Signals"])
def test_events_alone_load_no_flask(statement: str) -> None:
    assert loaded_by(statement).isdisjoint({"flask", "werkzeug", "jinja2", "click", "blinker", *OPTIONAL})
