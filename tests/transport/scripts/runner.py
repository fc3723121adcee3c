"""Runs checks of this folder, each in a process of its own: with threads, or with gevent patched in first.

The kind ``greenlets`` has both: greenlets, and threads that are not patched.

Those of one module and one kind are forked from one process, because importing takes longer than most of them. They run
one after another, or as many at a time as a module says in ``SIDE_BY_SIDE`` whose checks wait for most of their time.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import sys
import tempfile
import traceback
import warnings
from contextlib import ExitStack
from types import ModuleType
from typing import IO

from tests.support.checks import exit_child

#: More than what a check itself waits for, whose error says more.
DEADLINE_SECONDS = 240


def check_names(module: ModuleType) -> list[str]:
    return [name for name in vars(module) if name.startswith("check_")]


def main(kind: str, module_name: str) -> None:
    """Print a JSON object: name of a check → its exit code and what it printed."""
    fork = os.fork
    if kind.startswith("gevent"):
        from gevent import monkey

        monkey.patch_all()
    module = importlib.import_module(module_name)
    if kind.endswith("-peek"):
        from flask_datastar.transport import watchers
        from flask_datastar.transport.wakeups import PerProcess

        # A system that has no epoll and whose poll knows no end of input.
        watchers._watcher = PerProcess(watchers.Watcher)
        watchers._POLLRDHUP = 0
    results: dict[str, tuple[int, str]] = {}
    running: dict[str, tuple[int, IO[bytes]]] = {}
    with ExitStack() as stack:
        for name in check_names(module):
            if len(running) == getattr(module, "SIDE_BY_SIDE", 1):
                finish_oldest(running, results)
            output = stack.enter_context(tempfile.TemporaryFile())
            child = fork()
            if child == 0:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                run(module, name)
            running[name] = child, output
        while running:
            finish_oldest(running, results)
    print(json.dumps(results))


def finish_oldest(running: dict[str, tuple[int, IO[bytes]]], results: dict[str, tuple[int, str]]) -> None:
    """Wait for the check that was started first."""
    name = next(iter(running))
    child, output = running.pop(name)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    output.seek(0)
    results[name] = (code, output.read().decode(errors="replace"))


def run(module: ModuleType, name: str) -> None:
    faulthandler.dump_traceback_later(DEADLINE_SECONDS, exit=True)
    warnings.simplefilter("error")
    # Python 3.12 warns of a fork beside threads, which is what some of the checks are about.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    try:
        getattr(module, name)()
    except BaseException:
        traceback.print_exc()
        exit_child(1)
    exit_child(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
