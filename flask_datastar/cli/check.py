"""``flask datastar check``: mistakes in the app's templates and Python."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from ..state.app import app_state_of


@click.command("check")
@click.option("--attribute", "attributes", metavar="NAME", multiple=True, help="An attribute of a plugin of your own.")
@click.pass_context
@with_appcontext
def check(context: click.Context, attributes: tuple[str, ...]) -> None:
    """Find mistakes in templates and Python.

    It finds wrong names, verbs, parameters, attributes, modifiers, ids and signals. The exit status is 1 if there are
    any.
    """
    # Imported here, because the commands are attached to each app, and only this one needs parsers.
    from ..checks.run import check_app
    from ..views.url import ViewUrls

    app = current_app._get_current_object()  # type: ignore[attr-defined]
    report = check_app(app, app_state_of(app).part(ViewUrls), attributes)
    for finding in report.findings:
        click.echo(str(finding))
    count = f"{len(report.findings) or 'No'} {'mistake' if len(report.findings) == 1 else 'mistakes'}"
    click.echo(f"{count} found. Templates: {report.templates}, Python files: {report.files}.")
    if report.findings:
        context.exit(1)
