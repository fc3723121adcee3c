"""A trial of every extension on the page ``docs/howto/other-extensions.md``, as ``make extensions`` runs it.

The newest versions are installed into a virtual environment of their own, which is removed afterwards: other tests must
not depend on what is in it. Arguments are passed on to pytest.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What the trial itself needs, and what some extensions use without asking for it.
_TOOLS = ["cachelib", "pytest", "requests"]


def main() -> int:
    """Install and run, and return pytest's exit status."""
    with tempfile.TemporaryDirectory(prefix="datastar-extensions-") as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        pip = [python, "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "--editable", f"{ROOT}[extensions]", *_TOOLS], check=True)
        print("\n".join(_versions(pip)), flush=True)
        # Without the fixtures of all other tests, and without their rule that a warning of anybody is an error.
        options = ["--confcutdir", "tests/extensions", "-o", "filterwarnings=", "-p", "no:cacheprovider"]
        command = [python, "-m", "pytest", "tests/extensions", *options, *sys.argv[1:]]
        return subprocess.run(command, cwd=ROOT).returncode


def _versions(pip: list[str | Path]) -> list[str]:
    """Return the names and versions of the extensions as they are installed."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    wanted = {"flask", *map(_name, config["options.extras_require"]["extensions"].split())}
    listed = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if _name(line) in wanted]


def _name(requirement: str) -> str:
    """Return the name in a requirement as indexes compare it."""
    name = requirement.partition("[")[0].partition(">")[0].partition("=")[0].strip()
    return name.lower().replace("_", "-")


if __name__ == "__main__":
    sys.exit(main())
