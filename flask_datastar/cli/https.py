"""HTTPS for development: a certificate for this machine, and the line that runs the application."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import click

from . import files

FOLDER = "certs"
CERTIFICATE, KEY, AUTHORITY = "localhost.pem", "localhost-key.pem", "ca.pem"
_NAMES = ("localhost", "127.0.0.1", "::1")


def make_certificate(root: Path, *, dry_run: bool) -> bool:
    """Create a certificate for this machine, unless there is one; without trustme, print the command of mkcert.

    :return: whether there is a certificate now.
    """
    folder = root / FOLDER
    if (folder / CERTIFICATE).exists() and (folder / KEY).exists():
        click.echo(f"{files.shown(folder / CERTIFICATE)}: nothing to do")
        return True
    if find_spec("trustme") is None or shutil.which("mkcert") is not None:
        click.echo(f"A certificate for https, of which browsers approve: mkdir -p {FOLDER} && mkcert -install &&")
        click.echo(f"    mkcert -cert-file {FOLDER}/{CERTIFICATE} -key-file {FOLDER}/{KEY} {' '.join(_NAMES)}")
        return False
    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert(*_NAMES)
    chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
    # Keys do not belong into a repository. git reads this file, too, and so leaves the folder out.
    files.change(folder / ".gitignore", b"*\n", dry_run=dry_run)
    files.change(folder / CERTIFICATE, chain, dry_run=dry_run)
    files.change(folder / KEY, issued.private_key_pem.bytes(), dry_run=dry_run)
    if not dry_run:
        (folder / KEY).chmod(0o600)
    files.change(folder / AUTHORITY, authority.cert_pem.bytes(), dry_run=dry_run)
    click.echo(f"    valid for {', '.join(_NAMES)}; browsers trust it after you import {FOLDER}/{AUTHORITY}")
    return True


def run_line(target: str, *, is_factory: bool, has_certificate: bool, source: str = "") -> str:
    """Return the command that runs an application, by the best server that is installed.

    :param target: such as ``app:app``, or ``shop:create_app`` for a factory.
    :param source: the folder from which the application is imported; empty for the current one.
    """
    certificate, key = f"{FOLDER}/{CERTIFICATE}", f"{FOLDER}/{KEY}"
    if find_spec("gunicorn") is not None and find_spec("gevent") is not None:
        options = f" --certfile {certificate} --keyfile {key}" if has_certificate else ""
        options += f" --pythonpath {source}" if source else ""
        return f'gunicorn{options} "{target}{"()" * is_factory}"'
    options = f" --cert {certificate} --key {key}" if has_certificate else ""
    if source:
        module, colon, name = target.partition(":")
        target = f"{source}/{module.replace('.', '/')}{colon}{name}"
    return f"flask --app {target} run --port 8000{options}"


def http2_line(target: str, *, is_factory: bool, source: str = "") -> str | None:
    """Return the command that runs an application over HTTP/2; None without a server that has it.

    gunicorn's own HTTP/2 serves the requests of one connection one after another, so that a stream blocks all others.
    """
    if find_spec("granian") is None:
        return None
    options = "--interface wsgi --blocking-threads 20 " + "--factory " * is_factory
    files_of = f"--ssl-certificate {FOLDER}/{CERTIFICATE} --ssl-keyfile {FOLDER}/{KEY}"
    variable = f"PYTHONPATH={source} " if source else ""
    return f"{variable}granian {options}{files_of} --port 8000 {target}"
