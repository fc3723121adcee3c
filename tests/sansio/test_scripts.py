from __future__ import annotations

from typing import Any

import pytest

from flask_datastar import sse


def script(html: str) -> sse.Event:
    """Give the event that appends a script element."""
    return sse.patch_elements(html, selector="body", mode="append")


def test_execute_script_appends_a_script_that_removes_itself() -> None:
    event = sse.execute_script("a()\r\nb()", event_id="7", retry_ms=5)

    assert event.encode() == (
        b"event: datastar-patch-elements\nid: 7\nretry: 5\ndata: selector body\ndata: mode append\n"
        b'data: elements <script data-effect="el.remove()">a()\ndata: elements b()</script>\n\n'
    )


def test_execute_script_can_leave_the_script_there() -> None:
    assert sse.execute_script("a()", auto_remove=False) == script("<script>a()</script>")


def test_execute_script_writes_attributes() -> None:
    attributes: dict[str, str | bool] = {"type": "module", "async": True, "defer": False, "data-a": "'\"<&>"}

    event = sse.execute_script("a()", auto_remove=False, attributes=attributes)

    assert event == script('<script type="module" async data-a="&#39;&#34;&lt;&amp;&gt;">a()</script>')


@pytest.mark.parametrize(
    ("code", "written"),
    [
        ("'</script>'", "'<\\/script>'"),
        ("'</SCRIPT >'", "'<\\/SCRIPT >'"),
        ("'<!--'", "'\\x3c!--'"),
        ("'</body></html></head>'", "'<\\/body><\\/html><\\/head>'"),
        ("'</p>'", "'</p>'"),
    ],
)
def test_tags_that_end_a_script_are_escaped(code: str, written: str) -> None:
    assert sse.execute_script(code, auto_remove=False) == script(f"<script>{written}</script>")


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a>", "a/", "'", '"', "a\0", "a\x7f", "\u00a0", 1])
def test_attribute_names_that_cannot_stand_in_a_tag_are_refused(name: Any) -> None:
    with pytest.raises(ValueError, match=r"attribute name .* is not allowed in a tag"):
        sse.execute_script("", attributes={name: "x"})


def test_the_attribute_of_auto_remove_is_taken() -> None:
    with pytest.raises(ValueError, match="attribute 'data-effect' is used by auto_remove; pass auto_remove=False"):
        sse.execute_script("", attributes={"Data-Effect": "x"})

    event = sse.execute_script("", auto_remove=False, attributes={"data-effect": "x"})
    assert event == script('<script data-effect="x"></script>')


@pytest.mark.parametrize("value", [1, None])
def test_attributes_of_other_types_are_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=f"attribute 'a' is {type(value).__name__}; accepted: str, or True for a bare"):
        sse.execute_script("", attributes={"a": value})


@pytest.mark.parametrize("attributes", [["defer"], "defer", 1])
def test_attributes_that_are_no_mapping_are_refused(attributes: Any) -> None:
    with pytest.raises(
        TypeError, match=f"attributes is {type(attributes).__name__}; accepted: a mapping of name to value"
    ):
        sse.execute_script("", attributes=attributes)


def test_a_script_that_is_no_string_is_refused() -> None:
    with pytest.raises(TypeError, match="script is bytes; accepted: str"):
        sse.execute_script(b"a()")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "send",
    [
        lambda: sse.execute_script("\ud800"),
        lambda: sse.execute_script("", attributes={"a": "\ud800"}),
        lambda: sse.execute_script("", attributes={"\ud800": "a"}),
        lambda: sse.redirect("/\ud800"),
        lambda: sse.console_log("\ud800"),
        lambda: sse.dispatch_event("\ud800"),
        lambda: sse.dispatch_event("x", {"\ud800": 1}),
        lambda: sse.dispatch_event("x", {"a": "\ud800"}),
    ],
)
def test_lone_surrogates_are_refused(send: Any) -> None:
    with pytest.raises(ValueError, match=r"contains the lone surrogate U\+D800"):
        send()


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("/a?b=1#c", "/a?b=1#c"),
        ("https://example.org/", "https://example.org/"),
        ("HTTP://example.org", "HTTP://example.org"),
        ("//example.org", "//example.org"),
        ("?page=2", "?page=2"),
        ("./a:b", "./a:b"),
        (" /a\n\tb\x00 ", "/ab"),
        ("/'\"\\;@get(</script>", r"/\u0027\u0022\u005c\u003b\u0040get(\u003c/script\u003e"),
    ],
)
def test_redirect_goes_to_the_url_without_control_characters(url: str, sent: str) -> None:
    assert sse.redirect(url, event_id="7", retry_ms=5) == sse.execute_script(
        f'setTimeout(() => {{ window.location.href = "{sent}" }})', event_id="7", retry_ms=5
    )


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        " JaVaScRiPt:x",
        "java\nscript:x",
        "\x01javascript:x",
        "data:text/html,x",
        "a:b",
        "ftp://x",
    ],
)
@pytest.mark.parametrize("send", [sse.redirect, sse.push_url, sse.replace_url])
def test_urls_of_other_schemes_are_refused(send: Any, url: str) -> None:
    with pytest.raises(ValueError, match=r"has the scheme '[\w]+'; accepted: http, https and relative URLs"):
        send(url)


