"""Templates: what Jinja's parser gives, with the places of everything."""

from __future__ import annotations

import pytest
from flask import Flask
from jinja2 import Environment

from flask_datastar.checks.findings import Source
from flask_datastar.checks.template_reader import read_template
from flask_datastar.checks.templates import Template, is_plain
from flask_datastar.checks.values import texts_of


@pytest.fixture(scope="module")
def environment() -> Environment:
    environment = Flask(__name__).jinja_env
    environment.add_extension("jinja2.ext.i18n")
    environment.add_extension("jinja2.ext.do")
    return environment


def read(environment: Environment, text: str) -> Template:
    return read_template(environment, "page.html", Source("page.html", text), is_own=True)


def targets(template: Template) -> list[list[str] | None]:
    """Return the texts that the first argument of each call of ``datastar`` may be."""
    found = []
    for helper in template.helpers:
        known = texts_of(helper.node.args[0], helper.scope)
        assert all(template.source.text[one.place.offset] in "'\"0123456789" for one in known or ())
        found.append(None if known is None else [one.text for one in known])
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ datastar.post('a') }}", [["a"]]),
        ("{{- datastar . post ( 'a' ) -}}", [["a"]]),
        ("{# datastar.post('a') #}{% raw %}{{ datastar.post('b') }}{% endraw %}{{ datastar.post('c') }}", [["c"]]),
        ("a   {%- if x -%}  {{ datastar.post('a' if x else 'b') }}{% endif %}", [["a", "b"]]),
        (
            "{{ datastar.post('a' ~ 1) }} {{ datastar.post('a' + 'b') }} {{ datastar.post('a'|trim|e) }}",
            [["a1"], ["ab"], ["a"]],
        ),
        ("{{ datastar.post(x) }} {{ datastar.post(x ~ 'a') }} {{ datastar.post('a'|upper) }}", [None, None, None]),
        ("{% set x = 'a' %}{{ datastar.post(x) }}", [["a"]]),
        ("{% set x = 'a' %}{% if y %}{% set x = 'b' %}{% endif %}{{ datastar.post(x) }}", [["a", "b"]]),
        ("{% set x %}a{% endset %}{{ datastar.post(x) }}", [None]),
        ("{% set x, y = 'a', 'b' %}{{ datastar.post(y) }}", [["b"]]),
        ("{% set x, y = z %}{{ datastar.post(y) }}", [None]),
        ("{% with x = 'a', y = z %}{{ datastar.post(x) }}{{ datastar.post(y) }}{% endwith %}", [["a"], None]),
        (
            "{% for x in ['a', 'b'] %}{{ datastar.post(x) }}{% else %}{{ datastar.post('c') }}{% endfor %}",
            [["a", "b"], ["c"]],
        ),
        ("{% for x in ('a', y) %}{{ datastar.post(x) }}{% endfor %}", [None]),
        ("{% for x in {'a': 1} %}{{ datastar.post(x) }}{% endfor %}", [["a"]]),
        (
            "{% for x, y in {'a': 'b'}.items() %}{{ datastar.post(x) }}{{ datastar.post(y) }}{% endfor %}",
            [["a"], ["b"]],
        ),
        ("{% for x in {'a': 'b'}.values()|list %}{{ datastar.post(x) }}{% endfor %}", [["b"]]),
        ("{% for x in {'a': 'b'}.keys() %}{{ datastar.post(x) }}{% endfor %}", [["a"]]),
        ("{% for x, y in [('a', 'b'), ('c', 'd')] %}{{ datastar.post(y) }}{% endfor %}", [["b", "d"]]),
        ("{% for x, y in ['ab'] %}{{ datastar.post(y) }}{% endfor %}", [None]),
        ("{% set all = ['a'] %}{% for x in all %}{{ datastar.post(x) }}{% endfor %}", [["a"]]),
        ("{% set all = {'a': 'b'} %}{% for x, y in all.items() %}{{ datastar.post(y) }}{% endfor %}", [["b"]]),
        ("{% for x in all %}{{ datastar.post(x) }}{{ datastar.post(loop.index) }}{% endfor %}", [None, None]),
        ("{% for x, y in all.items() %}{{ datastar.post(x) }}{% endfor %}", [None]),
        ("{% set x = x %}{{ datastar.post(x) }}", [None]),
        ("{% set ds = datastar %}{{ ds.post('a') }}{% set datastar = 1 %}{{ datastar.post('b') }}", [["a"]]),
        (
            "{% block a %}{{ datastar.post('a') }}{% endblock %}"
            "{% filter upper %}{{ datastar.post('b') }}{% endfilter %}",
            [["a"], ["b"]],
        ),
        ("{% call(x) box() %}{{ datastar.post(x) }}{% endcall %}{% do datastar.post('a') %}", [None, ["a"]]),
        (
            "{% trans %}a{% endtrans %}{{ _(datastar.post('a')) }}"
            "{% autoescape true %}{{ datastar.post('b') }}{% endautoescape %}",
            [["a"], ["b"]],
        ),
        ("{{ datastar.post(x|list) }}{% for x in 3 %}{{ datastar.post(x) }}{% endfor %}", [None, None]),
        ("{% for y in ['a'] %}{% for x in y %}{{ datastar.post(x) }}{% endfor %}{% endfor %}", [None]),
        ("{% set a = b %}{% for x in a %}{{ datastar.post(x) }}{% endfor %}", [None]),
        ("{{ datastar.post(None) }}{{ datastar.post('a' if x) }}{{ datastar.post('a' ~ x) }}", [None, ["a", ""], None]),
        ("é\n{{ datastar.post('a', x=[1, {'b': datastar.post('c')}]) }}", [["a"], ["c"]]),
        ("{{ x > 1 and datastar.post('a') }}", [["a"]]),
    ],
)
def test_calls_are_found_with_what_they_name(
    text: str, expected: list[list[str] | None], environment: Environment
) -> None:
    template = read(environment, text)

    assert template.error is None
    assert targets(template) == expected
    assert all(text.startswith(helper.method, helper.method_place.offset) for helper in template.helpers)


