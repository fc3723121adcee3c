"""`flask datastar init`: what it adds, what it leaves alone, and what it says."""

from __future__ import annotations

import os
import runpy
import stat
from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest
from click.testing import Result
from flask import Flask, render_template

from flask_datastar import Datastar
from flask_datastar.cli import files, layouts
from flask_datastar.cli.errors_element import ERRORS_ELEMENT
from flask_datastar.cli.gunicorn_conf import GUNICORN_CONF

EXAMPLE_CONF = Path(__file__).parents[2] / "example" / "gunicorn.conf.py"
SCRIPT, TAB_SIGNAL, ERRORS = layouts.SCRIPT, layouts.TAB_SIGNAL, layouts.ERRORS
LAYOUT = '<!doctype html>\n<html>\n<head>\n  <title>Shop</title>\n</head>\n<body class="wide">\n</body>\n</html>\n'
CHANGED = (
    LAYOUT.replace("</head>", f"  {SCRIPT}\n</head>")
    .replace("<body", f"<body {TAB_SIGNAL}")
    .replace("</body>", f"  {ERRORS}\n</body>")
)

#: Leaves out what ``test_init_project.py`` tries.
PLAIN = ("--no-example", "--no-https", "--no-fetch-client")

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's project, in which the commands run."""
    (tmp_path / "templates").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def app(folder: Path) -> Flask:
    app = Flask("shop", root_path=str(folder))
    Datastar(app)
    return app


@pytest.fixture
def run(app: Flask) -> Run:
    def run(*arguments: str) -> Result:
        return app.test_cli_runner().invoke(args=["datastar", *arguments, *PLAIN])

    return run


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# The layout


def test_layout_gets_the_script_and_the_tab_signal(folder: Path, run: Run) -> None:
    layout = write(folder / "templates" / "base.html", LAYOUT)

    result = run("init", "--no-gunicorn")

    assert result.exit_code == 0
    assert layout.read_text() == CHANGED
    assert result.output.splitlines() == [
        "templates/base.html: changed",
        f"    added {SCRIPT} in front of </head>",
        f"    added {TAB_SIGNAL} to <body>",
        f"    added {ERRORS} below <body>",
        "templates/datastar_errors.html: created",
        "    shows errors and lost connections; change its texts and its looks as you like",
    ]


def test_changed_layout_renders(app: Flask, folder: Path, run: Run) -> None:
    write(folder / "templates" / "base.html", LAYOUT)
    run("init", "--no-gunicorn")

    with app.test_request_context():
        page = render_template("base.html")

    assert '<script type="module" src="https://' in page.split("</head>")[0]
    assert 'data-signals:tab-id="' in page
    assert page.count("<body") == 1
    assert page.count("data-on:datastar-fetch=") == 1


def test_second_run_changes_nothing(folder: Path, run: Run) -> None:
    write(folder / "templates" / "base.html", LAYOUT)
    run("init")
    before = everything(folder)

    result = run("init")

    assert everything(folder) == before
    assert result.output.splitlines() == [
        *["templates/base.html: nothing to add", "templates/datastar_errors.html: nothing to add"],
        "gunicorn.conf.py: nothing to add",
    ]


def test_dry_run_changes_nothing(folder: Path, run: Run) -> None:
    write(folder / "templates" / "base.html", LAYOUT)
    before = everything(folder)

    result = run("init", "--dry-run")

    assert everything(folder) == before
    assert "templates/base.html: would be changed" in result.output
    assert f"    +  {SCRIPT}\n" in result.output
    assert "templates/datastar_errors.html: would be created" in result.output
    assert "gunicorn.conf.py: would be created" in result.output


def test_without_a_layout_it_says_what_to_add(folder: Path, run: Run) -> None:
    write(folder / "templates" / "part.html", "<ul></ul>")
    write(folder / "templates" / "mail.txt", LAYOUT)

    result = run("init", "--no-gunicorn")

    assert result.exit_code == 0
    assert SCRIPT in result.output
    assert TAB_SIGNAL in result.output
    assert (folder / "templates" / "mail.txt").read_text() == LAYOUT
    assert len(everything(folder)) == 2


def test_one_of_several_layouts_has_to_be_named(folder: Path, run: Run) -> None:
    for name in ("site.html", "mail.html"):
        write(folder / "templates" / name, LAYOUT)

    refused = run("init")
    named = run("init", "--layout", "site.html", "--no-gunicorn")

    assert refused.exit_code == 1
    assert "Several templates have a <head>: mail.html, site.html. Name the layout with --layout." in refused.output
    assert named.exit_code == 0
    assert (folder / "templates" / "site.html").read_text() == CHANGED
    assert (folder / "templates" / "mail.html").read_text() == LAYOUT


def test_unknown_layout_is_refused(folder: Path, run: Run) -> None:
    result = run("init", "--layout", "base.html")

    assert result.exit_code == 1
    assert "Template 'base.html' does not exist in" in result.output
    assert everything(folder) == {}


