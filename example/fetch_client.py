"""Fetch the browser client for the tests and for a demo without internet, as ``static/datastar.js``.

The file is Datastar v1.0.1 with all its plugins and two small patches (scan of shadow roots, a race of the
``outside`` modifier), under the MIT licence, as the package StarHTML ships it: a package index is reachable where a
CDN is not. It serves tests and demos only; the product's default is the official bundle that ``datastar.script()``
names.

Run ``python example/fetch_client.py``; a file that is already there and right is kept.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

REQUIREMENT = "starhtml==0.7.0"
MEMBER = "starhtml/static/js/datastar-core.js"
SHA256 = "31c8c9efb895beadeba5f73407c3ca60201dee321c5dea56c182817b475bde9f"
TARGET = Path(__file__).parent / "static" / "datastar.js"


def download_member(folder: str) -> bytes:
    """Return the client's bytes out of the wheel, which is neither installed nor kept."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    # The package itself asks for a newer Python than this project does; the script inside does not care.
    command += ["--python-version", "3.12", "--only-binary=:all:", "--dest", folder, REQUIREMENT]
    subprocess.run(command, check=True)
    (wheel,) = Path(folder).glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(MEMBER)


def has_expected_hash(content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == SHA256


def main() -> None:
    if TARGET.exists() and has_expected_hash(TARGET.read_bytes()):
        return
    with tempfile.TemporaryDirectory() as folder:
        content = download_member(folder)
    if not has_expected_hash(content):
        found = hashlib.sha256(content).hexdigest()
        sys.exit(f"{MEMBER} of {REQUIREMENT} has the SHA-256 {found}, expected {SHA256}: nothing was written.")
    TARGET.parent.mkdir(exist_ok=True)
    # Written beside the target and moved over it, so that a run that is cut leaves no half file.
    partial = TARGET.with_name(f".{TARGET.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(TARGET)
    print(f"Fetched {TARGET}")


if __name__ == "__main__":
    main()
