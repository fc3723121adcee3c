"""What processes that tests start get from theirs."""

from __future__ import annotations

import os
from pathlib import Path

_SETTINGS = Path(__file__).parents[2] / "setup.cfg"


def child_environment(*, has_greenlets: bool, **more: str) -> dict[str, str]:
    """Give the environment of a process to start; when coverage is measured, there too.

    :param has_greenlets: whether it runs on gevent. Coverage follows greenlets in such a process only: to do so it
        notes each thread that ends, and when several end at one moment, Python 3.11 can spin in that note for ever.
    :param more: variables of its own.
    """
    variables = {**os.environ, **more}
    if has_greenlets and variables.pop("COVERAGE_PROCESS_CONFIG", None) is not None:
        # In place of the settings as this process has them: the file, read with this variable.
        variables |= {"COVERAGE_PROCESS_START": str(_SETTINGS), "COVERAGE_CONCURRENCY": "thread,greenlet"}
    return variables
