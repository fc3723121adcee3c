"""``docs/llms.txt``: it has every page of the documentation, as the pages are now."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "llms.txt").read_text(encoding="utf-8")


def test_file_is_what_the_pages_make() -> None:
    made = runpy.run_path(str(DOCS / "llms.py"))

    assert "\n".join([*made["lines"](), ""]) == TEXT, "run: python docs/llms.py"


def test_every_page_is_listed_once() -> None:
    listed = re.findall(r"^- \[[^\]]+\]\((.+?)\.html\)", TEXT, re.MULTILINE)

    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    expected = {page for page in pages if not page.endswith("index") and not page.startswith("explanation/measured")}
    assert len(listed) == len(set(listed))
    assert set(listed) == expected


def test_pages_are_described() -> None:
    bare = re.findall(r"^- \[([^\]]+)\]\(\S+\)$", TEXT, re.MULTILINE)

    assert bare == ["Glossary", "Changelog"]


def test_documentation_has_it_at_its_root() -> None:
    assert re.search(
        r'^html_extra_path = \["llms.txt"\]$', (DOCS / "conf.py").read_text(encoding="utf-8"), re.MULTILINE
    )
