"""The shapes of WTForms fields: the names that a form asks for, known from its class or from a form made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: Characters that a form's prefix may end with; WTForms puts a hyphen after any other.
_SEPARATORS = "-_;:/."


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of one field: its name, and the fields inside it."""

    #: Its name in its form.
    name: str
    is_file: bool = False
    #: The class of the form inside a ``FormField``.
    form: type | None = None
    #: The entries of a ``FieldList``.
    entry: Shape | None = None
    #: The text between its name and the names inside it.
    separator: str = "-"


def full_prefix(prefix: str) -> str:
    """Return a prefix as WTForms uses it: with a hyphen at the end where it has no separator."""
    return f"{prefix}-" if prefix and prefix[-1] not in _SEPARATORS else prefix


def prefix_of(form: Any) -> str:
    """Return the prefix of a form's field names; its class may have set one of its own."""
    first: Any = next(iter(form), None)
    return str(first.name.removesuffix(first.short_name)) if first is not None else ""


def shapes_of_class(form_class: type) -> Iterator[Shape]:
    """Find the fields that a class declares."""
    for attribute in dir(form_class):
        unbound = getattr(form_class, attribute, None)
        if hasattr(unbound, "_formfield"):
            yield _unbound_shape(unbound, attribute)


def shapes_of_form(form: Any) -> Iterator[Shape]:
    """Find the fields of a form, but for its token."""
    from wtforms import FieldList, FileField, FormField

    for field in form:
        name = field.short_name
        if isinstance(field, FormField):
            yield Shape(name, form=field.form_class, separator=field.separator)
        elif isinstance(field, FieldList):
            yield Shape(name, entry=_unbound_shape(field.unbound_field, ""), separator=_list_separator(field))
        elif field.type != "CSRFTokenField":
            yield Shape(name, is_file=isinstance(field, FileField))


def _unbound_shape(unbound: Any, attribute: str) -> Shape:
    """Return the shape of a declared field. A class with arguments of its own counts as a plain field."""
    from wtforms import FieldList, FileField, FormField

    name = getattr(unbound, "name", None) or attribute
    cls, kwargs = unbound.field_class, unbound.kwargs
    separator = kwargs.get("separator", "-")
    first = next(iter(unbound.args), None)
    if issubclass(cls, FormField) and isinstance(form := kwargs.get("form_class", first), type):
        return Shape(name, form=form, separator=separator)
    if issubclass(cls, FieldList) and hasattr(entry := kwargs.get("unbound_field", first), "_formfield"):
        return Shape(name, entry=_unbound_shape(entry, ""), separator=separator)
    return Shape(name, is_file=issubclass(cls, FileField))


def _list_separator(field: Any) -> str:
    return str(getattr(field, "_separator", "-"))
