"""SQL statements: the words that a statement mentions, and the tables that it writes.

This is not a parser. It may find too many tables, which costs a rendering. It must not find too few, because then a
page would stay out of date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

INSERT, UPDATE, DELETE, ANY = "insert", "update", "delete", "any"

#: First words of statements that change no row, unless a word of :data:`_WRITING` follows.
_READING = frozenset(
    """
    SELECT WITH VALUES TABLE SHOW EXPLAIN DESCRIBE DESC PRAGMA ANALYZE VACUUM
    BEGIN START COMMIT ROLLBACK SAVEPOINT RELEASE END ABORT SET RESET USE
    CREATE COMMENT GRANT REVOKE LOCK UNLOCK DECLARE FETCH CLOSE MOVE DEALLOCATE
    LISTEN UNLISTEN NOTIFY DISCARD CHECKPOINT ATTACH DETACH REINDEX
    """.lower().split()
)
#: Words before UPDATE that make a clause of it: FOR UPDATE, DO UPDATE SET, ON DUPLICATE KEY UPDATE, ON UPDATE CASCADE,
#: WHEN MATCHED THEN UPDATE.
_CLAUSES = frozenset({"for", "do", "key", "on", "then"})
_FILLERS = frozenset({"only", "table", "into", "from", "ignore", "low_priority", "delayed", "high_priority", "quick"})
_CONFLICTS = frozenset({"abort", "fail", "ignore", "replace", "rollback"})

_SIGNS = frozenset(".,(;")
_WORDS = re.compile(r"\w+")
_TOKEN = re.compile(
    r"""
      --[^\n]*+ | /\*.*?\*/
    | '(?:[^']|'')*+'
    | "(?P<double>(?:[^"]|"")*+)" | `(?P<back>[^`]*+)` | \[(?P<bracket>[^\W\d][^\]]*+)\]
    | (?P<word>[^\W\d][\w$]*+)
    | (?P<sign>[.,(;])
    """,
    re.VERBOSE | re.DOTALL,
)
#: A quote after a backslash ends a text in standard SQL, but not in MySQL. Such texts are read as code, to find more.
_TOKEN_OF_UNCLEAR_TEXTS = re.compile(_TOKEN.pattern.replace("'(?:[^']|'')*+'", "'"), re.VERBOSE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL text."""

    #: All words of the text in lower case, names of tables among them.
    words: frozenset[str]
    #: The tables that it writes, each with the verb; None if these cannot be told.
    writes: frozenset[tuple[str, str]] | None
    #: Whether it may commit the transaction, which SQLAlchemy does not notice.
    commits: bool = False

    @property
    def is_write(self) -> bool:
        """Whether it may change rows."""
        return self.writes is None or bool(self.writes)


@lru_cache(4096)
def read_statement(text: str) -> Statement:
    """Return the words of a SQL text, and the tables that it writes.

    >>> sorted(read_statement('UPDATE "Card" SET title=? WHERE card.id = ?').writes)
    [('card', 'update')]
    """
    words = frozenset(_WORDS.findall(text.lower()))
    tokens = _tokens(text)
    writes = frozenset(_targets(tokens, words))
    commits = _commits(tokens)
    if writes:
        return Statement(words, writes, commits)
    first = next((token.text for token in tokens if token.text not in _SIGNS), None)
    # A text that commits what was prepared, perhaps by another process, does not name the tables.
    is_known = (first is None or first in _READING) and not (commits and "prepared" in words)
    return Statement(words, writes if is_known else None, commits)


def table_word(name: str) -> str:
    """Return the word by which a table is found in statements: the first word of its name.

    >>> table_word("Order items")
    'order'
    """
    found = _WORDS.search(name.lower())
    return found[0] if found is not None else ""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    is_quoted: bool = False

    def is_word(self, *words: str) -> bool:
        return not self.is_quoted and self.text in words


_END = _Token("")


def _tokens(text: str) -> list[_Token]:
    pattern = _TOKEN_OF_UNCLEAR_TEXTS if "\\'" in text else _TOKEN
    found: list[_Token] = []
    for token in pattern.finditer(text):
        quoted = token["double"] or token["back"] or token["bracket"]
        if quoted:
            found.append(_Token(quoted.lower(), is_quoted=True))
        elif token["word"] or token["sign"]:
            found.append(_Token((token["word"] or token["sign"]).lower()))
    return found


def _targets(tokens: list[_Token], words: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield each table that is written, with the verb."""
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else _END
        after = tokens[index + 1] if index + 1 < len(tokens) else _END
        if token.is_word("insert", "replace"):
            # REPLACE is a function, too.
            if token.text == "insert" or after.is_word("into") or index == 0:
                verb = INSERT if token.text == "insert" and not {"update", "replace"} & words else ANY
                yield from _named(tokens, index + 1, verb)
        elif token.is_word("update") and not before.is_word(*_CLAUSES):
            yield from _all_until(tokens, index + 1, "set", UPDATE)
        elif token.is_word("delete") and not before.is_word("on", "then", "for"):
            yield from _named(tokens, index + 1, DELETE)
            if not after.is_word("from"):
                yield from _all_until(tokens, index + 1, "where", DELETE)
        elif token.is_word("merge") and after.is_word("into"):
            yield from _named(tokens, index + 1, ANY)
        elif token.is_word("truncate", "drop", "alter") and index == 0:
            yield from _all_until(tokens, index + 1, "", ANY)


def _commits(tokens: list[_Token]) -> bool:
    """Return whether a statement of the text is COMMIT or END."""
    starts = [True, *(token.is_word(";") for token in tokens)]
    return any(token.is_word("commit", "end") and is_start for token, is_start in zip(tokens, starts, strict=False))


def _named(tokens: list[_Token], index: int, verb: str) -> Iterator[tuple[str, str]]:
    """Yield the table whose name follows."""
    while index < len(tokens):
        token = tokens[index]
        if token.is_word("or") and index + 1 < len(tokens) and tokens[index + 1].is_word(*_CONFLICTS):
            index += 2
        elif token.is_word(*_FILLERS):
            index += 1
        else:
            break
    while index + 2 < len(tokens) and tokens[index + 1].is_word("."):
        index += 2
    if index < len(tokens) and (word := table_word(tokens[index].text)):
        yield word, verb


def _all_until(tokens: list[_Token], index: int, end: str, verb: str) -> Iterator[tuple[str, str]]:
    """Yield all names up to a word: of several tables, each may be written."""
    for token in tokens[index:]:
        if end and token.is_word(end):
            return
        if word := table_word(token.text):
            yield word, verb
