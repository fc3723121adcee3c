"""The code on the pages of the cookbook, which is the text of the example's files.

usage: python -m tests.house.cookbook

It writes the files into the pages again, after a recipe has changed.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "cookbook"
#: A path in backticks at the end of a line, and the block of code below it.
_CODE = re.compile(r"^(`(example/[\w./]+)`:\n\n```\S+\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)


def read_code(page: str) -> dict[str, str]:
    """Return the code on a page by the path of its file."""
    return {path: code for _, path, code in _CODE.findall(page)}


def read_file(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def write_pages() -> None:
    for page in PAGES.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(_CODE.sub(lambda match: match[1] + read_file(match[2]), text), encoding="utf-8")


if __name__ == "__main__":
    write_pages()
