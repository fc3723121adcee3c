"""Views whose URLs have parameters, components of libraries, and elements that the client cannot place."""

from __future__ import annotations

from collections.abc import Iterator

import htpy
from dominate import tags
from markupsafe import Markup

from flask_datastar import Signals, StarView, event
from tests.live.apps.base import make_app, render_page

app, datastar = make_app(__name__)


@datastar.view("/shelf/<path:name>/<int(signed=True):start>")
class ShelfView(StarView):
    def load(self, name: str, start: int) -> None:
        self.title = f"{name} {start}"

    def show(self, name: str, start: int) -> None:
        datastar.signal("count", start)

    def html(self) -> str:
        return render_page(
            """<main data-signals="{{ datastar.init_signals() }}">
            <p id="title"></p><p id="placed"></p><b data-text="$count"></b>
            <button id="add" data-on:click="{{ datastar.post('add') }}"></button>
            <button id="steps" data-on:click="{{ datastar.post('steps') }}"></button>
            <button id="sort" data-on:click="{{ datastar.post('sort-by_name') }}"></button>
            <button id="libraries" data-on:click="{{ datastar.post('libraries') }}"></button>
            <button id="lost" data-on:click="{{ datastar.post('lose') }}"></button>
            </main>"""
        )

    @event
    def add(self, count: int) -> None:
        datastar.signal("count", count + 1)
        datastar.patch_elements(Markup('<p id="title">{}</p>').format(self.title))

    @event
    def steps(self, count: int) -> Iterator[str | None]:
        for _ in range(3):
            count += 1
            datastar.signal("count", count)
            yield Markup('<p id="title">{} after {}</p>').format(self.title, count)

    @event
    def libraries(self) -> list[object]:
        again = {"data-on:click": datastar.post("add").js}
        return [
            htpy.p("#title")[htpy.button("#htpy", again)["htpy <b>"]],
            tags.p(tags.button("dominate <b>", id="dominate", **again), id="placed"),
        ]

    @event
    def lose(self) -> str:
        return '<p class="lost">lost</p><p id="placed">placed</p>'

    def handle_event(self, event: str, signals: Signals) -> str:
        return Markup('<p id="title">{} of {}</p>').format(event, self.title)
