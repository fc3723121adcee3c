"""The HTML of a view in a page, inside another view, or for all streams that follow it."""

from __future__ import annotations

from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, NoReturn

from flask import has_request_context

from ..errors import SetupError
from ..sansio.elements import html_text
from ..sansio.markup import find_root
from ..state.app import AppState
from ..state.detached import Detached
from ..state.topic_reads import recording_topics
from .advice import advise_of_reads
from .apart import run_outside_loop
from .context import Mount, current_mount, drop_connection, lent_session, run_detached, run_in_page
from .index import Reads
from .names import needs_request
from .places import Places
from .recording import recording
from .region import RegionView, topics_of
from .shown import ShownViews, shown_views
from .tables import declared_reads
from .view import Rendered, ViewSpec

#: The HTML of a view in a run for a stream, which is dropped.
_NOTED = "<!-- region -->"


@dataclass(frozen=True, slots=True)
class _InPage:
    """A rendering into a page, in which inner views are rendered at once."""

    around: tuple[str, ...]
    session: Any
    shown: ShownViews | None


_current: ContextVar[_InPage | Places[ViewSpec] | None] = ContextVar("flask_datastar.region_rendering", default=None)


def spec_of(view: RegionView, mount: Mount) -> ViewSpec:
    """Return the specification of a view for the pages of one mount."""
    return ViewSpec(
        f"{mount} {view.identity}",
        region=view.region.key,
        arguments=view.texts,
        at_most_every=view.region.at_most_every,
        topics=topics_of(view),
        is_stored=not view.region.compress,
        source=(view, mount),
    )


def html_of(app_state: AppState, view: RegionView) -> str:
    """Return the HTML of a view: only a place for it inside a view that is rendered for streams, else its own HTML.

    In the run of a page for its stream, the view is noted and not rendered.

    :raises SetupError: if the region does not return one element with an id, if it uses a name of a request, or if it
        shows itself.
    """
    rendering, mount = _current.get(), current_mount(app_state)
    if isinstance(rendering, Places):
        return rendering.put(spec_of(view, mount))
    if rendering is None:
        shown = shown_views() if has_request_context() else None
        if shown is not None and shown.is_run:
            shown.note_top(view, mount, "")
            return _NOTED
        rendering = _InPage((), lent_session(app_state), shown)
        html, root = _render_in_page(app_state, view, mount, rendering)
        if shown is not None:
            shown.note_top(view, mount, html)
    else:
        html, root = _render_in_page(app_state, view, mount, rendering)
    if rendering.shown is not None:
        rendering.shown.check(view, root)
    return html


def render_for_streams(app_state: AppState, spec: ViewSpec) -> Rendered:
    """Render a view with places for its inner ones, in a database session of its own.

    :raises SetupError: if :func:`html_of` would raise it, or if the region shows another view twice.
    """
    view, mount = spec.source
    places: Places[ViewSpec] = Places()

    def render() -> Rendered:
        _current.set(places)
        try:
            with recording() as statements, recording_topics() as topics:
                html, _ = _call(app_state, view)
        except Exception:
            drop_connection(app_state)
            raise
        declared = declared_reads(view)
        reads = declared if declared is not None else Reads(statements=frozenset(statements))
        try:
            rendered = Rendered(places.cut(html), reads, tuple(topics))
        except ValueError as error:
            raise SetupError(
                f"region {view} shows a view twice: {error}; show it once, or with other arguments"
            ) from None
        advise_of_reads(app_state, view, rendered)
        return rendered

    return run_detached(app_state, _place(view, mount), render)


def _render_in_page(app_state: AppState, view: RegionView, mount: Mount, rendering: _InPage) -> tuple[str, str]:
    """Return the HTML of a view, and the id of its element."""
    if view.identity in rendering.around:
        raise SetupError(
            f"region {view} shows itself: a region cannot contain itself; use a macro for HTML that repeats"
        )
    inside = _InPage((*rendering.around, view.identity), rendering.session, rendering.shown)

    def render() -> tuple[str, str]:
        _current.set(inside)
        return _call(app_state, view)

    return run_in_page(app_state, _place(view, mount), render, rendering.session)


def _place(view: RegionView, mount: Mount) -> Detached:
    region = view.region
    return Detached(repr(view), region.group, region.source[0], mount.root_path, mount.blueprint)


def _call(app_state: AppState, view: RegionView) -> tuple[str, str]:
    """Call a region's function.

    :return: the HTML, and the id of its element.
    """
    try:
        # A copy for each call: a list that the function changes would change for all later viewers.
        call = partial(app_state.app.ensure_sync(view.region.function), **deepcopy(view.arguments))
        result = run_outside_loop(call) if iscoroutinefunction(view.region.function) else call()
    except RuntimeError as error:
        if needs_request(error):
            _refuse_request(view, error)
        error.add_note(f"in region {view}")
        raise
    except Exception as error:
        error.add_note(f"in region {view}")
        raise
    if result is None:
        raise SetupError(f"region {view} returned None: it has to return HTML; write return render_template(…)")
    try:
        html = html_text(result)
        return html, find_root(html)
    except (TypeError, ValueError) as error:
        raise SetupError(
            f"region {view} did not return one element with an id, by which the browser finds it: {error}; put "
            "all of its HTML into one element, such as <div id=…>"
        ) from error


def _refuse_request(view: RegionView, error: RuntimeError) -> NoReturn:
    raise SetupError(
        f"region {view} uses the request or the session: a region is rendered without a request, because all viewers "
        "get the same HTML; give it as an argument"
    ) from error
