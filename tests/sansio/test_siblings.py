from __future__ import annotations

import pytest

from flask_datastar.sansio.siblings import separate_siblings


@pytest.mark.parametrize(
    ("html", "separated"),
    [
        ("", ""),
        ("<g/>", "<g/>"),
        ("<g/><g/><g/>", "<g/>\n<g/>\n<g/>"),
        ("<g/>\n<g/>\n", "<g/>\n<g/>\n"),
        ("\n <!-- c --> <g/>", "<g/>"),
        ("<g/> <!-- c --><g/>", "<g/> <!-- c --><!----><g/>"),
        ("<g/> <!-- c --> <g/>", "<g/> <!-- c --> <g/>"),
        ("a<g/>b", "a<!----><g/><!---->b"),
        ("a &amp; &#65; < b<g/>", "a &amp; &#65; < b<!----><g/>"),
        ("\u00a0<g/>", "\u00a0<!----><g/>"),
        ("<g><g/><g/>text</g><g></g>", "<g><g/><g/>text</g>\n<g></g>"),
        ("<G></g><g></G>", "<G></g>\n<g></G>"),
        ("<g><a><b></g><g/>", "<g><a><b></g>\n<g/>"),
        ("<g r='>' s=\"/>\"/><g/>", "<g r='>' s=\"/>\"/>\n<g/>"),
        ("<g r=1/><g/></g><g/>", "<g r=1/><g/></g>\n<g/>"),
        ("<g / r><g/></g><g/>", "<g / r><g/></g>\n<g/>"),
    ],
)
def test_nodes_that_matter_get_even_places(html: str, separated: str) -> None:
    assert separate_siblings(html) == separated


@pytest.mark.parametrize("comment", ["<!---->", "<!-->", "<!--->", "<!-- > -->", "<!-- --!>", "<?pi?>", "<!x>", "</3>"])
def test_all_sorts_of_comments_take_a_place(comment: str) -> None:
    assert separate_siblings(f"<g/>{comment}<g/>") == f"<g/>{comment}<g/>"
    assert separate_siblings(f"<g/> {comment}<g/>") == f"<g/> {comment}<!----><g/>"


@pytest.mark.parametrize("nothing", ["<!DOCTYPE svg>", "</g>", "</>", "<![CDATA[]]>"])
def test_what_makes_no_node_takes_no_place(nothing: str) -> None:
    assert separate_siblings(f"<g/>{nothing}<g/>") == f"<g/>{nothing}\n<g/>"
    assert separate_siblings(f"{nothing}<g/>") == "<g/>"
    assert separate_siblings(f"a{nothing}b<g/>") == f"a{nothing}b<!----><g/>"


def test_cdata_is_text() -> None:
    assert separate_siblings("<g/><![CDATA[<g/>]]>a<g/>") == "<g/><!----><![CDATA[<g/>]]>a<!----><g/>"


@pytest.mark.parametrize(
    "broken", ["<", "</", "<g", "<g a='", "<!", "<![", "<![CDATA[", "<!--", "<?", "</g", "</3", "<!doctype"]
)
def test_markup_that_breaks_off_is_no_error(broken: str) -> None:
    assert separate_siblings(f"<g/>{broken}").startswith("<g/>")


@pytest.mark.parametrize(
    "piece", ["<g ", "<g a=", "<g a='", '<g a="', "<!--", "<![CDATA[", "</", "<?", "<", "</g", "a="]
)
def test_broken_markup_is_read_in_linear_time(piece: str) -> None:
    # 40,000 of them take minutes if each is searched to the end of the text.
    assert len(separate_siblings("<g/>" + piece * 40_000)) > 40_000
