"""The layout template: which one it is, and what is added to it. Nothing of the user's is removed or moved."""

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
    """A template's new text, what was added to it, and what its author has to do by hand."""

    text: str
    added: tuple[str, ...]
    advice: tuple[str, ...]


def find_layout(app: Flask, name: str | None) -> Path | None:
    """Find the template that has the page's head and body.

    :param name: the template's name, if the user gave one.
    :return: None when no template has them.
    :raises click.ClickException: there is no such template, or there are several.
    """
    if app.template_folder is None:
        raise click.ClickException(f"{app!r} has no template folder; --no-layout leaves the templates alone.")
    folder = Path(app.root_path, app.template_folder)
    if name is not None:
        if not (folder / name).is_file():
            raise click.ClickException(f"There is no template {name!r} in {folder}.")
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
    """Add the client's script and the tab's signal to a layout where they are missing."""
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
        return text, "", f"it loads the client by a tag of its own; {SCRIPT} would take that tag's place"
    ends = list(_HEAD_END.finditer(bare))
    if len(ends) != 1:
        return text, "", f"it has {len(ends)} </head>, where one is expected; put {SCRIPT} into the <head>"
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
        return text, "", f"it has {len(tags)} <body>, where one is expected; put {TAB_SIGNAL} into the tag"
    tag = _BODY_TAG.match(bare, tags[0].start())
    if tag is None or _OWN_TAB_ID.search(tag.group()):
        # Of two equal attributes the browser drops one.
        return text, "", f"its <body> has a data-effect or a tab id of its own; put {TAB_SIGNAL} on another element"
    place = tags[0].end()
    return f"{text[:place]} {TAB_SIGNAL}{text[place:]}", f"{TAB_SIGNAL} to <body>", ""


def _without_comments(text: str) -> str:
    """Blank comments out, so that what stands in them is not found and all else keeps its place."""
    return _COMMENT.sub(lambda found: " " * len(found.group()), text)
