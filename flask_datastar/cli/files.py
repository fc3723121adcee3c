"""Reading and changing the user's files, as a whole or not at all, with a report of each change."""

from __future__ import annotations

import os
import shutil
import tempfile
from difflib import unified_diff
from pathlib import Path

import click


def shown(path: Path) -> str:
    """Return a path as the user would write it: relative if it is below the current folder."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def read_text(path: Path) -> str:
    """Read a text file of the user, with its line ends unchanged.

    :raises click.ClickException: if the file is not UTF-8.
    """
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{shown(path)} is not UTF-8 ({error.reason}); change it by hand.") from error


def change(path: Path, content: bytes, *, dry_run: bool) -> None:
    """Write a file and report it; with ``dry_run`` only report it.

    The content is written beside the file and moved there, so that an interrupted command leaves no partial file. A
    link stays a link, and the file keeps its permissions.

    :raises click.ClickException: if the file cannot be written.
    """
    verb = "changed" if path.exists() else "created"
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


def change_text(path: Path, old: str, new: str, *, dry_run: bool) -> None:
    """Write a text file that exists and report it; with ``dry_run`` only print the lines that would change.

    :param old: its text as it is.
    :raises click.ClickException: if the file cannot be written.
    """
    change(path, new.encode(), dry_run=dry_run)
    if dry_run:
        lines = unified_diff(old.splitlines(), new.splitlines(), shown(path), shown(path), lineterm="")
        for line in lines:
            click.echo(f"    {line}".rstrip())


def _replace(target: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        if target.exists():
            shutil.copymode(target, partial)
        else:
            # mkstemp creates files that only the owner can read, but a web server has to read these.
            partial.chmod(0o666 & ~_umask())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _umask() -> int:
    """Return the process's umask, which can only be read by setting it."""
    umask = os.umask(0)
    os.umask(umask)
    return umask
