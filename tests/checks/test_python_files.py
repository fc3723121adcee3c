"""Python: texts that are known, places, names of the extension, and string literals."""

from __future__ import annotations

import ast

import pytest

from flask_datastar.checks.findings import Source
from flask_datastar.checks.literals import Embedded, read_literal
from flask_datastar.checks.python_files import PythonFile, read_python


def read(code: str) -> PythonFile:
    return read_python(Source("app.py", code), "app", {}, object())


def patterns(code: str) -> tuple[str, ...]:
    """Return the texts of the argument of ``find()``."""
    file = read(code)
    (call,) = [call for call in file.calls if getattr(call.func, "id", "") == "find"]
    return tuple(text.replace("\ue000", "?") for text in file.patterns(call.args[0]))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("find('a')", ("a",)),
        ("find(1)", ("1",)),
        ("find(None)", ("?",)),
        ("find(f'a-{x}-b')", ("a-?-b",)),
        ("X = 'a'\nfind(f'{X}-{y!r}{X:>3}')", ("a-??",)),
        ("find('a' + 'b' + x)", ("ab?",)),
        ("find('a-%s-%(b)03d%%' % x)", ("a-?-?%",)),
        ("find('a-{}-{b:>3}'.format(x))", ("a-?-?",)),
        ("find('a' if x else 'b')", ("a", "b")),
        ("X = 'a'\nX = 'b'\nfind(X)", ("a", "b")),
        ("X: str = 'a'\ndef f():\n    find(X)", ("a",)),
        ("X = 'a'\ndef f(X):\n    find(X)", ("?",)),
        ("def f():\n    x = 'a'\n    find(x)", ("a",)),
        ("def f():\n    x = 'a'\n    x += 'b'\n    find(x)", ("a", "?")),
        ("def f():\n    for x in y:\n        find(x)", ("?",)),
        ("class A:\n    x = 'a'\n    def f(self):\n        find(self.x)", ("a",)),
        ("class A:\n    def f(self):\n        self.x = g()\n        find(self.x)", ("?",)),
        ("find(x.y)", ("?",)),
        ("X = X\nfind(X)", ("?",)),
    ],
)
def test_texts_are_known_as_far_as_they_can_be(code: str, expected: tuple[str, ...]) -> None:
    assert patterns(code) == expected


def test_places_count_characters() -> None:
    file = read("x = 'é'; find('ö'); find('ü')")

    places = [file.place(call) for call in file.calls]

    assert [place.source.position(place.offset) for place in places] == [(1, 10), (1, 21)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("datastar.post('a')", True),
        ("extensions.datastar.post('a')", True),
        ("ds = Datastar()\nds.post('a')", True),
        ("ds = flask_datastar.Datastar(app)\nds.post('a')", True),
        ("other.post('a')", False),
        ("f().post('a')", False),
    ],
)
def test_the_extension_is_known_by_its_names(code: str, expected: bool) -> None:
    file = read(code)

    (call,) = [call for call in file.calls if getattr(call.func, "attr", "") == "post"]

    assert isinstance(call.func, ast.Attribute)
    assert file.is_extension(call.func.value) is expected


def test_a_module_tells_what_its_names_are() -> None:
    extension = object()
    file = read_python(Source("app.py", "shop"), "app", {"shop": extension, "datastar": 1}, extension)

    assert file.names == {"shop"}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("x = '<p a=\"1\">'", '<p a="1">'),
        ("x = '<p a=\\'1\\'>\\n\\x41\\N{BULLET}\\101\\q'", "<p a='1'>\nA•A\\q"),
        ("x = r'<p \\d>'", "<p \\d>"),
        ("x = ('<p '  # first\n     'b>')", "<p b>"),
        ("x = f'<p {y} {{z}} {w[\"a\"]:>{n}}>'", "<p ? {z} ?>"),
        ("x = f'''<p\n{f(\"}\")}>'''", "<p\n?>"),
        ("x = '<p ' f'{y}' 'c>'", "<p ?c>"),
        ("x = '<p \\\nd>'", "<p d>"),
    ],
)
def test_strings_are_read_with_their_places(code: str, text: str) -> None:
    file = read(code)
    ((_, fragment),) = file.strings

    assert fragment.text.replace("\ue000", "?") == text
    assert all(code[offset] == "<" for index, offset in enumerate(fragment.offsets) if fragment.text[index] == "<")


def test_docstrings_and_plain_strings_are_left_out() -> None:
    assert read('"""<p data-foo:x>"""\ndef f():\n    """<p>"""\nx = "a"').strings == []


def test_known_parts_of_an_f_string_are_filled_in() -> None:
    file = read("X = 'a'\ny = f'<p id=\"{X}-{z}\">'")
    ((_, fragment),) = file.strings

    start = fragment.text.index('"') + 1
    assert fragment.texts(start, start + 2) == ("a-",)
    assert fragment.texts(start, start + 3) is None


def test_syntax_errors_are_raised() -> None:
    with pytest.raises(SyntaxError):
        read("def")


def test_an_empty_template_in_a_string_has_a_place() -> None:
    outer = Source("app.py", "x = ''")

    assert Embedded("app.py", "", outer).position(0) == (1, 1)
    assert read_literal(outer, 0, 6).text == ""
