"""Options of actions that the extension decides about: the signals that are sent, the tab's id, and the click's key."""

from __future__ import annotations

from typing import Any

from ..sansio.consts import TAB_ID_SIGNAL
from ..sansio.javascript import Expression
from ..sansio.tab_signal import signal_filter

#: The verbs whose clicks run once.
WRITING_VERBS = frozenset({"post", "put", "patch", "delete"})


def check_once(once: object) -> None:
    """Check the value of ``_once``.

    :raises TypeError: if it is neither True nor False.
    """
    if not isinstance(once, bool):
        raise TypeError(f"action option _once is {once!r}; accepted: True or False")


def add_filter(options: dict[str, Any], names: object) -> object:
    """Add the filter for these signals and the tab id, by which the server tells a user's tabs apart.

    :return: the filter; without names it sends no signals at all, not even the tab id.
    """
    if options.get("filter_signals") is not None:
        raise TypeError("_signals and _filter_signals are both given; give one of them")
    if not isinstance(names, list | tuple | set | frozenset):
        raise TypeError(f"_signals is {names!r}; accepted: a list of signal names, such as ('query',)")
    # A set has another order in each process, and the text of an action is the same in all.
    ordered = sorted(names, key=str) if isinstance(names, set | frozenset) else names
    pattern = signal_filter(dict.fromkeys((TAB_ID_SIGNAL, *ordered))) if names else "/^$/"
    for name in names:
        if "._" in f".{name}":
            raise ValueError(
                f"_signals has {name!r}: the browser sends no name with an underscore in front; leave it out"
            )
    options["filter_signals"] = {"include": Expression.from_js(pattern)}
    return options["filter_signals"]
