"""``llms.txt``: a list of all pages for programs that read documentation, made of the pages themselves.

usage: python docs/llms.py

It writes ``docs/llms.txt``, which the documentation has at its root; a test fails while it differs from the pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parent
TARGET = DOCS / "llms.txt"

_TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```.*?^```$|^:::.*?^:::$|^<!--.*?-->$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")


def entries(page: str) -> list[str]:
    """Return the pages that a page lists, by their names without a suffix."""
    text, folder = (DOCS / f"{page}.md").read_text(encoding="utf-8"), page.rpartition("/")[0]
    names = [line for tree in _TOCTREE.findall(text) for line in tree.split() if not line.startswith(":")]
    names = [name for name in names if (DOCS / folder / f"{name}.md").is_file()]
    return [f"{folder}/{name}" if folder else name for name in names]


def title(page: str) -> str:
    """Return the heading of a page."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    if match := re.search(r"^# (.+)$", text, re.MULTILINE):
        return match[1].replace("`", "")
    return page.rpartition("/")[2].capitalize()


def description(page: str) -> str:
    """Return the first sentence of a page, without links; empty for a page without text of its own."""
    text = _BLOCK.sub("", (DOCS / f"{page}.md").read_text(encoding="utf-8"))
    paragraphs = [part for part in re.split(r"\n\s*\n", text) if re.match(r"[A-Za-z`*\[(]", part)]
    if not paragraphs:
        return ""
    first = _LINK.sub(r"\1", " ".join(paragraphs[0].split())).replace("**", "")
    sentence = re.split(r"(?<=[.:?])\s", first)[0].rstrip(":").rstrip(".")
    return sentence if len(sentence.split()) > 2 else ""


def sections(page: str) -> list[str]:
    """Return the headings of a page's sections."""
    text = _BLOCK.sub("", (DOCS / f"{page}.md").read_text(encoding="utf-8"))
    return [_LINK.sub(r"\1", heading) for heading in re.findall(r"^## (.+)$", text, re.MULTILINE)]


def lines() -> Iterator[str]:
    """Yield the lines of the file."""
    yield "# Flask-Datastar"
    yield ""
    yield f"> {description('index')}."
    yield ""
    yield "Rules for code that uses it are written by `flask datastar rules`, and checked by `flask datastar check`."
    loose = []
    for page in entries("index"):
        if not page.endswith("/index"):
            loose.append(page)
            continue
        yield ""
        yield f"## {title(page)}"
        yield ""
        yield from map(_line, entries(page))
    yield ""
    yield "## More"
    yield ""
    yield from map(_line, loose)


def _line(page: str) -> str:
    about = [text for text in (description(page), "; ".join(sections(page))) if text]
    return f"- [{title(page)}]({page}.html){': ' if about else ''}{'. Sections: '.join(about)}"


def main() -> None:
    """Write the file."""
    TARGET.write_text("\n".join([*lines(), ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
