"""``python -m flask_datastar init``: the command for a project whose application does not have the extension yet."""

from __future__ import annotations

import click

from .cli.init import init_project
from .extension import Datastar


@click.group()
@click.pass_context
def main(context: click.Context) -> None:
    """Set a project up for Datastar. Afterwards the commands are below "flask datastar"."""
    context.obj = Datastar


main.add_command(init_project)

if __name__ == "__main__":
    main(prog_name="python -m flask_datastar")
