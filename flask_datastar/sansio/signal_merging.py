"""The client's merge of a patch into signals, for those who keep a copy of what it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .signal_paths import is_index


def merge_patch(
    state: dict[str, Any], patch: Mapping[str, Any], *, only_if_missing: bool = False, keep_nulls: bool = False
) -> None:
    """Apply a patch to a copy of the browser's signals as the client does.

    Objects merge, into a list by index; they replace any other value, also with ``only_if_missing``
    (``engine/signals.ts``).

    :param state: changed in place.
    :param only_if_missing: set absent leaves only; nulls are passed over.
    :param keep_nulls: set what a null removes to None, so that the state is itself a patch of several together.
    """
    for name, value in patch.items():
        if value is None:
            if keep_nulls:
                state[name] = None
            elif not only_if_missing:
                state.pop(name, None)
        elif isinstance(value, dict):
            current = state.get(name)
            if isinstance(current, list):
                state[name] = _merge_by_index(current, value, only_if_missing, keep_nulls)
                continue
            state[name] = inner = dict(current) if isinstance(current, dict) else {}
            merge_patch(inner, value, only_if_missing=only_if_missing, keep_nulls=keep_nulls)
        elif not (only_if_missing and name in state):
            state[name] = value


def _merge_by_index(items: list[Any], patch: Mapping[str, Any], only_if_missing: bool, keep_nulls: bool) -> list[Any]:
    by_index = {str(index): item for index, item in enumerate(items)}
    merge_patch(by_index, patch, only_if_missing=only_if_missing, keep_nulls=keep_nulls)
    length = max([len(items), *(int(name) + 1 for name in by_index if is_index(name))])
    # The client reads a hole as "", and sends no other properties of a list.
    return [by_index.get(str(index), "") for index in range(length)]
