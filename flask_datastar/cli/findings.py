"""The findings of ``flask datastar doctor``: what is wrong, and its cure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: Facts about an app, its server or a request, as they travel in JSON.
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a deployment.

    :param name: names the kind of finding, for ``--ignore``.
    :param found: a sentence without its full stop.
    :param cure: what to do, likewise.
    """

    name: str
    found: str
    cure: str
