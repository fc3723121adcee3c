"""Fields of models: what an object must have, what stands for what it lacks, and the paths of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..sansio.signal_paths import find_path
from .containers import Converter, as_it_is
from .lists import original_index
from .messages import WHOLE
from .misfits import add_misfit, collected
from .plain import to_plain
from .signal import count_marks

#: The converter of a type that another package knows and this one does not: that package decides what "" is.
UNKNOWN = Converter(lambda value: value, takes_empty=True)


class Find(Protocol):
    """A function that finds the converter of an annotation, models included."""

    def __call__(self, annotation: Any, or_else: Converter | None = None, /) -> Converter:
        """Return the converter.

        :param or_else: stands for types without a converter, also inside the annotation.
        :raises TypeError: if the annotation has no converter.
        """
        ...


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a model."""

    #: Its name when the model is built.
    name: str
    #: The signal that it comes from, in the model's own object.
    signal: str
    converter: Converter
    #: Whether the model does without it: it has a default, or the key may be absent.
    may_be_left_out: bool
    #: Returns the default; None without one.
    default: Callable[[], object] | None = None


def absent(converter: Converter) -> object:
    """Return the value of a field that did not come and has no default.

    The browser leaves empty objects out, so for a nested model nothing is an object without anything.

    :raises ValueError: if it must not be missing.
    """
    if converter.is_optional:
        return None
    if converter.model is not None:
        return converter.convert({})
    raise ValueError("missing")


def paths_of(model: Any, around: tuple[Any, ...] = ()) -> tuple[str, ...]:
    """Return the paths of a model and its fields; a model inside itself is not followed."""
    found = [WHOLE]
    for field in model.fields:
        found.extend(value_paths(field.signal, field.converter, (*around, model)))
    return tuple(found)


def value_paths(path: str, converter: Converter, around: tuple[Any, ...] = ()) -> list[str]:
    """Return the paths of a value and what is in it."""
    inner, item = converter.model, converter.item
    if item is not None and item.model is not None:
        # Each of its items has messages of its own.
        return [f"{path}.{WHOLE}"]
    if inner is None or inner in around:
        return [path]
    return [f"{path}.{below}" for below in paths_of(inner, around)]


def defaults_of(model: Any, around: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Return a model's defaults as signals, and the empty value of each field without a default."""
    found: dict[str, Any] = {}
    for field in model.fields:
        inner = field.converter.model
        default = field.default() if field.default is not None else None
        if default is not None:
            found[field.signal] = to_plain(default)
        elif inner is not None and not field.converter.is_optional and inner is not model and inner not in around:
            found[field.signal] = defaults_of(inner, (*around, model))
        else:
            found[field.signal] = field.converter.empty
    return found


def field_converter(cls: type, name: str, annotation: Any, find: Find) -> Converter:
    """Return the converter of one field.

    :raises TypeError: if the annotation has no converter; class and field are named.
    """
    if count_marks(annotation):
        raise TypeError(f"{cls.__qualname__}.{name}: Signal(...) is for parameters; in a model, nest another model")
    try:
        return find(annotation)
    except TypeError as error:
        raise TypeError(f"{cls.__qualname__}.{name}: {error}") from error


def constant(value: object) -> Callable[[], object]:
    """Return a function that returns a default."""
    return lambda: value


def prepare_object(fields: Iterable[Field], value: dict[str, Any]) -> dict[str, Any]:
    """Return an object as another package's own conversion reads it.

    What is missing is left out; where nothing has a default, what stands for it is put in.

    :raises ValueError: if an object in the place of a list has a gap, or other keys; the path is named.
    """
    prepared = dict(value)
    errors: dict[str, str] = {}
    for field in fields:
        # A model may take its own names beside those in JSON.
        name = field.name if field.name in value and field.signal not in value else field.signal
        part, converter = value.get(name), field.converter
        try:
            if not converter.is_missing(part):
                if converter.prepare is not as_it_is:
                    prepared[name] = converter.prepare(part)
            elif not field.may_be_left_out and converter.is_optional:
                prepared[name] = None
            elif not field.may_be_left_out and converter.model is not None:
                prepared[name] = converter.prepare({})
            else:
                prepared.pop(name, None)
        except ValueError as error:
            add_misfit(errors, name, error)
    if errors:
        raise collected(errors)
    return prepared


def prepare_value(converter: Converter, value: Any) -> Any:
    """Return a value as another package's own conversion reads it; a lone value is a list of one.

    :raises ValueError: if an object in the place of a list has a gap, or other keys; the path is named.
    """
    prepared = converter.prepare(value)
    is_lone = converter.item is not None and not isinstance(prepared, list | dict)
    return [prepared] if is_lone else prepared


def original_path(converter: Converter | None, value: Any, steps: Sequence[str | int]) -> list[str]:
    """Return the path of a part as it came, given its path in what was prepared: blanks were left out of lists.

    :param value: as it came.
    """
    path: list[str] = []
    for step in steps:
        if isinstance(step, int) and converter is not None and converter.item is not None:
            step = original_index(value, converter.item, step)
            converter = converter.item
        elif converter is not None:
            fields = (*getattr(converter.model, "fields", ()), *getattr(converter.model, "choices", ()))
            converter = next((field.converter for field in fields if step in (field.signal, field.name)), None)
        path.append(str(step))
        value = find_path(value, path[-1:])
    return path