def test_app_without_templates_is_told_how_to_go_on(folder: Path) -> None:
    app = Flask("shop", root_path=str(folder), template_folder=None)
    Datastar(app)

    refused = app.test_cli_runner().invoke(args=["datastar", "init", *PLAIN])
    result = app.test_cli_runner().invoke(args=["datastar", "init", *PLAIN, "--no-layout"])

    assert refused.exit_code == 1
    assert "has no template folder; run the command with --no-layout" in refused.output
    assert result.exit_code == 0
    assert list(everything(folder)) == ["gunicorn.conf.py"]


def test_layout_in_another_encoding_is_left_alone(folder: Path, run: Run) -> None:
    layout = folder / "templates" / "base.html"
    layout.write_bytes(LAYOUT.replace("Shop", "Café").encode("latin-1"))

    result = run("init")

    assert result.exit_code == 1
    assert "templates/base.html is not UTF-8" in result.output
    assert layout.read_bytes() == LAYOUT.replace("Shop", "Café").encode("latin-1")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Line ends and indentation stay the file's own.
        (LAYOUT.replace("\n", "\r\n"), CHANGED.replace("\n", "\r\n")),
        ("  <head>\n  </head>\n  <body>", f"  <head>\n    {SCRIPT}\n  </head>\n  <body {TAB_SIGNAL}>{ERRORS}"),
        ("<head></head>\n\t<body>  \nx", f"<head>{SCRIPT}</head>\n\t<body {TAB_SIGNAL}>\n\t  {ERRORS}  \nx"),
        ("<head><title>a</title></head><body>", f"<head><title>a</title>{SCRIPT}</head><body {TAB_SIGNAL}>{ERRORS}"),
        ("<head></head><body>\n<p>", f"<head>{SCRIPT}</head><body {TAB_SIGNAL}>{ERRORS}\n<p>"),
        ("<HEAD></HEAD><BODY>", f"<HEAD>{SCRIPT}</HEAD><BODY {TAB_SIGNAL}>{ERRORS}"),
        # Attributes and expressions may hold what looks like the tag's end.
        (
            '<head></head><body data-show="$a > 1" {{ "<p>" }}>',
            f'<head>{SCRIPT}</head><body {TAB_SIGNAL} data-show="$a > 1" {{{{ "<p>" }}}}>{ERRORS}',
        ),
        # What stands in comments is not there.
        (
            f"{{# {SCRIPT} #}}<!-- </head> <body> --><head></head><body>",
            f"{{# {SCRIPT} #}}<!-- </head> <body> --><head>{SCRIPT}</head><body {TAB_SIGNAL}>{ERRORS}",
        ),
        (
            "<head>{{ datastar.script( ) }}</head><body>",
            f"<head>{{{{ datastar.script( ) }}}}</head><body {TAB_SIGNAL}>{ERRORS}",
        ),
        # An element of the user's own.
        (
            f"<head>{SCRIPT}</head><body><p data-on:datastar-fetch='$e = evt'></p>",
            f"<head>{SCRIPT}</head><body {TAB_SIGNAL}><p data-on:datastar-fetch='$e = evt'></p>",
        ),
    ],
)
def test_what_is_added_stands_where_it_belongs(before: str, after: str) -> None:
    edit = layouts.add_to_layout(before)

    assert edit.text == after
    assert edit.advice == ()
    assert layouts.add_to_layout(after).text == after


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (
            f'<head><script src="/js/datastar.js"></script></head><body {TAB_SIGNAL}>{ERRORS}',
            "it has its own script tag for the client",
        ),
        (f"<head></head><head></head><body {TAB_SIGNAL}>{ERRORS}", "it has 2 </head> instead of one"),
        (f"<head>{SCRIPT}</head>{{% if a %}}<body>{{% else %}}<body>{{% endif %}}{ERRORS}", "it has 2 <body>"),
        (f"<head>{SCRIPT}</head>{{% if a %}}<body {TAB_SIGNAL}>{{% else %}}<body>{{% endif %}}", f"add {ERRORS} below"),
        (
            f"<head>{SCRIPT}</head><body {TAB_SIGNAL} title='",
            f"the end of its <body> tag is unclear; add {ERRORS} below",
        ),
        (f'<head>{SCRIPT}</head><body\n  data-effect="$a">{ERRORS}', "has a data-effect or a tab id of its own"),
        (
            f"<head>{SCRIPT}</head><body data-signals=\"{{tabId: 'x'}}\">{ERRORS}",
            "has a data-effect or a tab id of its own",
        ),
    ],
)
def test_what_is_not_plain_is_left_to_the_author(text: str, advice: str) -> None:
    edit = layouts.add_to_layout(text)

    assert edit.text == text
    assert edit.added == ()
    (said,) = edit.advice
    assert advice in said


def test_advice_is_shown_with_the_file(folder: Path, run: Run) -> None:
    write(folder / "templates" / "base.html", LAYOUT.replace("<body", "<body data-effect='$a'"))

    result = run("init", "--no-gunicorn")

    assert "templates/base.html: its <body> has a data-effect" in result.output
    assert "nothing to add" not in result.output


