"""``flask datastar handlers``: a list of what the browser can call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from .files import shown

_COLUMNS = ("group", "name", "kind", "methods", "url", "source")


@click.command("handlers")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")
@with_appcontext
def handlers(as_json: bool) -> None:
    """List handlers, streams and events of views."""
    rows = [_row(info) for info in current_app.extensions["datastar"].handlers]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = [[_cell(row[column]) for column in _COLUMNS] for row in rows]
    if not table:
        click.echo("No handlers are declared; declare one with @datastar.handler.")
        return
    heading = ["GROUP", "NAME", "KIND", "METHODS", "URL", "SOURCE"]
    widths = [max(map(len, column)) for column in zip(heading, *table, strict=True)]
    for line in [heading, *table]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _row(info: Any) -> dict[str, Any]:
    path, colon, line = info.source.rpartition(":")
    return {
        "group": info.group,
        "name": info.name,
        "kind": str(info.kind),
        "methods": list(info.methods),
        # Several if its blueprint is registered several times, none while its blueprint is not registered.
        "url": list(info.rules.values()),
        "function": info.function,
        "source": f"{shown(Path(path))}{colon}{line}" if path else "",
    }


def _cell(value: str | list[str]) -> str:
    text = value if isinstance(value, str) else ",".join(value)
    return text or "-"
