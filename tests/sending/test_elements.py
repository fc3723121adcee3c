"""Components as people write them: callables, Markup, htpy, dominate, templates, blocks, macros; and their place."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any

import dominate
import htpy
import pytest
from dominate import tags
from flask import Flask, render_template, render_template_string
from markupsafe import Markup

from flask_datastar import Datastar, StarView, event, sse
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.support.actions import keyed

HOSTILE = "<script>alert('x')</script>"
ESCAPED = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"

TEMPLATES = {
    "row.html": "<li id='r'>{{ name }}</li>",
    "row.svg": "<g id='r'>{{ name }}</g>",
    "row.txt": "<li id='r'>{{ name }}</li>",
    "row.jinja": "<li id='r'>{{ name }}</li>",
    "page.html": "<html>{% block row %}<li id='r'>{{ name }}</li>{% endblock %}</html>",
    "page.txt": "{% block row %}<li id='r'>{{ name }}</li>{% endblock %}",
    "macros.html": "{% macro row(name) %}<li id='r'>{{ name }}</li>{% endmacro %}",
    "macros.txt": "{% macro row(name) %}<li id='r'>{{ name }}</li>{% endmacro %}",
}


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(templates=TEMPLATES)


Names = Mapping[str, Any]


class Card:
    """A component that is a class: made of the names, it gives its HTML."""

    def __init__(self, names: Names) -> None:
        self.name = names["name"]

    def __html__(self) -> str:
        return Markup("<li id='r'>{}</li>").format(self.name)


class Renderer:
    def __call__(self, names: Names) -> str:
        return Markup("<li id='r'>{}</li>").format(names["name"])


def htpy_row(names: Names) -> htpy.Element:
    return htpy.li("#r")[names["name"]]


def dominate_row(names: Names) -> tags.html_tag:
    return tags.li(names["name"], id="r")


@pytest.mark.parametrize(
    "component",
    [
        lambda names: Markup("<li id='r'>{}</li>").format(names["name"]),
        lambda names: [Markup("<li id='r'>{}</li>").format(names["name"])],
        lambda names: render_template("row.html"),
        lambda names: render_template_string("<li id='r'>{{ name }}</li>"),
        lambda names: render_template("row.html", **names),
        Card,
        Renderer(),
        htpy_row,
        lambda names: [htpy_row(names)],
        lambda names: htpy.fragment[htpy_row(names)],
        dominate_row,
        lambda names: [dominate_row(names)],
    ],
)
def test_component_gets_the_names_of_the_request(
    datastar: Datastar, tab: DatastarClient, component: Callable[..., Any]
) -> None:
    @datastar.handler(group="g")
    def act(name: str) -> None:
        datastar.signal("name", name)
        datastar.patch_elements(component)

    html = tab.post("g.act", name=HOSTILE).html

    # Apart from quotes, which libraries write and escape in their own ways.
    assert html.replace('"', "'").replace("'x'", "&#39;x&#39;").strip() == f"<li id='r'>{ESCAPED}</li>"


def test_names_cannot_be_changed_by_accident_of_a_component(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        datastar.assign("name", "Ada")
        datastar.signal("count", 1)
        seen: list[dict[str, Any]] = []

        def note(names: Names) -> str:
            seen.append(dict(names))
            return "<p id='a'></p>"

        datastar.patch_elements(note)

    assert seen == [{"name": "Ada", "count": 1}]


@pytest.mark.parametrize("make", [htpy.p("#a")["x"], tags.p("x", id="a"), Markup("<p id='a'>x</p>")])
def test_elements_are_sent_whichever_way(datastar: Datastar, tab: DatastarClient, make: Any) -> None:
    @datastar.view("/", group="page")
    class PageView(StarView):
        def html(self) -> Any:
            return make

        @event
        def sent(self) -> None:
            datastar.patch_elements(make)

        @event
        def listed(self) -> None:
            datastar.patch_elements([make, make])

        @event
        def returned(self) -> Any:
            return make

        @event
        def yielded(self) -> Any:
            yield make

    text = str(make)
    assert tab.client.get("/").text == text
    for name in ("sent", "returned", "yielded"):
        assert tab.post("page", name).html == text
    assert tab.post("page.listed").html == f"{text}\n{text}"
    assert sse.patch_elements(make).arguments["elements"] == text


def test_whole_documents_of_libraries_are_pages(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/htpy")
    class HtpyView(StarView):
        def html(self) -> Any:
            return htpy.html[htpy.head[htpy.title["T"], datastar.script()], htpy.body[HOSTILE]]

    @datastar.view("/dominate")
    class DominateView(StarView):
        def html(self) -> Any:
            page = dominate.document(title="T")
            page += tags.p(HOSTILE)
            return page

    for path in ("/htpy", "/dominate"):
        response = tab.client.get(path)
        assert response.mimetype == "text/html"
        assert response.text.lower().startswith("<!doctype html>")
        assert "alert" in response.text
        assert "<script>alert" not in response.text


def test_actions_stand_in_attributes_of_libraries(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act(text: str) -> None: ...

    with app.test_request_context():
        # They escape attributes themselves, Markup too.
        action = datastar.post("g.act", text="\"'<&").js
        buttons = [htpy.button({"data-on:click": action}), tags.button(**{"data-on:click": action})]

    assert action == keyed("@post('/ds/g/act?text=%22%27%3C%26')")
    for button in buttons:
        assert html.unescape(str(button)) == f'<button data-on:click="{action}"></button>'


# Templates


@pytest.mark.parametrize(
    ("options", "is_escaped"),
    [
        ({"name": "row.html"}, True),
        ({"name": "row.svg"}, True),
        ({"name": "row.txt"}, False),
        ({"name": "row.jinja"}, False),
        ({"name": "page.html", "block": "row"}, True),
        ({"name": "page.txt", "block": "row"}, False),
        ({"name": "macros.html", "macro": "row"}, True),
        ({"name": "macros.txt", "macro": "row"}, False),
    ],
)
def test_autoescape_is_as_flask_decides_by_the_file_name(
    app: Flask, datastar: Datastar, tab: DatastarClient, options: dict[str, str], is_escaped: bool
) -> None:
    @datastar.handler(group="g")
    def act(name: str) -> None:
        datastar.assign("name", name)
        datastar.patch_template(**options, context={"name": name} if "macro" in options else None)

    html = tab.post("g.act", name=HOSTILE).html

    assert (ESCAPED in html, HOSTILE in html) == (is_escaped, not is_escaped)
    with app.test_request_context():
        assert app.select_jinja_autoescape(options["name"]) == is_escaped


def test_view_patches_a_block_of_its_own_template(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/", group="page")
    class PageView(StarView):
        template = "page.html"

        def load(self) -> None:
            datastar.assign("name", HOSTILE)

        @event
        def act(self) -> None:
            datastar.patch_template(self.template, block="row")

    row = f"<li id='r'>{ESCAPED}</li>"
    assert tab.client.get("/").text == f"<html>{row}</html>"
    assert tab.post("page.act").html == row


def test_names_are_in_templates_rendered_by_hand(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @app.post("/plain")
    def plain() -> Any:
        datastar.assign("name", "Ada")
        return datastar.patch_elements(render_template("row.html"))

    @datastar.handler(group="g")
    def act() -> str:
        datastar.signal("name", "Bob")
        return render_template("row.html")

    assert tab.post("/plain").html == "<li id='r'>Ada</li>"
    assert tab.post("g.act").html == "<li id='r'>Bob</li>"


# Elements without a place


def patched(app: Flask, html: Any, **options: Any) -> bytes:
    datastar: Datastar = app.extensions["datastar"]
    with app.test_request_context():
        return datastar.patch_elements(html, **options).event_queue[0]


@pytest.mark.parametrize("mode", [{"DEBUG": True, "TESTING": False}, {"TESTING": True}])
@pytest.mark.parametrize("options", [{}, {"mode": "outer"}, {"mode": "replace"}, {"namespace": "svg"}])
def test_missing_id_is_an_error_where_people_develop_and_test(
    make_app: MakeApp, mode: dict[str, bool], options: dict[str, str]
) -> None:
    app = make_app(**mode)

    with pytest.raises(
        ValueError,
        match=r"^the client would skip '<g class=\"x\">', which has no id: without a selector each top-level element",
    ):
        patched(app, '<g id="a"></g>\n<g class="x">text</g>', **options)


@pytest.mark.parametrize(
    "options",
    [
        {"to": "a"},
        {"selector": "#a"},
        {"to": "a", "mode": "replace"},
        {"to": "a", "mode": "inner"},
        {"selector": "a", "mode": "append"},
    ],
)
def test_named_place_needs_no_id(app: Flask, options: dict[str, str]) -> None:
    assert b"<p>text</p>" in patched(app, "<p>text</p>", **options)


@pytest.mark.parametrize("html", ["<html><body><p></p></body></html>", "<p id=a>", "", "text"])
def test_what_the_client_places_needs_none(app: Flask, html: str) -> None:
    patched(app, html)


def test_production_sends_what_it_is_given(make_app: MakeApp) -> None:
    app = make_app(TESTING=False, DEBUG=False)

    assert patched(app, "<p>text</p>") == b"event: datastar-patch-elements\ndata: elements <p>text</p>\n\n"


def test_missing_id_is_an_error_whatever_way_the_html_goes(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler(group="g")
    def returned() -> str:
        return "<p>x</p>"

    @datastar.handler(group="g")
    def made() -> Any:
        return [sse.patch_elements("<p>x</p>")]

    @datastar.handler(group="g")
    def component() -> None:
        datastar.patch_elements(lambda names: htpy.p["x"])

    @datastar.handler(group="g")
    def template() -> None:
        datastar.patch_template("macros.html", macro="row", context={"name": "x"}, to="x", mode="append")
        app.jinja_loader.mapping["bare.html"] = "{% block a %}<p>x</p>{% endblock %}"  # type: ignore[union-attr]
        datastar.patch_template("bare.html", block="a")

    @datastar.handler(group="g")
    def broadcast() -> None:
        datastar.broadcast("topic").patch_elements("<p>x</p>")

    @datastar.handler(group="g")
    def started() -> Any:
        return datastar.start().patch_elements("<p>x</p>")

    for name in ("returned", "made", "component", "template", "broadcast", "started"):
        with pytest.raises(ValueError, match=r"^the client would skip '<p>', which has no id"):
            tab.post("g", name)


def test_other_events_need_no_id(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler(group="g")
    def act() -> Any:
        datastar.send("datastar-toast", ["elements <p>"])
        return [sse.raw("datastar-toast", ["elements <p>"]), sse.remove_elements("#a")]

    assert len(tab.post("g.act").events) == 3
