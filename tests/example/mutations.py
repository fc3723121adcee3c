"""Ten mistakes planted into a copy of the example, each of which its tests have to find.

``python -m tests.example.mutations`` plants one after another, and runs the tests of its module with each. The exit
status is 1 if the tests pass with a mistake.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutation:
    """A mistake: in a file of the example, a text that occurs once is replaced."""

    name: str
    path: str
    right: str
    wrong: str
    #: The module with the tests that find it.
    tests: str

    def plant(self, example: Path) -> None:
        """Write the mistake into a copy of the example.

        :raises ValueError: if the file does not have the text exactly once.
        """
        file = example / self.path
        text = file.read_text(encoding="utf-8")
        if text.count(self.right) != 1:
            raise ValueError(
                f"{self.path} has {self.right!r} {text.count(self.right)} times: name a text that it has once"
            )
        file.write_text(text.replace(self.right, self.wrong), encoding="utf-8")


MUTATIONS = [
    Mutation(
        "clicks count the wrong way", "counter.py", "change(count, count - 1)", "change(count, count + 1)", "counter"
    ),
    Mutation(
        "a button calls another handler",
        "templates/counter.html",
        "datastar.post('reset')",
        "datastar.post('finish')",
        "counter",
    ),
    Mutation("all see the list of everybody", "todo.py", ".where(Item.visitor == self.visitor)", "", "todo"),
    Mutation("the field of the form is not bound", "templates/todo.html", 'data-bind="text"', "", "todo"),
    Mutation(
        "a box sends what it was",
        "templates/todo.html",
        "datastar.expr('el.checked')",
        "datastar.expr('!el.checked')",
        "todo",
    ),
    Mutation(
        "messages do not come while typing",
        "templates/signup.html",
        "data-on:input__debounce.300ms",
        "data-on:change",
        "signup",
    ),
    Mutation("any password signs in", "signup.py", "if account is None or not right:", "if account is None:", "signup"),
    Mutation(
        "sign-in leads to another site",
        "signup.py",
        "redirect(next if is_own_path(next) else",
        "redirect(next if next else",
        "signup",
    ),
    Mutation(
        "nothing is shown while an import runs",
        "csv_import.py",
        "            yield\n            time.sleep",
        "            if not row.line:\n                yield None\n            time.sleep",
        "csv_import",
    ),
    Mutation(
        "moved cards stay where others see them",
        "templates/board.html",
        "{{ datastar.live(scope=person.id) }}",
        "",
        "board",
    ),
]


def is_found(mutation: Mutation | None) -> bool:
    """Return whether the tests of the mistake's module fail with it; None: whether any test fails without a mistake."""
    tests = "tests/example" if mutation is None else f"tests/example/test_{mutation.tests}.py"
    options = ["-q", "-x", "-p", "no:cacheprovider", "-c", os.devnull, "--import-mode=importlib"]
    with tempfile.TemporaryDirectory() as folder:
        example = Path(folder) / "example"
        shutil.copytree(ROOT / "example", example, ignore=shutil.ignore_patterns("__pycache__", "instance"))
        if mutation is not None:
            mutation.plant(example)
        shutil.copytree(ROOT / "tests" / "example", Path(folder) / "tests" / "example")
        result = subprocess.run(
            [sys.executable, "-m", "pytest", *options, f"--rootdir={folder}", tests],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    # Anything else, such as a module that cannot be imported, is not a test that fails.
    if result.returncode not in (0, 1):
        raise RuntimeError(f"the tests did not run with {mutation}: {result.stdout}{result.stderr}")
    return result.returncode == 1


def main() -> int:
    """Plant each mistake, and report whether the tests find it."""
    if is_found(None):
        print("the tests fail without a mistake")
        return 1
    missed = 0
    for mutation in MUTATIONS:
        found = is_found(mutation)
        missed += not found
        print(f"{'found ' if found else 'MISSED'}  {mutation.path}: {mutation.name}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
