"""Processes that serve nothing: scripts, commands and jobs publish, open no more than they need, and end at once."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_datastar.testing import Brokers, Inbox
from flask_datastar.testing.waiting import wait_until
from tests.brokers.redis_server import RedisServer
from tests.brokers.scripts import plain_script
from tests.support.children import plain_environment

pytestmark = pytest.mark.redis

ROOT = Path(__file__).parents[2]
#: What starting Python and importing Flask may take on a busy machine.
DEADLINE_SECONDS = 120


def run(*arguments: str, gevent: bool = False) -> dict[str, str]:
    """Run a program to its end, and give the lines that it printed, by what stands before the colon."""
    program = [sys.executable, *(["-m", "gevent.monkey"] if gevent else [])]
    result = subprocess.run(
        [*program, *arguments],
        cwd=ROOT,
        env=plain_environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return dict(line.split(": ", 1) for line in result.stdout.splitlines())


@pytest.fixture
def listener(redis_server: RedisServer) -> Iterator[Inbox]:
    """Listen in another process's place."""
    with Brokers(redis_server.url) as brokers:
        broker, inbox = brokers.make()
        broker.subscribe("news")
        yield inbox


@pytest.mark.parametrize("gevent", [False, True], ids=["threads", "gevent"])
def test_script_publishes_and_opens_no_listener(redis_server: RedisServer, listener: Inbox, gevent: bool) -> None:
    with redis_server.client() as client:
        before = client.info("stats")["total_connections_received"]
        printed = run(plain_script.__file__, redis_server.url, gevent=gevent)
        after = client.info("stats")["total_connections_received"]

    wait_until(lambda: len(listener.data) == 2)
    assert listener.data[0] == b'"from a script"'
    assert b'{"broadcast":1}' in listener.data[1]
    assert printed["tabs"] == "0"
    assert after - before == 1
    assert "listener" not in printed["threads"]
    assert redis_server.keys() == []


@pytest.mark.parametrize("gevent", [False, True], ids=["threads", "gevent"])
def test_script_without_a_server_hears_so_and_ends(gevent: bool) -> None:
    begin = time.monotonic()
    with RedisServer() as missing:
        missing.kill()
        printed = run(plain_script.__file__, missing.url, gevent=gevent)

    assert "Connection refused" in printed["failed"]
    assert float(printed["seconds"]) < plain_script.TIMEOUT_SECONDS
    assert time.monotonic() - begin < DEADLINE_SECONDS


def test_command_publishes(redis_server: RedisServer, listener: Inbox) -> None:
    app = f"tests.brokers.scripts.plain_script:create_app('{redis_server.url}')"

    run("-m", "flask", "--app", app, "tell", "from a command")

    wait_until(lambda: listener.data == [b'"from a command"'])


def test_shell_publishes(redis_server: RedisServer, listener: Inbox) -> None:
    app = f"tests.brokers.scripts.plain_script:create_app('{redis_server.url}')"
    code = "import flask; flask.current_app.extensions['datastar'].publish('news', 'from a shell')"
    result = subprocess.run(
        [sys.executable, "-m", "flask", "--app", app, "shell"],
        cwd=ROOT,
        env=plain_environment(PYTHONPATH=str(ROOT)),
        input=code + "\n",
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    wait_until(lambda: listener.data == [b'"from a shell"'])
