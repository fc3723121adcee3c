"""The time of three tests that act as a person in a tab of the kit: a list, a sign-up, an import with an upload.

usage: python tests/benchmarks/kit.py [ROUNDS]

Each round runs the three in a fresh process of pytest, so that nothing is warm. The exit status is 1 if they take
longer than the mark together. Needs the extra ``test``, and the browser client's file.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
TESTS = [
    "test_todo.py::test_entries_are_added_ticked_and_filtered",
    "test_signup.py::test_messages_come_while_typing_and_an_account_is_made",
    "test_csv_import.py::test_rows_of_an_uploaded_file_are_imported",
]
#: Seconds that the three may take together, without the start of pytest.
MARK = 0.3


def measure(part: str) -> dict[str, float]:
    """Run the three in a process of their own.

    :param part: ``call`` for the tests alone, ``total`` with what they set up and tear down.
    :return: the seconds of each test by its name.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "--no-cov", f"--junitxml={report}"]
        command += ["-o", f"junit_duration_report={part}", *(f"tests/example/{test}" for test in TESTS)]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if result.returncode:
            sys.exit(result.stdout + result.stderr)
        cases = ElementTree.parse(report).iter("testcase")
        return {case.attrib["name"]: float(case.attrib["time"]) for case in cases}


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    calls, totals = [], []
    for _ in range(rounds):
        calls.append(measure("call"))
        totals.append(measure("total"))
    for name in calls[0]:
        print(f"{statistics.median(run[name] for run in calls):.3f} s {name}")
    together = sorted(sum(run.values()) for run in calls)
    found = statistics.median(together)
    print(f"{found:.3f} s together, {together[0]:.3f} to {together[-1]:.3f} in {rounds} rounds; mark: {MARK} s")
    print(f"{statistics.median(sum(run.values()) for run in totals):.3f} s with set-up and teardown")
    return 0 if found <= MARK else 1


if __name__ == "__main__":
    sys.exit(main())
