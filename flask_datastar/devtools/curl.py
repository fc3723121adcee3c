"""A recorded request as a command for ``curl``."""

from __future__ import annotations

import json
import shlex
from typing import Any
from urllib.parse import quote, urlencode

from ..sansio.consts import CLICK_KEY, QUERY_KEY


def merged(facts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the facts of one request as one mapping; its events as a list."""
    found: dict[str, Any] = {"events": []}
    for item in facts:
        if "event" in item:
            found["events"].append(item["event"])
        else:
            found.update(item)
    return found


def curl_text(facts: list[dict[str, Any]], origin: str) -> str:
    """Return the command that sends a request again.

    Cookies are not in it, because scripts must not read them: a variable of the shell stands in their place.

    :param origin: scheme and host of the app.
    """
    entry = merged(facts)
    method = entry["method"]
    # With the key of the click, it would be answered as a repeat.
    query = "&".join(part for part in entry["query"].split("&") if part.partition("=")[0] != CLICK_KEY)
    signals, is_json = entry.get("signals"), "json" in entry["headers"].get("Content-Type", "")
    if signals is not None and not is_json:
        query = "&".join(filter(None, [query, f"{QUERY_KEY}={quote(_json(signals), safe='')}"]))
    url = f"{origin}{quote(entry['path'])}" + (f"?{query}" if query else "")
    parts = [f"curl --no-buffer --request {_shell(method)} {_shell(url)}"]
    has_form = bool(entry.get("form"))
    for name, value in entry["headers"].items():
        # Curl writes the type of a form itself, with the boundary that it has chosen.
        if not (has_form and name == "Content-Type"):
            parts.append(f"--header {_shell(f'{name}: {value}')}")
    if entry["has_cookies"]:
        parts.append('--cookie "$COOKIES"')
    if has_form:
        parts += _form(entry)
    elif signals is not None and is_json:
        parts.append(f"--data-raw {_shell(signals if isinstance(signals, str) else _json(signals))}")
    hint = "# COOKIES: what the browser's own tools show of this request, as name=value; name=value\n"
    return (hint if entry["has_cookies"] else "") + " \\\n  ".join(parts) + "\n"


def _form(entry: dict[str, Any]) -> list[str]:
    fields = entry["form"] if isinstance(entry["form"], dict) else {}
    pairs = [
        (name, value) for name, values in fields.items() for value in (values if isinstance(values, list) else [values])
    ]
    if "multipart" not in entry["headers"].get("Content-Type", ""):
        return [f"--data-raw {_shell(urlencode(pairs))}"]
    return [
        f"--form {_shell(f'{name}=@{value[5:]}')}"
        if str(value).startswith("file ")
        else f"--form-string {_shell(f'{name}={value}')}"
        for name, value in pairs
    ]


def _json(signals: Any) -> str:
    return json.dumps(signals, separators=(",", ":"), ensure_ascii=False)


def _shell(text: str) -> str:
    """Quote a text for a shell; control characters are escaped, because a terminal would act on pasted ones."""
    if text.isprintable():
        return shlex.quote(text)
    written = "".join(
        char
        if char.isprintable() and char not in "\\'"
        else "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))
        for char in text
    )
    return f"$'{written}'"
