"""Texts that break encoders: each has to arrive exactly as it was sent, whichever way it takes."""

from __future__ import annotations

import random

TEXTS = [
    # The client rewrites `@word(` up to v1.0.3, also inside of strings.
    "a@get(c)",
    "@post('/x')",
    # Its splitter stumbles over a string that ends in a backslash when a later one has a semicolon.
    "ends in a backslash\\",
    "a;b;c",
    "\\",
    ";",
    "\\;\\",
    "\\u003b \\x3b &#59;",
    # Quotes of all sorts, in JavaScript and in HTML.
    "'single' \"double\" `back`",
    "'\">",
    "&quot; &amp; &#39; &lt;b&gt; &",
    # Ends of what the text may stand in.
    "</script><script>window.hacked = 1</script>",
    "<!-- --> <![CDATA[ ]]>",
    "</body></html>",
    "<img src=x onerror='window.hacked = 1'>",
    # The client's own syntax.
    "$x",
    "$x.y and ${y} and `${z}`",
    "evt, el, __action('get',)",
    "🖕JS_DS🚀",
    "// no comment",
    "/* nor */ this /one\\/",
    "=> { return 1 }",
    "(function () { return 1 })()",
    # Line ends: those of the protocol, and those of Python's str.splitlines() only.
    "one\ntwo\r\nthree\rfour\n\n",
    "\u2028 \u2029 \x85 \x0b \x0c \x1c \x1d \x1e",
    "data: signals {}\n\nevent: datastar-patch-signals",
    # Others.
    "",
    " leading and trailing ",
    "\x00\x01\x1b\x7f",
    "é ü ß 漢字 Ελλάδα עברית",
    "emoji 🙂 👩‍👩‍👧 and a combining e\u0301",
    "\ufeff\u200b\ufffd\uffff",
    "{{ jinja }} {% block %} {# #}",
    "null",
    "-->",
]

PIECES = ["\\", ";", "'", '"', "`", "@get(", "@", "(", ")", "$", "${", "}", "/", "*", "<", ">", "</script", "<!--"]
PIECES += [
    "&",
    "&quot;",
    "\n",
    "\r",
    "\t",
    "\u2028",
    "a",
    "0",
    " ",
    ",",
    ":",
    "{",
    "[",
    "]",
    "=>",
    "function",
    "return",
]
PIECES += ["return", "é", "🙂"]


def make_objects(count: int) -> list[dict[str, str]]:
    """Make random objects of several texts each, because the client's splitter fails on combinations."""
    chance = random.Random(20260916)
    return [
        {f"k{number}": "".join(chance.choices(PIECES, k=chance.randrange(8))) for number in range(4)}
        for _ in range(count)
    ]
