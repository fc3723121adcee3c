"""Ids: which patches miss their element, and which may find it somewhere."""

from __future__ import annotations

from textwrap import dedent

import pytest

from flask_datastar.checks.check_ids import may_equal
from tests.checks.conftest import CheckSite

PAGE = """
<div id="list" data-signals="{number: 0, place: ''}"><p id="row-{{ row }}"></p></div>
<button data-on:click="{{ datastar.post('save') }}"></button>
<script>const made = document.createElement("p"); made.id = "made"</script>
"""


def site(body: str, more: str = "") -> str:
    return f"""
@app.get("/")
def page(): return render_template("page.html")

@datastar.handler(group="a")
def save(number: int = 0, place: str = "x"):
    {body}
{more}
"""


@pytest.mark.parametrize(
    "body",
    [
        'datastar.patch_elements("<p>x</p>", to="list", mode="inner")',
        'datastar.patch_elements("<p>x</p>", to=f"row-{number}", mode="inner")',
        'datastar.patch_elements("<p>x</p>", selector="#row-%d > p:not(#none), p" % number, mode="inner")',
        'datastar.patch_elements("<p>x</p>", selector="[href=\'#x\']", mode="inner")',
        'datastar.patch_elements("<p>x</p>", to=place, mode="inner")',
        'datastar.patch_elements("<p>x</p>", to="row-" + place, mode="inner")',
        'datastar.patch_elements("<p>x</p>", to="row-{}".format(number), mode="inner")',
        "datastar.patch_elements(\"<p id='made'>x</p>\")",
        "datastar.patch_elements(Markup(\"<p id='row-{}'>x</p>\").format(number))",
        "datastar.patch_elements(f\"<p id='row-{number}'>x</p>\")",
        'datastar.patch_elements("<p id=\'new\'>x</p>", to="list", mode="append"); datastar.remove_elements("#new")',
        'datastar.patch_elements("<p id=\'new\'>x</p>", mode="append", selector="body")',
        "datastar.patch_elements(\"<p id='new'>x</p>\", **options)",
        'div("#made-by-htpy.wide"); datastar.remove_elements("#made-by-htpy")',
        'div(id="made-by-dominate"); datastar.remove_elements("#made-by-dominate")',
        'div({"id": "of-dict"}); datastar.remove_elements("#of-dict")',
        'datastar.remove_elements("#in-static")',
        'datastar.patch_elements("text", to="list")',
    ],
)
def test_patch_finds_its_element(body: str, check_site: CheckSite) -> None:
    files = {"static/site.js": "el.setAttribute('id', 'in-static')"}

    assert check_site(site(body, "def div(*a, **b): ...\noptions = {}"), page=PAGE, files=files) == []


@pytest.mark.parametrize(
    ("body", "column", "says"),
    [
        ('datastar.patch_elements("x", to="lst", mode="inner")', 37, "'lst', which no template has; accepted: list"),
        ('datastar.patch_elements("x", selector="#list, #lst")', 43, "did you mean 'list'?"),
        ('datastar.patch_elements("x", to=f"rw-{number}", mode="inner")', 37, "'rw-…'"),
        ("datastar.patch_elements(\"<p id='lisst'>x</p>\")", 37, "did you mean 'list'?"),
        ("datastar.patch_elements(Markup(\"<b id='x{}'>x</b>\").format(number))", 44, "'x…'"),
        ('datastar.remove_elements("#lst")', 30, "did you mean 'list'?"),
        ('datastar.broadcast("t").patch_elements("x", to="lst")', 52, "did you mean 'list'?"),
        ('datastar.patch_template("page.html", to="lst")', 45, "did you mean 'list'?"),
        ('datastar.patch_elements("x", to="lst" if number else "list")', 37, "did you mean 'list'?"),
    ],
)
def test_patch_misses_its_element(body: str, column: int, says: str, check_site: CheckSite) -> None:
    (found,) = check_site(site(body), page=PAGE)

    assert found.startswith(f"site.py:7:{column}: ")
    assert says in found


def test_only_pages_with_an_action_for_the_handler_count(check_site: CheckSite) -> None:
    more = '@app.get("/other")\ndef other(): return render_template("other.html")'
    body = 'datastar.remove_elements("#elsewhere")'

    (found,) = check_site(site(body, more), page=PAGE, other='<p id="elsewhere"></p>')

    assert "'elsewhere'" in found


@pytest.mark.parametrize(
    "other",
    [
        '<p id="{{ name }}"></p>',
        "<p data-attr:id=\"'x'\"></p>",
        "{{ form.field() }}",
        "{{ html|safe }}",
        "<script>document.body.innerHTML = x</script>",
    ],
)
def test_pages_that_may_have_any_element_are_trusted(other: str, check_site: CheckSite) -> None:
    assert (
        check_site(site('datastar.remove_elements("#lst")'), page=PAGE + "{% include 'other.html' %}", other=other)
        == []
    )


def test_a_handler_that_no_template_calls_is_trusted(check_site: CheckSite) -> None:
    body = 'datastar.remove_elements("#lst")'

    assert check_site(site(body), page='<p id="list"></p>') == []
    assert len(check_site(f"def job():\n    {body}", page='<p id="list"></p>')) == 1


def test_an_app_without_pages_is_trusted(check_site: CheckSite) -> None:
    assert check_site('def tell(): datastar.broadcast("t").patch_elements("x", to="lst")') == []


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a-\ue000", "a-1", True),
        ("\ue000-a", "b-\ue000", True),
        ("a-\ue000", "b-\ue000", False),
        ("a\ue000c", "abb\ue000", True),
        ("\ue000", "", True),
        ("a\ue000", "", False),
    ],
)
def test_texts_with_gaps_may_be_equal(first: str, second: str, expected: bool) -> None:
    assert may_equal(first, second) is may_equal(second, first) is expected


@pytest.mark.parametrize("is_new_style", [False, True])
@pytest.mark.parametrize(
    "markup",
    [
        "{% trans %}of <b id='total'>{% endtrans %}",
        "{% trans n=2 %}<b id='total'>{{ n }}</b>{% pluralize %}<b id='total'>{{ n }}</b> of them{% endtrans %}",
    ],
)
def test_markup_in_translated_texts_may_have_any_id(check_site: CheckSite, markup: str, is_new_style: bool) -> None:
    python = f"""
        app.jinja_env.add_extension("jinja2.ext.i18n")
        app.jinja_env.install_null_translations(newstyle={is_new_style})
        """
    patch = 'datastar.patch_elements("<p>x</p>", to="total", mode="inner")'

    assert check_site(dedent(python) + site(patch), page=PAGE + markup) == []
    assert len(check_site(dedent(python) + site(patch), page=PAGE + markup.replace(" id='total'", ""))) == 1
