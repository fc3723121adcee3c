"""The commands ``flask datastar …``, which set up an application, fetch the browser client, and find faults.

``init_app`` attaches the group. The commands report what they do, only add to a user's files, and can be run again.
"""

from __future__ import annotations

import click
from flask.cli import AppGroup

from ..state.app import AppState


class _Commands(AppGroup):
    """A group that imports its commands when they are asked for: it is attached to every app that starts."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._import()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self._import()
        return super().get_command(ctx, cmd_name)

    def _import(self) -> None:
        if "init" in self.commands:
            return
        from .check import check
        from .doctor import doctor
        from .fetching import fetch_client_command
        from .handlers import handlers
        from .init import init
        from .rules import rules

        for command in (check, doctor, fetch_client_command, handlers, init, rules):
            self.add_command(command)


datastar_commands = _Commands("datastar", help="Set an application up for Datastar, check and diagnose it.")


def attach(app_state: AppState) -> None:
    """Add the commands to an app, and the URL that ``doctor`` asks if ``DATASTAR_DOCTOR`` is set."""
    app_state.app.cli.add_command(datastar_commands)
    if app_state.settings.doctor:
        from .probe import install_probe

        install_probe(app_state)
