"""The table of the kinds of models, and the models of classes, made once a class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

from ..sansio.signal_merging import merge_patch
from . import dataclass_kind, msgspec_kind, pydantic_kind, typeddict_kind
from .containers import Converter, Model
from .conversion import make_converter
from .fields import FieldsModel, Find
from .pydantic_kind import PydanticModel

AnyModel = FieldsModel | PydanticModel

#: Classes made while the process runs are forgotten again.
_REMEMBERED = 512


class Kind(Protocol):
    """What a module of one kind has."""

    def is_model(self, cls: type) -> bool:
        """Whether a class is of this kind."""
        ...

    def make_model(self, cls: type) -> AnyModel:
        """Make the model of a class, still without its fields."""
        ...

    def read_fields(self, model: Any, cls: type, find: Find) -> None:
        """Give the model its fields."""
        ...


#: Another kind is one module and one line here. A class is of the first kind that it fits.
KINDS: tuple[Kind, ...] = (pydantic_kind, msgspec_kind, typeddict_kind, dataclass_kind)


def model_of(annotation: Any) -> AnyModel | None:
    """Give the model of a class, None for what is none.

    :raises TypeError: a field's annotation has no converter; class and field are named.
    :raises NameError: an annotation names what is not defined yet.
    """
    return _make_root(annotation) if kind_of(annotation) is not None else None


def begin_signals(cls: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the signals that a model begins with.

    :param given: values to put in place of the model's defaults; others among them are left out.
    :raises TypeError: the class is no model.
    """
    signals = required_model(cls).defaults()
    merge_patch(signals, {name: value for name, value in given.items() if name in signals})
    return signals


def required_model(cls: type) -> AnyModel:
    """Give the model of a class that has to be one.

    :raises TypeError: it is none, or a field's annotation has no converter.
    """
    model = model_of(cls)
    if model is None:
        raise TypeError(f"{cls!r} is no model; accepted: a dataclass, a TypedDict, a pydantic or msgspec model")
    return model


def find_converter(annotation: Any) -> Converter | None:
    """Give the converter of a class that is a model, None for what is none."""
    model = model_of(annotation)
    return _converter(model) if model is not None else None


def kind_of(annotation: Any) -> Kind | None:
    """Say which kind of model an annotation is, None for none."""
    if not isinstance(annotation, type):
        return None
    return next((kind for kind in KINDS if kind.is_model(annotation)), None)


@lru_cache(_REMEMBERED)
def _make_root(cls: type) -> AnyModel:
    known: dict[type, AnyModel] = {}

    def find(annotation: Any) -> Converter:
        return make_converter(annotation, find_model)

    def find_model(annotation: Any) -> Converter | None:
        kind = kind_of(annotation)
        if kind is None:
            return None
        model = known.get(annotation)
        if model is None:
            # Entered before its fields are read: it may contain itself.
            model = known[annotation] = kind.make_model(annotation)
            kind.read_fields(model, annotation, find)
        return _converter(model)

    find_model(cls)
    return known[cls]


def _converter(model: Model) -> Converter:
    return Converter(model.bind, empty={}, model=model)  # type: ignore[attr-defined]
