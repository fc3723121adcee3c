"""The copy of a checkout from which a release is built: one whose links lead somewhere.

usage: python -m docs.release [--repository URL] [--documentation URL] [folder]

The README's links are relative, for people who read it in a checkout or on a code host. A package index shows the
README without the files beside it, so the copy has absolute links, to the release's tag on the code host. ``setup.cfg``
names the project's URLs by placeholders, which the copy fills. Without a repository it has neither URLs nor links.

``make dist REPOSITORY=…`` builds the sdist and the wheel from the copy.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: The placeholders in ``setup.cfg``: nobody knows the addresses before the project is published.
REPOSITORY, DOCUMENTATION = "https://repository.invalid", "https://documentation.invalid"

#: A link or an image whose target is a file: an address has a colon, and a heading of the same page starts with #.
RELATIVE_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!#)([^):\s]+)\)")


def fill_readme(readme: str, repository: str, tag: str) -> str:
    """Return the README with links to files on the code host.

    :param repository: the address of the repository, or an empty text to leave the words of the links alone.
    :param tag: the tag of the release.
    """

    def absolute(link: re.Match[str]) -> str:
        is_image, text, target = link.groups()
        if repository:
            return f"{is_image}[{text}]({repository}/{'raw' if is_image else 'blob'}/{tag}/{target})"
        return "" if is_image else text

    return RELATIVE_LINK.sub(absolute, readme)


def fill_setup(setup: str, repository: str, documentation: str, tag: str) -> str:
    """Return ``setup.cfg`` with the project's addresses, or without them if there is no repository."""
    if not repository:
        return re.sub(r"^project_urls =\n(?: +.+\n)+", "", setup, flags=re.MULTILINE)
    documentation = documentation or f"{repository}/blob/{tag}/docs/index.md"
    return setup.replace(REPOSITORY, repository).replace(DOCUMENTATION, documentation).replace("/HEAD/", f"/{tag}/")


def copy_checkout(folder: Path, repository: str, documentation: str) -> None:
    """Clone the checkout's last commit into a folder, and fill in the addresses.

    :param folder: the folder to write; what is there is removed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    # A clone, because the build asks git which files belong to the sdist.
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], check=True)
    config = ConfigParser()
    config.read(folder / "setup.cfg")
    tag = f"v{config['metadata']['version']}"
    for name, filled in (
        ("README.md", fill_readme((folder / "README.md").read_text(encoding="utf-8"), repository, tag)),
        ("setup.cfg", fill_setup((folder / "setup.cfg").read_text(encoding="utf-8"), repository, documentation, tag)),
    ):
        (folder / name).write_text(filled, encoding="utf-8")


def address(text: str) -> str:
    """Check an address that was typed, and return it without the slash at its end.

    :raises argparse.ArgumentTypeError: if it is not an address of the web.
    """
    if text and not re.fullmatch(r"https?://[^\s/]+\.[^\s/]+(/\S*)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address; write https://host/owner/name")
    return text.rstrip("/")


def main(arguments: list[str]) -> int:
    """Write the copy, and say what is missing in it."""
    parser = argparse.ArgumentParser(description="Make the copy of this checkout from which a release is built.")
    parser.add_argument("--repository", type=address, default="", help="https://host/owner/name")
    parser.add_argument(
        "--documentation", type=address, default="", help="the built pages; else those of the repository"
    )
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "build" / "release")
    options = parser.parse_args(arguments)
    copy_checkout(options.folder, options.repository, options.documentation)
    if not options.repository:
        print("Without a repository: the package names no URLs, and its description has no links to files.")
    if subprocess.run(["git", "-C", str(ROOT), "status", "--porcelain"], capture_output=True, check=True).stdout:
        print("Only what is committed is part of it; this checkout has changes that are not.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
