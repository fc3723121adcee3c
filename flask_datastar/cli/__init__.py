"""The commands ``flask datastar …``, which set up an application, fetch the browser client, and find faults.

``init_app`` attaches the group. The commands report what they do, only add to a user's files, and can be run again.
"""

from __future__ import annotations

import click
from flask.cli import AppGroup

from . import doctor, init
from .check import check
from .fetching import current, fetch_client
from .handlers import handlers
from .rules import rules

datastar_commands = AppGroup("datastar", help="Set an application up for Datastar, check and diagnose it.")

for _command in (handlers, check, rules, doctor.doctor, init.init):
    datastar_commands.add_command(_command)


@datastar_commands.command("fetch-client", short_help="Fetch the browser client.")
@click.option("--force", is_flag=True, help="Replace another file of that name.")
@click.option("--dry-run", is_flag=True, help="Show what would change without changing it.")
def _fetch_client(force: bool, dry_run: bool) -> None:
    """Fetch the browser client into the static folder, to serve it yourself."""
    fetch_client(current(), force=force, dry_run=dry_run)
