"""Strict JSON: compact, without NaN, infinities and lone surrogates; errors name the path.

The client evaluates text that ``JSON.parse`` refuses as JavaScript (``datastar-patch-signals``), so text that is not
strict JSON must never leave the server.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from json import encoder as json_encoder
from typing import Any

from .events import check_text, shorten

#: Returns strict JSON of a value, or raises ValueError or TypeError with the path of what cannot be sent.
Dumps = Callable[[object], str]
Default = Callable[[Any], Any]

_CANNOT_NEST = 500


def make_dumps(default: Default | None = None, *, ensure_ascii: bool = True, sort_keys: bool = False) -> Dumps:
    """Return an encoder. Create it once, because building it costs more than encoding a few signals.

    :param default: returns an encodable value for a value that JSON does not know, or raises TypeError.
    :return: a function from value to compact JSON text.
    """
    encode = _make_chunks(default, ensure_ascii, sort_keys)

    def dumps(value: object) -> str:
        try:
            text = encode(value)
        except (ValueError, TypeError, RecursionError) as error:
            raise _explain(value, _Search(default, sort_keys), error) from error
        if "\\ud" in text:
            loads(text)
        if not ensure_ascii:
            check_text(text, "the JSON text")
        return text

    return dumps


def _make_chunks(default: Default | None, ensure_ascii: bool, sort_keys: bool) -> Dumps:
    """Return the C encoder itself, nearly twice as fast as ``JSONEncoder.encode``, where Python has it.

    It keeps no memory of visited containers (``markers``): two threads that send the same constant would look like a
    circle. A real circle ends in a RecursionError, which is explained.
    """
    encoder = json.JSONEncoder(
        default=default,
        ensure_ascii=ensure_ascii,
        sort_keys=sort_keys,
        allow_nan=False,
        check_circular=False,
        separators=(",", ":"),
    )
    write_string = json_encoder.encode_basestring_ascii if ensure_ascii else json_encoder.encode_basestring
    try:
        chunks = json_encoder.c_make_encoder(  # type: ignore[attr-defined]
            None, encoder.default, write_string, None, ":", ",", sort_keys, False, False
        )
        if "".join(chunks({"a": [1, "b"]}, 0)) == '{"a":[1,"b"]}':
            return lambda value: "".join(chunks(value, 0))
    except (AttributeError, TypeError):
        pass
    return encoder.encode


#: Strict JSON by the standard library alone.
dumps = make_dumps()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode


def loads(text: str) -> Any:
    """Read strict JSON.

    :raises ValueError: if it is malformed, names NaN or an infinity, is nested so deeply that the parser gives up, or
        contains a lone surrogate.
    """
    check_text(text, "the JSON text")
    try:
        value = _decode(text)
        if "\\ud" in text or "\\uD" in text:
            # Half a character may have been an escape in the text.
            check_text(json.dumps(value, ensure_ascii=False), "the JSON text")
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _explain(value: object, search: _Search, error: Exception) -> ValueError | TypeError:
    """Return the error that names the part of a value that was refused."""
    kind = TypeError if isinstance(error, TypeError) else ValueError
    try:
        found = search.find(value, (), frozenset())
    except RecursionError:
        found = (), "it is nested too deeply"
    if found is None:
        return kind(f"{type(value).__name__} cannot be sent as JSON: {error}")
    path, reason = found
    where = f"'{'.'.join(path)}'" if path else "the value"
    return kind(f"{where} cannot be sent as JSON: {reason}")


class _Search:
    """The search for the first part of a value that JSON has no form for."""

    def __init__(self, default: Default | None, sort_keys: bool) -> None:
        self._default = default
        self._sort_keys = sort_keys

    def find(self, value: object, path: tuple[str, ...], outer: frozenset[int]) -> tuple[tuple[str, ...], str] | None:
        """Return its path and the reason, None if JSON has a form for all parts.

        :param outer: the ids of the containers around the value.
        """
        if isinstance(value, float) and not math.isfinite(value):
            return path, f"{value} is not a JSON number; send None or a text"
        if value is None or isinstance(value, str | int | float):
            return None
        if id(value) in outer:
            return path, "it contains itself"
        if len(path) >= _CANNOT_NEST:
            return path[:8], "it is nested too deeply"
        outer |= {id(value)}
        if isinstance(value, dict | list | tuple):
            if isinstance(value, dict) and (reason := self._refused_keys(value)):
                return path, reason
            for step, item in value.items() if isinstance(value, dict) else enumerate(value):
                if found := self.find(item, (*path, str(step)), outer):
                    return found
            return None
        try:
            if self._default is None:
                raise TypeError(f"{shorten(value)} is {type(value).__name__}, which JSON does not know")
            converted = self._default(value)
        except (TypeError, ValueError) as error:
            return path, str(error)
        return self.find(converted, path, outer)

    def _refused_keys(self, value: dict[Any, Any]) -> str:
        for key in value:
            if not isinstance(key, str | int | float | None):
                return f"the key {shorten(key)} is {type(key).__name__}; accepted: str"
        if self._sort_keys:
            try:
                sorted(value)
            except TypeError:
                kinds = " and ".join(sorted({type(key).__name__ for key in value}))
                return f"its keys are {kinds}, which cannot be sorted; accepted: str for all of them"
        return ""
