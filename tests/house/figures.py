"""The figures of the package's plan: its rooms, their floors and arrows, the sizes of modules and functions.

usage: python -m tests.house.figures [--rooms] [--package FOLDER]

Reads the source and imports nothing, so it works on any tree and by path, too. The exit status is 1 when a bar of
``BARS`` is broken.

rooms
    A flat module at the top of the package, a folder there with all below it, and the package's own ``__init__``, with
    ``__main__``, which is the same door for ``python -m``.
arrows
    Pairs of rooms of which the first imports the second, however often. Every import statement counts alike: at module
    level, late (inside a function) and for types only (below ``if TYPE_CHECKING``). So the lazy names of an
    ``__init__`` count by their imports for types; what is loaded by text (``import_module``) does not count.
    ``from . import name`` reaches the module of that name, or else the folder's ``__init__``.
floors
    A room that imports no other is on floor 1, any other on the floor above the highest room that it imports: the
    number of floors is the length of the longest chain. Rooms of one circle share a floor.
circles, arrows up
    A circle is a set of rooms, or of files, that all reach each other. Floors follow the arrows, so an arrow points up
    only inside a circle, and all arrows there count. What each folder may import is held by the layer test instead.
module lines, function lines
    All lines of a file; the lines of a body without the docstring. A nested function counts for itself and for the
    function around it, a lambda for nothing.
"""

from __future__ import annotations

import argparse
import ast
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: What the plan may cost at most; the names are those of ``Figures.measures()``.
BARS = {
    "rooms": 28,
    "floors": 12,
    "arrows up": 0,
    "circles of rooms": 0,
    "circles of files": 0,
    "largest module": 270,
    "longest function": 40,
}

Graph = Mapping[str, Iterable[str]]


@dataclass(frozen=True)
class Import:
    target: str
    #: "" at module level, "late" inside a function, "types" for type checkers only.
    kind: str


@dataclass(frozen=True)
class Function:
    name: str
    file: str
    line: int
    lines: int


@dataclass(frozen=True)
class Figures:
    #: Room → room that it imports → kinds of the imports.
    rooms: Mapping[str, Mapping[str, frozenset[str]]]
    #: Module → modules that it imports.
    files: Mapping[str, frozenset[str]]
    #: File, relative to the package → lines.
    module_lines: Mapping[str, int]
    functions: list[Function]

    def measures(self) -> dict[str, int]:
        circles = circles_of(self.rooms)
        return {
            "rooms": len(self.rooms),
            "floors": max(floors_of(self.rooms).values(), default=0),
            "arrows": sum(map(len, self.rooms.values())),
            "arrows up": sum(len({*self.rooms[room]} & {*circle}) for circle in circles for room in circle),
            "circles of rooms": len(circles),
            "circles of files": len(circles_of(self.files)),
            "files": len(self.files),
            "longest chain of files": max(floors_of(self.files).values(), default=0),
            "largest module": max(self.module_lines.values(), default=0),
            "functions": len(self.functions),
            "longest function": max((function.lines for function in self.functions), default=0),
            "median function": round(statistics.median([function.lines for function in self.functions] or [0])),
        }


def broken(measures: Mapping[str, int], bars: Mapping[str, int]) -> list[str]:
    """Find the measures that are above their bar."""
    return [name for name, bar in bars.items() if measures[name] > bar]


# Reading


def count(package: Path) -> Figures:
    """Read a package and count.

    :raises ValueError: if the folder has no ``__init__.py``.
    """
    if not (package / "__init__.py").is_file():
        raise ValueError(f"{package} is no package: it has no __init__.py; name the package's own folder")
    package = package.resolve()
    paths = {_module_of(package, path): path for path in sorted(package.rglob("*.py"))}
    trees = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in paths.items()}
    rooms: dict[str, dict[str, frozenset[str]]] = {_room_of(module): {} for module in sorted(paths)}
    files: dict[str, frozenset[str]] = {}
    functions: list[Function] = []
    for module, tree in trees.items():
        is_package = paths[module].name == "__init__.py"
        found = list(_imports(tree, module if is_package else module.rpartition(".")[0], paths))
        files[module] = frozenset(one.target for one in found if one.target != module)
        room = _room_of(module)
        for one in found:
            if (target := _room_of(one.target)) != room:
                rooms[room][target] = rooms[room].get(target, frozenset()) | {one.kind}
        functions += _functions(tree, paths[module].relative_to(package).as_posix())
    lines = {path.relative_to(package).as_posix(): len(path.read_bytes().splitlines()) for path in paths.values()}
    return Figures(rooms, files, lines, functions)


