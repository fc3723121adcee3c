"""JavaScript literals for attributes and scripts, and text that is marked as JavaScript.

The client evaluates attributes as expressions, after a rewriting of its own that is not aware of strings everywhere:
up to v1.0.3 it rewrites ``@word(`` inside strings too, and all versions lose their way at a string that ends in a
backslash when a later one contains a semicolon (``engine/engine.ts``). So these characters are written as escapes;
with that, no value out of 30,000 hostile ones broke an attribute.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from . import strictjson
from .signal_paths import check_names, may_be_forbidden
from .strictjson import Dumps

_PROTOTYPE = "__proto__"
_RISKY = re.compile(r"""\\\\|\\"|[;@<>'\u2028\u2029]""")


class Expression(Markup):
    """A JavaScript expression, escaped for a single- or double-quoted attribute.

    It stands for itself where an action's option or parameter takes a value. Joined with other markup it stays an
    expression.
    """

    __slots__ = ()

    @classmethod
    def from_js(cls, js: str) -> Expression:
        """Escape JavaScript for an attribute."""
        return cls(escape(js))

    @property
    def js(self) -> str:
        """The bare JavaScript, for use outside of an attribute."""
        return self.unescape()

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Explain what a call most likely wanted.

        :raises TypeError: if it is called, whatever the arguments are.
        """
        raise TypeError(
            f"{self.js} is an action for a template, not a decorator; declare a handler with @datastar.handler"
        )


def harden(json_text: str) -> str:
    r"""Return JSON text rewritten so that it may stand in an attribute's expression or in a script.

    The result is still JSON, of the same value.

    >>> harden('{"a":"\\\\;@b(</script>"}')
    '{"a":"\\u005c\\u003b\\u0040b(\\u003c/script\\u003e"}'
    """
    return _RISKY.sub(lambda match: f"\\u{ord(match[0][-1]):04x}", json_text)


def string(text: str) -> str:
    """Return a string in single quotes, which is readable inside a double-quoted attribute."""
    return f"'{harden(strictjson.dumps(text))[1:-1]}'"


def literal(value: object, dumps: Dumps = strictjson.dumps) -> str:
    """Return a value as a JavaScript literal; an :class:`Expression` inside it stays JavaScript.

    :param value: any value that can be sent as JSON, or an expression, or a mapping or list with expressions in it.
    :raises ValueError: if a part of it has no strict JSON form, or is named ``__proto__``; the path is named.
    :raises TypeError: if a part of it is of a type that JSON does not know.
    """
    if isinstance(value, Expression):
        return f"({value.js})"
    try:
        has_expression = _has_expression(value)
    except RecursionError:
        raise ValueError("the value is nested too deeply, or contains itself") from None
    if not has_expression:
        text = dumps(value)
        if f'"{_PROTOTYPE}"' in text:
            # In JSON it is a name like others; in a literal it would set what the object inherits from.
            check_names(strictjson.loads(text), {_PROTOTYPE}, "name")
        return harden(text)
    if isinstance(value, Mapping):
        check_names(dict.fromkeys(map(str, value)), {_PROTOTYPE}, "name")
        return "{" + ",".join(f"{harden(dumps(str(key)))}:{literal(item, dumps)}" for key, item in value.items()) + "}"
    assert isinstance(value, list | tuple)
    return "[" + ",".join(literal(item, dumps) for item in value) + "]"


def signals_literal(signals: Mapping[str, Any], dumps: Dumps = strictjson.dumps) -> str:
    """Return signals as the literal of a page's ``data-signals``.

    :raises ValueError: if a value has no strict JSON form, or a name would reach an object's prototype; the path is
        named.
    :raises TypeError: if a value is of a type that JSON does not know.
    """
    text = dumps(signals)
    if may_be_forbidden(text):
        check_names(strictjson.loads(text))
    return harden(text)


def _has_expression(value: object) -> bool:
    if isinstance(value, Expression):
        return True
    if isinstance(value, Mapping):
        return any(_has_expression(item) for item in value.values())
    return isinstance(value, list | tuple) and any(_has_expression(item) for item in value)
