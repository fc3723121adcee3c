"""Targets, verbs, parameters, regions, templates: found in both languages, silent where nothing can be known."""

from __future__ import annotations

from tests.checks.conftest import CheckSite

HANDLERS = """
@datastar.handler(group="cart")
def add(id: int, note: str = ""): ...

@datastar.handler(group="shop", name="add")
def add_to_shop(name: str = "x"): ...

@datastar.handler(group="cart", methods=["GET"])
def find(**filters): ...

@app.get("/")
def page():
    return render_template("page.html")
"""


def test_targets_in_templates(check_site: CheckSite) -> None:
    found = check_site(
        HANDLERS,
        page="""\
        {{ datastar.post('cart.add', id=1) }} {{ datastar.post('cart', 'add', id=1) }} {{ datastar.get('find', x=1) }}
        {{ datastar.post(name) }} {{ datastar.post(*names) }} {{ datastar.get('find', **all) }}
        {{ datastar.post('cart', ‸'ad') }}
        {{ datastar.post(‸'crt.add') }}
        {{ datastar.post(‸'add') }}
        {{ datastar.post(‸'missing', _module='$m') }} {{ datastar.post('add', _module='$m', id=1, name=2) }}
        {{ datastar.post('add', _module='$m', ‸nme=2) }}
        {{ datastar.post(‸'/') }} {{ datastar.get('/') }} {{ datastar.post('/elsewhere') }}
        {{ datastar.get(‸'/ds/cart/x') }}
        """,
    )

    assert found.places == found.expected
    assert "did you mean 'add'?" in found[0]
    assert "did you mean 'cart.add'?" in found[1]
    assert "fits several handlers, cart.add, shop.add; name the group, too" in found[2]
    assert "accepted: add, find" in found[3]
    assert "accepted: id, name, note; did you mean 'name'?" in found[4]
    assert "takes GET, not POST" in found[5]
    assert "no handler at /ds/cart/x; accepted: /ds/cart/add, /ds/cart/find" in found[6]


def test_targets_in_python(check_site: CheckSite) -> None:
    found = check_site(
        HANDLERS
        + """
    import sys

    @datastar.view("/x/<int:number>", group="rows")
    class Rows(StarView):
        @event
        def save(self, text: str = ""): ...

    def expressions(function, name):
        yield datastar.post(add, id=1), datastar.post(add, id=1, ‸nte=2), datastar.‸get(add)
        yield datastar.post(Rows, "save", number=1), datastar.‸post(Rows, "sav", number=1)
        yield datastar.post(sys.modules[__name__], "add"), datastar.post(function), datastar.post(name, "x")
        yield datastar.post(‸"cart.add" if name else "cart.ad"), datastar.post(f"cart.{name}"), datastar.post(page)
        datastar.‸merge_fragments("x")
        datastar.‸patch_elemnts("x")
        datastar.send(‸"datastar-merge-signals", [])
        app.extensions["datastar"].anything()
    """.replace("\n    ", "\n"),
        page="",
    )

    assert found.places == found.expected
    assert "did you mean 'note'?" in found[0]
    assert "use datastar.post, datastar.put, datastar.patch, datastar.delete, or declare it" in found[1]
    assert "since v1.0 it is patch_elements" in found[4]
    assert "did you mean 'patch_elements'?" in found[5]
    assert "send 'datastar-patch-signals'" in found[6]


def test_a_view_that_takes_every_event_may_be_meant(check_site: CheckSite) -> None:
    every = """
    @datastar.view("/", group="table")
    class Table(StarView):
        template = "page.html"
        def handle_event(self, event, signals): ...
    """
    page = "{{ datastar.post('sort-name', any=1) }} {{ datastar.post('table.x', any=1) }}"

    assert check_site(every, page=page, loose="{{ datastar.post('whatever') }}") == []


