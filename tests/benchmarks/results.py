"""The place where measurements are written: a page of the documentation, or files.

A page has a pair of comments for each table. What stands between them is replaced, so that the page can be read as it
is on a code host.
"""

from __future__ import annotations

import re
from pathlib import Path

EXPLANATION = Path(__file__).resolve().parents[2] / "docs" / "explanation"


def write(name: str, text: str, plot: str, *, title: str, page: Path | None, output: Path) -> None:
    """Write a table and its plot.

    :param name: the name of the measurement, ``streams``.
    :param text: the table and what belongs to it, as Markdown.
    :param plot: the plot as SVG; without any, an empty text.
    :param title: the text for those who do not see the plot.
    :param page: the page that has the pair of comments, or None to write ``<name>.md`` instead.
    :param output: the folder of the files.
    """
    output.mkdir(parents=True, exist_ok=True)
    if plot:
        (output / f"{name}.svg").write_text(plot)
    folder = "" if page is None else f"{output.relative_to(page.parent).as_posix()}/"
    shown = f"\n![{title}]({folder}{name}.svg)\n" if plot else ""
    if page is None:
        (output / f"{name}.md").write_text(f"{text}{shown}")
    else:
        page.write_text(insert(page.read_text(encoding="utf-8"), name, f"{text}{shown}"), encoding="utf-8")


def conclude(table: str, marks: list[tuple[bool, str]], *, is_quick: bool) -> int:
    """Print a table, and for each mark whether it is reached.

    :param is_quick: whether the run was too short for the marks to count.
    :return: the exit status: 1 if a mark that counts is missed.
    """
    print(table)
    for _, line in marks:
        print(line)
    return 0 if is_quick or all(is_reached for is_reached, _ in marks) else 1


def insert(page: str, name: str, text: str) -> str:
    """Return a page with another text between the comments of a measurement.

    :raises ValueError: if the page has no such comments, or several.
    """
    head, tail = f"<!-- measured: {name} -->\n", f"<!-- end of {name} -->\n"
    between = re.compile(f"({re.escape(head)}).*?({re.escape(tail)})", re.DOTALL)
    found, count = between.subn(lambda match: f"{match[1]}\n{text.strip()}\n\n{match[2]}", page)
    if count != 1:
        raise ValueError(f"the page has {count} pairs of comments {head.strip()} … {tail.strip()}; write one")
    return found
