"""The registry of the regions of one ``Datastar`` instance, by group and name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import unwrap
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from flask import request

from ..errors import SetupError
from ..handlers.handler import default_group
from ..state.app import AppState
from ..state.detached import find_detached
from ..state.request import find_request_state
from .region import Region, RegionView

#: Sets an app up for regions.
Install = Callable[[AppState, "RegionRegistry"], object]


class RegionRegistry:
    """The regions of one instance, which serve all of its apps."""

    def __init__(self) -> None:
        self._regions: dict[str, Region] = {}
        #: The number of declarations so far.
        self.version = 0
        self._waiting: WeakKeyDictionary[AppState, Install] = WeakKeyDictionary()

    def __iter__(self) -> Iterator[Region]:
        return iter(tuple(self._regions.values()))

    def __len__(self) -> int:
        return len(self._regions)

    def add(self, region: Region) -> None:
        """Add a region; the same function, declared again by a reload or a factory, replaces itself.

        :raises SetupError: if another region has its name.
        """
        earlier = self._regions.get(region.key)
        if earlier is not None and earlier.source != region.source:
            raise SetupError(
                f"the name {region.key} is taken: {earlier!r} has it, and {region!r} would get it, too; give one "
                "of them a different name= or group="
            )
        self._regions[region.key] = region
        self.version += 1
        while self._waiting:
            app_state, install = self._waiting.popitem()
            install(app_state, self)

    def install(self, app_state: AppState, install: Install) -> None:
        """Set an app up as soon as a region is declared. An app without regions stays untouched."""
        if self._regions:
            install(app_state, self)
        else:
            self._waiting[app_state] = install

    def find(self, target: object, name: str | None, group: str | None) -> Region:
        """Find the region that a template names.

        :param target: a region; a module, or its dotted name, with ``name``; ``"shop.cart.items"``; or a name alone.
        :param group: the group in which a name alone is looked up first.
        :raises SetupError: if no region fits, or several do.
        """
        if isinstance(target, Region):
            return target
        if isinstance(target, ModuleType):
            found = [
                region
                for region in self._regions.values()
                if region.name == name and (region.source[0] == target.__name__)
            ]
        elif isinstance(target, str):
            found = self._by_name(target, name, group)
        else:
            found = [region for region in self._regions.values() if region.function is target]
        if len(found) == 1:
            return found[0]
        wanted = repr(target) if name is None else f"{target!r}, {name!r}"
        if found:
            raise SetupError(
                f"the target is {wanted}: several regions fit, {', '.join(map(repr, found))}; name the group as well"
            )
        known = ", ".join(sorted(self._regions)) or "none"
        raise SetupError(
            f"the target is {wanted}: no region fits; declare it with @datastar.region. Known regions: {known}"
        )

    def _by_name(self, target: str, name: str | None, group: str | None) -> list[Region]:
        if name is None and "." in target:
            target, _, name = target.rpartition(".")
        if name is not None:
            found = self._regions.get(f"{target}:{name}") or self._regions.get(f"{default_group(target)}:{name}")
            return [found] if found is not None else []
        own = self._regions.get(f"{group}:{target}") if group is not None else None
        return [own] if own is not None else [one for one in self._regions.values() if one.name == target]


def show(registry: RegionRegistry, target: object, name: str | None, arguments: dict[str, Any]) -> RegionView:
    """Return the view that a template shows by name.

    :raises SetupError: if no region fits, or several do.
    """
    if isinstance(target, RegionView):
        if arguments:
            raise TypeError(
                f"the target is {target!r}: a view has its arguments already; show the region itself to pass others"
            )
        return target
    return registry.find(target, name, _running_group())(**arguments)


def _running_group() -> str | None:
    """Return the group of the region that is being rendered, or of the view that the current request runs."""
    place = find_detached()
    if place is not None:
        return place.group
    state = find_request_state()
    if state is None:
        return None
    if state.running_view is not None:
        return state.running_view[0]
    view: Any = state.app_state.app.view_functions.get(request.endpoint or "")
    module = getattr(unwrap(view) if view is not None else None, "__module__", None)
    return default_group(module) if module else None
