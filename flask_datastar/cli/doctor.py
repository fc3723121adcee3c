"""The command ``flask datastar doctor``: finds out why nothing arrives, with a cure for each finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from ..state.app import app_state_of
from .doctor_config import check_config
from .doctor_facts import config_facts
from .doctor_http import Site
from .doctor_site import check_site
from .findings import Finding


@click.command("doctor", short_help="Find out why nothing arrives.")
@click.argument("url", required=False)
@click.option("--insecure", is_flag=True, help="Accept a certificate that cannot be verified.")
@click.option("--ignore", metavar="NAME", multiple=True, help="Leave findings of this name out.")
@click.option("--page", default="/", show_default=True, help="The path of the page to judge, below the URL.")
@click.option("--patience", default=5.0, show_default=True, help="Seconds to wait for what should come at once.")
@with_appcontext
@click.pass_context
def doctor(
    context: click.Context, url: str | None, insecure: bool, ignore: tuple[str, ...], page: str, patience: float
) -> None:
    """Judge the configuration and, with the URL of the running app, open a stream there.

    The exit status is 0 if nothing is found, and 1 otherwise.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    app_state = app_state_of(app)
    if url is None:
        found = check_config(config_facts(app_state), is_https=_is_https(app), is_local=app.debug)
        what = "the configuration; name the URL of the running application to open a stream there"
    else:
        found = check_site(app_state, Site(url, is_trusting=insecure), patience, f"/{page.lstrip('/')}")
        what = url
    is_good = True
    for finding in _each_once(found):
        if finding.name not in ignore:
            is_good = False
            # At once, because the silence of the stream takes a while.
            click.echo(f"{finding.name}: {finding.found}.\n    {finding.cure}.")
    if not is_good:
        context.exit(1)
    click.echo(f"Nothing found in {what}.")


def _is_https(app: Flask) -> bool | None:
    return True if app.config.get("PREFERRED_URL_SCHEME") == "https" else None


def _each_once(found: Iterable[Finding]) -> Iterator[Finding]:
    """Pass one finding of each name and cure on, because several checks may come upon the same fault."""
    known = set()
    for finding in found:
        if (finding.name, finding.cure) not in known:
            known.add((finding.name, finding.cure))
            yield finding
