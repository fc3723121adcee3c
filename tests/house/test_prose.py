"""Planted sentences: the check of the prose finds each, and leaves code and good English alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house import prose


def found(text: str, suffix: str = ".py") -> list[tuple[int, str]]:
    return [(finding.line, finding.words) for finding in prose.find(text, suffix)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("what is done at the begin of each request", "begin"),
        ("the name begins with a slash", "begins"),
        ("all empty from the beginning", "beginning"),
        ("it is none that could work", "is none"),
        ("the page has none", "has none"),
        ("'a b' is no header name", "is no"),
        ("timeout in seconds; None waits for ever", "for ever"),
        ("reads the board anew", "anew"),
        ("even when each wait is in vain", "in vain"),
        ("a broker of one's own", "one's own"),
        ("two handlers; give one another name=", "give one another"),
        ("what it has of them", "what it has of"),
        ("one text at the most", "at the most"),
        ("the scope is nobody's", "nobody's"),
        ("processes hear of it", "hear"),
        ("how long they are borne", "borne"),
        ("it holds up a worker", "holds up"),
        ("others are not held up", "held up"),
        ("slow clients are let go", "are let go"),
        ("the client takes no notice of it", "takes no notice"),
        ("data is anything JSON-able", "JSON-able"),
    ],
)
def test_words_are_found(text: str, words: str) -> None:
    assert found(f"\n# {text}\n") == [(2, words)]


@pytest.mark.parametrize(
    ("text", "suffix", "line"),
    [
        ("# waits for ever", ".py", 1),
        ("#: Waits for ever.\nseconds = None", ".py", 1),
        ("seconds = None  # for ever", ".py", 1),
        ("# it waits for\n# ever\n", ".py", 1),
        ('def wait():\n    """Wait\n\n    for ever.\n    """', ".py", 4),
        ("error = ValueError('waits for ever')", ".py", 1),
        ("error = ValueError(\n    f\"{name!r} waits for \"\n    'ever'\n)", ".py", 2),
        ("# waits for ever\nseconds = 0", ".conf", 1),
        ("<p>\n  {# waits for ever #}\n</p>", ".html", 2),
        ("It waits for\never.\n", ".md", 1),
        ("```python\nwait()  # for ever\n```\n", ".md", 2),
    ],
)
def test_words_are_found_in_every_kind_of_text(text: str, suffix: str, line: int) -> None:
    assert found(text, suffix) == [(line, "for ever")]


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("for ever in items:\n    begin(heard, anew)\n", ".py"),
        ("message = f'{begin} to {anew}'\n", ".py"),
        ("# `begin_stop` and _begin()\n", ".py"),
        ("It is no longer there. There is no key to set, and none of them is missing.\n", ".md"),
        ("It is replaced with one that keeps the output.\n", ".md"),
        ("```python\ndef begin():\n    heard = anew\n```\n", ".md"),
    ],
)
def test_code_and_good_english_are_left_alone(text: str, suffix: str) -> None:
    assert found(text, suffix) == []


@pytest.mark.parametrize("word", ["Give", "Say", "Tell", "Let", "Enter", "Note", "What", "Which", "How", "Whether"])
def test_first_word_of_a_function_is_a_verb(word: str) -> None:
    assert found(f'def f():\n    """{word} the id."""\n') == [(2, word)]
    assert found('def f():\n    """Return the id."""\n') == []


def test_first_word_of_a_property_or_fixture_may_be_a_noun() -> None:
    source = '{decorator}\ndef f():\n    """{words}."""\n'

    for decorator in ("@property", "@pytest.fixture(scope='session')"):
        assert found(source.format(decorator=decorator, words="Whether the tab is open")) == []
        assert found(source.format(decorator=decorator, words="What the tab shows")) == [(3, "What")]


@pytest.mark.parametrize("word", ["What", "Which", "How", "Read", "Return", "Give"])
def test_first_word_of_a_module_names_its_concept(word: str) -> None:
    assert found(f'"""{word} a file, and more."""\n') == [(1, word)]
    assert found('"""The download of the client."""\n') == []


@pytest.mark.parametrize("word", ["What", "Who", "How"])
def test_first_word_of_a_class_names_its_concept(word: str) -> None:
    assert found(f'class C:\n    """{word} is measured."""\n') == [(2, word)]


def test_comment_starts_with_the_thing() -> None:
    assert found("# What a server lacks.\n#: What is sent.\n") == [(1, "What")]
    assert found("# A long comment\n# What it continues with is free.\n") == []


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (":raises SetupError: it is wrong.", ":raises SetupError:"),
        (":raises werkzeug.exceptions.Forbidden: the header is missing.", ":raises werkzeug.exceptions.Forbidden:"),
        (":return: None for an id of the application.", ":return: None"),
        (":return: what the function returned.", ":return: what"),
        ("Two take turns. One that fails is dropped.", ". One that"),
        (":raises SetupError: if the declaration cannot work.", ""),
        (":raises Forbidden: when the header is missing.", ""),
        (":return: the ending, or None.", ""),
    ],
)
def test_forms_of_docstrings_are_found(field: str, words: str) -> None:
    assert found(f'def f():\n    """Return the id.\n\n    {field}\n    """\n') == ([(4, words)] if words else [])


def test_findings_are_printed_and_fail_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "example").mkdir()
    (tmp_path / "example" / "page.html").write_text("<p>\nIt waits for ever.</p>")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "contributing.md").write_text('Do not write "anew".')

    assert prose.main(tmp_path) == 1
    assert capsys.readouterr().out == "example/page.html:2: for ever: write forever\n"

    (tmp_path / "example" / "page.html").write_text("<p>\nIt waits forever.</p>")
    assert prose.main(tmp_path) == 0
    assert capsys.readouterr().out == ""


def test_every_pattern_finds_files() -> None:
    for pattern in prose.CHECKED:
        assert pattern == "CONTRIBUTING.md" or list(prose.ROOT.glob(pattern)), pattern
    assert prose.ROOT / "flask_datastar" / "sansio" / "events.py" in prose.checked_files()
