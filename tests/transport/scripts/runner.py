"""Runs one check of this folder in a process of its own: with threads, or with gevent patched in first."""

from __future__ import annotations

import faulthandler
import importlib
import inspect
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
DEADLINE_SECONDS = 30


def all_checks(module: ModuleType, *kinds: str) -> pytest.MarkDecorator:
    """Parametrise a test over kinds and over the functions of a module whose names begin with ``check_``."""
    names = [name for name, _ in inspect.getmembers(module, inspect.isfunction) if name.startswith("check_")]
    return pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in kinds for name in names])


def run_check(module: ModuleType, kind: str, name: str) -> None:
    """Run a check; it has failed when it says anything on stderr, too."""
    if kind.startswith("gevent"):
        pytest.importorskip("gevent")
    command = [sys.executable, "-m", "tests.transport.scripts.runner", kind, module.__name__, name]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=2 * DEADLINE_SECONDS, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")


def main(kind: str, module: str, name: str) -> None:
    faulthandler.dump_traceback_later(DEADLINE_SECONDS, exit=True)
    if kind.startswith("gevent"):
        from gevent import monkey

        monkey.patch_all()
    warnings.simplefilter("error")
    # Python 3.12 warns of a fork beside threads, which is what some of the checks are about.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    checks = importlib.import_module(module)
    if kind.endswith("-peek"):
        from flask_datastar.transport import watchers
        from flask_datastar.transport.wakeups import PerProcess

        # A system that has no epoll and whose poll knows no end of input.
        watchers._watcher = PerProcess(watchers.Watcher)
        watchers._POLLRDHUP = 0
    getattr(checks, name)()


if __name__ == "__main__":
    main(*sys.argv[1:])
