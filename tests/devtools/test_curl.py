"""A copied command sends the same request again, and nothing else, whatever the request had in it."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from flask_datastar.devtools.curl import curl_text

HEAD = {"id": 1, "method": "POST", "path": "/ds/g/go", "query": "", "headers": {}, "has_cookies": False}
JSON = {"Content-Type": "application/json"}


def words(text: str) -> list[str]:
    return shlex.split(text.replace("\\\n", ""), comments=True)


def test_signals_are_the_body_or_the_query() -> None:
    post = words(curl_text([{**HEAD, "headers": JSON, "query": "id=3&_k=0.5", "signals": {"a": "ä'"}}], "http://x"))
    get = words(curl_text([{**HEAD, "method": "GET", "query": "id=3", "signals": {"a": 1}}], "http://x:1"))

    assert post[:5] == ["curl", "--no-buffer", "--request", "POST", "http://x/ds/g/go?id=3"]
    assert post[post.index("--data-raw") + 1] == '{"a":"ä\'"}'
    assert parse_qs(urlsplit(get[4]).query) == {"id": ["3"], "datastar": ['{"a":1}']}


def test_forms_are_sent_as_they_came() -> None:
    form = {"a": ["1", "2"], "b": "x y", "f": "file f.txt"}
    plain = {"Content-Type": "application/x-www-form-urlencoded"}

    coded = words(curl_text([{**HEAD, "headers": plain, "form": form}], "http://x"))
    multipart = {"Content-Type": "multipart/form-data; boundary=b"}
    parts = words(curl_text([{**HEAD, "headers": multipart, "form": form}], "http://x"))
    large = words(curl_text([{**HEAD, "headers": plain, "form": "too much"}], "http://x"))

    assert coded[-1] == "a=1&a=2&b=x+y&f=file+f.txt"
    assert parts[-4:] == ["--form-string", "b=x y", "--form", "f=@f.txt"]
    assert "boundary" not in " ".join(parts)
    assert large[-2:] == ["--data-raw", ""]


def test_cookies_are_a_variable() -> None:
    text = curl_text([{**HEAD, "has_cookies": True}], "http://x")

    assert '--cookie "$COOKIES"' in text
    assert text.startswith("# COOKIES: ")


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))), st.text(max_size=9))
def test_no_text_leaves_its_quotes(text: str, path: str) -> None:
    facts: dict[str, Any] = {**HEAD, "path": f"/{path}", "headers": {**JSON, "X-Own": text}, "signals": text}
    command = curl_text([facts], "http://localhost")

    # A terminal acts on control characters in what is pasted.
    assert command.replace("\n", "").isprintable()
    shown = subprocess.run(
        ["bash", "-c", 'curl() { printf "%s\\0" "$@"; }\n' + command], capture_output=True, check=True
    ).stdout.split(b"\0")
    assert shown[shown.index(b"--data-raw") + 1].decode() == text
    assert f"X-Own: {text}".encode() in shown
    assert len(shown) == 11


def test_texts_that_no_encoding_has_are_written() -> None:
    command = curl_text([{**HEAD, "headers": JSON, "signals": json.loads('{"a": "\\ud800"}')}], "http://x")

    assert command.encode()
