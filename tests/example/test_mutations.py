"""Mistakes that can be planted are those that ``python -m tests.example.mutations`` finds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.example.mutations import MUTATIONS, ROOT, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_mistake_fits_the_example(mutation: Mutation, tmp_path: Path) -> None:
    copy = tmp_path / mutation.path
    copy.parent.mkdir(exist_ok=True)
    shutil.copy(ROOT / "example" / mutation.path, copy)

    mutation.plant(tmp_path)

    assert copy.read_text(encoding="utf-8") != (ROOT / "example" / mutation.path).read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="0 times"):
        mutation.plant(tmp_path)


def test_there_are_ten() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 10
