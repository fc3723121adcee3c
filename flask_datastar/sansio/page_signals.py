"""The signals in a page's HTML, as far as they are JSON."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from .signal_merging import merge_patch
from .signal_reading import read_object

_KEY = "data-signals:"


def page_signals(html: str) -> dict[str, Any]:
    """Read the signals that ``init_signals()`` and ``tab_signal()`` have written into a page.

    Other expressions are left out, because only a browser can evaluate them.

    >>> page_signals('''<body data-signals:_token="'abc'"><main data-signals='{"count":1}' data-signals="{a: b}">''')
    {'_token': 'abc', 'count': 1}
    """
    parser = _SignalParser()
    parser.feed(html)
    parser.close()
    return parser.signals


class _SignalParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.signals: dict[str, Any] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # HTML drops the second of two equal attributes.
        for name, value in reversed(dict(reversed(attrs)).items()):
            if value is None:
                continue
            if name == "data-signals":
                self._merge(value)
            elif name.startswith(_KEY) and value[:1] == value[-1:] == "'":
                self._merge(f'{{"{name.removeprefix(_KEY)}":"{value[1:-1]}"}}')

    def _merge(self, json_text: str) -> None:
        try:
            merge_patch(self.signals, read_object(json_text))
        except ValueError:
            return
