"""The sample that ``flask datastar init`` adds: a page on which all who have it open see what one of them writes."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: The path of the page, and the names of its files.
PATH = "/sample"
TEMPLATE, BASE, MODULE, TEST = "sample.html", "base", "sample.py", "test_sample.py"

#: The layout for a project without a layout; ``init`` adds the parts of Datastar to it as to any other.
LAYOUT = """\
<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{% block title %}{% endblock %}</title>
  <link rel="icon" href="data:,">
</head>
<body>
  {% block content %}{% endblock %}
</body>
</html>
"""

_MAIN = """\
<main data-signals="{text: '', said: ''}" data-init="{{ datastar.open_stream('sample.messages') }}">
  <h1>Sample</h1>
  <p>Open this page in two windows.</p>
  <form data-on:submit="{{ datastar.post('sample.say') }}">
    <input data-bind="text" aria-label="Text" autocomplete="off">
    <button>Show it in both</button>
  </form>
  <p><output data-text="$said"></output></p>
</main>
"""

_IMPORTING_VIEW = """\
@{owner}.get("{path}")
def {name}():
    from flask import render_template

    return render_template("{template}")
"""
_VIEW = """\
@{owner}.get("{path}")
def {name}():
    return render_template("{template}")
"""
_SAY = """\
@datastar.handler(group="sample")
def {name}(text: str = ""):
    datastar.broadcast("sample").patch_signals({{"said": text}})
    datastar.signal("text", "")
"""
_MESSAGES = """\
@datastar.stream(group="sample")
def {name}():
    return datastar.follow("sample")
"""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the sample's functions."""

    view: str = "sample"
    say: str = "say"
    messages: str = "messages"

    def put_in(self, text: str) -> str:
        """Return a text of the sample with these names for its handler and its stream."""
        return text.replace("sample.say", f"sample.{self.say}").replace("sample.messages", f"sample.{self.messages}")


_HAS_PATH = re.compile(rf"""["']{PATH}["']""")
_HAS_SAY = re.compile(r"""\.handler\(group=["']sample["']\)\s+def (\w+)\(""")
_HAS_MESSAGES = re.compile(r"""\.stream\(group=["']sample["']\)\s+def (\w+)\(""")


def find_names(text: str) -> Names | None:
    """Return the names of the sample that a file has already; None without a sample."""
    say, messages = _HAS_SAY.search(text), _HAS_MESSAGES.search(text)
    if say is None or messages is None or _HAS_PATH.search(text) is None:
        return None
    return Names(say=say[1], messages=messages[1])


def statements(app: str, instance: str, names: Names, *, imports: bool = False) -> list[str]:
    """Return the sample's functions, for the file that creates an application at module level.

    :param app: the application's variable, or the blueprint's.
    :param instance: the variable of the ``Datastar``.
    :param imports: whether the view imports ``render_template`` itself, because that name is another thing in the file.
    """
    view = (_IMPORTING_VIEW if imports else _VIEW).format(owner=app, path=PATH, name=names.view, template=TEMPLATE)
    functions = [_SAY.format(name=names.say), _MESSAGES.format(name=names.messages)]
    return [text.replace("datastar.", f"{instance}.") for text in (view, *functions)]


def module(imports: str, instance: str) -> str:
    """Return the sample as a module with a blueprint, for an application that a factory creates.

    :param imports: the statement that imports the ``Datastar``.
    """
    return "\n\n".join(
        [
            '"""A sample of Datastar: what is written on one page is shown on all."""\n\n'
            f'from flask import Blueprint, render_template\n\n{imports}\n\nbp = Blueprint("sample", __name__)\n',
            *statements("bp", instance, Names(view="index")),
        ]
    )


def template(base: str, block: str, names: Names, *, has_title: bool, has_main: bool) -> str:
    """Return the template of the page, which extends a layout.

    :param base: the layout's name.
    :param block: the name of its block for the page's content.
    :param has_title: whether the layout has a block for the title.
    :param has_main: whether the layout has a ``<main>``, of which a page may have one only.
    """
    content = names.put_in(_MAIN)
    if has_main:
        content = content.replace("<main ", "<div ").replace("</main>", "</div>")
    title = "{% block title %}Sample{% endblock %}\n" if has_title else ""
    return f'{{% extends "{base}" %}}\n{title}{{% block {block} %}}\n{content}{{% endblock %}}\n'


def page(names: Names) -> str:
    """Return the template of the page for a project whose layout has no block for it."""
    main = names.put_in(_MAIN)
    text = LAYOUT.replace("{% block title %}{% endblock %}", "Sample")
    return text.replace("  {% block content %}{% endblock %}\n", "".join(f"  {line}\n" for line in main.splitlines()))
