"""Distribution of tests over the processes of pytest-xdist: most tests wait, and browsers do not."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

PROCESSORS = os.cpu_count() or 1
#: More processes than processors, because most of them wait.
PROCESSES = min(3 * PROCESSORS, 8)
BROWSER_TESTS = "/live/"
#: Browser tests that wait, for a client that tries again: they leave the processors to others.
WAITING_TESTS = "/live/test_connection.py"
#: Slow tests start first, in this order; the others fill the gaps at the end.
FIRST = [
    *[WAITING_TESTS, BROWSER_TESTS, "/servers/", "/test_hostile_bodies.py", "/test_properties.py"],
    *["/brokers/", "/regions/", "/transport/", "/hub/", "/streams/", "/test_planted.py", "/house/test_fuzz.py"],
]
#: A test for one of the checks that one child process runs all together, see :mod:`tests.transport.checks`.
_CHECK = re.compile(r"-check_\w+\]$")


class Scheduling(LoadScopeScheduling):
    """Hand out files, or all checks of one child process, to whoever has nothing to do.

    At most one process for each processor drives a browser, as long as there is anything else to do; a process whose
    browser waits does not count. They go on with browser tests, and so start one browser and one server of each kind.
    """

    def _split_scope(self, nodeid: str) -> str:
        # The marks for groups are not used: xdist 3.8 does not find them with pytest 9.2.
        return _CHECK.sub("", nodeid) if _CHECK.search(nodeid) else nodeid.partition("::")[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        others = [work for other, work in self.assigned_work.items() if other is not node]
        browsers = sum(any(_is_busy(scope) and not all(work[scope].values()) for scope in work) for work in others)
        wants_browser = browsers < PROCESSORS

        def rank(scope: str) -> tuple[bool, int]:
            place = next((number for number, part in enumerate(FIRST) if part in scope), len(FIRST))
            return _has_browser(scope) != wants_browser, place

        self.workqueue.move_to_end(min(self.workqueue, key=rank), last=False)
        super()._assign_work_unit(node)


def _has_browser(scope: str) -> bool:
    return BROWSER_TESTS in scope


def _is_busy(scope: str) -> bool:
    return _has_browser(scope) and WAITING_TESTS not in scope
