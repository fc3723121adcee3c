"""Elements in all modes and namespaces, and scripts."""

from __future__ import annotations

from markupsafe import Markup

from tests.live.apps.base import make_app, render_page

app, datastar = make_app(__name__)

# White space of every sort; only CR LF and CR may arrive as LF, as in every HTML document.
PREFORMATTED = "one\n\n  three\n\u2028four\u2029five\x0bsix\x0cseven\x85eight\n"
# The parts of a page and of a script that end them early, if they are not escaped.
ENDS = ["</script>", "</SCRIPT >", "<!--", "<script>", "</body></html>", "</head>", "-->"]
NESTED = {"list": [1, {"text": "a 'quoted' \"text\" </script>"}], "nothing": None, "yes": True}

BODY = """
<p id="outer" class="old">old</p>
<div id="inner"><p>old</p></div>
<p id="replace" class="old">old</p>
<ul id="list"><li>middle</li></ul>
<p id="middle">middle</p>
<p class="gone">gone</p><p class="gone">gone</p>
<p id="a.b:c d">odd id</p>
<p id="first">old</p><p id="second">old</p>
<table><tbody id="rows"></tbody></table>
<pre id="preformatted"></pre>
<svg id="drawing" width="90" height="30"></svg>
<math><mrow id="formula"></mrow></math>
<button id="modes" data-on:click="{{ datastar.post('send_modes') }}">modes</button>
<button id="pieces" data-on:click="{{ datastar.post('send_pieces') }}">pieces</button>
<button id="namespaces" data-on:click="{{ datastar.post('send_namespaces') }}">namespaces</button>
<button id="scripts" data-on:click="{{ datastar.post('send_scripts') }}">scripts</button>
<button id="console" data-on:click="{{ datastar.post('send_console') }}">console</button>
<button id="toast" data-on:click="{{ datastar.post('send_toast') }}">toast</button>
<button id="history" data-on:click="{{ datastar.post('send_history') }}">history</button>
<p id="toast-text" data-signals="{toast: {}}" data-text="$toast.text"
   data-on:datastar-fetch="evt.detail.type === 'datastar-toast' &&
     ($toast = {text: JSON.parse(evt.detail.argsRaw.text), level: JSON.parse(evt.detail.argsRaw.level)})"></p>
<p id="toast-level" data-text="$toast.level"></p>
<p id="done"></p>
"""


@app.get("/")
def index() -> str:
    return render_page(BODY)


def done() -> None:
    """Tell the test that all before this has been applied: events are applied in the order in which they are sent."""
    datastar.patch_elements("done", to="done", mode="inner")


@datastar.handler
def send_modes() -> None:
    datastar.patch_elements('<p id="outer">new outer</p>')
    datastar.patch_elements("<b>new</b> inner", to="inner", mode="inner")
    datastar.patch_elements('<div id="replace">new replace</div>', mode="replace")
    datastar.patch_elements("<li>first</li>", to="list", mode="prepend")
    datastar.patch_elements("<li>last</li>", selector="#list", mode="append")
    datastar.patch_elements("<p>before</p>", to="middle", mode="before")
    datastar.patch_elements("<p>after</p>", to="middle", mode="after")
    datastar.patch_elements(None, selector=".gone", mode="remove")
    datastar.patch_elements("escaped", to="a.b:c d", mode="inner")
    done()


@datastar.handler
def send_pieces() -> None:
    name = "<i>Ann</i> & 'Bob'"
    datastar.patch_elements([Markup('<p id="first">{}</p>').format(name), '<p id="second">new</p>'])
    datastar.patch_elements("<tr><td>1</td></tr><tr><td>2</td></tr>", to="rows", mode="append")
    datastar.patch_elements(f'<pre id="preformatted" title="a\r\nb\rc">{PREFORMATTED}</pre>')
    datastar.patch_elements("<title>New title</title>", selector="title")
    done()


@datastar.handler
def send_namespaces() -> None:
    circles = "".join(f'<circle cx="{15 * number}" cy="15" r="5"/>' for number in range(1, 6))
    datastar.patch_elements(circles, to="drawing", mode="append", namespace="svg")
    identifiers = [Markup("<mi>{}</mi>").format(letter) for letter in "abcd"]
    datastar.patch_elements(identifiers, to="formula", mode="append", namespace="mathml")
    done()


@datastar.handler
def send_scripts() -> None:
    datastar.execute_script(
        f"""
        // A comment ends with its line, so line breaks have to arrive.
        window.ends = {ENDS!r}
        window.runs = (window.runs || 0) + 1
        """
    )
    datastar.execute_script(
        "window.kept = document.currentScript.dataset.note",
        auto_remove=False,
        attributes={"id": "kept", "data-note": "a \"b\" & 'c' <d>", "async": True},
    )
    done()


@datastar.handler
def send_console() -> None:
    datastar.console_log(NESTED)
    datastar.console_log("be careful", level="warn")
    datastar.console_log(ENDS, level="info")


@datastar.handler
def send_toast() -> None:
    datastar.dispatch_event("toast", {"text": "Say 'hello' & \"bye\"\n</script>\u2028", "level": 3})


@datastar.handler
def send_history() -> None:
    datastar.push_url("/?page=2&q='\"<x>")
    datastar.replace_url("/?page=3")
    datastar.push_url("/?page=4#part")
    done()
