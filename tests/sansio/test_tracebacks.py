"""One's own frames of a traceback, without those of libraries."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from traceback import TracebackException
from typing import Any

import pytest

from flask_datastar import sse
from flask_datastar.sansio.tracebacks import own_frames

PACKAGE = f'File "{Path(sse.__file__).parent}'


def report_of(function: Any, *arguments: Any) -> TracebackException:
    try:
        function(*arguments)
    except Exception as error:
        return TracebackException.from_exception(error, compact=True)
    raise AssertionError("it raised nothing")


def run(path: str, code: str, **names: Any) -> TracebackException:
    """Run code as if it stood in a file."""
    return report_of(lambda: exec(compile(code, path, "exec"), names))


def test_frames_of_the_standard_library_and_of_the_package_are_left_out() -> None:
    def parse() -> None:
        json.loads("{")

    own = own_frames(report_of(parse))

    assert own.count('File "') == 2
    assert own.count(f'File "{__file__}"') == 2
    assert own.endswith(
        "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)\n"
    )
    assert PACKAGE not in own_frames(report_of(lambda: sse.raw("no", [])))


@pytest.mark.parametrize(
    ("path", "is_own"),
    [
        ("/srv/shop/views.py", True),
        ("/srv/shop/.venv/lib/python3.11/site-packages/lib/core.py", False),
        ("/usr/lib/python3/dist-packages/lib/core.py", False),
        ("/opt/env/site-packages/installed_shop/views.py", True),
        ("/opt/env/site-packages/other/views.py", False),
        (str(Path(sysconfig.get_path("stdlib"), "json", "decoder.py")), False),
        ("<frozen importlib._bootstrap>", False),
        ("<template>", True),
        ("board.html", True),
    ],
)
def test_file_is_ones_own(path: str, is_own: bool) -> None:
    own = own_frames(run(path, "1 / 0"), ("/srv/shop", "/opt/env/site-packages/installed_shop"))

    assert (f'File "{path}"' in own) == is_own


def test_nothing_is_given_where_no_frame_is_ones_own() -> None:
    report = run("/x/site-packages/lib.py", "1 / 0")
    report.stack[:] = [frame for frame in report.stack if "site-packages" in frame.filename]

    assert own_frames(report) == ""


def test_exceptions_that_led_to_it_are_there_in_their_order() -> None:
    def chain() -> None:
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError as error:
            raise ValueError("because of it") from error

    own = own_frames(report_of(chain))

    assert own.index("ZeroDivisionError") < own.index("This exception led to:") < own.index("ValueError: because of it")


def test_exception_that_hides_another_is_alone() -> None:
    def chain() -> None:
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError:
            raise ValueError("alone") from None

    assert "ZeroDivisionError" not in own_frames(report_of(chain))
