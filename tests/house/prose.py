"""The check of the prose: words and forms that are cheap to find, and that a native writer would avoid.

usage: python -m tests.house.prose

It reads the comments, docstrings and texts of the package, the example and some folders of the tests, and the pages of
the documentation. Each finding is a line with its file, its words and the rule; the exit status is 1 if there are any.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: The files to check, as patterns below the root.
CHECKED = (
    "flask_datastar/**/*.py",
    *("docs/**/*.md", "docs/**/*.py"),
    *("example/**/*.py", "example/**/*.md", "example/**/*.html", "example/*.conf"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("tests/benchmarks/**/*.py", "tests/soak/**/*.py", "tests/support/**/*.py"),
)

#: A page that quotes the words for writers.
QUOTING = ("docs/contributing.md",)

#: Words → the rule. A space stands for any white space, so that a phrase is also found across lines.
WORDS = {
    r"[Bb]egin(?:s|ning)?|[Bb]egan|[Bb]egun": "write start or end, not begin",
    r"(?:is|are|was|were|has|have) none(?! of)": "repeat the noun instead of none",
    r"(?<![Tt]here\s)(?:is|are) no(?! longer| one| more| less| doubt| matter)": "write 'is not a', or 'without'",
    r"for ever": "write forever",
    r"anew": "write again",
    r"in vain": "name the result: fails, or times out",
    r"one's own": "write 'of your own'",
    r"give one another": "write 'give one of them'",
    r"what (?:it|one) has of": "name the thing",
    r"at the (?:least|most)": "write at least or at most",
    r"nobody's": "name the owner",
    r"hears?|heard|bears?|borne": "write receive or tolerate",
    r"(?:holds?|held) (?:anybody |nobody |everybody |others |them )?up": "write delay or block",
    r"(?:is|are|be) let go": "write drop, release or close",
    r"(?:took|takes?) no notice": "write ignore",
    r"JSON-?able": "write 'can be sent as JSON'",
}
#: Forms of docstrings and comments → the rule.
FORMS = {
    r"[.:;] One (?:that|who|which|with|without)\b": "start the sentence with a noun",
    r":raises [\w.~]+: (?!if\b|when\b)": "continue ':raises X:' with 'if' and a clause",
    r":returns?: (?:None|what|it)\b": "start ':return:' with a noun",
}

_QUESTIONS = frozenset({"How", "What", "Where", "Which", "Who", "Why"})
_VAGUE_VERBS = frozenset({"Enter", "Give", "Let", "Note", "Say", "Tell"})
_VERBS = frozenset(
    {
        *("Add", "Build", "Call", "Check", "Convert", "Create", "Define", "Encode", "Fetch", "Find", "Get", "Hold"),
        *("Keep", "Make", "Parse", "Put", "Raise", "Read", "Refuse", "Render", "Return", "Run", "Send", "Sign"),
        *("Take", "Try", "Wait", "Work", "Write"),
    }
)
_NO_IMPERATIVES = frozenset({"Checks", "Creates", "Gets", "Gives", "Raises", "Returns", "Sets", "Tells", "Whether"})


@dataclass(frozen=True, order=True)
class Finding:
    line: int
    words: str
    rule: str


def find(text: str, suffix: str) -> list[Finding]:
    """Find everything in a text that breaks a rule.

    :param suffix: the suffix of the text's file, such as ``.py``.
    """
    is_python = suffix in (".py", ".conf")
    prose = _without_code(text) if suffix == ".py" else _without_fences(text) if suffix == ".md" else text
    found = [*_matches(prose, {rf"\b(?:{pattern})\b": rule for pattern, rule in WORDS.items()})]
    if is_python:
        found += [*_matches(prose, FORMS), *_comments(text)]
    if suffix == ".py":
        found += _docstrings(ast.parse(text))
    return sorted(set(found))


def _matches(text: str, rules: Mapping[str, str]) -> Iterator[Finding]:
    ends = [*accumulate(len(line) for line in text.splitlines(keepends=True))]
    for pattern, rule in rules.items():
        for match in re.finditer(pattern.replace(" ", r"\s+"), text):
            yield Finding(bisect_right(ends, match.start()) + 1, " ".join(match[0].split()), rule)


def _without_code(source: str) -> str:
    """Return a Python source with blanks for everything but comments and strings, so that all positions stay."""
    lines = source.splitlines(keepends=True)
    kept = [re.sub(r"[^\n]", " ", line) for line in lines]
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in kinds:
            (first, start), (last, end) = token.start, token.end
            for number in range(first, last + 1):
                left, right = start if number == first else 0, end if number == last else len(lines[number - 1])
                text = re.sub(r"#:?|[furb]*\"+|(?<!\w)[furb]*'+|'+(?!\w)", _blank, lines[number - 1][left:right])
                if "f" in token.string.partition('"')[0]:
                    text = re.sub(r"\{[^{}]*\}", _blank, text)
                kept[number - 1] = kept[number - 1][:left] + text + kept[number - 1][right:]
    return "".join(kept)


def _without_fences(page: str) -> str:
    """Return a Markdown page with blanks for code in fences, except its comments."""

    def blank_code(fence: re.Match[str]) -> str:
        return re.sub(r"^[^#\n]+", _blank, fence[0], flags=re.MULTILINE)

    return re.sub(r"^```\w.*?^```$", blank_code, page, flags=re.MULTILINE | re.DOTALL)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _comments(text: str) -> Iterator[Finding]:
    before = ""
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*#:? What\b", line) and not before.lstrip().startswith("#"):
            yield Finding(number, "What", "start a comment with the thing or the reason")
        before = line


def _docstrings(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            word = (ast.get_docstring(node) or "-").split()[0].strip(":,.;")
            refused, rule = _refused(node)
            if word in refused:
                yield Finding(node.body[0].lineno, word, rule)


def _refused(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[frozenset[str], str]:
    if isinstance(node, ast.Module):
        return _QUESTIONS | _VAGUE_VERBS | _VERBS, "name the concept of the module with a noun"
    if isinstance(node, ast.ClassDef):
        return _QUESTIONS, "name the concept of the class"
    rule = "start the docstring with a verb such as Return, Check or Create"
    if any(re.search("property|fixture", ast.unparse(decorator)) for decorator in node.decorator_list):
        return _QUESTIONS | _VAGUE_VERBS, rule
    return _QUESTIONS | _VAGUE_VERBS | _NO_IMPERATIVES, rule


def checked_files(root: Path = ROOT, skipped: Iterable[str] = QUOTING) -> list[Path]:
    """Return the files to check, in order."""
    names = {path.relative_to(root).as_posix() for pattern in CHECKED for path in root.glob(pattern)}
    return [root / name for name in sorted(names) if not name.startswith(tuple(skipped))]


def main(root: Path = ROOT) -> int:
    """Print all findings, and return the exit status."""
    count = 0
    for path in checked_files(root):
        for finding in find(path.read_text(encoding="utf-8"), path.suffix):
            count += 1
            print(f"{path.relative_to(root).as_posix()}:{finding.line}: {finding.words}: {finding.rule}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