def test_app_with_a_nonce_is_told_what_its_html_tag_needs(folder: Path) -> None:
    layout = write(folder / "templates" / "base.html", LAYOUT)
    app = Flask("shop", root_path=str(folder))
    Datastar(app, csp_nonce=lambda: "abc")
    runner = app.test_cli_runner()

    first, again = (runner.invoke(args=["datastar", "init", *PLAIN, "--no-gunicorn"]) for _ in range(2))
    write(layout, layout.read_text().replace("<html>", f"<html {layouts.HTML_ATTRS}>"))
    second = runner.invoke(args=["datastar", "init", *PLAIN, "--no-gunicorn"])

    assert "DATASTAR_CSP_NONCE needs {{ datastar.html_attrs() }} in the <html> tag" in first.output
    assert "DATASTAR_CSP_NONCE needs" in again.output
    assert "changed" not in again.output
    assert second.output.startswith("templates/base.html: nothing to add\n")


# The element with errors


def test_element_is_that_of_the_demos() -> None:
    _, _, element = ERRORS_ELEMENT.partition("#}\n")

    assert indent(element, "  ") in (EXAMPLE_CONF.parent / "templates" / "base.html").read_text()


def test_element_of_the_user_is_kept(folder: Path, run: Run) -> None:
    write(folder / "templates" / "base.html", LAYOUT)
    own = write(folder / "templates" / "datastar_errors.html", "<p>Mine</p>")

    result = run("init", "--no-gunicorn")

    assert "templates/datastar_errors.html: nothing to add" in result.output
    assert own.read_text() == "<p>Mine</p>"


def test_element_that_is_missing_is_created_again(folder: Path, run: Run) -> None:
    write(folder / "templates" / "base.html", CHANGED)

    result = run("init", "--no-gunicorn")

    assert "templates/base.html: nothing to add\ntemplates/datastar_errors.html: created\n" in result.output
    assert (folder / "templates" / "datastar_errors.html").read_text() == ERRORS_ELEMENT


# The gunicorn configuration


def test_gunicorn_configuration_is_made_once(folder: Path, run: Run) -> None:
    first = run("init", "--no-layout")
    second = run("init", "--no-layout")

    assert "gunicorn.conf.py: created" in first.output
    assert second.output == "gunicorn.conf.py: nothing to add\n"
    assert (folder / "gunicorn.conf.py").read_text() == GUNICORN_CONF


def test_gunicorn_configuration_of_the_user_is_kept(folder: Path, run: Run) -> None:
    write(folder / "gunicorn.conf.py", "workers = 4\n")

    result = run("init", "--no-layout")

    assert 'kept as it is. Streams need worker_class = "gevent", and workers = 1 unless' in result.output
    assert (folder / "gunicorn.conf.py").read_text() == "workers = 4\n"


def test_gunicorn_configuration_agrees_with_the_example(folder: Path, run: Run) -> None:
    run("init", "--no-layout")

    made = runpy.run_path(str(folder / "gunicorn.conf.py"))

    example = runpy.run_path(str(EXAMPLE_CONF))
    settings = {name: value for name, value in made.items() if not name.startswith("_")}
    assert settings["worker_class"] == "gevent"
    assert settings == {name: example[name] for name in settings}


# Files


def test_file_that_cannot_be_written_is_said(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = write(folder / "templates" / "base.html", LAYOUT)

    def replace(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", replace)
    result = run("init")

    assert result.exit_code == 1
    assert "templates/base.html cannot be written: [Errno 13] Permission denied" in result.output
    # Neither half of it nor the file beside it is left.
    assert everything(folder) == {"templates/base.html": LAYOUT.encode()}
    assert layout.read_text() == LAYOUT


def test_rights_and_links_stay(folder: Path, run: Run) -> None:
    real = write(folder / "real.html", LAYOUT)
    real.chmod(0o640)
    link = folder / "templates" / "base.html"
    link.symlink_to(real)

    run("init", "--no-gunicorn")

    assert link.is_symlink()
    assert real.read_text() == CHANGED
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_new_files_have_the_rights_that_the_process_gives(folder: Path, run: Run) -> None:
    before = os.umask(0o027)
    try:
        run("init", "--no-layout")
    finally:
        os.umask(before)

    assert stat.S_IMODE((folder / "gunicorn.conf.py").stat().st_mode) == 0o640


def test_paths_elsewhere_are_shown_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")

    assert files.shown(tmp_path / "a") == str((tmp_path / "a").relative_to("/"))
    monkeypatch.chdir(tmp_path)
    assert files.shown(Path("/a/b")) == "/a/b"


def test_two_apps_have_commands_of_their_own(app: Flask, folder: Path, tmp_path: Path, run: Run) -> None:
    other = Flask("other", root_path=str(folder / "other"))
    Datastar(other)
    (folder / "other" / "templates").mkdir(parents=True)
    layout = write(folder / "other" / "templates" / "base.html", LAYOUT)

    run("init", "--no-gunicorn")
    assert layout.read_text() == LAYOUT
    other.test_cli_runner().invoke(args=["datastar", "init", *PLAIN, "--no-gunicorn"])

    assert layout.read_text() == CHANGED
