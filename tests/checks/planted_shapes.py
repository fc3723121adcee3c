"""A page for a copy of the example that is written in other shapes than the demos, and twenty mistakes in it."""

from __future__ import annotations

from tests.checks.planted import Mistake

PYTHON = '''\
"""Rows in all shapes."""

from dataclasses import dataclass

from flask import Blueprint, render_template, render_template_string
from markupsafe import Markup

from example.extensions import datastar
from flask_datastar import StarView, event

bp = Blueprint("shapes", __name__, url_prefix="/shapes/<lang>")
TARGET = "total"


@dataclass
class Draft:
    title: str
    body: str = ""


@datastar.view("/rows/<int:number>", blueprint=bp, group="shapes")
class ShapesView(StarView):
    template = "shapes.html"

    def show(self, lang: str, number: int) -> None:
        datastar.signal("lines", 0)
        datastar.patch_signals({"title": "", "user": {"name": ""}})

    @event
    def save(self, signals: Draft) -> None:
        datastar.patch_template(self.template, block="rows")
        datastar.patch_elements(row_of(1), to=TARGET, mode="inner")

    @event
    def clear(self, lines: int, word: str = "") -> None:
        datastar.remove_elements("#total, #rows")
        datastar.execute_script(f"setTimeout(() => {{ {datastar.post(ShapesView, 'save', number=1, lang='en').js} }})")

    @event(methods=["DELETE"])
    def remove(self, row: int) -> None:
        datastar.remove_elements(f"#row-{row}")

    @datastar.stream
    def feed(self):
        for _ in datastar.every(1):
            yield Markup('<b id="total">{}</b>').format(1)


@datastar.handler(group="shapes", blueprint=bp, methods=["GET"])
def find(signals: dict) -> str:
    word = signals.get("word", "")
    return f"<p id=\\"found\\"><a data-on:click__once='$word = 1'>{word}</a></p>"


@datastar.region(group="shapes")
def owned(owner: int) -> str:
    return render_template_string(
        '<ul id="owned-{{ owner }}">\\n'
        "<li data-on:click=\\"{{ datastar.post('shapes.save', number=owner, lang='en') }}\\">{{ owner }}</li></ul>",
        owner=owner,
    )


def row_of(row: int) -> str:
    attributes = {"data-on:dblclick": datastar.delete("remove", row=row, number=1, lang="en").js}
    clear = datastar.post("clear", number=row, lang="en")
    return f"""<li id="row-{row}"
        data-class:done="$lines > {row}" data-on:click__once="{clear}">{attributes}</li>"""
'''

PAGE = """\
{% extends "base.html" %}
{% from "shapes_macros.html" import button, panel as box %}
{% import "shapes_macros.html" as shapes %}
{% set group = "shapes" %}
{% block main %}
{{ button("save", "Save") }}
{{ shapes.field("title", "Title") }}
{{ shapes.field("body", "Body") }}
{% for name, label in {"clear": "Clear", "save": "Keep"}.items() %}
<button data-on:click='{{ datastar.post(group ~ "." ~ name) }}'>{{ label }}</button>
{% endfor %}
{% with ds = datastar %}
<p data-init="{{ ds.open_stream('feed') }}" data-text=$lines></p>
{% endwith %}
{% call box() %}<b id="total" data-class:done="$lines > 3">0</b>{% endcall %}
<form
  data-indicator:busy
  data-signals="{word: '', user: {name: ''}}"
  data-on:submit__prevent="
    $lines = $lines + 1;
    {{ datastar.post('save' if draft else 'clear') }}"
>
  <input data-bind:word data-on:keydown__debounce.200ms.leading="{{ datastar.get('find') }}">
  <a {% if draft %}data-show="$busy && $user.name"{% else %}data-style:color="$word ? 'red' : ''"{% endif %}>x</a>
</form>
{% block rows %}
<ul id="rows">{% for row in rows %}{% include "_shapes_row.html" %}{% endfor %}</ul>
{% endblock %}
<p id="found" data-on:click="@post('/shapes/en/ds/shapes/save?number=1')"></p>
{{ datastar.show("owned", owner=3) }}
{{ datastar.live() }}
{% endblock %}
"""
MACROS = """\
{% macro button(action, label, kind="button") %}
<button type="{{ kind }}" data-on:click="{{ datastar.post(action) }}">{{ label }}</button>
{% endmacro %}
{% macro field(name, label) -%}
<label>{{ label }} <input id="{{ name }}-field" data-bind="{{ name }}"></label>
{%- endmacro %}
{% macro panel() %}<section>{{ caller() }}</section>{% endmacro %}
"""
ROW = """\
{#- The row of a list. -#}
<li id="row-{{ row.id }}">
  {{ row.title }} <button
    data-on:click="{{ datastar.delete('remove',
      row=row.id) }}">x</button>
</li>
"""
#: The files to add, below the package.
FILES = {
    "shapes.py": PYTHON,
    "templates/shapes.html": PAGE,
    "templates/shapes_macros.html": MACROS,
    "templates/_shapes_row.html": ROW,
}

