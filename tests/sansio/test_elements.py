from __future__ import annotations

from typing import Any

import pytest
from markupsafe import Markup

from flask_datastar import sse
from flask_datastar.sansio import elements


class Tag:
    """An element of some HTML library."""

    def __html__(self) -> str:
        return "<b>\n</b>"


def test_patch_elements_writes_only_what_differs_from_the_defaults() -> None:
    event = sse.patch_elements('<p id="a">Hi</p>', mode="outer", namespace="html", use_view_transition=False)

    assert event.encode() == b'event: datastar-patch-elements\ndata: elements <p id="a">Hi</p>\n\n'


def test_patch_elements_writes_all_options() -> None:
    event = sse.patch_elements(
        "<p>\r\n\r\n</p>",
        selector="#a > b",
        mode="inner",
        namespace="mathml",
        use_view_transition=True,
        view_transition_selector="main",
        event_id="7",
        retry_ms=5,
    )

    assert event.encode().decode().split("\n") == [
        *["event: datastar-patch-elements", "id: 7", "retry: 5"],
        *["data: selector #a > b", "data: mode inner", "data: namespace mathml"],
        *["data: useViewTransition true", "data: viewTransitionSelector main"],
        *["data: elements <p>", "data: elements ", "data: elements </p>", "", ""],
    ]


def test_an_empty_patch_keeps_the_space_after_its_key() -> None:
    assert sse.patch_elements("", selector="#a", mode="inner").data_lines == ("selector #a", "mode inner", "elements ")


@pytest.mark.parametrize("mode", list(sse.PatchMode))
def test_modes_may_be_members_or_strings(mode: sse.PatchMode) -> None:
    html = None if mode == "remove" else "<p></p>"

    event = sse.patch_elements(html, selector="p", mode=mode)

    assert event == sse.patch_elements(html, selector="p", mode=str(mode))
    assert event.arguments.get("mode", "outer") == mode.value


@pytest.mark.parametrize("namespace", list(sse.Namespace))
def test_namespaces_may_be_members_or_strings(namespace: sse.Namespace) -> None:
    event = sse.patch_elements("<g/>", namespace=namespace)

    assert event == sse.patch_elements("<g/>", namespace=str(namespace))
    assert event.arguments.get("namespace", "html") == namespace.value


@pytest.mark.parametrize(
    ("given", "html"),
    [
        ("<p>", "<p>"),
        (Markup("<p>\n") + "<", "<p>\n&lt;"),
        (Tag(), "<b>\n</b>"),
        (["<p>", Markup("<q>"), Tag()], "<p>\n<q>\n<b>\n</b>"),
        ((part for part in ["<p>", "<q>"]), "<p>\n<q>"),
        ([], ""),
    ],
)
def test_elements_may_be_all_sorts_of_html(given: Any, html: str) -> None:
    assert sse.patch_elements(given) == sse.raw(
        "datastar-patch-elements", [f"elements {line}" for line in html.split("\n")]
    )


@pytest.mark.parametrize(
    ("given", "kind"), [(1, "int"), (b"<p>", "bytes"), ({"a": 1}, "dict"), (["<p>", None], "NoneType")]
)
def test_elements_of_other_types_are_refused(given: Any, kind: str) -> None:
    with pytest.raises(
        TypeError, match=f"elements is {kind}; accepted: str, Markup, an object with __html__, or a list"
    ):
        sse.patch_elements(given)


def test_to_is_the_selector_of_an_id() -> None:
    assert sse.patch_elements("", to="a.b", mode="append") == sse.patch_elements("", selector="#a\\.b", mode="append")


@pytest.mark.parametrize(
    ("element_id", "selector"),
    [
        ("people", "#people"),
        ("a-b_C9", "#a-b_C9"),
        ("1st", "#\\31 st"),
        ("-1", "#-\\31 "),
        ("-", "#\\-"),
        ("--", "#--"),
        ("a b", "#a\\ b"),
        ("a:b.c#d", "#a\\:b\\.c\\#d"),
        ("\x01\x7f", "#\\1 \\7f "),
        ("é漢", "#é漢"),
    ],
)
def test_ids_are_escaped(element_id: str, selector: str) -> None:
    assert elements.css_id_selector(element_id) == selector


