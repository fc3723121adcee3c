"""The pages for people who come from Elixir: their sections, and the code in them, run as an application."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import DictLoader

from flask_datastar import Datastar, Event
from flask_datastar.testing import DatastarClient

DOCS = Path(__file__).parents[2] / "docs" / "howto"
FENCE = re.compile(r"(?:`templates/([\w.]+)`:\n\n)?^```(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Running:
    """The Python and the templates of a section as an application, and a browser tab that uses it."""

    def __init__(self, code: str, templates: Mapping[str, str], page: str, names: Mapping[str, Any]) -> None:
        # The name that handlers are grouped by, as in a file shop.py.
        self.names: dict[str, Any] = {"__name__": "shop", **names}
        exec(compile(code, page, "exec"), self.names)
        self.app: Flask = self.names["app"]
        self.datastar: Datastar = self.names["datastar"]
        self.app.jinja_loader = DictLoader(dict(templates))  # type: ignore[assignment]
        self.app.testing = True
        self.tab = DatastarClient(self.app)

    def __getitem__(self, name: str) -> Any:
        """Give what the section calls so."""
        return self.names[name]

    def events_of(self, code: str, **names: Any) -> tuple[Event, ...]:
        """Run a line of code in a handler, and give what it sends."""

        @self.datastar.handler(group="try", name="it", methods=["POST"])
        def run_it() -> None:
            exec(code, {**self.names, **names})

        return self.tab.post(run_it).events


@dataclass(frozen=True)
class Row:
    """A section of a page: the Elixir, and what is run in its place."""

    title: str
    text: str
    code: str
    templates: Mapping[str, str]
    page: str

    def run(self, **names: Any) -> Running:
        """Run the section's Python after the beginning of the page; ``names`` are there, too."""
        return Running(self.code, self.templates, self.page, names)

    @property
    def cells(self) -> dict[str, str]:
        """The last table that sets code beside code: the Elixir, and the Python in the next column."""
        rows = re.findall(r"^\| `([^|]+)` \| `([^|]+)` \|", self.text, re.MULTILINE)
        return dict(rows)


class Page:
    """One page; its sections by title."""

    def __init__(self, name: str) -> None:
        text = (DOCS / name).read_text(encoding="utf-8")
        begin, *parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
        self.preamble = _python(begin)
        self.rows = {title: self._row(name, title, part) for title, part in zip(parts[::2], parts[1::2], strict=True)}
        self.tested: set[str] = set()

    def _row(self, name: str, title: str, text: str) -> Row:
        templates = {file: code for file, language, code in FENCE.findall(text) if language == "html+jinja"}
        return Row(title, text, f"{self.preamble}\n{_python(text)}", templates, name)

    def row(self, title: str) -> Callable[..., Any]:
        """Give a test the section of this title as its argument ``row``, and note that it has one."""
        self.tested.add(title)
        return pytest.mark.parametrize("row", [self.rows[title]], ids=[title])


def _python(text: str) -> str:
    return "\n".join(code for _, language, code in FENCE.findall(text) if language == "python")
