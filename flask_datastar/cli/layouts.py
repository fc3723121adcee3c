"""The layout template: the search for it, and the additions to it. The user's text is neither removed nor moved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import click
from flask import Flask

SCRIPT = "{{ datastar.script() }}"
TAB_SIGNAL = "{{ datastar.tab_signal() }}"
HTML_ATTRS = "{{ datastar.html_attrs() }}"

_COMMENT = re.compile(r"\{#.*?#\}|<!--.*?-->", re.DOTALL)
_HEAD_END = re.compile(r"</head\s*>", re.IGNORECASE)
_BODY = re.compile(r"<body(?=[\s>{])", re.IGNORECASE)
#: The start tag, in which a quoted value or a Jinja expression may hold a `>`.
_BODY_TAG = re.compile(
    r"""<body(?:\{\{.*?\}\}|\{%.*?%\}|"[^"]*"|'[^']*'|[^>"'])*>""",
    re.IGNORECASE | re.DOTALL,
)
_OWN_SCRIPT = re.compile(r"<script\b[^>]*\bsrc\s*=[^>]*datastar", re.IGNORECASE)
_OWN_TAB_ID = re.compile(r"data-signals:tab-id|\btabId\b|data-effect", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Edit:
    """A template's new text, the additions in it, and advice for changes by hand."""

    text: str
    added: tuple[str, ...]
    advice: tuple[str, ...]


def find_layout(app: Flask, name: str | None) -> Path | None:
    """Find the template with the page's head and body.

    :param name: the template's name, or None to search the template folder.
    :return: the template's path, or None if no template has a head and a body.
    :raises click.ClickException: if the named template does not exist, or several templates have a head and a body.
    """
    if app.template_folder is None:
        raise click.ClickException(f"{app!r} has no template folder; run the command with --no-layout.")
    folder = Path(app.root_path, app.template_folder)
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
            if _HEAD_END.search(text) and _BODY.search(text):
                pages.append(path)
    return pages


def add_to_layout(text: str) -> Edit:
    """Add the client's script and the tab's signal to a layout, unless it has them already."""
    added: list[str] = []
    advice: list[str] = []
    for add in (_add_script, _add_tab_signal):
        changed, done, said = add(text)
        text = changed
        added += [done] if done else []
        advice += [said] if said else []
    return Edit(text, tuple(added), tuple(advice))


def _add_script(text: str) -> tuple[str, str, str]:
    bare = _without_comments(text)
    if re.search(r"datastar\s*\.\s*script\s*\(", bare):
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
    bare = _without_comments(text)
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


def _without_comments(text: str) -> str:
    """Return the text with blanks in place of comments, so that they are not searched and all positions stay."""
    return _COMMENT.sub(lambda found: " " * len(found.group()), text)
