"""The checks of the soak, and their summary."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

#: Lines that the server may log: its own starts and stops, and errors that the load causes on purpose.
_EXPECTED_LINES = [
    r"\[\S+ \S+ \S+\] \[\d+\] \[INFO\] ",
    r"\[[^]]+\] ERROR in app: Exception on /ds/soak/fail \[GET\]$",
    r"\[[^]]+\] WARNING in hub: Datastar: a client reads too slowly",
    r"Traceback \(most recent call last\):$",
    r"RuntimeError: on purpose$",
    r"\s|$",
]


class LeftBehind(Exception):
    """The server keeps something of closed streams, so more load would show nothing new."""


class Checks:
    """Counters of passed and failed checks, which print the first failures of each kind.

    :param name: the name of the test, for the last line.
    """

    def __init__(self, name: str = "soak") -> None:
        self.name = name
        self.passed: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def __call__(self, name: str, is_right: bool, detail: str = "") -> None:
        (self.passed if is_right else self.failed)[name] += 1
        if not is_right and self.failed[name] <= 5:
            print(f"FAILED {name}: {detail}", flush=True)

    def summary(self) -> str:
        """Return a line for each kind of check, and one for the total."""
        names = sorted({*self.passed, *self.failed})
        lines = [f"{self.passed[name]:8} passed {self.failed[name]:6} failed  {name}" for name in names]
        return "\n".join([*lines, f"{self.name}: {self.passed.total()} passed, {self.failed.total()} failed"])


def compare(mark: dict[str, Any], final: dict[str, Any], check: Checks) -> None:
    """Check that the load has left nothing in the worker."""
    print(f"mark: {mark}\nend:  {final}")
    check("the worker is the same", mark["pid"] == final["pid"], f"{mark['pid']} {final['pid']}")
    growth = final["memory_kib"] / mark["memory_kib"] - 1
    check("memory is within 5 % of the mark", growth <= 0.05, f"{growth:+.1%}")
    missing = {"age", "done", "failed", "left", "replaced", "restart", "slow"} - set(final["stats"]["ended"])
    check("endings of all kinds came", not missing, str(missing))


def check_counters(found: dict[str, Any], check: Checks) -> None:
    """Check that the counters of a worker without open streams are consistent."""
    stats = found["stats"]
    opened, ended = stats["opened"], stats["ended"]
    check("all opened streams have ended", opened == sum(ended.values()), str(stats))
    check("both hooks were sent for each stream", found["hooks"] == {"opened": opened, "closed": opened}, str(found))
    check("each slow stream was dropped", stats["dropped"] == ended.get("slow", 0), str(stats))


def check_log(text: str, check: Checks) -> None:
    """Check that the server logged only expected lines."""
    expected = re.compile("|".join(_EXPECTED_LINES))
    unexpected = [line for line in text.splitlines() if not expected.match(line)]
    check("the log has nothing unexpected", not unexpected, "; ".join(unexpected[:5]))
