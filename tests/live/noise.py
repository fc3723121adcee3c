"""What browsers and servers complain about: an error that no test expects fails the test in which it happened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, WebError

# What a browser says, and the client after it, while nobody is at the server's port.
NOBODY_THERE = (
    r"ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)"
    r"|failed to reach|network error|Failed to fetch"
)

# A connection that a browser has opened in reserve, and that a worker gives up with all others at the end of its time.
_SPARE_CONNECTION = re.compile(
    r"Error handling request \(no URI read\)\n"
    r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*greenlet\.GreenletExit"
)


@dataclass
class Noise:
    """What browsers and servers complained about during one test."""

    browser: list[str] = field(default_factory=list)
    expected_in_browser: list[str] = field(default_factory=list)
    expected_in_log: list[str] = field(default_factory=list)
    accepted_in_browser: list[str] = field(default_factory=list)

    def accept_in_browser(self, pattern: str) -> None:
        """Accept what matches, however often it happens: a matter of moments, such as the pause of a restart."""
        self.accepted_in_browser.append(pattern)

    def expect_in_browser(self, pattern: str) -> None:
        """Accept errors and warnings of the console and the page that match, of which there has to be at least one."""
        self.expected_in_browser.append(pattern)

    def expect_in_log(self, pattern: str) -> None:
        """Accept a traceback that ends with a match, of which there has to be at least one."""
        self.expected_in_log.append(pattern)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._note_console)
        context.on("weberror", self._note_error)

    @contextmanager
    def watching(self, context: BrowserContext) -> Iterator[None]:
        """Watch a context that goes on to the next test."""
        self.watch(context)
        yield
        context.remove_listener("console", self._note_console)
        context.remove_listener("weberror", self._note_error)

    def _note_error(self, error: WebError) -> None:
        self.browser.append(f"page error: {error.error}")

    def _note_console(self, message: ConsoleMessage) -> None:
        # The client only warns when a patch finds no target, which is as much of a defect.
        if message.type in ("error", "warning"):
            self.browser.append(f"console: {message.text} ({message.location['url']})")

    def check(self, log: str) -> None:
        log = _SPARE_CONNECTION.sub("", log)
        tracebacks = re.findall(r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(\S.*)", log)
        for what, found, expected, accepted in (
            ("in the browser", self.browser, self.expected_in_browser, self.accepted_in_browser),
            ("in the log", tracebacks, self.expected_in_log, []),
        ):
            known = [*expected, *accepted]
            unexpected = [text for text in found if not any(re.search(pattern, text) for pattern in known)]
            missing = [pattern for pattern in expected if not any(re.search(pattern, text) for text in found)]
            assert not unexpected, f"errors {what}: {unexpected}"
            assert not missing, f"expected {what}, and did not happen: {missing} (but: {found})"
