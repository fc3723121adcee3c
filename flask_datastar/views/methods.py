"""The view methods of ``Datastar``: the decorator that registers a class with a page and its events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint

from ..errors import SetupError
from ..handlers.declarations import Declarations
from .declaring import make_declared_view
from .starview import StarView

V = TypeVar("V", bound=type[StarView])


class ViewMethods:
    """The methods of ``Datastar`` for views."""

    _declarations: Declarations

    def view(
        self, rule: str, blueprint: Blueprint | None = None, *, group: str | None = None, **options: Any
    ) -> Callable[[V], V]:
        """Declare a :class:`~flask_datastar.StarView`: its page at ``rule``, its events at ``{prefix}/<group>/<name>``.

        :param rule: a URL rule, as in Flask's ``route``. Its parameters go to ``load`` and ``show``; actions carry
            them, so that events get them, too.
        :param blueprint: a blueprint whose guards protect the page and the events, and whose URL prefix comes first in
            their URLs.
        :param group: the first part of the events' URLs; by default the dotted name of the class, snake-cased, with
            dashes for dots.
        :param options: options of the page's route, as Flask's ``route`` takes them; ``endpoint`` is by default the
            name of the class, snake-cased.
        :return: the class, unchanged.
        :raises SetupError: if the declaration cannot work, or a name is taken.
        """
        # Below a blueprint's prefix the rule may be empty, as in Flask.
        if not isinstance(rule, str) or not (rule.startswith("/") or (blueprint is not None and not rule)):
            raise SetupError(f"@datastar.view takes a URL rule, not {rule!r}; write @datastar.view('/…')")

        def declare(view_class: V) -> V:
            self._declarations.add(make_declared_view(view_class, rule, blueprint, group, dict(options)))
            return view_class

        return declare
