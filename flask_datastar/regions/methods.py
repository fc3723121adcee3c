"""The methods of ``Datastar`` for regions: the decorator, and the methods for templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from flask import has_request_context, request
from markupsafe import Markup

from ..hub.sources import Source
from ..state.app import AppState, current_app_state
from ..streams.commits import publish_at_commit
from ..streams.opening import ScopeSource
from ..streams.servers import check_publisher
from .advice import Followed, advise_of_page, advise_of_sending
from .context import current_mount
from .following import ViewSource
from .names import install_names
from .pages import live_element
from .process import live_regions_of
from .region import Region, RegionView, Topics
from .registry import RegionRegistry, show
from .rendering import html_of, spec_of
from .runs import find_live_run
from .tracking import install_tracking


class RegionHelpers:
    """The methods for regions that templates have, too."""

    _regions: RegionRegistry

    def show(self, target: object, name: str | None = None, /, **arguments: Any) -> RegionView:
        """Return a view of a region that is named: ``{{ datastar.show("cards", board_id=3) }}`` puts it into a page.

        :param target: a region; a module and a region's name; ``"shop.cart.items"``; or ``"items"`` alone.
        :param arguments: the region's arguments.
        :raises SetupError: if no region fits, or several do.
        """
        return show(self._regions, target, name, arguments)

    def live(self, *, scope: ScopeSource = None) -> Markup:
        """Return the element that keeps a page's regions up to date. It stands once in a page, best after its regions.

        The page's own URL is its stream: the view runs again for it, as for an ordinary visitor, and the stream follows
        the regions that the view shows. The result is empty in the response to another method than GET, and in
        the response to a Datastar request.

        :param scope: whose stream it is, as in :meth:`stream`.
        :raises SetupError: if the page has the element already.
        """
        return live_element(scope)


class RegionMethods(RegionHelpers):
    """The methods of ``Datastar`` for regions."""

    @property
    def is_live_run(self) -> bool:
        """Whether a view runs for its page's stream, which drops its HTML. Skip then what is costly or counts."""
        return has_request_context() and find_live_run(request) is not None

    # typing would keep them, and so Flask, until it is itself torn down.
    if TYPE_CHECKING:

        @overload
        def region(self, function: Callable[..., Any], /) -> Region: ...
        @overload
        def region(
            self,
            /,
            *,
            name: str | None = None,
            group: str | None = None,
            topics: Topics = None,
            tables: Any = None,
            at_most_every: float = 0.1,
            compress: bool = True,
        ) -> Callable[[Callable[..., Any]], Region]: ...

    def region(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        group: str | None = None,
        topics: Topics = None,
        tables: Any = None,
        at_most_every: float = 0.1,
        compress: bool = True,
    ) -> Any:
        """Declare a part of a page that stays as it is on the server, in every browser that shows it.

        The function returns the HTML of one element with an id. It runs without a request, because all viewers get the
        same HTML: pass what it needs as arguments. It runs again after a commit that has written a table which it read
        (with Flask-SQLAlchemy), after a message on one of its topics, and after ``changed()``.

        :param topics: a topic, a list of topics, or a function that takes the region's arguments and returns these.
        :param tables: instead of the tables that it reads: a model, a list of models, ``{Model: "attribute"}`` for the
            rows whose attribute equals the argument of that name, ``()`` for none.
        :param at_most_every: seconds between two renderings for the streams that follow a view, 0 or more.
        :param compress: False sends the region as it is. All that a page's stream follows is compressed together, so
            whoever can write into one region of the page, and sees how many bytes go out, can guess the text of others.
        :return: the :class:`Region`; calling it returns a view.
        :raises SetupError: if the declaration cannot work, or if the name is taken.
        """

        def declare(function: Callable[..., Any]) -> Region:
            region = Region(
                function,
                _Doors(self),
                name=name,
                group=group,
                topics=topics,
                tables=tables,
                at_most_every=at_most_every,
                compress=compress,
            )
            self._regions.add(region)
            return region

        return declare if function is None else declare(function)


class _Doors:
    """The doors of one instance's regions into the app of the current context."""

    def __init__(self, extension: object) -> None:
        self._extension = extension

    def html(self, view: RegionView) -> str:
        """Return the HTML of a view where it is put now."""
        app_state = current_app_state(self._extension)
        if app_state.app.debug:
            advise_of_page(app_state)
            advise_of_sending(app_state, live_regions_of(app_state).views, spec_of(view, current_mount(app_state)))
        return html_of(app_state, view)

    def source(self, view: RegionView) -> Source:
        """Return the source of a view for a stream of the current request."""
        app_state = current_app_state(self._extension)
        if app_state.app.debug:
            app_state.part(Followed).by_own_streams.add(view.region.key)
        is_back = has_request_context() and "Last-Event-ID" in request.headers
        return ViewSource(app_state, spec_of(view, current_mount(app_state)), is_back=is_back)

    def changed(self, region: Region, texts: Mapping[str, str]) -> None:
        """Render views again in all processes, after the commit of a transaction with changes."""
        app_state = current_app_state(self._extension)
        check_publisher(app_state)
        publish = partial(live_regions_of(app_state).tell_changed, region.key, texts)
        if not publish_at_commit(app_state, publish):
            publish()


def install_regions(app_state: AppState, registry: RegionRegistry) -> None:
    """Set an app up for the regions of its instance, as soon as it has any."""
    registry.install(app_state, _install)


def _install(app_state: AppState, registry: RegionRegistry) -> None:
    app_state.has_regions = True
    install_names(app_state)
    install_tracking(app_state, registry)
