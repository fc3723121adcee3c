"""The layout template: the search for it, and the additions to it. The user's text is neither removed nor moved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import click
from flask import Flask

from .errors_element import ERRORS_NAME
from .sample import TEMPLATE

SCRIPT = "{{ datastar.script() }}"
TAB_SIGNAL = "{{ datastar.tab_signal() }}"
HTML_ATTRS = "{{ datastar.html_attrs() }}"
ERRORS = f'{{% include "{ERRORS_NAME}" %}}'

_COMMENT = re.compile(r"\{#.*?#\}|<!--.*?-->", re.DOTALL)
_HEAD_END = re.compile(r"</head\s*>", re.IGNORECASE)
_BODY = re.compile(r"<body(?=[\s>{])", re.IGNORECASE)
#: The start tag, in which a quoted value or a Jinja expression may hold a `>`.
_BODY_TAG = re.compile(
    r"""<body(?:\{\{.*?\}\}|\{%.*?%\}|"[^"]*"|'[^']*'|[^>"'])*>""",
    re.IGNORECASE | re.DOTALL,
)
_HELPER = re.compile(r"datastar\s*\.\s*script\s*\(")
_OWN_SCRIPT = re.compile(r"<script\b[^>]*\bsrc\s*=[^>]*datastar", re.IGNORECASE)
_OWN_ERRORS = re.compile(rf"data-on:datastar-fetch|{re.escape(ERRORS_NAME)}")
_OWN_TAB_ID = re.compile(r"data-signals:tab-id|\btabId\b|data-effect", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Edit:
    """A template's new text, the additions in it, and advice for changes by hand."""

    text: str
    added: tuple[str, ...]
    advice: tuple[str, ...]


def template_folder(app: Flask) -> Path:
    """Return the folder of an app's templates.

    :raises click.ClickException: if the app has no such folder.
    """
    if app.template_folder is None:
        raise click.ClickException(f"{app!r} has no template folder; run the command with --no-layout.")
    return Path(app.root_path, app.template_folder)


def find_layout(app: Flask, name: str | None) -> Path | None:
    """Find the template with the page's head and body.

    :param name: the template's name, or None to search the template folder.
    :return: the template's path, or None if no template has a head and a body.
    :raises click.ClickException: if the named template does not exist, several templates have a head and a body, or the
        app has no folder for templates.
    """
    folder = template_folder(app)
    if name is not None:
        if not (folder / name).is_file():
            raise click.ClickException(f"Template {name!r} does not exist in {folder}.")
        return folder / name
    found = _pages(folder)
    if len(found) > 1:
        names = ", ".join(path.relative_to(folder).as_posix() for path in found)
        raise click.ClickException(f"Several templates have a <head>: {names}. Name the layout with --layout.")
    return found[0] if found else None


def _pages(folder: Path) -> list[Path]:
    pages = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".html", ".htm", ".jinja", ".jinja2", ".j2") and path.is_file():
            text = path.read_bytes().decode(errors="replace")
            if _HEAD_END.search(text) and _BODY.search(text) and not _is_sample(path, text):
                pages.append(path)
    return pages


def _is_sample(path: Path, text: str) -> bool:
    """Check whether a template is the sample's page, which has a head if the layout has no place for it."""
    return path.name == TEMPLATE and "datastar.open_stream('sample." in text


def loads_client(text: str) -> bool:
    """Check whether a layout loads the client."""
    bare = without_comments(text)
    return _HELPER.search(bare) is not None or _OWN_SCRIPT.search(bare) is not None


def add_to_layout(text: str, *, has_tab: bool = True) -> Edit:
    """Add the client's script, the tab's signal and the element with errors to a layout, unless it has them already.

    :param has_tab: whether browser tabs get an id.
    """
    added: list[str] = []
    advice: list[str] = []
    for add in (_add_script, *([_add_tab_signal] if has_tab else []), _add_errors):
        changed, done, said = add(text)
        text = changed
        added += [done] if done else []
        advice += [said] if said else []
    return Edit(text, tuple(added), tuple(advice))


def _add_script(text: str) -> tuple[str, str, str]:
    bare = without_comments(text)
    if _HELPER.search(bare):
        return text, "", ""
    if _OWN_SCRIPT.search(bare):
        return text, "", f"it has its own script tag for the client; replace the tag with {SCRIPT}"
    ends = list(_HEAD_END.finditer(bare))
    if len(ends) != 1:
        return text, "", f"it has {len(ends)} </head> instead of one; add {SCRIPT} to the <head>"
    place = ends[0].start()
    line = text[:place].rpartition("\n")[2]
    if line.strip():
        return text[:place] + SCRIPT + text[place:], f"{SCRIPT} in front of </head>", ""
    newline = "\r\n" if "\r\n" in text else "\n"
    return f"{text[:place]}  {SCRIPT}{newline}{line}{text[place:]}", f"{SCRIPT} in front of </head>", ""


def _add_tab_signal(text: str) -> tuple[str, str, str]:
    bare = without_comments(text)
    if re.search(r"datastar\s*\.\s*tab_signal\s*\(", bare):
        return text, "", ""
    tags = list(_BODY.finditer(bare))
    if len(tags) != 1:
        return text, "", f"it has {len(tags)} <body> instead of one; add {TAB_SIGNAL} to the tag"
    tag = _BODY_TAG.match(bare, tags[0].start())
    if tag is None or _OWN_TAB_ID.search(tag.group()):
        # The browser drops the second one of two equal attributes.
        return text, "", f"its <body> has a data-effect or a tab id of its own; add {TAB_SIGNAL} to another element"
    place = tags[0].end()
    return f"{text[:place]} {TAB_SIGNAL}{text[place:]}", f"{TAB_SIGNAL} to <body>", ""


def _add_errors(text: str) -> tuple[str, str, str]:
    bare = without_comments(text)
    if _OWN_ERRORS.search(bare):
        return text, "", ""
    tags = list(_BODY.finditer(bare))
    tag = _BODY_TAG.match(bare, tags[0].start()) if len(tags) == 1 else None
    if tag is None:
        found = (
            "the end of its <body> tag is unclear" if len(tags) == 1 else f"it has {len(tags)} <body> instead of one"
        )
        return text, "", f"{found}; add {ERRORS} below the tag"
    before = text[: tag.start()].rpartition("\n")[2]
    line_end = re.match(r"[ \t]*(\r?\n)", text[tag.end() :])
    added = f"{line_end[1]}{before}  {ERRORS}" if line_end and not before.strip() else ERRORS
    return f"{text[: tag.end()]}{added}{text[tag.end() :]}", f"{ERRORS} below <body>", ""


def without_comments(text: str) -> str:
    """Return the text with blanks in place of comments, so that they are not searched and all positions stay."""
    return _COMMENT.sub(lambda found: " " * len(found.group()), text)
