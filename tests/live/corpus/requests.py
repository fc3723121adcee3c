"""Pages that ask their server: verbs, forms, and all kinds of answers."""

from __future__ import annotations

from flask_datastar import sse

from .case import Answer, Case, clicks, elements, events, signals

CASES = [
    Case(
        "verbs",
        clicks("#get", "#post", "#put", "#patch", "#delete", "#filter", "#head", "#pay", "#two", "#ind"),
        {"ok": events(sse.patch_signals({"got": 1, "deep": {"x": "z"}}))},
    ),
    Case(
        "answers",
        clicks(
            *(
                "#el",
                "#in",
                "#app",
                "#pre",
                "#bef",
                "#aft",
                "#rep",
                "#rem",
                "#sig",
                "#miss",
                "#htm",
                "#jsn",
                "#no",
                "#e422",
            ),
            *("#scr", "#none", "#many"),
        ),
        {
            "el": elements('<p id="target" class="new" data-text="$n">0</p>'),
            "in": elements("<b>inner</b> text", selector="#target", mode="inner"),
            "app": elements("<li>2</li><li>3</li>", selector="#ul", mode="append"),
            "pre": elements("<li>0</li>", selector="#ul", mode="prepend"),
            "bef": elements("<hr>", selector="#ul", mode="before"),
            "aft": elements("<em>after</em>", selector="#ul", mode="after"),
            "rep": elements('<p id="target">replaced <input value=x></p>', mode="replace"),
            "rem": events(sse.remove_elements("#ul li:first-child")),
            "sig": signals(n=5, list=["c"], log=None),
            "miss": events(sse.patch_signals({"n": 9, "m": 1}, only_if_missing=True)),
            "htm": Answer('<p id="target">html</p>', "text/html; charset=utf-8"),
            "jsn": Answer('{"n": 12, "j": {"k": true}}', "application/json"),
            "no": Answer("", status=204),
            "e404": Answer("", "text/html", 404),
            "e422": Answer('{"n": 99}', "application/json", 422),
            "scr": elements(
                "<script data-effect=\"el.remove()\">document.getElementById('target').dataset.ran = '1'</script>",
                selector="body",
                mode="append",
            ),
            "none": Answer(": only a comment\n\n"),
            "many": events(
                sse.patch_signals({"n": 1}),
                sse.patch_elements('<p id="target">1</p>'),
                sse.patch_signals({"n": 2}),
                sse.patch_elements('<p id="target" data-text="$n"></p>'),
            ),
        },
    ),
    Case(
        "forms",
        [
            ("click", "#go"),
            ("fill", "#t", "a&b=c é"),
            ("fill", "#mail", "nonsense"),
            ("click", "#go"),
            ("fill", "#mail", "a@b.c"),
            ("check", "#c"),
            ("check", "#r1"),
            ("select", "#s", "2"),
            ("select", "#m", "p", "q"),
            ("fill", "#ta", "two\nlines"),
            ("click", "#alt"),
            ("press", "Enter", "#t"),
            ("click", "#ext"),
            ("click", "#getf"),
            ("click", "#res"),
            ("click", "#go"),
        ],
        {"ok": signals(seen="yes")},
    ),
    Case(
        "uploads",
        [("upload", "#one", "a.txt"), ("click", "#go"), ("upload", "#up", "b.csv"), ("click", "#go")],
        {"ok": signals(done=True)},
    ),
    Case(
        "retry",
        clicks("#err", "#never"),
        {"e500": Answer("", "text/plain", 500), "e503": Answer("", "text/plain", 503)},
    ),
]
