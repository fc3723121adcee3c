"""Templates: the names that a request set, and the rendering of a template, a block or a macro."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import flask
from flask import Flask
from jinja2 import Template
from jinja2.runtime import Context, Macro

from ..state.app import with_context
from ..state.request import find_request_state, own_request_state


def install_context_processor(app: Flask) -> None:
    """Let every template see the names set by ``signal`` and ``assign``.

    First in the list, so that Flask's own names and those of other context processors win over them; Jinja's globals
    are left out, because a context variable would hide them.
    """

    def tracked_names() -> dict[str, Any]:
        state = find_request_state()
        if state is None or not state.tracked.visible:
            return {}
        taken = app.jinja_env.globals
        return {name: value for name, value in state.tracked.visible.items() if name not in taken}

    app.template_context_processors[None].insert(0, tracked_names)


@contextmanager
def rendering_for_others() -> Iterator[None]:
    """Keep what belongs to the current request's user out of what is rendered inside the block."""
    state = own_request_state()
    if state is None:
        yield
        return
    before, state.renders_for_others = state.renders_for_others, True
    try:
        yield
    finally:
        state.renders_for_others = before


def _visible_names(app: Flask, names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names that hide nothing in a template, as those of the request do not."""
    if not names:
        return {}
    known: dict[str, Any] = dict(app.jinja_env.globals)
    app.update_template_context(*with_context(known))
    return {name: value for name, value in names.items() if name not in known}


def render_part(
    app: Flask,
    name: str,
    *,
    block: str | None = None,
    macro: str | None = None,
    context: Mapping[str, Any] | None = None,
    own_names: Mapping[str, Any] | None = None,
) -> str:
    """Render a template, one of its blocks, or one of its macros.

    :param context: names for the template; a macro gets its arguments by name from it.
    :param own_names: further names, which hide nothing and are no arguments.
    :raises ValueError: both a block and a macro are given, or the template has none of that name.
    """
    if block is not None and macro is not None:
        raise ValueError(f"both block={block!r} and macro={macro!r} are given; give one of them")
    arguments = dict(context or {})
    values = {**_visible_names(app, own_names or {}), **arguments}
    if block is None and macro is None:
        return flask.render_template(name, **values)
    template = app.jinja_env.get_or_select_template(name)
    app.update_template_context(*with_context(values))
    if block is not None:
        return _render_block(template, values, block)
    assert macro is not None
    return _render_macro(template, values, macro, arguments)


def _render_macro(template: Template, values: dict[str, Any], name: str, arguments: dict[str, Any]) -> str:
    context = template.new_context(values)
    page = template.root_render_func(context)
    for _ in page:
        # The layout is only in the way: it would take flashed messages, for example, and throw them away.
        if name in context.exported_vars and _extends_another(template, context):
            break
    page.close()  # type: ignore[attr-defined]
    macro = context.get_exported().get(name)
    if not isinstance(macro, Macro):
        raise ValueError(f"template {template.name!r} has no macro {name!r}")
    return str(macro(**arguments))


def _render_block(template: Template, values: dict[str, Any], name: str) -> str:
    """Render one block as it would appear in the page: inherited ones and ``super()`` work, and what the template sets
    or imports before the block is known in it.

    The page is rendered up to the block, whose function is exchanged for one that keeps the block's own output. In a
    template that extends another one, everything at the top level runs before the layout's first output, so there it
    is enough to go that far.
    """
    context = template.new_context(values)
    page = template.root_render_func(context)
    try:
        next(page, None)
        if name not in context.blocks:
            known = ", ".join(sorted(context.blocks)) or "none"
            raise ValueError(f"template {template.name!r} has no block {name!r}; it has: {known}")
        if not _extends_another(template, context):
            return _render_up_to_block(template, values, name)
        return "".join(context.blocks[name][0](context))
    except ValueError:
        raise
    except Exception:
        template.environment.handle_exception()
    finally:
        page.close()  # type: ignore[attr-defined]


def _extends_another(template: Template, context: Context) -> bool:
    """Whether a template, which has begun to give output, extends another one: that has blocks, too."""
    return len(template.blocks) != len(context.blocks) or any(len(chain) > 1 for chain in context.blocks.values())


class _BlockDone(Exception):
    """Raised to leave the page once its block is rendered."""


def _render_up_to_block(template: Template, values: dict[str, Any], name: str) -> str:
    context = template.new_context(values)
    render = context.blocks[name][0]
    found: list[str] = []

    def keep(inner: Context) -> Iterator[str]:
        found.extend(render(inner))
        raise _BlockDone
        yield

    context.blocks[name][0] = keep
    try:
        for _ in template.root_render_func(context):
            pass
    except _BlockDone:
        return "".join(found)
    # The page does not get to the block with these values (it stands in an {% if %}); all that the page sets is known.
    context.blocks[name][0] = render
    return "".join(render(context))
