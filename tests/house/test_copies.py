"""Code stands on the pages as text, and is that of the file that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.copies import ROOT, excerpt, main, pages, renew

PAGE = """\
Before.

<!-- app.py, after "# Start." before "# End." -->
```python
print(1)
```

After.
"""
FILE = "def f():\n    # Start.\n    print(1)\n    # End.\n"


def test_copies_are_those_of_their_files(capsys: pytest.CaptureFixture[str]) -> None:
    status = main()

    assert status == 0, f"{capsys.readouterr().out}\npython -m tests.house.copies --write copies them again"


def test_pages_include_no_code_that_a_code_host_does_not_show() -> None:
    including = [page.name for page in pages() if "{literalinclude}" in page.read_text(encoding="utf-8")]

    assert including == []


def test_pieces_that_are_marked_for_the_page_stand_on_it() -> None:
    page = (ROOT / "docs/howto/other-extensions.md").read_text(encoding="utf-8")
    files = sorted((ROOT / "tests/extensions").glob("test_*.py"))

    marked = [
        f'<!-- {file.relative_to(ROOT).as_posix()}, after "{mark}" before'
        for file in files
        for mark in re.findall(r"(?:# |{# )On the page.*:(?: #})?", file.read_text(encoding="utf-8"))
    ]

    assert len(marked) > 15
    assert [head for head in marked if head not in page] == []


def test_copy_that_differs_is_found_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "README.md").write_text(PAGE)
    (tmp_path / "app.py").write_text(FILE)
    same = main(tmp_path)
    (tmp_path / "app.py").write_text(FILE.replace("print(1)", "print(2)"))

    status = main(tmp_path)
    main(tmp_path, writes=True)

    assert (same, status, main(tmp_path)) == (0, 1, 0)
    assert capsys.readouterr().out.startswith('README.md: the code differs from app.py, after "# Start."')
    assert (tmp_path / "README.md").read_text() == PAGE.replace("print(1)", "print(2)")


def test_whole_file_is_copied(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FILE)

    text, stale = renew("<!-- app.py -->\n```python\nold\n```\n", tmp_path)

    assert text == f"<!-- app.py -->\n```python\n{FILE}```\n"
    assert stale == ["app.py"]


def test_blank_lines_are_left_to_the_formatter(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("a = 1\n\nb = 2\n")
    page = "<!-- app.py -->\n```python\na = 1\n\n\nb = 2\n```\n"

    assert renew(page, tmp_path) == (page, [])


def test_named_lines_are_included_or_not() -> None:
    text = "a\n  b\n  c\n  d\ne\n"

    assert excerpt(text, "from", "b", "to", "d") == "b\nc\nd\n"
    assert excerpt(text, "after", "b", "before", "d") == "c\n"


def test_file_without_the_named_line_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("nothing\n")

    with pytest.raises(StopIteration):
        renew(PAGE, tmp_path)
