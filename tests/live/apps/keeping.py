"""Parts of a page that the browser changes itself, patches that come over them, and pages that are left."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, jsonify

from tests.live.apps.base import make_app, render_page

app, datastar = make_app(__name__)

# What a map, an editor or a web component does: a script fills an element of the page.
WIDGETS = """<section id="part"><p id="count">COUNT</p>
<div id="bare" class="widget"></div>
<div id="kept" class="widget" data-ignore-morph></div>
<div id="once" class="widget" ONCE></div></section>"""
FILL = """<script>
  for (const widget of document.querySelectorAll('.widget')) widget.innerHTML = '<canvas></canvas>'
</script>"""

SHOWN = (
    'data-effect="$editing ? el.open || el.showModal() : el.close()" '
    'data-on:cancel="$editing = false" data-on:close="el.open || ($editing = false)"'
)
DIALOGS = f"""<section id="part"><p id="count">COUNT</p>
<dialog id="bare"><p>COUNT</p></dialog>
<dialog id="kept" data-preserve-attr="open"><p>COUNT</p></dialog>
<dialog id="shown" data-preserve-attr="open" {SHOWN}><p>COUNT</p></dialog></section>"""

SIGNALS = """<section id="part"><p id="count">COUNT</p>
<i data-signals="{same: 'rendered'}"></i>
<i data-signals="{other: 'rendered COUNT'}"></i>
<i data-signals__ifmissing="{missing: 'rendered COUNT'}"></i></section>"""

PARTS = {"widgets": WIDGETS, "dialogs": DIALOGS, "signals": SIGNALS}

BUTTONS = """<button id="patch" data-on:click="{{ datastar.post('patch', part=part) }}">patch</button>
<button id="replace" data-on:click="{{ datastar.post('replace', part=part) }}">replace</button>"""

MORE = {
    "widgets": FILL,
    "dialogs": """<button id="open-bare" data-on:click="document.getElementById('bare').showModal()">bare</button>
        <button id="open-kept" data-on:click="document.getElementById('kept').showModal()">kept</button>
        <button id="open-shown" data-on:click="$editing = true">shown</button>
        <button id="outside" data-on:click="$clicked = 'yes'">outside</button><p id="clicked" data-text="$clicked"></p>
        <button id="finish" data-on:click="{{ datastar.post('finish') }}">finish</button>""",
    "signals": """<input id="same" data-bind="same"><input id="other" data-bind="other">
        <input id="missing" data-bind="missing"><p id="read" data-text="$read"></p><p data-text="$declared"></p>
        <p id="all" data-json-signals></p><i data-signals="{declared: 'here'}"></i>
        <button id="if-missing" data-on:click="{{ datastar.post('set_if_missing') }}">if missing</button>""",
}


def part_of(name: str, count: int) -> str:
    # The first page alone protects the last widget.
    return PARTS[name].replace("COUNT", str(count)).replace("ONCE", "" if count else "data-ignore-morph")


@app.get("/<any(widgets, dialogs, signals):name>")
def page(name: str) -> str:
    return render_page(part_of(name, 0) + MORE[name] + BUTTONS, part=name)


@datastar.handler(group="keeping")
def patch(part: str) -> None:
    datastar.patch_elements(part_of(part, 1))


@datastar.handler(group="keeping")
def replace(part: str) -> None:
    datastar.patch_elements(part_of(part, 2), mode="replace")


@datastar.handler(group="keeping")
def finish() -> None:
    datastar.signal("editing", False)


@datastar.handler(group="keeping")
def set_if_missing() -> None:
    for name in ("read", "declared", "fresh"):
        datastar.signal(name, "set", only_if_missing=True)


# History.

RELOAD = """data-on:popstate__window="location.hash || location.reload()" """


@app.get("/<any(bare, reloading):kind>/<int:number>")
def numbered(kind: str, number: int) -> str:
    attribute = RELOAD if kind == "reloading" else ""
    return render_page(
        f"""<main {attribute}><h1 id="number">{number}</h1><a id="anchor" href="#number">anchor</a>
        <button id="turn" data-on:click="{{{{ datastar.post('turn', kind=kind, number=number + 1) }}}}">next</button>
        </main>""",
        kind=kind,
        number=number,
    )


@datastar.handler(group="keeping")
def turn(kind: str, number: int) -> None:
    datastar.patch_elements(f'<h1 id="number">{number}</h1>')
    datastar.push_url(f"/{kind}/{number}")


@app.get("/stream/<any(usual, hidden, none):kind>")
def with_stream(kind: str) -> str:
    options = {"usual": "", "hidden": ", _open_when_hidden=True"}
    init = "" if kind == "none" else f"""data-init="{{{{ datastar.open_stream('live'{options[kind]}) }}}}" """
    return render_page(
        f"""<main {{{{ datastar.tab_signal() }}}} {init}><p id="turn" data-text="$turn"></p></main>
        <script>addEventListener('pageshow', (event) => {{ window.wasKept = event.persisted }})</script>"""
    )


@datastar.stream(group="keeping", scope="ann")
def live() -> Iterator[None]:
    for number, _ in enumerate(datastar.changes("turns", at_most_every=0)):
        datastar.signal("turn", f"turn {number}")
        yield


@app.post("/publish")
def publish() -> str:
    datastar.publish("turns")
    return ""


@app.get("/state")
def state() -> Response:
    return jsonify(datastar.stats())
