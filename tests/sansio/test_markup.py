from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_datastar.sansio.markup import find_root, find_skipped, separate_siblings

# Siblings that the client would lose


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


# Elements that the client would skip


@pytest.mark.parametrize(
    "html",
    [
        "",
        " \n\t",
        "text alone has no place, and no id to be missed",
        "<!-- comment --><p id='a'></p> <!-- comment -->",
        "<p id='a'>text <b>and</b> more</p><p id=b></p>\n<p ID = \"c\">",
        "<p class='x' data-y=1 id=a></p>",
        "<p title='>' id=a></p>",
        "<a href=/x?y=1 id=a></a>",
        "<input id=a><br id=b/><P id=c></P>",
        "<ul id=a><li>one<li>two</ul><p id=b>",
        "<div id='a'/>inside, because HTML has no empty tags<p></p>",
        "<div id=a><span></b></span></div><p id=b></p>",
        "<script id=a>if (a < b) '<p></scripty>'</SCRIPT ><p id=b></p>",
        "<textarea id=a><p></textarea><title id=b><p></title>",
        "<script id=a>never closed <p>",
        "<svg id=a><circle/><title>t</title><style>a<b</style></svg><p id=b></p>",
        "<svg id=a/><math id=b/><p id=c></p>",
        "<table id=a><tr><td>x</table><tr id=b><td></tr>",
        "<html><body><p></p></body></html>",
        "<head><title>x</title></HEAD>",
        "<body class=x><p id=a>",
        "<p id=a></p></div></p>",
        "<template id=a><p></p></template>",
        "<p id=a",
        "< p>1 < 2</>",
    ],
)
def test_nothing_is_found_where_all_have_a_place(html: str) -> None:
    assert find_skipped(html) is None


@pytest.mark.parametrize(
    ("html", "skipped"),
    [
        ("<p>", "<p>"),
        ("<p>text</p>", "<p>"),
        ("text <b>bold</b>", "<b>"),
        ("<p id='a'></p><p class='b'>", "<p class='b'>"),
        ("<p id></p>", "<p id>"),
        ("<p id=''></p>", "<p id=''>"),
        ('<p id="" id="a"></p>', '<p id="" id="a">'),
        ("<p data-id='a' idx=b title='id=c' aria-id=d></p>", "<p data-id='a' idx=b title='id=c' aria-id=d>"),
        ("<a href=/x?id=1></a>", "<a href=/x?id=1>"),
        ("<br><p id=a></p>", "<br>"),
        ("<input id=a><p></p>", "<p>"),
        ("<ul id=a><li>one<li>two</ul><p>", "<p>"),
        ("<script id=a>'<p id=b>'</script><i></i>", "<i>"),
        ("<title>x</title>", "<title>"),
        ("<svg id=a><g></g></svg><svg/>", "<svg/>"),
        ("<!-- <p id=a></p> --><p></p>", "<p>"),
        ("<div id=a><div></div></div><div>", "<div>"),
        ("<x-card></x-card>", "<x-card>"),
    ],
)
def test_first_element_without_an_id_is_found(html: str, skipped: str) -> None:
    assert find_skipped(html) == skipped


def test_foreign_elements_may_close_themselves() -> None:
    assert find_skipped("<circle id='a'/><image id='b'/><g id='c'><path/></g>", is_foreign=True) is None
    assert find_skipped("<circle id='a'/><circle r='1'/>", is_foreign=True) == "<circle r='1'/>"


TREES = st.recursive(
    st.sampled_from(["text", "<!-- <p> -->", "<br>", "<script>'<p>' < 1</script>", "<svg><g/></svg>", "<input y='>'>"]),
    lambda inner: st.builds(
        lambda name, parts: f"<{name} class='x'>{''.join(parts)}</{name}>",
        st.sampled_from(["div", "ul", "li", "x-card", "section"]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=8,
)


@given(st.lists(st.tuples(TREES.filter(lambda tree: tree[0] == "<" and tree[1] != "!"), st.booleans()), max_size=4))
def test_trees_are_skipped_by_their_own_tag_alone(parts: list[tuple[str, bool]]) -> None:
    def with_id(tree: str) -> str:
        name, rest = tree[: tree.index(">")].partition(" ")[0], tree
        return f"{name} id='a'{rest[len(name) :]}"

    html = "\n".join(with_id(tree) if has_id else tree for tree, has_id in parts)

    first = next((tree for tree, has_id in parts if not has_id), None)
    skipped = find_skipped(html)
    assert (skipped is None) == (first is None)
    assert first is None or (skipped is not None and first.startswith(skipped))


@given(st.text(st.sampled_from("<>/='\" \n!-pidasvg")))
def test_any_text_is_read_to_its_end(html: str) -> None:
    find_skipped(html)
    find_skipped(html, is_foreign=True)


@pytest.mark.parametrize(
    "piece", ["<p id=a>", "<p ", "<script id=a>", "</p>", "<!--", "<p id='", "x", "<svg id=a><g/>"]
)
def test_long_text_takes_linear_time(piece: str) -> None:
    def seconds(count: int) -> float:
        begin = time.process_time()
        find_skipped(piece * count)
        return time.process_time() - begin

    seconds(100)
    assert seconds(20_000) < 100 * max(seconds(2_000), 0.005)


# The root of a text that is one element


@pytest.mark.parametrize(
    ("html", "root"),
    [
        ('<ul id="cards"><li>one</li><li id="b">two</li></ul>', "cards"),
        ("\n  <div class=x ID='a'>\n<br><img src=x> text</div> \n", "a"),
        ("<!-- first --><p id=a></p><!-- last -->", "a"),
        ('<input id="a">', "a"),
        ('<svg id="a"><circle r="1"/><circle r="2"/></svg>', "a"),
        ('<p id="a&amp;b">&lt;p&gt;</p>', "a&b"),
        ('<p id="ä">one<b>two</p>', "ä"),
        ('<textarea id="a"><p>not an element</textarea>', "a"),
        ('<script id="a">"</p><p>"</script>', "a"),
        ('<div id="a"></p></div>', "a"),
    ],
)
def test_the_id_of_the_root_is_found(html: str, root: str) -> None:
    assert find_root(html) == root


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("", "no element"),
        (" <!-- nothing --> ", "no element"),
        ("text", "the text 'text' is outside"),
        ('<p id="a"></p>text', "the text 'text' is outside"),
        ('text <p id="a"></p>', "the text 'text' is outside"),
        ('<p id="a"></p><p id="b"></p>', 'the element <p id="a"> is followed by another one, <p id="b">'),
        ('<br id="a"><p id="b"></p>', "followed by another one"),
        ("<p></p>", "the element <p> has no id"),
        ('<p id=""></p>', "has no id"),
        ('<p data-id="a"></p>', "has no id"),
        ("<html><body><p id=a></p></body></html>", "a whole document"),
    ],
)
def test_a_text_without_one_root_is_refused(html: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        find_root(html)