_PAGE, _ROW, _MACROS, _PYTHON = (
    "templates/shapes.html",
    "templates/_shapes_row.html",
    "templates/shapes_macros.html",
    "shapes.py",
)

SHAPES = [
    Mistake("an argument of a macro", _PAGE, 'button("save"', 'button("sve"', '"sve"', "did you mean 'save'?"),
    Mistake(
        "a loop over a dict", _PAGE, '{"clear": "Clear"', '{"claer": "Clear"', '"claer"', "did you mean 'shapes.clear'?"
    ),
    Mistake("a branch", _PAGE, "'save' if draft", "'safe' if draft", "'safe'", "did you mean 'save'?"),
    Mistake("datastar under another name", _PAGE, "ds.open_stream", "ds.open_strem", "open_strem", "'open_stream'?"),
    Mistake(
        "a value without quotes",
        _PAGE,
        "data-text=$lines",
        "data-tex=$lines",
        "data-tex",
        "did you mean data-text?",
        copy=2,
    ),
    Mistake("the block of a call", _PAGE, "data-class:done", "data-clas:done", "data-clas", "did you mean 'class'?"),
    Mistake(
        "an attribute of many lines",
        _PAGE,
        "$lines = $lines + 1",
        "$lines = $line + 1",
        "$line +",
        "did you mean $lines?",
    ),
    Mistake("a key in upper case", _PAGE, "data-bind:word", "data-bind:newWord", "newWord", "write data-bind:new-word"),
    Mistake(
        "the second tag of a modifier", _PAGE, "200ms.leading", "200ms.leadng", "leadng", "did you mean 'leading'?"
    ),
    Mistake(
        "an attribute in a branch",
        _PAGE,
        "data-style:color",
        "data-style-color",
        "data-style-color",
        "data-style:color",
    ),
    Mistake(
        "a URL that is written out",
        _PAGE,
        "ds/shapes/save?",
        "ds/shapes/save/?",
        "@post(",
        "/shapes/en/ds/shapes/save/",
    ),
    Mistake("an argument of a region", _PAGE, "owner=3", "ownr=3", "ownr=3", "did you mean 'owner'?"),
    Mistake("an include, over two lines", _ROW, "row=row.id", "rw=row.id", "rw=", "did you mean 'row'?"),
    Mistake(
        "a macro's own HTML",
        _MACROS,
        'data-on:click="{{',
        'data-on:click__prevnt="{{',
        "prevnt",
        "did you mean prevent?",
    ),
    Mistake("the block of a view's template", _PYTHON, 'block="rows"', 'block="row"', '"row"', "did you mean 'rows'?"),
    Mistake(
        "an action of a view's class",
        _PYTHON,
        "ShapesView, 'save'",
        "ShapesView, 'sav'",
        "post(ShapesView",
        "names no handler",
    ),
    Mistake(
        "the second id of a selector",
        _PYTHON,
        '"#total, #rows"',
        '"#total, #rws"',
        '"#total, #rws"',
        "did you mean 'rows'?",
    ),
    Mistake("an f-string over two lines", _PYTHON, 'click__once="{', 'click__onc="{', "onc=", "did you mean once?"),
    Mistake(
        "a template in Python",
        _PYTHON,
        "'shapes.save', number=owner",
        "'shapes.save', numbr=owner",
        "numbr",
        "'number'?",
    ),
    Mistake("a field of a dataclass", _PYTHON, "body: str", "bdy: str", "bdy: str", "did you mean 'body'", copy=2),
]
