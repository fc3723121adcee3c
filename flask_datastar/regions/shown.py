"""The views that the current request's page shows."""

from __future__ import annotations

from flask import Request, current_app, request

from ..errors import SetupError
from ..reading.signals import is_datastar_request
from ..streams.opening import ScopeSource
from .context import Mount
from .digests import html_digest
from .region import RegionView

_KEY = "_flask_datastar_regions"


class ShownViews:
    """The views of one page, and the ids of their elements.

    :param is_run: whether the page's view runs for its stream only, so that nobody gets the HTML of its views.
    """

    def __init__(self, *, is_run: bool = False) -> None:
        self.is_run = is_run
        #: The views that are not inside other views, by identity: view, mount, and the digest of the HTML.
        self.top: dict[str, tuple[RegionView, Mount, bytes]] = {}
        #: Whether the page has ``datastar.live()``.
        self.is_live = False
        #: The scope that ``datastar.live()`` got.
        self.scope: ScopeSource = None
        self._ids: dict[str, RegionView] = {}
        # A handler may send one view several times.
        self._is_checked = (current_app.debug or current_app.testing) and not is_datastar_request(request)

    def note_top(self, view: RegionView, mount: Mount, html: str) -> None:
        """Add a view that is not inside another view."""
        self.top[view.identity] = view, mount, html_digest(html)

    def check(self, view: RegionView, element_id: str) -> None:
        """Check, in debug mode and in tests, that no other element of the page has the id of a view's element.

        :raises SetupError: if the view is on the page already, or if another view has its id.
        """
        if not self._is_checked:
            return
        earlier = self._ids.get(element_id)
        if earlier is None:
            self._ids[element_id] = view
            return
        if earlier == view:
            raise SetupError(
                f"region {view} is on this page twice: the browser would update the first place only; show it once"
            )
        raise SetupError(
            f"the id of region {view} is {element_id!r}: region {earlier} on this page has it as well, and the browser "
            "would update one in place of the other; put the arguments into the id"
        )


def start_run(current: Request) -> None:
    """Only note the views that a request's page shows, because nobody gets the HTML of this page."""
    current.__dict__[_KEY] = ShownViews(is_run=True)


def find_shown_views(current: Request) -> ShownViews | None:
    """Return the views that a request's page shows; None before its first region or ``datastar.live()``."""
    found: ShownViews | None = current.__dict__.get(_KEY)
    return found


def shown_views() -> ShownViews:
    """Return the views that the current request's page shows, at first an empty collection."""
    found = find_shown_views(request)
    if found is None:
        found = request.__dict__[_KEY] = ShownViews()
    return found
