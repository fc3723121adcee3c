"""Templates: the names that a request set, and the rendering of a template, a block or a macro."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import flask
from flask import Flask
from jinja2 import Template
from jinja2.runtime import Macro

from ..state.request import find_request_state, own_request_state
from .blocks import extends_another, render_block


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


def own_names(app: Flask, names: Mapping[str, Any], context: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Add names to a template's context that hide nothing, as those of the request do not."""
    if not names:
        return context or {}
    known: dict[str, Any] = dict(app.jinja_env.globals)
    app.update_template_context(known)
    return {**{name: value for name, value in names.items() if name not in known}, **(context or {})}


def render_part(
    app: Flask,
    name: str,
    *,
    block: str | None = None,
    macro: str | None = None,
    context: Mapping[str, Any] | None = None,
) -> str:
    """Render a template, one of its blocks, or one of its macros.

    :param context: names for the template; a macro gets its arguments by name from it.
    :raises ValueError: both a block and a macro are given, or the template has none of that name.
    """
    if block is not None and macro is not None:
        raise ValueError(f"both block={block!r} and macro={macro!r} are given; give one of them")
    values = dict(context or {})
    if block is None and macro is None:
        return flask.render_template(name, **values)
    arguments = dict(values)
    template = app.jinja_env.get_or_select_template(name)
    app.update_template_context(values)
    if block is not None:
        return render_block(template, values, block)
    assert macro is not None
    return _render_macro(template, values, macro, arguments)


def _render_macro(template: Template, values: dict[str, Any], name: str, arguments: dict[str, Any]) -> str:
    context = template.new_context(values)
    page = template.root_render_func(context)
    for _ in page:
        # The layout is only in the way: it would take flashed messages, for example, and throw them away.
        if name in context.exported_vars and extends_another(template, context):
            break
    page.close()  # type: ignore[attr-defined]
    macro = context.get_exported().get(name)
    if not isinstance(macro, Macro):
        raise ValueError(f"template {template.name!r} has no macro {name!r}")
    return str(macro(**arguments))
