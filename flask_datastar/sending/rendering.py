"""The rendering of templates, blocks and macros, with the names that the request has set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import flask
from flask import Flask
from jinja2 import Template
from jinja2.runtime import Macro

from ..state.app import with_context
from ..state.request import ensure_request_state, find_request_state
from .blocks import extends_another, render_block


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
    state = ensure_request_state()
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
        return render_block(template, values, block)
    assert macro is not None
    return _render_macro(template, values, macro, arguments)


def _render_macro(template: Template, values: dict[str, Any], name: str, arguments: dict[str, Any]) -> str:
    context = template.new_context(values)
    page = template.root_render_func(context)
    for _ in page:
        # The layout must not run: it would consume flashed messages, for example, without showing them.
        if name in context.exported_vars and extends_another(template, context):
            break
    page.close()  # type: ignore[attr-defined]
    macro = context.get_exported().get(name)
    if not isinstance(macro, Macro):
        raise ValueError(f"template {template.name!r} has no macro {name!r}")
    return str(macro(**arguments))
