"""The test of the sample: which application it gets, and how it is run."""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from pathlib import Path

from . import files, sample
from .project import Target

_ACTING_TEST = """\
def test_what_one_writes_all_see({fixture}):
    app = {app}
    with DatastarClient(app) as one, DatastarClient(app) as other:
        one.load("{path}")
        other.load("{path}")

        one.fill(label="Text", value="Hello")
        one.click(text="Show it in both")

        assert other.text("main output") == "Hello"
        assert one.value(label="Text") == ""
"""
_TEST = """\
def test_sample_page({fixture}):
    response = {app}.test_client().get("{path}")

    assert "<h1>Sample</h1>" in response.text


def test_say({fixture}):
    tab = DatastarClient({app})

    tab.post("sample.say", text="Hello")

    assert tab.signals["text"] == ""
"""
_WARNING = """\
# This is the application as it is configured here, with its database. To test with another one, write a fixture "app",
# and give the tests below an argument "app" instead.
"""
_STORES = re.compile(r"DATABASE|sqlite|SQLAlchemy|instance_path|psycopg|pymongo|peewee", re.IGNORECASE)
_PYTHONPATH = re.compile(r"^\s*pythonpath\s*=", re.MULTILINE)


def has_app_fixture(root: Path) -> bool:
    """Check whether the project's tests have a fixture ``app``."""
    for path in (root / "tests" / "conftest.py", root / "conftest.py"):
        try:
            tree = ast.parse(path.read_bytes()) if path.is_file() else ast.Module([], [])
        except SyntaxError:
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _fixture_name(node) == "app":
                return True
    return False


def _fixture_name(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """Return the name of a fixture; None of another function."""
    for decorator in node.decorator_list:
        text = ast.unparse(decorator)
        if re.match(r"(pytest\.)?fixture\b", text):
            named = re.search(r"\bname='(\w+)'", text)
            return named[1] if named is not None else node.name
    return None


def has_stores(paths: list[Path]) -> bool:
    """Check whether files name a database, which a test with the application as it is would use."""
    return any(_STORES.search(path.read_bytes().decode(errors="replace")) for path in paths)


def make_test(target: Target, names: sample.Names, *, has_client: bool, has_fixture: bool, warns: bool) -> str:
    """Return a test of the sample.

    :param has_client: whether the client's file is there, so that the test can act as two visitors.
    :param has_fixture: whether the application comes from a fixture.
    :param warns: whether the file says that the application is the developer's own.
    """
    app = f"{target.variable}()" if target.is_factory else target.variable
    imports = "" if has_fixture else f"from {target.module} import {target.variable}\n\n"
    app = "app" if has_fixture else app
    text = names.put_in(_ACTING_TEST if has_client else _TEST)
    text = text.format(app=app, path=sample.PATH, fixture="app" * has_fixture)
    if app == "app":
        # Inside a function the name of the module's own application would be unbound.
        text = text.replace("    app = app\n", "")
    start = f"from flask_datastar.testing import DatastarClient\n\n{imports}"
    warning = f"{_WARNING}\n" if warns and not has_fixture else ""
    return f"{start}{warning}\n{text}"


def run_line(root: Path, path: Path, target: Target, *, has_client: bool) -> str:
    """Return the command that runs the test, with what has to be installed for it."""
    option = f" -o pythonpath={target.source}" if target.source and not _has_pythonpath(root) else ""
    missing = ["pytest"] if find_spec("pytest") is None else []
    if has_client and (find_spec("turbohtml") is None or find_spec("_quickjs") is None):
        missing.append('"Flask-Datastar[testing]"')
    needs = f" (pip install {' '.join(missing)})" if missing else ""
    return f"python -m pytest{option} {files.shown(path)}{needs}"


def _has_pythonpath(root: Path) -> bool:
    """Check whether pytest is told where the modules are."""
    paths = (root / name for name in ("pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini"))
    return any(path.is_file() and _PYTHONPATH.search(files.read_text(path)) for path in paths)
