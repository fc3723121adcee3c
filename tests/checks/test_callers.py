"""Callers: which functions run a function, as far as names and imports tell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from flask_datastar.checks.callers import Callers
from flask_datastar.checks.catalogue import Context, Entry
from flask_datastar.checks.findings import Source
from flask_datastar.checks.python_files import PythonFile, read_python


def read(module: str, code: str) -> PythonFile:
    return read_python(Source(f"{module}.py", code), module, {}, object())


@pytest.mark.parametrize(
    ("start", "is_caller"),
    [
        ("from shop.rows import save", True),
        ("from .rows import save", True),
        ("from shop.rows import *", True),
        # A package may pass it on.
        ("from shop import save", True),
        ("from . import save", True),
        ("from shop.store import save", False),
        ("from .store import *", False),
        ("from elsewhere import save", False),
        ("import save", False),
        ("from shop import rows", False),
    ],
)
def test_a_function_is_run_by_those_who_import_it_from_its_module(start: str, is_caller: bool) -> None:
    own = read("shop.rows", "def save(): ...\ndef page(): save()")
    other = read("shop.votes", f"{start}\ndef vote(): save()")
    entries = {
        (module, name): [Entry(Context(module, module), None, name)]
        for module, name in [("shop.rows", "page"), ("shop.votes", "vote")]
    }
    catalogue: Any = SimpleNamespace(entries=entries)
    callers = Callers(catalogue, [own, other])

    roots = callers.roots(own, own.functions[0])

    assert {entry and entry.name for entry in roots} == ({"page", "vote"} if is_caller else {"page"})
