"""Guards, which stand for the names of a request in a region's templates: each use of a guard is an error.

Without guards, ``{{ current_user.name }}`` would be empty, and ``{% if session %}`` silently false.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from flask import g

from ..errors import SetupError
from ..state.detached import Detached


def _refuse(name: str, place: Detached) -> NoReturn:
    raise SetupError(
        f"region {place.title} uses {name!r} in its template: a region is rendered without a request, because all "
        "viewers get the same HTML; give it as an argument"
    )


class Guard:
    """A name of a request in a region's template. Every use of it raises an exception."""

    __slots__ = ("_name", "_place")

    def __init__(self, name: str, place: Detached) -> None:
        self._name = name
        self._place = place

    def _fail(self, *arguments: object, **named: object) -> NoReturn:
        _refuse(self._name, self._place)

    def __getattr__(self, name: str) -> NoReturn:
        # Jinja itself asks for some attributes, which the template does not mention.
        is_internal = name.startswith(("__", "jinja_"))
        _refuse(self._name if is_internal else f"{self._name}.{name}", self._place)

    def __getitem__(self, key: object) -> NoReturn:
        _refuse(f"{self._name}[{key!r}]", self._place)

    # isinstance() reads it, and so do tests and filters such as "is defined" and "default".
    __class__ = property(_fail)
    __call__ = __iter__ = __len__ = __bool__ = __str__ = __repr__ = __html__ = __format__ = __contains__ = _fail
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _fail
    __int__ = __float__ = __index__ = __neg__ = __pos__ = __add__ = __radd__ = __sub__ = __rsub__ = _fail
    __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _fail
    __pow__ = __rpow__ = _fail
    __hash__ = _fail


class GuardedGlobals:
    """``g`` in a region's template: the attributes that the region itself has set. Any other attribute raises."""

    __slots__ = ("_place",)

    def __init__(self, place: Detached) -> None:
        self._place = place

    def __getattr__(self, name: str) -> Any:
        return getattr(g, name) if name in g else _refuse(f"g.{name}", self._place)

    def __getitem__(self, name: str) -> Any:
        return self.__getattr__(name)

    def __contains__(self, name: str) -> bool:
        return name in g or _refuse(f"g.{name}", self._place)

    def __iter__(self) -> Iterator[str]:
        return iter(g)

    def get(self, name: str, default: object = None) -> Any:
        """Return an attribute that the region has set."""
        return self.__getattr__(name)
