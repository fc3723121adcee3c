"""The browser client's file: fetched over the network, and checked."""

from __future__ import annotations

import base64
import hashlib
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import urlopen

import click

_TIMEOUT_SECONDS = 30
#: The bundle has some 33,000 bytes.
_MAX_BYTES = 1_048_576


def download(url: str) -> bytes:
    """Fetch a script.

    :param url: http or https, which the configuration has checked.
    :raises click.ClickException: it cannot be fetched, or is no script.
    """
    try:
        with urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            content = bytes(response.read(_MAX_BYTES + 1))
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()  # it is the answer, too, and holds the connection
        raise click.ClickException(
            f"{url} could not be fetched: {error}. Fetch it in another way, put it into the static folder as "
            "datastar.js, and set DATASTAR_SCRIPT_URL."
        ) from error
    if len(content) > _MAX_BYTES:
        raise click.ClickException(f"{url} has more than {_MAX_BYTES} bytes: that is not the client.")
    if not content.strip() or content.lstrip().startswith(b"<"):
        raise click.ClickException(f"{url} is empty or a page, not the client. Nothing was written.")
    return content


def check_integrity(content: bytes, url: str, integrity: str | None) -> str:
    """Compare content with its subresource integrity, if that is known, as a browser does.

    :param integrity: one or more of ``sha256-``, ``sha384-``, ``sha512-`` and a digest; of several one has to fit.
    :return: the content's own, by SHA-256 when none is known.
    :raises click.ClickException: it is another.
    """
    if integrity is None:
        return _digest(content, "sha256")
    wanted = integrity.split(" ")
    # Browsers look at the strongest algorithm that is there only.
    algorithm = max(one.partition("-")[0] for one in wanted)
    found = _digest(content, algorithm)
    if found not in wanted:
        raise click.ClickException(f"{url} is {found}, expected: {integrity}. Nothing was written.")
    return found


def _digest(content: bytes, algorithm: str) -> str:
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"
