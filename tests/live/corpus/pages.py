"""Pages that were written after the tab's document, and after the first half of the corpus agreed."""

from __future__ import annotations

from flask_datastar import sse

from .case import Answer, Case, clicks, elements, events, signals

CASES = [
    Case(
        "morph",
        [
            ("fill", "#ib", "user"),
            *clicks("#sum", "#go1", "#go2", "#go3"),
            ("fill", "#ta", "mine"),
            ("check", "#cb"),
            ("select", "#sel", "1"),
            *clicks("#go4", "#go5", "#go6", "#go1"),
        ],
        {
            "one": elements(
                '<div id="list"><p id="c">C2</p><p id="b">B2 <input id="ib" value="1"></p><p>new</p></div>'
            ),
            "two": elements('<div id="list"><p id="b">B3 <input id="ib" value="2"></p><span id="a">A</span></div>'),
            "three": elements(
                '<details id="det"><summary id="sum">More</summary><input id="din"><p>added</p></details>'
                '<div id="keep" data-ignore-morph><b>theirs</b></div>'
            ),
            "four": elements(
                '<textarea id="ta">first</textarea><select id="sel"><option value="1">1</option>'
                '<option value="2" selected>2</option><option value="3">3</option></select>'
                '<input type="checkbox" id="cb">'
            ),
            "five": elements(
                '<textarea id="ta">second</textarea><select id="sel"><option value="1">1</option>'
                '<option value="3" selected>3</option></select><input type="checkbox" id="cb" checked>'
            ),
            "six": elements(
                '<div id="note" data-text="$v + 1">x</div><div id="list"><!-- c --><p id="c" class="k">C</p>text</div>'
            ),
        },
    ),
    Case(
        "fields",
        [
            ("fill", "#name", "Ada"),
            *clicks("#val", "#chk", "#opt", "#sig"),
            ("fill", "#num", "9"),
            ("check", "#on"),
            *clicks("#off", "#val", "#sig"),
        ],
        {
            "val": elements('<input id="name" data-bind:name value="server">'),
            "chk": elements('<input id="on" type="checkbox" data-bind:on checked>'),
            "opt": elements(
                '<select id="pick" data-bind:pick><option value="1">one</option>'
                '<option value="2" selected>two</option></select>'
            ),
            "sig": signals(name="signal", n=5, on=False, pick="1"),
            "off": elements('<input id="num" type="number" data-bind:n disabled>'),
        },
    ),
    Case(
        "native",
        [
            *clicks("#lq", "#lc", "#la", "#lb", "#lc", "#su", "#su", "#plain", "#go"),
            ("fill", "#q", "a b&c"),
            ("select", "#s", "x"),
            *clicks("#frag", "#reset"),
            ("fill", "#q", "é"),
            ("click", "#c"),
        ],
    ),
    Case(
        "dialog",
        [
            *clicks("#open"),
            ("fill", "#in", "typed"),
            *clicks("#ok", "#ret", "#show", "#x", "#ret", "#open"),
            ("press", "Escape", "#in"),
            *clicks("#open"),
            ("press", "Enter", "#in"),
        ],
    ),
    Case("lists", clicks("#add", "#rev", "#sel", "#del", "#nest", "#idx", "#add", "#nest", "#rev")),
    Case(
        "svg",
        clicks("#up", "#up", "#add", "#mor", "#full", "#up"),
        {
            "add": elements('<circle class="n" r="1"/>\n<line x1="1"/>', selector="#g", mode="append", namespace="svg"),
            "mor": elements('<g id="g"><circle id="c" r="2" cx="1"/></g>', namespace="svg"),
            "full": elements('<svg id="s" viewBox="0 0 20 20"><g id="g"><circle id="c" cx="9"></circle></g></svg>'),
        },
    ),
    Case(
        "scripts",
        clicks("#app", "#read", "#out", "#read", "#rep", "#read", "#inner", "#read", "#cre", "#read"),
        {
            "app": elements("<script>window.ran = (window.ran ?? 0) + 1</script>", selector="body", mode="append"),
            "out": elements('<p id="t">u<script>window.ran = (window.ran ?? 0) + 10</script></p>'),
            "rep": elements('<p id="t">v<script>window.ran = (window.ran ?? 0) + 1000</script></p>', mode="replace"),
        },
    ),
    Case(
        "keys",
        [
            ("fill", "#a", "x"),
            ("press", "Enter", "#a"),
            ("press", "Tab", "#a"),
            ("press", "Tab", "#b"),
            ("press", "Enter", "#c"),
            ("press", " ", "#c"),
            ("press", " ", "#cb"),
            ("press", "Enter", "#l"),
            ("press", "Control+k", "#c"),
            ("press", "Shift+Tab", "#b"),
            ("press", "Escape", "#cb"),
            ("press", "F2", "#c"),
            ("select", "#s", "2"),
        ],
    ),
    Case(
        "focus",
        [
            ("click", "#a"),
            *clicks("#d", "#e", "#plain", "#tab", "#ro", "#m"),
            ("click", "#in"),
            ("focus", "#tab"),
            ("blur", "#tab"),
            ("click", "#r"),
        ],
        {"m": elements('<div id="p"><em>new</em><input id="in" value="y"></div>')},
    ),
    Case(
        "template",
        clicks("#put", "#inc", "#put", "#cnt", "#inc", "#tm", "#put", "#wc", "#cnt"),
        {"tm": elements('<template id="tp" class="x"><p class="in">second</p></template>')},
    ),
    Case(
        "tables",
        clicks("#add", "#rep", "#opt", "#add", "#rem", "#all"),
        {
            "add": elements("<tr><td>2</td></tr><tr><td>3</td></tr>", selector="#rows", mode="append"),
            "rep": elements('<tr id="r1"><td>one</td><td>more</td></tr>'),
            "opt": elements(
                '<option value="b">b</option><option value="c" selected>c</option>', selector="#s", mode="append"
            ),
            "rem": events(sse.remove_elements("tbody tr:nth-child(2)")),
            "all": elements('<p class="k">all</p>', selector=".k", mode="replace"),
        },
    ),
    Case(
        "validity",
        [
            *clicks("#chk", "#go"),
            ("fill", "#req", "x"),
            ("check", "#c"),
            ("click", "#go"),
            ("fill", "#num", "3"),
            *clicks("#go", "#chk"),
            ("fill", "#num", "4"),
            ("fill", "#pat", "A1"),
            ("click", "#go"),
            ("fill", "#pat", "ok"),
            ("fill", "#len", "ab"),
            ("click", "#go"),
            ("fill", "#len", "abc"),
            *clicks("#cus", "#go", "#cus", "#go"),
        ],
        {"ok": signals(ok="done")},
    ),
    Case("storage", clicks("#ck", "#ls", "#ls", "#to", "#mt", "#raf", "#b64", "#te", "#ab", "#fd", "#cl", "#ps")),
    Case(
        "fetching",
        clicks("#j", "#t", "#n", "#h", "#seq", "#par", "#chain"),
        {
            "j": Answer('{"a": [1, 2]}', "application/json"),
            "t": Answer("text é", "text/plain; charset=utf-8", 200, {"X-Own": "own"}),
            "n": Answer("", status=204),
            "p": elements('<i id="x">p</i>'),
        },
    ),
    # Written last: "wizard" found that a hidden element kept its focus, and "lostfocus" tries all ways to lose it.
    Case(
        "lostfocus",
        [
            ("fill", "#a", "typed"),
            ("press", "Escape", "#a"),
            ("fill", "#b", "typed"),
            ("press", "Escape", "#b"),
            ("fill", "#d", "typed"),
            ("press", "Escape", "#d"),
            ("fill", "#e", "typed"),
            ("press", "Escape", "#e"),
            ("press", "Escape", "#g"),
            ("click", "#show"),
            ("press", "Escape", "#a"),
        ],
        {"rep": elements('<div id="q"><b>gone</b></div>', mode="replace")},
    ),
    Case(
        "basket",
        [
            ("fill", "#tea", "3"),
            ("fill", "#milk", "2"),
            ("fill", "#coupon", "abc"),
            ("fill", "#coupon", "ABC1"),
            ("click", "#toggle"),
            ("fill", "#note", "a long note that is cut"),
            *clicks("#order", "#clear", "#toggle"),
            ("fill", "#milk", ""),
        ],
        {"order": elements('<div id="result" role="status">Thanks<br>&amp; bye</div>')},
    ),
    Case(
        "wizard",
        [
            ("check", "#pro"),
            ("fill", "#seats", "4"),
            *clicks("#next", "#back", "#next"),
            ("fill", "#m0", "a@b.c"),
            ("fill", "#m1", "d@e.f"),
            ("check", "#terms"),
            ("press", "Enter", "#m0"),
            ("click", "#next"),
            ("uncheck", "#terms"),
            ("press", "Enter", "#m1"),
        ],
        {
            "done": events(
                sse.patch_signals({"step": 1, "mails": ["", ""]}), sse.patch_elements('<div id="out">ok</div>')
            )
        },
    ),
    Case(
        "tabs",
        [
            *clicks("#tb", "#ta", "#tb", "#tc"),
            ("fill", "#find", "te"),
            ("fill", "#find", "tea"),
            ("press", "ArrowRight", "#ta"),
            *clicks("#all", "#tb"),
        ],
        {
            "b": events(
                sse.patch_signals({"loaded": {"b": True}}),
                sse.patch_elements('<p data-text="$tab"></p>', selector="#pb", mode="inner"),
            ),
            "find": elements('<ul id="found"><li>Tea</li></ul>'),
        },
    ),
]
