"""Hold each module of the package against its mark; silent when all reach it. Run after the tests: ``make test``.

``coverage report`` shows the lines that were not run, of all modules.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from coverage import Coverage

LOWEST = 95.0
#: What decides on the wire format, on what is reachable and on what is accepted has no untried line or branch.
FULL = (
    "flask_datastar/sansio/",
    "flask_datastar/models/conversion.py",
    "flask_datastar/models/containers.py",
    "flask_datastar/models/lists.py",
    "flask_datastar/models/scalars.py",
    "flask_datastar/models/misfits.py",
    "flask_datastar/config/",
    "flask_datastar/handlers/declarations.py",
    "flask_datastar/handlers/endpoints.py",
    "flask_datastar/handlers/handler.py",
    "flask_datastar/handlers/registry.py",
    "flask_datastar/state/tracked.py",
)


def main() -> int:
    coverage = Coverage()
    coverage.load()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        coverage.json_report(outfile=str(report))
        files = json.loads(report.read_text())["files"]
    missed = 0
    for name, figures in sorted(files.items()):
        covered, wanted = figures["summary"]["percent_covered"], 100.0 if name.startswith(FULL) else LOWEST
        if covered < wanted:
            missed += 1
            lines = ", ".join(map(str, figures["missing_lines"]))
            print(f"{name}: {covered:.1f} % of lines and branches are covered, {wanted:.0f} % are wanted")
            print(f"    lines that were not run: {lines}")
    return 1 if missed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
