"""One block of a template, rendered alone.

In a template that extends another one, everything at the top level runs before the layout's first output, so the block
can be rendered then. In any other one the page is rendered up to the block, without its other blocks, and only the
block's output is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from jinja2 import Template, TemplateError, meta, nodes
from jinja2.runtime import Context

BlockFunction = Callable[[Context], Iterator[str]]


@dataclass(frozen=True, slots=True)
class _Place:
    """The surroundings of a block in its template."""

    #: The blocks that it is in.
    blocks: frozenset[str] = frozenset()
    #: Names that the block uses and that loops and the like set around it; it sees them if it is ``scoped``.
    names: frozenset[str] = frozenset()


_places: WeakKeyDictionary[Template, dict[str, _Place]] = WeakKeyDictionary()


def render_block(template: Template, values: dict[str, Any], name: str) -> str:
    """Render a block as it would appear in the page: inherited ones and ``super()`` work, and what the template sets
    or imports before the block is known in it.

    :raises ValueError: if the template has no such block.
    """
    context = template.new_context(values)
    own = _exchange(context, dict.fromkeys(template.blocks, _skip))
    page = template.root_render_func(context)
    try:
        next(page, None)
        if name not in context.blocks:
            known = ", ".join(sorted(context.blocks)) or "none"
            raise ValueError(f"template {template.name!r} has no block {name!r}; it has: {known}")
        _exchange(context, own)
        if not extends_another(template, context):
            return _render_up_to_block(template, values, name)
        return "".join(context.blocks[name][0](context))
    except ValueError:
        raise
    except Exception:
        template.environment.handle_exception()
    finally:
        page.close()  # type: ignore[attr-defined]


def extends_another(template: Template, context: Context) -> bool:
    """Return whether a template that has started its output extends another one, which adds blocks."""
    return len(template.blocks) != len(context.blocks) or any(len(chain) > 1 for chain in context.blocks.values())


class _BlockDone(Exception):
    """Raised to leave the page once its block is rendered."""


def _skip(context: Context) -> Iterator[str]:
    """Yield nothing in the place of a block; the page closes it as the generator that a block is."""
    return
    yield


def _render_up_to_block(template: Template, values: dict[str, Any], name: str) -> str:
    context = template.new_context(values)
    place = _place_of(template, name)
    # A block that uses a loop's variable is rendered in the loop, unless it is given one.
    is_alone = place is not None and place.names <= values.keys()
    found: list[str] = []

    def keep(inner: Context) -> Iterator[str]:
        _exchange(context, own)
        found.extend(render(context if is_alone else inner))
        raise _BlockDone
        yield

    exchanged: dict[str, BlockFunction] = {name: keep}
    if place is not None:
        others = context.blocks.keys() - {name} - place.blocks
        # In the place of a block around it stands the block alone.
        exchanged |= dict.fromkeys(place.blocks, keep) if is_alone else {}
        exchanged |= dict.fromkeys(others, _skip)
    render = context.blocks[name][0]
    own = _exchange(context, exchanged)
    try:
        for _ in template.root_render_func(context):
            pass
    except _BlockDone:
        return "".join(found)
    except Exception as error:
        if context.blocks[name][0] is keep:
            error.add_note(
                f"This stands before block {name!r} in template {template.name!r}, which is rendered up to the block; "
                "give what it needs in context, or put it into a block of its own"
            )
        raise
    # The page does not get to the block with these values (it stands in an {% if %}); all that the page sets is known.
    _exchange(context, own)
    return "".join(render(context))


def _exchange(context: Context, functions: dict[str, BlockFunction]) -> dict[str, BlockFunction]:
    """Put functions in the place of those of blocks, and give the ones that were there."""
    before = {name: context.blocks[name][0] for name in functions}
    for name, function in functions.items():
        context.blocks[name][0] = function
    return before


def _place_of(template: Template, name: str) -> _Place | None:
    """Find what stands around a block; None where the template's source is not to be had."""
    places = _places.get(template)
    if places is None:
        environment = template.environment
        try:
            source, _, _ = environment.loader.get_source(environment, template.name)  # type: ignore[union-attr, arg-type]
            places = dict(_find_places(environment.parse(source, template.name, template.filename)))
        except (AttributeError, RuntimeError, TemplateError, TypeError):
            places = {}
        _places[template] = places
    return places.get(name)


def _find_places(
    node: nodes.Node, blocks: frozenset[str] = frozenset(), names: frozenset[str] = frozenset()
) -> Iterator[tuple[str, _Place]]:
    inside, within = blocks, names
    if isinstance(node, nodes.Block):
        used = _free_names(node) & names if node.scoped else frozenset()
        yield node.name, _Place(blocks, used)
        inside = blocks | {node.name}
    if not isinstance(node, nodes.Template | nodes.If):
        within = names | _set_names(node)
    for child in node.iter_child_nodes():
        yield from _find_places(child, inside, within)


def _free_names(block: nodes.Block) -> frozenset[str]:
    tree = nodes.Template(block.body, lineno=block.lineno)
    tree.set_environment(block.environment)  # type: ignore[arg-type]
    return frozenset(meta.find_undeclared_variables(tree))


def _set_names(node: nodes.Node) -> frozenset[str]:
    """Name what a loop, a ``with`` or a block sets for what is inside of it."""
    return frozenset(name.name for name in node.find_all(nodes.Name) if name.ctx in ("store", "param")) | (
        frozenset({"loop"}) if isinstance(node, nodes.For) else frozenset()
    )
