"""Code on pages that is a copy from a file, and its comparison with the file.

usage: python -m tests.house.copies [--write]

A comment above the code names the file, and the lines that are copied if these are not all::

    <!-- example/nginx.conf, from "upstream app" before "# end of what" -->

Code that is included by Sphinx would be missing where most people read a page: on a code host. A copy that differs from
its file is printed, and the exit status is 1; ``--write`` copies it again.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[2]

#: The comment, the path, the first and the last line if they are named, and the code. ``after`` and ``before`` exclude
#: the named line, ``from`` and ``to`` include it.
COPY = re.compile(
    r'(<!-- (\S+?)(?:, (from|after) "(.+?)" (to|before) "(.+?)")? -->\n```\S+\n)(.*?)^```$', re.MULTILINE | re.DOTALL
)


def pages(root: Path = ROOT) -> list[Path]:
    """Return all pages, in order."""
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]


def excerpt(text: str, start: str | None, first: str, end: str | None, last: str) -> str:
    """Return the lines between two named lines of a text, without their common indentation.

    :param start: ``from``, ``after``, or None for the whole text.
    :param end: ``to`` or ``before``.
    :raises StopIteration: if a named line is missing.
    """
    lines = text.splitlines()
    if start is not None:
        number = next(number for number, line in enumerate(lines) if first in line)
        stop = next(number for number in range(number + 1, len(lines)) if last in lines[number])
        lines = lines[number + (start == "after") : stop + (end == "to")]
    return dedent("\n".join(lines)).strip("\n") + "\n"


def renew(page: str, root: Path = ROOT) -> tuple[str, list[str]]:
    """Copy everything on a page again, and return the page with the names of what differed."""
    stale = []

    def copy(match: re.Match[str]) -> str:
        head, path, start, first, end, last, code = match.groups()
        found = excerpt((root / path).read_text(encoding="utf-8"), start, first, end, last)
        # The formatter wants two blank lines on the page between functions that are nested in the file.
        if re.sub(r"\n{2,}", "\n\n", found) == re.sub(r"\n{2,}", "\n\n", code):
            return match[0]
        stale.append(head.partition(" -->")[0].removeprefix("<!-- "))
        return f"{head}{found}```"

    return COPY.sub(copy, page), stale


def main(root: Path = ROOT, *, writes: bool = False) -> int:
    """Print what differs, write it if that is asked for, and return the exit status."""
    count = 0
    for page in pages(root):
        text, stale = renew(page.read_text(encoding="utf-8"), root)
        for name in stale:
            print(f"{page.relative_to(root).as_posix()}: the code differs from {name}")
        count += len(stale)
        if writes and stale:
            page.write_text(text, encoding="utf-8")
    return 1 if count and not writes else 0


if __name__ == "__main__":
    sys.exit(main(writes="--write" in sys.argv))
