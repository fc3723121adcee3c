"""The rendering of templates, blocks and macros, with the names that the request has set."""

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
    """Make the names set by ``signal`` and ``assign`` visible in every template.

    The context processor is the first, so names of Flask and of other context processors win. Names of Jinja's globals
    are left out, because a context variable would hide a global.
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
    """Keep data of the current request's user out of everything that is rendered inside the ``with`` block."""
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

    :param context: names for the template; a macro takes its arguments by name from them.
    :param own_names: further names, which hide nothing and are not arguments.
    :raises ValueError: if both a block and a macro are given, or the template does not have the block or macro.
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
        # The layout must not run: it would consume flashed messages, for example, without showing them.
        if name in context.exported_vars and _extends_another(template, context):
            break
    page.close()  # type: ignore[attr-defined]
    macro = context.get_exported().get(name)
    if not isinstance(macro, Macro):
        raise ValueError(f"template {template.name!r} has no macro {name!r}")
    return str(macro(**arguments))


def _render_block(template: Template, values: dict[str, Any], name: str) -> str:
    """Render one block as it would appear in the page.

    Inherited blocks and ``super()`` work, and the block sees everything that the template sets or imports before it.
    To this end the page is rendered up to the block, whose function is replaced with one that keeps the output. In a
    template that extends another one, everything at the top level runs before the layout's first output, so rendering
    stops there.
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
    """Return whether a template that has started to render extends another one, which adds blocks of its own."""
    return len(template.blocks) != len(context.blocks) or any(len(chain) > 1 for chain in context.blocks.values())


class _BlockDone(Exception):
    """The end of a page's rendering, raised after its block was rendered."""


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
    # The page does not reach its block with these values (it stands in an {% if %}), so everything is set by now.
    context.blocks[name][0] = render
    return "".join(render(context))
