"""Pages that use each attribute of the client."""

from __future__ import annotations

from .case import Case, clicks

CASES = [
    Case(
        "text",
        clicks("#up", "#up", "#deep", "#push", "#two", "#obj", "#un", "#push", "#del", "#two"),
    ),
    Case(
        "bind",
        [
            ("fill", "#a", "Ada"),
            ("fill", "#n", "42"),
            ("fill", "#r", "7"),
            ("check", "#c"),
            ("fill", "#ta", "line one\nline two"),
            ("select", "#s", "c"),
            ("select", "#m", "1", "3"),
            ("check", "#k1"),
            ("check", "#k2"),
            ("uncheck", "#k1"),
            ("check", "#r1"),
            ("check", "#v"),
            ("select", "#m", "2"),
            ("uncheck", "#c"),
            ("fill", "#n", "-1.5"),
        ],
    ),
    Case(
        "look",
        clicks("#t", "#i", "#i", "#g", "#t", "#i", "#e", "#t", "#g"),
    ),
    Case(
        "modifiers",
        [
            *clicks("#once", "#once", "#stop", "#bub", "#prev", "#box", "#deb", "#thr", "#lead", "#delay", "#cap"),
            *clicks("#later", "#calm", "#toast"),
            ("press", "Escape", "#key"),
            ("press", "Enter", "#key"),
        ],
    ),
    Case(
        "effects",
        clicks("#a", "#a", "#b", "#set", "#tog", "#tog", "#peek", "#a"),
    ),
    Case(
        "events",
        [
            ("click", "#one"),
            ("fill", "#in", "hello"),
            ("click", "#two"),
            ("press", "Enter", "#two"),
            ("press", " ", "#two"),
            ("click", "#fire"),
            ("click", "#txt"),
            ("fill", "#in", "more"),
            ("blur", "#in"),
            ("hover", "#one"),
            ("hover", "#txt"),
            ("focus", "#in"),
        ],
    ),
    Case(
        "script",
        clicks(
            "#dom",
            "#add",
            "#add",
            "#out",
            "#rm",
            "#css",
            "#attrs",
            "#url",
            "#json",
            "#tmpl",
            "#nav",
            "#title",
            "#store",
        ),
    ),
]
