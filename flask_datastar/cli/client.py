"""The download of the browser client, and the check of its integrity."""

from __future__ import annotations

import base64
import hashlib
import re
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import urlopen

import click

_TIMEOUT_SECONDS = 30
#: A limit far above the bundle's 33,000 bytes.
_MAX_BYTES = 1_048_576
#: In the URL of a CDN, and in the first line of the file.
_VERSION = re.compile(r"(?:@v?|Datastar v)([0-9]+\.[0-9]+\.[0-9]+)")


def download(url: str) -> bytes:
    """Download a script.

    :param url: an http or https URL; the configuration has checked it.
    :raises click.ClickException: if the URL cannot be fetched, or its content is not a script.
    """
    try:
        with urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            content = bytes(response.read(_MAX_BYTES + 1))
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()  # the error is also the response, and holds the connection
        raise click.ClickException(
            f"{url} could not be fetched: {error}. Download it in another way (bundles/datastar.js at the "
            "version's tag in the repository github.com/starfederation/datastar), put it into the static folder as "
            "datastar.js, and set DATASTAR_SCRIPT_URL."
        ) from error
    if len(content) > _MAX_BYTES:
        raise click.ClickException(f"{url} has more than {_MAX_BYTES} bytes, so it is not the client.")
    if not content.strip() or content.lstrip().startswith(b"<"):
        raise click.ClickException(f"{url} is empty or an HTML page, not the client. Nothing was written.")
    return content


def check_integrity(content: bytes, url: str, integrity: str | None) -> str:
    """Compare content with its known subresource integrity, as a browser does.

    :param integrity: one or more digests with the prefix ``sha256-``, ``sha384-`` or ``sha512-``, of which one has to
        match; None if the digest is unknown.
    :return: the content's own digest; SHA-256 if ``integrity`` is None.
    :raises click.ClickException: if the content does not match.
    """
    if integrity is None:
        return _digest(content, "sha256")
    wanted = integrity.split(" ")
    # Browsers use only the strongest of the algorithms.
    algorithm = max(one.partition("-")[0] for one in wanted)
    found = _digest(content, algorithm)
    if found not in wanted:
        raise click.ClickException(f"{url} is {found}, expected: {integrity}. Nothing was written.")
    return found


def _digest(content: bytes, algorithm: str) -> str:
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


def find_version(text: str) -> str | None:
    """Return the version of the client that a URL or the start of its file names; None if neither does."""
    found = _VERSION.search(text)
    return found[1] if found is not None else None