@pytest.mark.parametrize("url", ["", " ", "\n\0"])
def test_an_empty_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url is empty"):
        sse.redirect(url)


def test_a_url_that_is_no_string_is_refused() -> None:
    with pytest.raises(TypeError, match="url is NoneType; accepted: str"):
        sse.redirect(None)  # type: ignore[arg-type]


def test_push_and_replace_url_write_history() -> None:
    push, replace = sse.push_url("/a'b", event_id="7", retry_ms=5), sse.replace_url("?a", event_id="7", retry_ms=5)

    assert push == sse.execute_script('history.pushState({}, "", "/a\\u0027b")', event_id="7", retry_ms=5)
    assert replace == sse.execute_script('history.replaceState({}, "", "?a")', event_id="7", retry_ms=5)


@pytest.mark.parametrize("url", ["https://example.org/", "//example.org", "/\\example.org", "/\t/example.org", "\\\\x"])
@pytest.mark.parametrize("send", [sse.push_url, sse.replace_url])
def test_history_takes_no_other_origin(send: Any, url: str) -> None:
    with pytest.raises(ValueError, match="names a scheme or a host; accepted: a path, a query or a fragment"):
        send(url)


@pytest.mark.parametrize("level", ["log", "warn", "error", "info", "debug"])
def test_console_log_writes_a_literal(level: str) -> None:
    event = sse.console_log({"a": ["</script>", 1]}, level=level, event_id="7", retry_ms=5)

    assert event == sse.execute_script(
        f'console.{level}({{"a":["\\u003c/script\\u003e",1]}})', event_id="7", retry_ms=5
    )


def test_console_log_takes_another_encoder() -> None:
    assert sse.console_log(1j, dumps=lambda value: f'"{value}"') == sse.execute_script('console.log("1j")')


def test_console_log_refuses_other_levels() -> None:
    with pytest.raises(ValueError, match="level is 'table'; accepted: log, warn, error, info, debug"):
        sse.console_log("", level="table")


def test_dispatch_event_needs_no_script() -> None:
    event = sse.dispatch_event("toast", {"text": "a\u2028b", "level": [1, None]}, event_id="7", retry_ms=5)

    assert event == sse.raw("datastar-toast", ['text "a\\u2028b"', "level [1,null]"], event_id="7", retry_ms=5)


def test_dispatch_event_takes_no_detail_and_another_encoder() -> None:
    assert sse.dispatch_event("toast") == sse.raw("datastar-toast")
    assert sse.dispatch_event("toast", {"a": 1j}, dumps=str).arguments == {"a": "1j"}


@pytest.mark.parametrize("name", ["patch-elements", "patch-signals"])
def test_dispatch_event_refuses_the_events_of_the_client(name: str) -> None:
    with pytest.raises(ValueError, match=f"event name '{name}' belongs to an event of the client; choose another name"):
        sse.dispatch_event(name)


def test_dispatch_event_refuses_names_that_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="the event name is empty"):
        sse.dispatch_event("")
    with pytest.raises(ValueError, match="event type 'datastar-a b' is dropped by the client"):
        sse.dispatch_event("a b")
    with pytest.raises(ValueError, match=r"event name .* contains a line break or NUL"):
        sse.dispatch_event("a\nb")
    with pytest.raises(TypeError, match="event name is int; accepted: str"):
        sse.dispatch_event(1)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["", "a b", "a\n", "\t", "a\0", "\u2028", 1])
def test_dispatch_event_refuses_keys_that_cannot_be_sent(key: Any) -> None:
    with pytest.raises(ValueError, match=r"detail key .* is not allowed; accepted: non-empty str without white space"):
        sse.dispatch_event("toast", {key: 1})


@pytest.mark.parametrize("key", ["constructor", "__proto__", "toString"])
def test_dispatch_event_refuses_keys_that_break_the_client(key: str) -> None:
    with pytest.raises(
        ValueError, match=f"data key '{key}' breaks the client: every object there has it; choose another key"
    ):
        sse.dispatch_event("toast", {key: 1})


def test_dispatch_event_refuses_a_detail_that_is_no_mapping() -> None:
    with pytest.raises(TypeError, match="detail is list; accepted: a mapping of name to value"):
        sse.dispatch_event("toast", [1])  # type: ignore[arg-type]