def _module_of(package: Path, path: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room_of(module: str) -> str:
    _, _, inside = module.partition(".")
    room = inside.partition(".")[0]
    return "__init__" if room in ("", "__main__") else room


def _imports(tree: ast.Module, folder: str, modules: Iterable[str]) -> Iterator[Import]:
    """Find the imports of own modules; relative ones start from the folder."""
    top = folder.partition(".")[0]

    def visit(node: ast.AST, kind: str) -> Iterator[Import]:
        for name in _names(node, folder):
            if name.partition(".")[0] == top:
                yield Import(_nearest(name, modules), kind)
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, "types" if _is_for_types(node, child) else kind or ("late" if is_function else ""))

    return visit(tree, "")


def _names(node: ast.AST, folder: str) -> list[str]:
    """Return the full names of what an import statement reaches: modules, or names in one."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    above = folder.split(".")[: len(folder.split(".")) - node.level + 1] if node.level else []
    base = ".".join([*above, *([node.module] if node.module else [])])
    return [f"{base}.{alias.name}" for alias in node.names]


def _is_for_types(node: ast.AST, child: ast.AST) -> bool:
    is_guarded = isinstance(node, ast.If) and child in node.body
    return is_guarded and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _nearest(name: str, modules: Iterable[str]) -> str:
    while name not in modules:
        name = name.rpartition(".")[0]
    return name


def _functions(tree: ast.Module, file: str) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            yield Function(node.name, file, node.lineno, lines)


# Graphs


def circles_of(graph: Graph) -> list[list[str]]:
    """Find the sets of nodes that all reach each other, each in order, alone ones left out."""
    groups = {members for members in _groups(graph).values() if len(members) > 1}
    return sorted(sorted(members) for members in groups)


def floors_of(graph: Graph) -> dict[str, int]:
    """Return each node's floor: 1 where it points to nothing, else 1 above the highest that it points to."""
    groups = _groups(graph)

    @cache
    def floor(members: frozenset[str]) -> int:
        below = {target for node in members for target in graph[node]} - members
        return 1 + max((floor(groups[target]) for target in below), default=0)

    return {node: floor(members) for node, members in groups.items()}


def chain_of(graph: Graph) -> list[str]:
    """Return one of the longest chains, from the top floor down, without circles."""
    floors = floors_of(graph)
    chain: list[str] = []
    below: Iterable[str] = graph
    while lower := [node for node in below if not chain or floors[node] < floors[chain[-1]]]:
        chain.append(max(sorted(lower), key=floors.__getitem__))
        below = graph[chain[-1]]
    return chain


def _groups(graph: Graph) -> dict[str, frozenset[str]]:
    """Return each node's circle; a node without one is alone in it."""
    reached = {node: _reach(graph, node) for node in graph}
    return {node: frozenset({node, *(other for other in reached[node] if node in reached[other])}) for node in graph}


def _reach(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    new = {*graph[start]}
    while new:
        found |= new
        new = {target for node in new for target in graph[node]} - found
    return found


# Printing


def report(figures: Figures) -> Iterator[str]:
    """Write a line for each measure, with its bar, and the culprits below."""
    measures = figures.measures()
    above = broken(measures, BARS)
    for name, value in measures.items():
        bar = f"at most {BARS[name]}" if name in BARS else ""
        yield f"{name:24}{value:6}  {bar:12}{'  BROKEN' if name in above else ''}".rstrip()
    yield f"longest chain of rooms: {' > '.join(chain_of(figures.rooms))}"
    for circle in circles_of(figures.rooms) + circles_of(figures.files):
        yield f"circle: {', '.join(circle)}"
    for file, lines in figures.module_lines.items():
        if lines > BARS["largest module"]:
            yield f"module of {lines} lines: {file}"
    for function in figures.functions:
        if function.lines > BARS["longest function"]:
            yield f"function of {function.lines} lines: {function.file}:{function.line} {function.name}"


def list_rooms(figures: Figures) -> Iterator[str]:
    """Write a line for each room, the top floor first: floor, room, what it imports, and how if not at its top."""
    floors = floors_of(figures.rooms)
    for room in sorted(figures.rooms, key=lambda room: (-floors[room], room)):
        targets = [
            target + ("" if "" in kinds else f" ({', '.join(sorted(kinds))})")
            for target, kinds in sorted(figures.rooms[room].items(), key=lambda found: (-floors[found[0]], found[0]))
        ]
        yield f"{floors[room]:3}  {room:20} {', '.join(targets)}".rstrip()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rooms", action="store_true", help="list the rooms: floor, name, what each imports")
    own = Path(__file__).resolve().parents[2] / "flask_datastar"
    parser.add_argument("--package", type=Path, default=own, help="the package's folder")
    options = parser.parse_args(arguments)
    try:
        figures = count(options.package)
    except ValueError as error:
        parser.error(str(error))
    print(*report(figures), *(["", *list_rooms(figures)] if options.rooms else []), sep="\n")
    return 1 if broken(figures.measures(), BARS) else 0


if __name__ == "__main__":
    sys.exit(main())
