"""Reading and changing the user's files: said before it is done, and whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import click


def shown(path: Path) -> str:
    """Give a path as the user would write it: from where the command runs, if it is below that."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def read_text(path: Path) -> str:
    """Read a text of the user's, with its line ends as they are.

    :raises click.ClickException: it is not UTF-8.
    """
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{shown(path)} is not UTF-8 ({error.reason}); change it by hand.") from error


def change(path: Path, content: bytes, *, dry_run: bool) -> None:
    """Write a file, and say so; with ``dry_run`` only say it.

    It is written beside its place and moved there, so that a command that is cut leaves no half file. A link stays a
    link, and what may be done with the file stays as it was.

    :raises click.ClickException: it cannot be written.
    """
    verb = "changed" if path.exists() else "made"
    if dry_run:
        click.echo(f"{shown(path)}: would be {verb}")
        return
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, content)
    except OSError as error:
        raise click.ClickException(f"{shown(path)} cannot be written: {error}") from error
    click.echo(f"{shown(path)}: {verb}")


def _replace(target: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        if target.exists():
            shutil.copymode(target, partial)
        else:
            # mkstemp makes files for the owner's eyes only, but a web server has to read these.
            partial.chmod(0o666 & ~_umask())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _umask() -> int:
    """Read the process's umask, which can only be read by setting it."""
    umask = os.umask(0)
    os.umask(umask)
    return umask
