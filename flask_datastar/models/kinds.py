"""The table of the kinds of models, and the model of each class, created once."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

from ..sansio.signal_merging import merge_patch
from . import dataclass_kind, msgspec_kind, namedtuple_kind, pydantic_kind, typeddict_kind
from .containers import Converter
from .conversion import make_converter
from .fields import Find
from .fields_model import FieldsModel
from .generics import unwrap
from .pydantic_kind import PydanticModel, RootModel

AnyModel = FieldsModel | PydanticModel | RootModel

#: The most models that are kept, because an application may create classes without end.
_REMEMBERED = 512


class Kind(Protocol):
    """The functions of a kind's module."""

    def is_model(self, cls: type) -> bool:
        """Return whether a class is of this kind."""
        ...

    def make_model(self, cls: type) -> AnyModel:
        """Create the model of a class, still without its fields."""
        ...

    def read_fields(self, model: Any, annotation: Any, find: Find) -> None:
        """Set the model's fields.

        :param annotation: the class; a generic class with its types.
        """
        ...


#: Another kind is a module and a row here. A class is of the first kind that it fits.
KINDS: tuple[Kind, ...] = (pydantic_kind, msgspec_kind, typeddict_kind, namedtuple_kind, dataclass_kind)


def model_of(annotation: Any) -> AnyModel | None:
    """Return the model of a class that can be made of all signals of a page; None for any other annotation.

    :raises TypeError: if a field's annotation has no converter; the message names class and field.
    :raises NameError: if an annotation uses a name that is not defined yet.
    """
    annotation = unwrap(annotation)
    if kind_of(annotation) is None:
        return None
    model = _find_root(annotation)
    return model if model.is_object else None


def begin_signals(cls: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the signals that a page with a model starts with.

    :param given: values that replace the model's defaults; names that the model does not have are ignored.
    :raises TypeError: if the class is not a model.
    """
    signals = required_model(cls).defaults()
    merge_patch(signals, {name: value for name, value in given.items() if name in signals})
    return signals


def required_model(cls: type) -> AnyModel:
    """Return the model of a class that has to be one.

    :raises TypeError: if it is not a model, or a field's annotation has no converter.
    """
    model = model_of(cls)
    if model is None:
        raise TypeError(
            f"{cls!r} is not a model; accepted: a dataclass, a TypedDict, a pydantic or msgspec model of named fields"
        )
    return model


def find_converter(annotation: Any) -> Converter | None:
    """Return the converter of a class that is a model; None for any other annotation."""
    return _find_root(annotation).converter() if kind_of(annotation) is not None else None


def kind_of(annotation: Any) -> Kind | None:
    """Return the kind of model that an annotation is; None if it is not a model."""
    cls = typing.get_origin(annotation) or annotation
    if not isinstance(cls, type):
        return None
    return next((kind for kind in KINDS if kind.is_model(cls)), None)


def _find_root(annotation: Any) -> AnyModel:
    try:
        return _make_root(annotation)
    except TypeError:
        # One of its types may have a mark without a hash.
        if _has_hash(annotation):
            raise
        return _make_root.__wrapped__(annotation)


def _has_hash(annotation: Any) -> bool:
    try:
        hash(annotation)
    except TypeError:
        return False
    return True


@lru_cache(_REMEMBERED)
def _make_root(annotation: Any) -> AnyModel:
    # A list, because an annotation may have a mark without a hash.
    known: list[tuple[Any, AnyModel]] = []

    def find(annotation: Any, or_else: Converter | None = None) -> Converter:
        return make_converter(annotation, lambda unknown: find_model(unknown) or or_else)

    def find_model(annotation: Any) -> Converter | None:
        kind = kind_of(annotation)
        if kind is None:
            return None
        model = next((model for seen, model in known if seen == annotation), None)
        if model is None:
            model = kind.make_model(typing.get_origin(annotation) or annotation)
            # Recorded before its fields are read, because it may contain itself.
            known.append((annotation, model))
            kind.read_fields(model, annotation, find)
        return model.converter()

    find_model(annotation)
    return known[0][1]
