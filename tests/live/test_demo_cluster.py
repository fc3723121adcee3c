"""The board on nginx, two gunicorns of two workers and Redis: one site, whichever process a page happens to meet."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from redis import Redis

from tests.live.board import STREAM, add, cards, delete, join_board
from tests.live.servers import DEADLINE_SECONDS, ROOT, wait_until
from tests.support.children import server_environment

COMMAND = [sys.executable, "example/cluster.py", "--port", "0"]
STOP_DEADLINE_SECONDS = 90


class RunningCluster:
    """The command in a subprocess; a context manager."""

    def __init__(self, folder: Path) -> None:
        #: The folders of other clusters, which run or have been killed.
        self.folders_before = set((ROOT / "build").glob("cluster-*"))
        self._log = folder / "cluster.log"
        self._variables = variables = server_environment(
            EXAMPLE_SECRET_KEY="only for tests",
            EXAMPLE_SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / 'board.sqlite'}",
            # Longer than any pause of a busy machine, which is no outage.
            EXAMPLE_DATASTAR_BROKER_TIMEOUT_SECONDS="30",
            PYTHONUNBUFFERED="1",
        )
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(COMMAND, cwd=ROOT, env=variables, stdout=log, stderr=log)

    def __enter__(self) -> RunningCluster:
        try:
            wait_until(lambda: "Open http://" in self.log() or self.process.poll() is not None, self.log, 120)
            found = re.search(r"at (\S+) and (\S+), with redis://127.0.0.1:(\d+)/0\nOpen (\S+) ", self.log())
            assert found is not None, self.log()
        except BaseException:
            self.close()
            raise
        self.gunicorns = [found[1], found[2]]
        self.redis_port = int(found[3])
        self.url = found[4]
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def run_job(self, code: str) -> None:
        """Run code in the app's context, in a process of its own that serves nothing."""
        lines = ["from example import board, create_app", "from example.extensions import db"]
        program = "\n".join([*lines, "with create_app().app_context():", f"    {code}", "    db.session.commit()"])
        broker = {"EXAMPLE_DATASTAR_BROKER_URL": f"redis://127.0.0.1:{self.redis_port}/0"}
        command = [sys.executable, "-c", program]
        found = subprocess.run(
            command, cwd=ROOT, env={**self._variables, **broker}, capture_output=True, text=True, timeout=120
        )
        assert (found.returncode, found.stderr) == (0, "")

    def streams(self) -> dict[str, int]:
        """Give how many streams all processes together have of each tab, as they say in Redis."""
        with Redis(port=self.redis_port, decode_responses=True) as client:
            found: dict[str, int] = {}
            for key in client.keys("ds:example:scope:*"):
                for field, streams in client.hgetall(key).items():
                    tab = field.partition("\0")[2]
                    found[tab] = found.get(tab, 0) + int(streams)
            return found

    def processes(self) -> dict[int, str]:
        """Give all processes that it has started, and their names."""
        found: dict[int, str] = {}
        left = [self.process.pid]
        while left:
            pid = left.pop()
            # One of them may end meanwhile.
            with suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/comm").read_text().strip()
                left += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return found

    def wait_stopped(self) -> int:
        return self.process.wait(STOP_DEADLINE_SECONDS)

    def close(self) -> None:
        self.process.terminate()
        try:
            self.wait_stopped()
        except subprocess.TimeoutExpired:
            for pid in self.processes():
                os.kill(pid, signal.SIGKILL)
            pytest.fail(f"the cluster did not stop:\n{self.log()}")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCluster]:
    with RunningCluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def clean_log(cluster) -> Iterator[None]:
    before = len(cluster.log())
    yield
    log = cluster.log()[before:]
    print(log)
    assert "Traceback" not in log
    assert "WARNING" not in log


def left_of(processes: dict[int, str]) -> list[str]:
    """Name the processes that still run; one that has ended may wait for the system to take note of it."""
    left = []
    for pid, name in processes.items():
        with suppress(OSError):
            if "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():
                left.append(name)
    return left


def tab_of(page: Page) -> str:
    return str(page.evaluate("Object.values(sessionStorage).join()"))