def test_html_keeps_its_places(environment: Environment) -> None:
    text = "<p>\n  {%- if a %} b {{ c }}\n{%- endif %}</p>"
    fragment = read(environment, text).fragment

    assert all(
        fragment.text[index] in (text[offset], "\ue000", "\ue001") for index, offset in enumerate(fragment.offsets)
    )
    assert fragment.text.replace("\ue001", "|").replace("\ue000", "?") == "<p>| b ?|</p>"


def test_blocks_macros_and_links_are_found(environment: Environment) -> None:
    template = read(
        environment,
        "{% extends 'a' %}{% include 'b' %}{% include ['c', 'd'] %}{% include 'e' ignore missing %}"
        "{% import 'f' as g %}{% from 'h' import i, j as k %}{% block l %}{% endblock %}"
        "{% macro m(n, o='p') %}{% endmacro %}",
    )

    assert [kind for kind, _, _ in template.links] == ["extends", "include", "include?", "include?", "import", "import"]
    assert [*template.blocks] == ["l"]
    assert [*template.macros] == ["m"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name", True),
        ("item.name", True),
        ("name|upper", True),
        ("name|safe", False),
        ("form.name()", False),
        ("render(x)", False),
        ("url_for('x')", True),
        ("day.strftime('%d')", True),
        ("'{}'.format(x)", True),
        ("datastar.script()", True),
        ("'a'|upper", True),
        ("_('a')", True),
        ("pgettext('a', 'b')", True),
        ("_('<b>a</b>')", True),
        ("_('<b id=x>')", False),
        ("_('a <b\\nclass=x data-text=\\'$x\\'>')", False),
    ],
)
def test_what_may_have_elements_of_its_own(text: str, expected: bool, environment: Environment) -> None:
    template = read(environment, f"{{{{ {text} }}}}")
    ((node, scope),) = template.outputs.values()

    assert is_plain(node, scope) is expected


@pytest.mark.parametrize("text", ["a\n{{ b", "{% if %}", "{{ '\\x' }}", "{% nothing %}", "{{ a ] }}"])
def test_wrong_syntax_is_an_error_with_a_place(text: str, environment: Environment) -> None:
    template = read(environment, text)

    assert template.error is not None
    assert 0 <= template.error[1].offset <= len(text)
