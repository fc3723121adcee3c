"""The download of the browser client to ``static/datastar.js``, for the tests and for demos without a CDN.

The file is Datastar v1.0.1 with all its plugins and two small patches (scan of shadow roots, a race of the ``outside``
modifier), under the MIT licence, as shipped by the package StarHTML: a package index is often reachable where a CDN is
not. It is for tests and demos only; the extension's default is the official bundle, which ``datastar.script()`` names.

Run ``python example/fetch_client.py``. An existing file with the right content is kept.
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
    """Return the client's bytes from the wheel, which is neither installed nor kept."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    # The package requires a newer Python than this project, but the JavaScript in it needs no Python.
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
    # Written beside the target and moved over it, so that an interrupted run leaves no partial file.
    partial = TARGET.with_name(f".{TARGET.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(TARGET)
    print(f"Fetched {TARGET}")


if __name__ == "__main__":
    main()
