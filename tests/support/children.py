"""The environment of processes that tests start."""

from __future__ import annotations

import os
from pathlib import Path

_SETTINGS = Path(__file__).parents[2] / "setup.cfg"


def server_environment(**more: str) -> dict[str, str]:
    """Return the environment for a server: coverage is not measured there, which would make it twice as slow.

    What only a server runs would count as covered then, but not as tested: its tests see what comes out. gunicorn does
    not kill a worker there that a busy machine, or a test, stops for half a minute.

    :param more: further variables.
    """
    return plain_environment(**{"GUNICORN_CMD_ARGS": "--timeout 600", **more})


def plain_environment(**more: str) -> dict[str, str]:
    """Return the environment for a new process in which coverage is not measured, whatever is measured here.

    :param more: further variables.
    """
    variables = {**os.environ, **more}
    variables.pop("COVERAGE_PROCESS_CONFIG", None)
    return variables


def child_environment(*, has_greenlets: bool, **more: str) -> dict[str, str]:
    """Return the environment for a new process, in which coverage is measured if it is measured here.

    Only the brokers and the transport are measured: tests in one process run all lines of the other modules, and
    measuring those would make the new process twice as slow.

    :param has_greenlets: whether the process runs on gevent. Coverage follows greenlets only in such a process: to do
        so it records each thread that ends, and if several end at one moment, Python 3.11 can loop there forever.
    :param more: further variables.
    """
    variables = {**os.environ, **more}
    if variables.pop("COVERAGE_PROCESS_CONFIG", None) is not None:
        # Instead of the settings of this process, the child reads the file with these variables.
        variables |= {
            "COVERAGE_PROCESS_START": str(_SETTINGS),
            "COVERAGE_SOURCE": "flask_datastar/brokers,flask_datastar/transport",
            "COVERAGE_CONCURRENCY": "thread,greenlet" if has_greenlets else "thread",
        }
    return variables
