"""Annotations behind other names: aliases, marks, and the type variables of generic classes."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar


def unwrap(annotation: Any) -> Any:
    """Return the type that an annotation stands for: without ``Annotated``, ``Final``, ``NewType`` and type aliases.

    A type variable stands for its default, its bound or its constraints.

    :return: the annotation itself if it stands for nothing else.
    """
    while (inner := _inner(annotation)) is not annotation:
        annotation = inner
    return annotation


def _inner(annotation: Any) -> Any:
    origin = typing.get_origin(annotation)
    if origin in (typing.Annotated, typing.Final):
        return typing.get_args(annotation)[0]
    if isinstance(annotation, TypeVar):
        return _meaning(annotation)
    if hasattr(annotation, "__supertype__"):
        return annotation.__supertype__
    # A type alias, of ``type X = …`` or ``TypeAliasType``; with arguments it is the origin.
    if not isinstance(annotation, type) and hasattr(origin or annotation, "__value__"):
        alias = origin or annotation
        given = dict(zip(alias.__type_params__, typing.get_args(annotation), strict=False))
        return substitute(alias.__value__, given)
    return annotation


def _meaning(variable: TypeVar) -> Any:
    has_default = getattr(variable, "has_default", None)
    if has_default is not None and has_default():
        return variable.__default__  # type: ignore[attr-defined]
    if variable.__constraints__:
        return typing.Union[variable.__constraints__]  # noqa: UP007
    return variable if variable.__bound__ is None else variable.__bound__


def substitute(annotation: Any, given: Mapping[Any, Any]) -> Any:
    """Return an annotation with type variables replaced.

    :param given: type variable → what takes its place; others stay.
    """
    if isinstance(annotation, TypeVar):
        return given.get(annotation, annotation)
    if isinstance(annotation, dataclasses.InitVar):
        return dataclasses.InitVar(substitute(annotation.type, given))
    parameters = () if isinstance(annotation, type) else getattr(annotation, "__parameters__", ())
    if not any(parameter in given for parameter in parameters):
        return annotation
    return annotation[tuple(given.get(parameter, parameter) for parameter in parameters)]


def with_self(annotation: Any, cls: Any) -> Any:
    """Return an annotation of a class's field in which ``Self`` is that class."""
    if annotation is typing.Self:
        return cls
    arguments = typing.get_args(annotation)
    if typing.Self not in arguments and not any(map(typing.get_args, arguments)):
        return annotation
    replaced = tuple(with_self(argument, cls) for argument in arguments)
    if replaced == arguments:
        return annotation
    if isinstance(annotation, types.UnionType):
        return typing.Union[replaced]  # noqa: UP007
    if typing.get_origin(annotation) is typing.Annotated:
        return typing.Annotated[replaced]
    # Generic classes of ``typing`` have their own way to be copied.
    copy = getattr(annotation, "copy_with", None)
    return copy(replaced) if copy is not None else types.GenericAlias(typing.get_origin(annotation), replaced)


def read_hints(annotation: Any) -> dict[str, Any]:
    """Return the annotations of a class's fields by name, type variables replaced by the types that it was given.

    Annotations that name the class itself are understood wherever it was defined.

    :param annotation: a class, or a generic class with its types, such as ``Box[int]``.
    :raises NameError: if an annotation names what is not defined yet.
    """
    cls = typing.get_origin(annotation) or annotation
    hints = typing.get_type_hints(cls, localns={cls.__name__: cls}, include_extras=True)
    hints = {name: with_self(hint, annotation) for name, hint in hints.items()}
    bases = [base for member in cls.__mro__ for base in member.__dict__.get("__orig_bases__", ())]
    if not any(map(typing.get_origin, bases)):
        return hints
    given = type_arguments(annotation)
    inherited: dict[str, Any] = {}
    own = inspect.get_annotations(cls)
    for base in reversed(cls.__dict__.get("__orig_bases__", cls.__bases__)):
        base_class = typing.get_origin(base) or base
        if not isinstance(base_class, type) or base_class is typing.Generic:
            continue
        inherited |= read_hints(substitute(base, given))
        if hasattr(cls, "__required_keys__"):
            # The annotations of a TypedDict are those of its bases, too.
            theirs = inspect.get_annotations(base_class)
            own = {name: hint for name, hint in own.items() if theirs.get(name) is not hint}
    return {
        name: inherited[name] if name in inherited and name not in own else substitute(hint, given)
        for name, hint in hints.items()
    }


def type_arguments(annotation: Any) -> dict[Any, Any]:
    """Return what a generic class was given for its type variables: of ``Box[int]``, T → int."""
    cls = typing.get_origin(annotation) or annotation
    return dict(zip(getattr(cls, "__parameters__", ()), typing.get_args(annotation), strict=False))