@pytest.mark.parametrize("element_id", ["a\nb", "a\rb", "a\0b"])
def test_an_id_with_a_line_break_is_refused(element_id: str) -> None:
    with pytest.raises(ValueError, match=r"element id .* contains a line break or NUL"):
        sse.patch_elements("", to=element_id)


def test_an_empty_id_and_a_wrong_type_are_refused() -> None:
    with pytest.raises(ValueError, match="the element id is empty"):
        sse.patch_elements("", to="")
    with pytest.raises(TypeError, match="element id is int; accepted: str"):
        sse.patch_elements("", to=5)  # type: ignore[arg-type]


def test_to_and_selector_together_are_refused() -> None:
    with pytest.raises(ValueError, match="both to='a' and selector='#b' are given; give one of them"):
        sse.patch_elements("", to="a", selector="#b")


@pytest.mark.parametrize("mode", ["inner", "prepend", "append", "before", "after", "remove"])
def test_modes_that_need_a_selector_say_so(mode: str) -> None:
    with pytest.raises(ValueError, match=rf"mode '{mode}' needs a selector \(or to=, an element's id\)"):
        sse.patch_elements(None if mode == "remove" else "", mode=mode)


@pytest.mark.parametrize("mode", ["outer", "replace"])
def test_modes_that_need_no_selector_take_none(mode: str) -> None:
    assert "selector" not in sse.patch_elements("<p>", mode=mode).arguments


def test_unknown_modes_and_namespaces_are_refused() -> None:
    with pytest.raises(ValueError, match="mode is 'morph'; accepted: outer, inner, replace, prepend, append, before"):
        sse.patch_elements("", mode="morph")
    with pytest.raises(ValueError, match="namespace is 'xhtml'; accepted: html, svg, mathml"):
        sse.patch_elements("", namespace="xhtml")


@pytest.mark.parametrize("selector", ["a\nb", "a\rb", "a\0b", "a\r\n"])
@pytest.mark.parametrize("option", ["selector", "view_transition_selector"])
def test_a_selector_with_a_line_break_is_refused(option: str, selector: str) -> None:
    with pytest.raises(ValueError, match=rf"^{option} .* contains a line break or NUL"):
        sse.patch_elements("", use_view_transition=True, **{option: selector})  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["selector", "view_transition_selector"])
def test_an_empty_selector_is_refused(option: str) -> None:
    for selector in ("", " "):
        with pytest.raises(ValueError, match=f"^{option} is empty"):
            sse.patch_elements("", use_view_transition=True, **{option: selector})  # type: ignore[arg-type]


def test_a_view_transition_selector_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="view_transition_selector needs use_view_transition=True"):
        sse.patch_elements("", view_transition_selector="main")


def test_none_removes_and_nothing_else() -> None:
    assert sse.patch_elements(None, to="a", mode="remove") == sse.remove_elements("#a")
    with pytest.raises(ValueError, match="elements is None; accepted with mode 'remove' only"):
        sse.patch_elements(None)


def test_remove_takes_no_elements() -> None:
    assert sse.patch_elements("", selector="#a", mode="remove") == sse.remove_elements("#a")
    with pytest.raises(ValueError, match="mode 'remove' takes no elements; select the elements to remove with"):
        sse.patch_elements('<p id="a"></p>', mode="remove")


def test_remove_elements_is_a_patch_without_elements() -> None:
    assert sse.remove_elements("#a, .b", event_id="7", retry_ms=5).encode() == (
        b"event: datastar-patch-elements\nid: 7\nretry: 5\ndata: selector #a, .b\ndata: mode remove\n\n"
    )
    with pytest.raises(ValueError, match="selector is empty"):
        sse.remove_elements("")


@pytest.mark.parametrize("option", ["elements", "selector", "to"])
def test_lone_surrogates_are_refused(option: str) -> None:
    with pytest.raises(ValueError, match=r"contains the lone surrogate U\+D800 at 1"):
        sse.patch_elements(**{"elements": "", option: "a\ud800"})  # type: ignore[arg-type]


@pytest.mark.parametrize("namespace", ["svg", "mathml"])
def test_siblings_are_separated_outside_of_html_only(namespace: str) -> None:
    assert sse.patch_elements("<g/><g/>", namespace=namespace).arguments["elements"] == "<g/>\n<g/>"
    assert sse.patch_elements("<b></b><b></b>").arguments["elements"] == "<b></b><b></b>"
