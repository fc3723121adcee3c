from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_datastar.testing import DatastarClient
from tests.support.pages import app_with, shown

BODY = """<h1>Cart</h1><p>Two <b>good</b>
   things</p><ul><li>Tea<li>Milk</ul><script>1</script><template>no</template><table><tr><td>1<td>2</table>
<p hidden>secret</p><p style="color: red; display : NONE">secret</p><details><summary>More</summary>secret</details>
<details open><summary>Open</summary>seen</details><dialog>secret</dialog><dialog open id=dlg>asks</dialog>
<pre>a
 b</pre>x<br>y<input type=hidden id=hid><select id=s multiple><option selected>1<option>2</select><input id=f value=v>
<p id=cut class="a b" data-long="{{ 'x' * 300 }}">c</p>"""


@pytest.fixture(scope="module")
def tab() -> Iterator[DatastarClient]:
    with shown(app_with(BODY)) as tab:
        yield tab


def test_text_is_what_a_person_reads(tab: DatastarClient) -> None:
    lines = tab.text().split("\n")

    assert lines[:6] == ["Cart", "Two good things", "Tea", "Milk", "1 2", "More"]
    assert "secret" not in tab.text()
    assert lines[6:13] == ["Open", "seen", "asks", "a", " b", "x", "y"]


def test_hidden_elements_are_not_visible(tab: DatastarClient) -> None:
    assert tab.is_visible("#dlg")
    assert tab.is_visible(text="Tea")
    assert not tab.is_visible("#hid")
    assert not tab.is_visible("#nothing")
    assert not tab.is_visible("dialog:not([open])")


def test_elements_are_values(tab: DatastarClient) -> None:
    found = tab.find("#cut")

    assert (found.tag, found.classes, found.is_visible, found.value) == ("p", {"a", "b"}, True, None)
    assert found.html.startswith('<p id="cut"')
    assert tab.find("h1").id == ""
    assert tab.value("#s") == ["1"]
    assert tab.value("#f") == "v"
    assert tab.value("#cut") is None
    assert tab.title == "Shop"
    assert tab.html().startswith("<html>")
