"""What `flask datastar doctor` makes of a stream, of which servers in the tests show the usual half."""

from __future__ import annotations

import time
from collections.abc import Callable
from http.client import HTTPMessage
from typing import Any

import pytest

from flask_datastar.cli.doctor_stream import check_stream
from flask_datastar.cli.findings import Facts, Finding
from flask_datastar.cli.probe import SILENCE, STOP


class Heard:
    """A stream of which arrives what a test says, at the word of the doctor."""

    def __init__(self, status: int | None = 200, **texts: str) -> None:
        self.status, self.texts = status, texts
        self.headers = HTTPMessage()
        self.text = texts.get("opened", "")
        self.arrived = time.monotonic()
        self.ended: float | None = None
        self.error = ""

    def hear(self, event: str) -> None:
        self.text += self.texts.get(event, "")
        if f"end_{event}" in self.texts:
            self.ended, self.error = time.monotonic(), self.texts[f"end_{event}"]

    def wait_for(self, is_there: Callable[[], object], seconds: float) -> bool:
        if seconds > 60:
            self.hear("silence")
        return bool(is_there())

    def close(self) -> None:
        pass


class Probe:
    topic = "doctor.1"

    def __init__(self, stream: Heard, *, failed: str | None = None) -> None:
        self.stream, self.failed, self.reports = stream, failed, 0

    def open(self, seconds: float) -> Heard:
        return self.stream

    def report(self, asked: dict[str, str]) -> tuple[int, str]:
        self.reports += 1
        self.stream.hear("said")
        return 200, "ab"[self.reports % 2]

    def publish(self, message: str) -> None:
        self.stream.hear({SILENCE: "silent", STOP: "stop"}[message])

    def load(self, text: str) -> Facts:
        return {"failed": self.failed, "server": {"process": text}}


def check(stream: Heard, **options: Any) -> list[Finding]:
    probe = Probe(stream, **options)
    # A keep-alive of a minute tells the wait of the silence from the others.
    return list(check_stream(probe, probe.load, 60, 1))  # type: ignore[arg-type]


GOOD = {
    "opened": "state opened",
    "said": "said a said b",
    "silent": "state silent",
    "silence": "state closing",
    "end_silence": "",
}


def test_good_stream() -> None:
    assert check(Heard(**GOOD)) == []


@pytest.mark.parametrize(
    ("changes", "name", "text"),
    [
        ({"opened": "", "stop": "state opened"}, "buffering", "in one lump, when it ends"),
        ({"opened": ""}, "buffering", "nothing of the stream has arrived within 1 seconds"),
        ({"said": ""}, "buffering", "held back after the first one"),
        ({"said": "said a"}, "broker", "what 1 of 2 processes publish does not reach the stream"),
        ({"end_silence": "IncompleteRead"}, "end", "does not end cleanly: IncompleteRead"),
        ({"silence": "", "end_silence": "IncompleteRead"}, "time-out", "the stream is broken off after "),
        (
            {"said": "", "silence": "", "end_said": "IncompleteRead"},
            "time-out",
            "the stream is broken off after ",
        ),
    ],
)
def test_bad_stream(changes: dict[str, str], name: str, text: str) -> None:
    (found,) = check(Heard(**GOOD | changes))

    assert found.name == name
    assert text in found.found


def test_keepalives_are_held_back() -> None:
    stream = Heard(**{key: value for key, value in GOOD.items() if "silence" not in key})

    (found,) = check(stream)

    assert (found.name, found.found) == ("buffering", "keep-alives are held back")


def test_stream_that_stays_open() -> None:
    stream = Heard(**{key: value for key, value in GOOD.items() if key != "end_silence"})

    (found,) = check(stream)

    assert (found.name, found.found) == ("end", "the stream does not end cleanly: it stays open")


def test_stream_that_is_refused() -> None:
    stream = Heard(503, opened="there is no room")

    (found,) = check(stream)

    assert (found.name, found.found) == ("stream", "the stream is answered with 503: there is no room")


def test_publishing_that_fails() -> None:
    found = check(Heard(**GOOD), failed="Redis is away")

    assert [(finding.name, finding.found) for finding in found] == [("broker", "publishing fails: Redis is away")]


def test_server_is_named() -> None:
    stream = Heard(**GOOD | {"opened": ""})
    stream.headers["Server"] = "nginx/1.22.1"

    assert "(Server: nginx/1.22.1)" in check(stream)[0].found
