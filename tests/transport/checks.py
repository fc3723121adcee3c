"""Turns the checks of ``scripts`` into tests: what depends on the kind of threads is tried in processes of its own."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.children import child_environment, plain_environment
from tests.transport.scripts.runner import check_names

ROOT = Path(__file__).parents[2]
#: For all checks of a module.
DEADLINE_SECONDS = 1200


def all_checks(module: ModuleType, *kinds: str) -> pytest.MarkDecorator:
    """Parametrise a test over kinds and over the checks of a module."""
    return pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in kinds for name in check_names(module)])


def run_check(module: ModuleType, kind: str, name: str) -> None:
    """Run a check; it has failed when it prints anything, too."""
    if kind.startswith("gevent"):
        pytest.importorskip("gevent")
    code, output = _run_checks(module.__name__, kind)[name]
    assert (code, output) == (0, ""), output


@functools.cache
def _run_checks(module: str, kind: str) -> dict[str, tuple[int, str]]:
    command = [sys.executable, "-m", "tests.transport.scripts.runner", kind, module]
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=child_environment(has_greenlets=kind != "threads") if _is_measured(module, kind) else plain_environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    results: dict[str, tuple[int, str]] = json.loads(result.stdout)
    return results


def _is_measured(module: str, kind: str) -> bool:
    """Return whether coverage counts in a process: where it runs lines that tests in the process of pytest do not."""
    if module.startswith("tests.brokers."):
        # The other checks of brokers run the same lines with threads as with gevent.
        return kind == "threads" or module.endswith(".contract_checks")
    return module.startswith("tests.transport.")
