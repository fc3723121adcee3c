"""The texts of actions that write, with and without what makes each click run once."""

from __future__ import annotations

import re

#: The end of an action's URL, and its option.
_KEY = "_k=' + Math.random()"
_OPTION = "requestCancellation: 'disabled'"

_PIECE = r"(?:'(?:[^'\\]|\\.)*'|encodeURIComponent\([^()]*\))"
_ACTION = re.compile(rf"(@(?:post|put|patch|delete)\()({_PIECE}(?: \+ {_PIECE})*)(?:, \{{(.*?)\}})?\)(?!\))")


def keyed(text: str) -> str:
    """Return a text in which each action that writes has a key, and cancels no other."""

    def write(found: re.Match[str]) -> str:
        start, url, options = found.groups()
        separator = "&" if "?" in url else "?"
        url = f"{url[:-1]}{separator}{_KEY}" if url.endswith("'") else f"{url} + '{separator}{_KEY}"
        return f"{start}{url}, {{{f'{options}, ' if options else ''}{_OPTION}}})"

    found, count = _ACTION.subn(write, text)
    assert count, f"there is no action in {text}"
    return found


def keyless(text: str) -> str:
    """Return a text without the keys of its actions, each of which has to have one."""
    actions = len(re.findall(r"@(?:post|put|patch|delete)\(", text))
    assert actions, f"there is no action in {text}"
    text, keys = re.subn(r"[?&]" + re.escape(_KEY), "'", text)
    text, alone = re.subn(re.escape(f", {{{_OPTION}}}"), "", text)
    text, others = re.subn(re.escape(f", {_OPTION}"), "", text)
    assert keys == alone + others == actions, text
    return text
