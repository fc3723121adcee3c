"""The script of the message about a client that was not loaded: whatever the URL is, it stays text."""

from __future__ import annotations

import json
import re

import pytest

from flask_datastar.sansio.missing_client import missing_client_script


@pytest.mark.parametrize(
    "url", ["https://cdn.example/x.js", "/x.js?a='b'&c=</script><!--", "/\u2028\\", '/"+alert(1)+"', "/{id}{"]
)
def test_url_is_a_string_in_the_script(url: str) -> None:
    script = missing_client_script(url)

    strings = re.findall(r"'((?:[^'\\\n]|\\.)*)'", script)
    assert "</" not in script
    assert "<!--" not in script
    assert url in [json.loads(f'"{text}"') for text in strings]
    assert any(f"not loaded from {url}," in json.loads(f'"{text}"') for text in strings)
