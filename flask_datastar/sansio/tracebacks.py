"""Tracebacks as text: the application's own frames apart from those of libraries."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Collection
from traceback import FrameSummary, StackSummary, TracebackException
from typing import Final

_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STANDARD: Final = sysconfig.get_path("stdlib") + os.sep
_INSTALLED: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def own_frames(report: TracebackException, roots: Collection[str] = ()) -> str:
    """Write an exception, and those that led to it, with the application's own frames alone.

    :param roots: folders whose files count as the application's own wherever they are installed.
    :return: "" when none of the frames is the application's own.
    """
    texts: list[str] = []
    has_own = False
    current: TracebackException | None = report
    while current is not None:
        frames = [frame for frame in current.stack if _is_own(frame, roots)]
        has_own = has_own or bool(frames)
        texts.insert(0, "".join([*StackSummary.from_list(frames).format(), *current.format_exception_only()]))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\nThis exception led to:\n\n".join(texts) if has_own else ""


def _is_own(frame: FrameSummary, roots: Collection[str]) -> bool:
    name = frame.filename
    if name.startswith((_PACKAGE, "<frozen ")):
        return False
    for root in roots:
        folder = os.path.join(root, "")
        # An environment inside of the project is none of it.
        if name.startswith(folder):
            return not any(part in name[len(folder) - 1 :] for part in _INSTALLED)
    return not name.startswith(_STANDARD) and not any(part in name for part in _INSTALLED)
