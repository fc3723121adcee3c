from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_datastar.testing import DatastarClient, NotInTab
from tests.support.pages import app_with, shown

EXPRESSIONS = Path(__file__).with_name("document.txt").read_text(encoding="utf-8").splitlines()[1:]
BODY = """<div id=a><p class=x>one<!-- c --><b>two</b></p><template id=t><i class=x>in</i></template>
<svg id=s viewBox="0 0 1 1"><g id=g></g></svg><math id=m><mi>x</mi></math></div><form id=f><input name=q></form>"""


@pytest.fixture(scope="module")
def tab() -> Iterator[DatastarClient]:
    with shown(app_with(BODY)) as tab:
        yield tab


@pytest.mark.parametrize("line", EXPRESSIONS)
def test_document_is_as_in_a_browser(tab: DatastarClient, line: str) -> None:
    code, _, result = line.partition("  =>  ")
    names = "afgstm"
    elements = ", ".join(f"document.getElementById('{name}')" for name in names)

    found = tab._running_page().call("evaluate", f"(({', '.join(names)}) => {code})({elements})")

    assert found == json.loads(result)


BROWSER_ONLY = ["document.querySelector(':hover')", "matchMedia('(min-width: 1px)')", "(1).toLocaleString()"]


@pytest.mark.parametrize("code", BROWSER_ONLY)
def test_what_needs_a_browser_is_refused(tab: DatastarClient, code: str) -> None:
    with pytest.raises(NotInTab):
        tab._running_page().call("evaluate", code)