@pytest.mark.usefixtures("clean_log")
def test_browsers_on_two_gunicorns_edit_the_board_together(cluster, open_page):
    ann, bob = (join_board(open_page(), url, name) for url, name in zip(cluster.gunicorns, ["Ann", "Bob"], strict=True))
    for page in (ann, bob):
        expect(page.locator("#people")).to_have_text("Here now: Ann, Bob")

    add(ann, "Milk")
    expect(cards(bob, "To do")).to_have_text(["Milk"])
    bob.get_by_role("button", name="Move on: Milk").click()
    expect(cards(ann, "Doing")).to_have_text(["Milk"])
    delete(ann, "Milk")
    for page in (ann, bob):
        expect(cards(page, "Doing")).to_have_text([])
    cluster.run_job("db.session.add(board.Card(text='Of a job', author='Cron'))")
    for page in (ann, bob):
        expect(cards(page, "To do")).to_have_text(["Of a job"])
    delete(bob, "Of a job")
    expect(cards(ann, "To do")).to_have_text([])

    bob.goto("about:blank")
    expect(ann.locator("#people")).to_have_text("Here now: Ann")
    ann.goto("about:blank")
    wait_until(lambda: cluster.streams() == {}, lambda: str(cluster.streams()))


@pytest.mark.usefixtures("clean_log")
def test_navigations_through_nginx_leave_one_stream_a_tab(cluster, open_page):
    ann, bob = (join_board(open_page(), cluster.url, name) for name in ("Ann", "Bob"))
    for number in range(6):
        for page, name in ((ann, "Ann"), (bob, "Bob")):
            with page.expect_request(STREAM):
                page.goto(f"{cluster.url}board" if number % 2 else f"{cluster.url}board?{number}")
            if number > 2:
                expect(page.locator("#people")).to_contain_text(name)
    second_tab = bob.context.new_page()
    second_tab.goto(f"{cluster.url}board")
    pages = (ann, bob, second_tab)
    for page in pages:
        expect(page.locator("#people")).to_have_text("Here now: Ann, Bob")

    add(bob, "Bread")
    for page in pages:
        expect(cards(page, "To do")).to_have_text(["Bread"])
    expected = {tab_of(page): 1 for page in pages}
    assert len(expected) == 3
    wait_until(lambda: cluster.streams() == expected, lambda: f"{cluster.streams()} for {expected}")
    # It stays at that: no page that was left has come back.
    delete(bob, "Bread")
    for page in pages:
        expect(cards(page, "To do")).to_have_text([])
    assert cluster.streams() == expected


def join_status(cluster: RunningCluster, origin: str) -> int:
    """Join the board through nginx as an older browser would, which says by its ``Origin`` alone where it is."""
    headers = {"Content-Type": "application/json", "Datastar-Request": "true", "Origin": origin}
    call = urllib.request.Request(f"{cluster.url}ds/board/join", data=b'{"name": "Carl"}', headers=headers)
    try:
        with urllib.request.urlopen(call, timeout=DEADLINE_SECONDS) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_origin_is_checked_behind_nginx(cluster):
    assert join_status(cluster, cluster.url.rstrip("/")) == 200
    # gunicorn's own address is none of the site's.
    assert join_status(cluster, cluster.gunicorns[0].rstrip("/")) == 403


def test_ctrl_c_stops_everything_and_leaves_nothing(cluster):
    """The last one of the cluster that has served browsers: it costs four seconds of a processor to start another."""

    def names() -> list[str]:
        return list(cluster.processes().values())

    def folders() -> set[Path]:
        return set((ROOT / "build").glob("cluster-*")) - cluster.folders_before

    # The command, two gunicorns with two workers each, nginx with one, and Redis.
    expected = (10, 2, 1)
    wait_until(
        lambda: (len(names()), names().count("nginx"), names().count("redis-server")) == expected,
        lambda: str(names()),
    )
    processes = cluster.processes()
    assert len(folders()) == 1

    # A terminal's Ctrl-C comes to make, too, which may pass it on: several signals at one moment.
    for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCONT):
        cluster.process.send_signal(number)
    assert cluster.wait_stopped() == 0
    assert left_of(processes) == [], cluster.log()
    assert folders() == set()
    assert "Traceback" not in cluster.log()


def test_program_that_ends_takes_the_others_along(tmp_path):
    with RunningCluster(tmp_path) as cluster:
        processes = cluster.processes()
        (redis,) = [pid for pid, name in processes.items() if name == "redis-server"]

        os.kill(redis, signal.SIGKILL)

        assert cluster.wait_stopped() == 1
        assert "Redis has ended with status -9" in cluster.log()
        assert left_of(processes) == [], cluster.log()


def test_missing_program_is_named():
    found = subprocess.run(
        COMMAND, cwd=ROOT, env={**os.environ, "PATH": "/nowhere"}, capture_output=True, text=True, timeout=120
    )

    assert found.returncode == 1
    assert re.search(
        r"is needed; on Debian: sudo apt-get install --no-install-recommends (nginx|redis-server)", found.stderr
    )
