"""The view half of ``Datastar``: the decorator that registers a class of a page and its events."""

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

        :param rule: a URL rule, as Flask's routes have it. Its parameters go to ``load`` and ``show``, actions carry
            them, and so events get them, too.
        :param blueprint: put the page and the events behind this blueprint's guards and below its URL prefix.
        :param group: the dotted name of the class, snake-cased, with dashes for dots, by default.
        :param options: of the page's route, as Flask's routes take them; ``endpoint`` is by default the name of the
            class, snake-cased.
        :return: the class, unchanged.
        :raises SetupError: the declaration cannot work, or a name is taken.
        """
        # Below a blueprint's prefix the rule may be empty, as Flask's.
        if not isinstance(rule, str) or not (rule.startswith("/") or (blueprint is not None and not rule)):
            raise SetupError(f"@datastar.view takes a URL rule, not {rule!r}; write @datastar.view('/…')")

        def declare(view_class: V) -> V:
            self._declarations.add(make_declared_view(view_class, rule, blueprint, group, dict(options)))
            return view_class

        return declare
