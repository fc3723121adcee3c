"""``flask datastar rules``: the usage rules for coding assistants, in a section of a file of the project."""

from __future__ import annotations

import re
from pathlib import Path

import click

from . import files
from .usage_rules import USAGE_RULES

START = "<!-- Flask-Datastar rules: written by `flask datastar rules`, which replaces this section -->"
END = "<!-- End of the Flask-Datastar rules -->"
_SECTION = re.compile(rf"{re.escape(START)}.*?{re.escape(END)}\n?", re.DOTALL)


@click.command("rules")
@click.option("--file", "name", default="AGENTS.md", show_default=True, metavar="NAME", help="The file to write.")
@click.option("--dry-run", is_flag=True, help="Show what would change without changing it.")
def rules(name: str, dry_run: bool) -> None:
    """Write rules for coding assistants.

    They get a section of the file. All other text is kept, so the command can be run again after an update.
    """
    path = Path.cwd() / name
    old = files.read_text(path) if path.exists() else ""
    new = with_rules(old)
    if new == old:
        click.echo(f"{files.shown(path)}: nothing to change")
    else:
        files.change(path, new.encode(), dry_run=dry_run)
        click.echo(f"    {len(USAGE_RULES.splitlines())} lines of rules for coding assistants")


def with_rules(text: str) -> str:
    """Return a file's text with the current rules: in the place of earlier ones, or at the end."""
    newline = "\r\n" if "\r\n" in text else "\n"
    section = f"{START}\n\n{USAGE_RULES}\n{END}\n".replace("\n", newline)
    plain = text.replace("\r\n", "\n")
    if _SECTION.search(plain):
        return _SECTION.sub(lambda _: section.replace(newline, "\n"), plain, count=1).replace("\n", newline)
    gap = "" if not text else newline if text.endswith(("\n\n", "\r\n\r\n")) else newline * (1 + (text[-1] != "\n"))
    return f"{text}{gap}{section}"
