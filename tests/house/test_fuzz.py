"""The fuzz of `make soak`: it works, and it finds what it is there for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.children import server_environment

ROOT = Path(__file__).parents[2]
FUZZES = ["fuzz_requests", "fuzz_streams", "fuzz_messages"]
#: A fault → the fuzz that finds it, what makes the fault, and what is printed.
FAULTS = {
    "line ends in data": (
        "fuzz_requests",
        "from flask_datastar.sansio import events, scripts, elements\n"
        "for one in (events, scripts, elements): one.wire_lines = lambda key, text: f'{key} {text}'",
        "FAILED injected: line",
    ),
    "markup that is not escaped": (
        "fuzz_requests",
        "import tests.soak.fuzz_app as app; app.Markup = lambda text: text",
        "FAILED injected: line 'data: elements",
    ),
    "an ending with another client's id": (
        "fuzz_streams",
        "from flask_datastar.sansio.endings import Ending\nEnding.encode_id = lambda self: 'ds:restart:1:evil'",
        "FAILED injected: line 'id: ds:restart:1:evil",
    ),
    "an exception in the reading": (
        "fuzz_requests",
        "from flask_datastar.sansio import signal_reading as reading\n"
        "old = reading.check_names\n"
        "def check(value):\n    old(value)\n    value['tabId'].upper()\n"
        "reading.check_names = check",
        "FAILED status 500: ",
    ),
    "a scope that another one's text names": (
        "fuzz_streams",
        "from flask_datastar.hub import scopes\nscopes.named_scope = str\n"
        "import flask_datastar.streams.methods as m\nm.scope_topic = lambda scope, tab=None: scopes.scope_topic('ann')",
        "FAILED leaked: ",
    ),
    "a stream that stays": (
        "fuzz_streams",
        "from flask_datastar.hub.hub import StreamHub\nStreamHub.close = lambda *_: None",
        "FAILED left behind: ",
    ),
    "a wait": (
        "fuzz_requests",
        "import time\nfrom flask_datastar.sending import scripts\n"
        "old = scripts.ScriptMethods.console_log\n"
        "scripts.ScriptMethods.console_log = lambda *a, **k: time.sleep(1.1) or old(*a, **k)",
        "FAILED slow: ",
    ),
}


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=server_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )


def start(fuzz: str) -> str:
    return f"import os, sys, tests.soak.{fuzz} as fuzz\nstatus = fuzz.main()\nsys.stdout.flush()\nos._exit(status)"


@pytest.mark.parametrize("fuzz", FUZZES)
def test_fuzz_finds_nothing(fuzz: str) -> None:
    result = run(start(fuzz), "--count", "400", "--seed", "1")

    assert result.returncode == 0, result.stdout + result.stderr


def test_same_seed_sends_the_same(tmp_path: Path) -> None:
    shown = {
        run(
            "from tests.soak.fuzz_making import make_request; from tests.soak.fuzz_watch import chance_of\n"
            "print([make_request(chance_of(7, number), {}) for number in range(50)])"
        ).stdout
        for _ in range(2)
    }

    assert len(shown) == 1
    assert "Sent(method=" in shown.pop()


@pytest.mark.parametrize("fault", FAULTS)
def test_fuzz_finds_a_fault(fault: str) -> None:
    fuzz, planting, expected = FAULTS[fault]

    result = run(f"{planting}\n{start(fuzz)}", "--count", "80" if "wait" in fault else "400", "--seed", "2")

    assert result.returncode == 1, result.stdout + result.stderr
    assert expected in result.stdout
