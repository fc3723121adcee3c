"""A block is rendered alone, in a template that extends another one and in one that does not."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, flash, get_flashed_messages
from jinja2 import ModuleLoader, StrictUndefined, UndefinedError

from flask_datastar.sending.rendering import render_part
from tests.conftest import MakeApp

BODY = """{% set mark = "!" %}{% from "macros.html" import shout %}
{% block before %}{{ missing.before }}{{ get_flashed_messages() }}{% endblock %}
{% block outer %}<h1>{{ missing.title }}</h1>
{% block inner %}<p>{{ text }}{{ mark }}{{ shout("x") }}</p>{% endblock %}
{% for row in rows %}{% block row scoped %}<i>{{ row }}{{ mark }}</i>{% endblock %}{% endfor %}
{% block deep %}{{ missing.deep }}{% block deepest %}<b>{{ self.inner() }}</b>{% endblock %}{% endblock %}
{% endblock %}{% block after %}{{ missing.after }}{% endblock %}"""
TEMPLATES = {
    "layout.html": "<html>{% block before %}{% endblock %}{% block outer %}{% endblock %}"
    "{% block after %}{% endblock %}</html>",
    "child.html": '{% extends "layout.html" %}' + BODY,
    "alone.html": BODY,
    "macros.html": "{% macro shout(text) %}{{ text|upper }}{% endmacro %}",
    "changed.html": "{% set m = 'a' %}{% block one %}{{ m }}{% endblock %}"
    "{% set m = 'b' %}{% block two %}{{ m }}{% endblock %}",
    "title.html": "<h1>{{ missing.title }}</h1>{% block list %}list{% endblock %}",
    "loop.html": "{% for row in rows %}{% block row scoped %}{{ loop.index }}{{ row }}{% endblock %}{% endfor %}",
    "with.html": "{% with a = 1 %}{% block b scoped %}{{ a }}{% endblock %}{% endwith %}",
    "if.html": "{% if yes %}{% set a = 1 %}{% block b %}{{ a }}{% endblock %}{% endif %}",
    "first.html": "{% block outer %}{{ missing.first }}{% block inner %}in{% endblock %}{% endblock %}",
}


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(templates=TEMPLATES)


def part(app: Flask, name: str, block: str, **context: Any) -> str:
    with app.test_request_context():
        return render_part(app, name, block=block, context=context)


@pytest.mark.parametrize("template", ["child.html", "alone.html"])
@pytest.mark.parametrize(
    ("block", "html"),
    [("inner", "<p>Tea!X</p>"), ("row", "<i>one!</i>"), ("deepest", "<b><p>Tea!X</p></b>")],
)
def test_block_inside_another_is_rendered_alone(app: Flask, template: str, block: str, html: str) -> None:
    assert part(app, template, block, text="Tea", row="one") == html


@pytest.mark.parametrize("undefined", [None, StrictUndefined])
def test_block_that_is_the_first_of_its_page_is_rendered_alone(app: Flask, undefined: Any) -> None:
    if undefined is not None:
        app.jinja_env.undefined = undefined

    assert part(app, "first.html", "inner") == "in"


@pytest.mark.parametrize("template", ["child.html", "alone.html"])
def test_other_blocks_take_nothing(app: Flask, template: str) -> None:
    with app.test_request_context():
        flash("hello")
        render_part(app, template, block="inner", context={"text": "Tea"})

        assert get_flashed_messages() == ["hello"]


@pytest.mark.parametrize("block", ["outer", "before", "deep"])
def test_block_that_lacks_something_itself_fails(app: Flask, block: str) -> None:
    for template in ("child.html", "alone.html"):
        with pytest.raises(UndefinedError) as caught:
            part(app, template, block)
        assert not getattr(caught.value, "__notes__", [])


def test_what_is_set_before_the_block_counts(app: Flask) -> None:
    assert (part(app, "changed.html", "one"), part(app, "changed.html", "two")) == ("a", "b")


def test_page_that_fails_before_its_block_says_why_it_was_rendered(app: Flask) -> None:
    with pytest.raises(UndefinedError) as caught:
        part(app, "title.html", "list")

    (note,) = caught.value.__notes__
    assert note.startswith("This stands before block 'list' in template 'title.html'")
    assert "give what it needs in context" in note


@pytest.mark.parametrize(
    ("template", "block", "context", "html"),
    [
        ("loop.html", "row", {"rows": ["x", "y"]}, "1x"),
        ("alone.html", "row", {"rows": ["x", "y"], "row": "given"}, "<i>given!</i>"),
        ("with.html", "b", {}, "1"),
        ("with.html", "b", {"a": 2}, "2"),
        ("if.html", "b", {"yes": True}, "1"),
        ("if.html", "b", {"yes": False}, ""),
    ],
)
def test_scoped_block_has_what_is_given_or_else_what_its_page_sets(
    app: Flask, template: str, block: str, context: dict[str, Any], html: str
) -> None:
    assert part(app, template, block, **context) == html


def test_template_without_its_source_is_rendered_up_to_the_block(app: Flask, tmp_path: Any) -> None:
    app.jinja_env.compile_templates(tmp_path, zip=None)
    app.jinja_env.loader = ModuleLoader(tmp_path)
    app.jinja_env.cache.clear()  # type: ignore[union-attr]

    assert part(app, "changed.html", "two") == "b"
    with pytest.raises(UndefinedError) as caught:
        part(app, "first.html", "inner")
    assert caught.value.__notes__