def test_regions(check_site: CheckSite) -> None:
    found = check_site(
        """
        @datastar.region(group="shop")
        def rows(owner: int): return "<p id='rows'></p>"

        @app.get("/")
        def page(): return render_template("page.html")
        """,
        page="""\
        {{ datastar.show('rows', owner=1) }} {{ datastar.show('shop', 'rows', owner=1) }} {{ datastar.show(x) }}
        {{ datastar.show(‸'shop.rws') }} {{ datastar.show('shop', ‸'rws') }}
        {{ datastar.show('rows', ‸ownr=1) }} {{ datastar.‸signal('a', 1) }}
        """,
    )

    assert found.places == found.expected
    assert "did you mean 'shop.rows'?" in found[0]
    assert "did you mean 'rows'?" in found[1]
    assert "did you mean 'owner'?" in found[2]
    assert "datastar in templates does not have signal()" in found[3]


def test_templates_blocks_and_macros(check_site: CheckSite) -> None:
    found = check_site(
        """
        @datastar.handler(group="a")
        def save(name: str = "x"):
            datastar.patch_template("page.html", block="rows")
            datastar.patch_template("page.html", block="top")
            datastar.patch_template("page.html", block=‸"row")
            datastar.patch_template("page.html", macro=‸"itm", to="x")
            datastar.patch_template(name, block="row")
            datastar.patch_template(f"{name}.html")
            datastar.patch_elements("<p>", to="x", mode=‸"inr", namespace=‸"sgv")
            return render_template(‸"pge.html")
        """,
        base="{% block top %}{% endblock %}",
        page="""\
        {% extends "base.html" %}{% macro item() %}{% endmacro %}<i id="x"></i>
        {% block rows %}{% include "missing.html" ignore missing %}{% include ["a.html", "b.html"] %}{% endblock %}
        {% include ‸"bse.html" %}{% include name %}
        """,
        broken="<p>\n{{ x + ‸}}",
    )

    assert sorted(found.places) == sorted(found.expected)
    texts = dict(zip(found.places, found, strict=True))
    assert "Jinja cannot read the template" in texts["broken.html:2:8"]
    assert "did you mean 'base.html'?" in texts["page.html:3:12"]
    assert "has no block 'row'; accepted: rows, top; did you mean 'rows'?" in texts["site.py:6:48"]
    assert "has no macro 'itm'; accepted: item" in texts["site.py:7:48"]
    assert "did you mean 'page.html'?" in texts["site.py:11:28"]
    assert "mode is 'inr'; accepted: outer, inner, replace" in "".join(found)


def test_arguments_of_macros(check_site: CheckSite) -> None:
    found = check_site(
        HANDLERS + "def job(): datastar.patch_template('macros.html', macro='patched', to='x')",
        macros="""\
        {% macro button(name, group="cart", kind=‸"cart.ad") %}
        {{ datastar.post(group, name, id=1) }} {{ datastar.post(kind, id=1) }} <i id="x"></i>
        {% endmacro %}
        {% macro open(name) %}{{ datastar.post(name) }}{% endmacro %}
        {% macro unused(name) %}{{ datastar.post(name) }}{% endmacro %}
        {% macro patched(name) %}{{ datastar.post(name) }}{% endmacro %}{{ patched("gone") }}
        """,
        page="""\
        {% from "macros.html" import button as knob, open %}{% import "macros.html" as macros %}
        {{ knob("add") }} {{ knob(name="add", kind="cart.add") }} {{ macros.button("ad", "cart", "cart.add") }}
        {{ open("gone") }} {{ open(*names) }} {{ macros.missing(1) }} {{ gone(1) }} {{ macros.button() }}
        """,
    )

    # The last call lacks the argument, so that nothing is known of it.
    assert found.places == found.expected


def test_written_out_urls(check_site: CheckSite) -> None:
    found = check_site(
        HANDLERS,
        page="""\
        <p data-init="@get('/ds/cart/find?x=1')" data-on:click="‸@get('/ds/cart/add')"></p>
        <p data-init="@get('/other'); @get('//x/ds/cart/y'); @get('https://x/ds/a')"
          data-effect="‸@get('/ds/cart/fnd')"></p>
        """,
    )

    assert found.places == found.expected
    assert "/ds/cart/add takes DELETE, PATCH, POST, PUT, not GET" in found[0]
    assert "did you mean '/ds/cart/find'?" in found[1]
