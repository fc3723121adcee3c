from __future__ import annotations

import json
from collections import UserDict
from typing import Any

import pytest
from markupsafe import Markup

from flask_datastar.sansio.javascript import Expression, harden, literal, signals_literal, string


@pytest.mark.parametrize(
    ("text", "hardened"),
    [
        (r'"\\"', r'"\u005c"'),
        (r'"\""', r'"\u0022"'),
        (r'"\\\""', r'"\u005c\u0022"'),
        (r'"a\\";b', r'"a\u005c"\u003bb'),
        (r'"\n\t\u00e9"', r'"\n\t\u00e9"'),
        (r'"\\u003b"', r'"\u005cu003b"'),
        ("\"@post('x')\"", r'"\u0040post(\u0027x\u0027)"'),
        ("</script><!--", r"\u003c/script\u003e\u003c!--"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ('{"a":[1,null]}', '{"a":[1,null]}'),
    ],
)
def test_harden_escapes_what_misleads_the_client(text: str, hardened: str) -> None:
    assert harden(text) == hardened


def test_string_is_in_single_quotes() -> None:
    assert string('it\'s "a"\\') == r"'it\u0027s \u0022a\u0022\u005c'"
    assert string("") == "''"


def test_string_refuses_lone_surrogates() -> None:
    with pytest.raises(ValueError, match="contains the lone surrogate"):
        string("\ud800")


@pytest.mark.parametrize(
    ("value", "js"),
    [
        (None, "null"),
        (True, "true"),
        ("a", '"a"'),
        ({"a": [1, "'"]}, '{"a":[1,"\\u0027"]}'),
        (Expression.from_js("$a < 1"), "($a < 1)"),
        ({"a": Expression.from_js("$a, $b"), "b": [1]}, '{"a":($a, $b),"b":[1]}'),
        ([Expression.from_js("$a"), ("x", Expression.from_js("$b")), {}], '[($a),["x",($b)],{}]'),
        (UserDict({";": Expression.from_js("$a")}), '{"\\u003b":($a)}'),
        (Markup("<b>"), '"\\u003cb\\u003e"'),
    ],
)
def test_literal_writes_values_and_leaves_expressions(value: object, js: str) -> None:
    assert literal(value) == js


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"__proto__": {"admin": True}}, "__proto__"),
        ({"a": [{"__proto__": 1}]}, "a.0.__proto__"),
        ({"__proto__": Expression.from_js("$a")}, "__proto__"),
        ({"a": {"__proto__": 1}, "b": Expression.from_js("$a")}, "__proto__"),
        ([{"a": 1, "__proto__": 2}, Expression.from_js("$a")], "__proto__"),
    ],
)
def test_literal_refuses_the_name_that_sets_a_prototype(value: object, path: str) -> None:
    with pytest.raises(ValueError, match=f"^name '{path}' would reach an object's prototype in the browser$"):
        literal(value)


def test_literal_takes_other_names_and_any_text() -> None:
    value = {"constructor": 1, "prototype": "__proto__", "a": ["__proto__"]}

    assert json.loads(literal(value)) == value


@pytest.mark.parametrize("name", ["__proto__", "constructor", "prototype"])
def test_signals_have_no_name_that_reaches_a_prototype(name: str) -> None:
    with pytest.raises(ValueError, match=f"^signal path 'a.{name}' would reach an object's prototype in the browser$"):
        signals_literal({"a": {name: 1}})
    assert signals_literal({"a": name + ";"}) == f'{{"a":"{name}\\u003b"}}'


def test_literal_takes_another_encoder() -> None:
    assert literal({"a": ["é;"]}, lambda value: '{"a":["é;"]}') == '{"a":["é\\u003b"]}'


def test_literal_names_what_json_does_not_know() -> None:
    with pytest.raises(ValueError, match=r"'a\.0' cannot be sent as JSON: nan"):
        literal({"a": [float("nan")]})
    with pytest.raises(TypeError, match="'a' cannot be sent as JSON: 1j is complex"):
        literal({"a": 1j})


def test_literal_refuses_circles_and_depths() -> None:
    circle: list[Any] = []
    circle.append(circle)
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]

    for value in (circle, deep):
        with pytest.raises(ValueError, match="the value is nested too deeply, or contains itself"):
            literal(value)


def test_an_expression_is_escaped_for_attributes_and_bare_as_js() -> None:
    expression = Expression.from_js("$a < 'b' && \"c\"")

    assert str(expression) == "$a &lt; &#39;b&#39; &amp;&amp; &#34;c&#34;"
    assert expression.js == "$a < 'b' && \"c\""
    assert Markup("{}").format(expression) == str(expression)


def test_joined_expressions_stay_expressions() -> None:
    joined = Expression.from_js("$a = 1; ") + Expression.from_js("$b = '<'")

    assert isinstance(joined, Expression)
    assert joined.js == "$a = 1; $b = '<'"


def test_calling_an_expression_explains_itself() -> None:
    with pytest.raises(
        TypeError, match=r"@post\('/x'\) is an action for a template, not a decorator; .*@datastar.handler"
    ):
        Expression.from_js("@post('/x')")(lambda: None)
