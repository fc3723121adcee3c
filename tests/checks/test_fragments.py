"""HTML with gaps: tags, attributes and their places."""

from __future__ import annotations

import pytest

from flask_datastar.checks.findings import Source
from flask_datastar.checks.fragments import Fragment, read_scripts, read_tags


def fragment(text: str) -> Fragment:
    made = Fragment(Source("x.html", text))
    made.add(text, 0)
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p a='1' b=\"2\" c=3 d>", [("a", "1"), ("b", "2"), ("c", "3"), ("d", None)]),
        ("<p\n  a = '1'\n  b>x", [("a", "1"), ("b", None)]),
        ("<input a/><br b />", [("a", None), ("b", None)]),
        ("<p a='>' b=\"'\">", [("a", ">"), ("b", "'")]),
        ("<p data-on:click__x.1s='$a = \"b\"'>", [("data-on:click__x.1s", '$a = "b"')]),
        ("<!-- <p a> --><p b>", [("b", None)]),
        ("<script>'<p a>'</script><style><p b></style><p c>", [("c", None)]),
        ("<p a=''>", [("a", "")]),
        ("1 < 2 <p a>", [("a", None)]),
    ],
)
def test_attributes_have_their_places(text: str, expected: list[tuple[str, str | None]]) -> None:
    found = [attribute for tag in read_tags(fragment(text)) for attribute in tag.attributes]

    assert [(one.name, one.value) for one in found] == expected
    for one in found:
        assert text.startswith(one.name, one.start)
        assert text[one.value_start : one.value_end] == one.value or one.value is None


def test_gaps_have_texts_if_they_are_known() -> None:
    made = Fragment(Source("x.html", "<p id='row-{{ a }}-{{ b }}'>"))
    made.add("<p id='row-", 0)
    made.add_gap(14, lambda: ("1", "2"))
    made.add("-", 18)
    made.add_gap(22, lambda: None)
    made.add("'>", 26)
    ((attribute,),) = [tag.attributes for tag in read_tags(made)]

    assert made.texts(attribute.value_start, attribute.value_end) is None
    assert made.texts(attribute.value_start, attribute.value_end - 1) == ("row-1-", "row-2-")
    assert made.pattern(attribute.value_start, attribute.value_end) == ("row-1-\ue000", "row-2-\ue000")
    assert made.place(attribute.value_start + 4).offset == 14
    assert made.place(1000).offset == 27


def test_branches_make_texts_unknown_and_keep_names() -> None:
    made = Fragment(Source("x.html", ""))
    made.add("<p ", 0)
    made.add_branch(3)
    made.add("a='b", 3)
    made.add_branch(7)
    made.add("c'>", 7)
    ((attribute,),) = [tag.attributes for tag in read_tags(made)]

    assert attribute.name == "a"
    assert made.texts(attribute.value_start, attribute.value_end) is None
    assert made.pattern(attribute.value_start, attribute.value_end) == ("b\ue000c",)


def test_a_computed_tag_has_attributes() -> None:
    made = Fragment(Source("x.html", ""))
    made.add("<", 0)
    made.add_gap(1, lambda: None)
    made.add(" a='1'></", 5)
    made.add_gap(14, lambda: None)
    made.add(">", 16)

    assert [one.name for tag in read_tags(made) for one in tag.attributes] == ["a"]


def test_too_many_texts_are_unknown() -> None:
    made = Fragment(Source("x.html", ""))
    for index in range(3):
        made.add_gap(index, lambda: tuple("abcdefg"))

    assert made.texts(0, 3) is None
    assert len(made.pattern(0, 3)) == 49


def test_scripts_are_read() -> None:
    assert read_scripts(fragment("<script>a()</script><p>b</p><script>c()</script>")) == "a()\nc()"
