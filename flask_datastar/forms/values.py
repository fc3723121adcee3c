"""Signals written as a browser writes a form, for the fields that a form has."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any

from werkzeug.datastructures import FileStorage, MultiDict

from ..errors import InvalidSignals
from ..sansio.signal_paths import find_path, is_index, list_items
from .shapes import Shape, shapes_of_class

#: As many as Werkzeug takes of a multipart form.
MAX_VALUES = 1000
_LONGEST_NAME = 100


def path_steps(name: str) -> list[str]:
    """Return the path of a field's signal: what is before a hyphen or a dot of its name is an object."""
    return name.replace("-", ".").split(".")


def form_values(shapes: Iterable[Shape], signals: Mapping[str, Any], prefix: str) -> MultiDict[str, Any]:
    """Write the signals that a form has fields for.

    :raises InvalidSignals: if they are too many, or a value is not one that its field can have; its path is named.
    """
    writer = _Writer(signals)
    for shape in shapes:
        writer.write(shape, f"{prefix}{shape.name}")
    return writer.values


class _Writer:
    def __init__(self, signals: Mapping[str, Any]) -> None:
        self._signals = signals
        self._room = self._entries = MAX_VALUES
        self.values: MultiDict[str, Any] = MultiDict()

    def write(self, shape: Shape, name: str) -> None:
        """Write what the signals have for one field."""
        inside = f"{name}{shape.separator}"
        if shape.form is not None:
            for inner in shapes_of_class(shape.form):
                self.write(inner, f"{inside}{inner.name}")
        elif shape.entry is not None:
            for index in self._indices(name, shape.separator):
                self._entries -= 1
                self._check_room()
                # The entry is there without values, too: a checkbox that is not ticked has no value.
                self.values.setlist(f"{inside}{index}", [])
                self.write(shape.entry, f"{inside}{index}")
        elif shape.is_file:
            if files := self._files(name):
                self._set(name, files)
        else:
            self._write_value(name, self._value(name))

    def _set(self, name: str, values: list[Any]) -> None:
        self._room -= len(values) or 1
        self._check_room()
        self.values.setlist(name, values)

    def _check_room(self) -> None:
        if self._room < 0 or self._entries < 0:
            raise InvalidSignals(f"the form gets more than {MAX_VALUES} values; send it fewer signals")

    def _value(self, name: str) -> Any:
        return find_path(self._signals, path_steps(name))

    def _indices(self, name: str, separator: str) -> list[int]:
        """Return the entries of a list; with a separator of its own they stand side by side under their names."""
        if separator in ("-", "."):
            return list(range(len(self._items(name, self._value(name)) or ())))
        *around, last = path_steps(name)
        names = find_path(self._signals, around)
        start = f"{last}{separator}"
        found = {
            key.removeprefix(start).partition("-")[0].partition(separator)[0]
            for key in (names if isinstance(names, dict) else ())
            if key.startswith(start)
        }
        return sorted(int(index) for index in found if is_index(index))

    def _items(self, name: str, value: object) -> list[Any] | None:
        try:
            return list_items(value)
        except ValueError as error:
            path = ".".join(path_steps(name))
            raise InvalidSignals(f"signal '{path}': {error}", {path: str(error)}) from error

    def _write_value(self, name: str, value: Any) -> None:
        items = self._items(name, value)
        if items is not None:
            self._set(name, [_to_text(part) for part in items if _is_chosen(part)])
        elif isinstance(value, dict):
            # A field with a way of its own asks for names below its own.
            for key, part in value.items():
                if key.isidentifier() and len(key) <= _LONGEST_NAME:
                    self._write_value(f"{name}-{key}", part)
        elif value is not None and value is not False:
            # A checkbox that is not ticked is not in a form at all.
            self._set(name, [_to_text(value)])

    def _files(self, name: str) -> list[FileStorage]:
        """Return the files of a file input: ``data-bind`` makes a list of name, contents in base64, and mime type."""
        try:
            return [_to_file(item) for item in list_items(self._value(name)) or []]
        except ValueError as error:
            path = ".".join(path_steps(name))
            text = f"expected files as data-bind makes them, {error}"
            raise InvalidSignals(f"signal '{path}': {text}", {path: text}) from error


def _to_file(item: object) -> FileStorage:
    if not isinstance(item, dict):
        raise ValueError(f"got {type(item).__name__}")
    texts = [item.get("name"), item.get("contents"), item.get("mime")]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("got one without a name, contents or mime")
    name, contents, mime = texts
    try:
        data = b64decode(str(contents), validate=True)
    except ValueError as error:
        raise ValueError("got contents that are not base64") from error
    return FileStorage(BytesIO(data), filename=name, content_type=mime)


def _is_chosen(value: object) -> bool:
    """Return whether an item of a list was chosen: the client puts "" for a checkbox that is not ticked."""
    return isinstance(value, str | int | float) and value is not False and value != ""


def _to_text(value: object) -> str:
    return "true" if value is True else str(value)
