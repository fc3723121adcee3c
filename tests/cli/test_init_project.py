"""`python -m flask_datastar init`: the lines that it adds to an application, the sample, and the certificate."""

from __future__ import annotations

import difflib
import importlib.util
import os
import runpy
import ssl
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flask_datastar.__main__ import main
from flask_datastar.cli import https
from flask_datastar.cli.source import Source
from tests.support.pages import CLIENT

Run = Callable[..., Result]

APP = """\
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "Hello"
"""
SAMPLE = """\
@app.get("/sample")
def sample():
    return render_template("sample.html")


@datastar.handler(group="sample")
def say(text: str = ""):
    datastar.broadcast("sample").patch_signals({"said": text})
    datastar.signal("text", "")


@datastar.stream(group="sample")
def messages():
    return datastar.follow("sample")
"""
FACTORY = '''\
"""The shop."""

import os

from flask import Flask

from .extensions import db, login_manager


def create_app(test_config=None):
    # Values of production come from the environment.
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(SECRET_KEY='dev')
    if test_config is None:
        app.config.from_pyfile('config.py', silent=True)
    else:
        app.config.from_mapping(test_config)

    db.init_app(app)
    login_manager.init_app(app)  # before the blueprints

    from . import auth
    app.register_blueprint(auth.bp)

    from . import blog
    app.register_blueprint(blog.bp)
    app.add_url_rule('/', endpoint='index')

    return app
'''
EXTENSIONS = """\
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
login_manager = LoginManager()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's project, which has the client already."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLASK_APP", raising=False)
    write(tmp_path / "static" / "datastar.js", "// Datastar v1.0.4\n")
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["init", *arguments])


def init(*arguments: str) -> Result:
    """Run the command without what other tests are about."""
    return run("--no-https", "--no-gunicorn", *arguments)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def difference(old: str, new: str) -> list[str]:
    """Return the lines that are added and removed."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


# An application at module level


def test_five_lines_get_the_extension_and_the_sample(folder: Path) -> None:
    app = write(folder / "app.py", APP)

    result = init()

    assert result.exit_code == 0, result.output
    assert app.read_text() == (
        APP.replace("import Flask\n", "import Flask, render_template\nfrom flask_datastar import Datastar\n").replace(
            "Flask(__name__)\n", 'Flask(__name__)\ndatastar = Datastar(app, script_url="/static/datastar.js")\n'
        )
        + f"\n\n{SAMPLE}"
    )
    assert result.output.splitlines() == [
        "static/datastar.js: nothing to do",
        "app.py: changed",
        "templates/base.html: created",
        "templates/datastar_errors.html: created",
        "    shows errors and lost connections; change its texts and its looks as you like",
        "templates/sample.html: created",
        "tests/test_sample.py: created",
        "    run it with: python -m pytest tests/test_sample.py",
        'Run it: gunicorn "app:app"',
        "Open http://127.0.0.1:8000/sample",
    ]


def test_second_run_changes_nothing(folder: Path) -> None:
    write(folder / "app.py", APP)
    first = run()
    before = everything(folder)

    second = run()

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert everything(folder) == before
    assert not any(line.endswith(("changed", "created")) for line in second.output.splitlines())
    assert second.output.splitlines()[-2:] == first.output.splitlines()[-2:]


def test_dry_run_changes_nothing(folder: Path) -> None:
    write(folder / "app.py", APP)
    before = everything(folder)

    result = run("--dry-run")

    assert everything(folder) == before
    assert "app.py: would be changed\n    --- app.py\n    +++ app.py\n    @@ " in result.output
    assert '    +datastar = Datastar(app, script_url="/static/datastar.js")\n' in result.output
    assert "    -from flask import Flask\n    +from flask import Flask, render_template\n" in result.output
    assert "templates/sample.html: would be created" in result.output
    assert "certs/localhost.pem: would be created" in result.output


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("init_sample_app.py", APP),
        (
            "init_sample_shop/__init__.py",
            "from flask import Flask\n\n\ndef create_app(name='shop'):\n    app = Flask(__name__)\n    return app\n",
        ),
    ],
)
@pytest.mark.parametrize("has_client", [True, False])
def test_sample_passes_its_own_test(
    folder: Path, name: str, text: str, has_client: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "static" / "datastar.js").unlink()
    if has_client:
        write((folder / name).parent / "static" / "datastar.js", CLIENT.read_text(encoding="utf-8"))
    write(folder / name, text)
    assert init().exit_code == 0
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    try:
        tests = runpy.run_path(str(folder / "tests" / "test_sample.py"))
        names = [each for each in tests if each.startswith("test_")]
        assert names == (["test_what_one_writes_all_see"] if has_client else ["test_sample_page", "test_say"])
        for each in names:
            tests[each]()
    finally:
        for module in set(sys.modules) - before:
            if module.startswith("init_sample"):
                del sys.modules[module]


def test_without_the_sample_and_the_tab(folder: Path) -> None:
    app = write(folder / "app.py", APP)
    layout = write(folder / "templates" / "site.html", "<head></head><body></body>")

    result = init("--no-example", "--no-stream-dedup")

    assert result.output.endswith("Open http://127.0.0.1:8000/\n")
    assert "sample" not in app.read_text()
    assert not (folder / "tests").exists()
    assert "tab_signal" not in layout.read_text()
    assert "datastar.script()" in layout.read_text()


@pytest.mark.parametrize(
    ("old", "added"),
    [
        # After the configuration and other extensions, in the file's quotes, and before what runs the application.
        (
            "import os\n\nfrom flask import Flask\nimport requests\n\napp = Flask(__name__)\n"
            "app.config['X'] = 1  # one\ncsrf = CSRFProtect(app)\n\n@app.get('/')\ndef index():\n    pass\n\n"
            "if __name__ == '__main__':\n    app.run()\n",
            [
                "+from flask_datastar import Datastar",
                "+datastar = Datastar(app, script_url='/static/datastar.js')",
            ],
        ),
        # Without an import of Flask's names.
        (
            "import flask\n\napp: flask.Flask = flask.Flask(__name__)\n",
            [
                "+from flask_datastar import Datastar",
                '+datastar = Datastar(app, script_url="/static/datastar.js")',
            ],
        ),
        # With comments in front of the imports, and in an order.
        (
            "# The app.\nfrom flask_wtf import CSRFProtect\nfrom flask_x import X\n\napp = Flask(__name__)\n",
            [
                "+from flask_datastar import Datastar",
                '+datastar = Datastar(app, script_url="/static/datastar.js")',
            ],
        ),
    ],
)
def test_only_lines_are_added(folder: Path, old: str, added: list[str]) -> None:
    app = write(folder / "app.py", old)

    result = init("--no-example", "--no-layout")

    assert result.exit_code == 0, result.output
    assert difference(old, app.read_text()) == added
    assert "app.run()" not in old or app.read_text().endswith("    app.run()\n")


def test_sample_stands_before_what_runs_the_application(folder: Path) -> None:
    app = write(folder / "app.py", f'{APP}\nif __name__ == "__main__":\n    app.run()\n')

    init()

    assert app.read_text().endswith(f'\n\n\n{SAMPLE}\n\nif __name__ == "__main__":\n    app.run()\n')


def test_line_ends_stay(folder: Path) -> None:
    app = write(folder / "app.py", APP.replace("\n", "\r\n"))

    init()

    assert app.read_bytes().count(b"\n") == app.read_bytes().count(b"\r\n")


# An application that a factory creates


@pytest.fixture
def shop(folder: Path) -> Path:
    write(folder / "shop" / "__init__.py", FACTORY)
    write(folder / "shop" / "extensions.py", EXTENSIONS)
    write(folder / "shop" / "static" / "datastar.js", "// Datastar v1.0.4\n")
    layout = (
        "<html><head><title>{% block title %}{% endblock %}</title></head>\n<body>{% block main %}{% endblock %}</body>"
    )
    write(folder / "shop" / "templates" / "base.html", layout)
    return folder / "shop"


def test_factory_gets_what_a_careful_person_would_write(folder: Path, shop: Path) -> None:
    result = init()

    assert result.exit_code == 0, result.output
    assert difference(FACTORY, (shop / "__init__.py").read_text()) == [
        "-from .extensions import db, login_manager",
        "+from .extensions import datastar, db, login_manager",
        "+    datastar.init_app(app)",
        "+    from .sample import bp as sample_bp",
        "+    app.register_blueprint(sample_bp)",
        "+",
    ]
    assert difference(EXTENSIONS, (shop / "extensions.py").read_text()) == [
        "+from flask_datastar import Datastar",
        '+datastar = Datastar(script_url="/static/datastar.js")',
    ]
    assert (shop / "extensions.py").read_text().startswith("from flask_datastar import Datastar\nfrom flask_login")
    text = (shop / "sample.py").read_text()
    assert "from .extensions import datastar\n" in text
    assert '@bp.get("/sample")\ndef index():' in text
    assert (
        (shop / "templates" / "sample.html")
        .read_text()
        .startswith('{% extends "base.html" %}\n{% block title %}Sample{% endblock %}\n{% block main %}\n<main ')
    )
    assert "from shop import create_app" in (folder / "tests" / "test_sample.py").read_text()
    assert 'Run it: gunicorn "shop:create_app()"' in result.output


def test_second_run_at_a_factory_changes_nothing(folder: Path, shop: Path) -> None:
    init()
    before = everything(folder)

    result = init()

    assert result.exit_code == 0
    assert everything(folder) == before


def test_factory_without_other_extensions(folder: Path) -> None:
    text = (
        "from flask import Flask\n\n\ndef create_app(name):\n    app = Flask(__name__)\n\n    @app.get('/')\n"
        "    def index():\n        return name\n\n    return app\n"
    )
    app = write(folder / "wsgi.py", text)

    result = init()

    assert difference(text, app.read_text()) == [
        "+from flask_datastar import Datastar",
        "+",
        "+datastar = Datastar(script_url='/static/datastar.js')",
        "+    datastar.init_app(app)",
        "+    from sample import bp as sample_bp",
        "+    app.register_blueprint(sample_bp)",
        "+",
    ]
    assert "from wsgi import datastar" in (folder / "sample.py").read_text()
    assert "tests/test_sample.py: not created, because create_app needs arguments" in result.output


def test_extension_of_another_file_is_found(folder: Path) -> None:
    text = "from flask import Flask\nfrom live import stars\n\napp = Flask(__name__)\nstars.init_app(app)\n"
    app = write(folder / "app.py", text)
    write(folder / "live.py", "from flask_datastar import Datastar\n\nstars = Datastar()\n")

    init()

    assert "Datastar(" not in app.read_text()
    assert '@stars.handler(group="sample")' in app.read_text()


def test_layout_without_a_block_gets_a_page_of_its_own(folder: Path) -> None:
    write(folder / "app.py", APP)
    write(folder / "templates" / "site.html", "<head></head><body></body>")

    init()

    page = (folder / "templates" / "sample.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "{{ datastar.script() }}" in page
    assert "    <h1>Sample</h1>\n" in page


def test_sample_has_no_main_in_that_of_the_layout(folder: Path) -> None:
    write(folder / "app.py", APP)
    layout = "<head></head>\n<body>\n<!-- <main> -->{}{{% block content %}}{{% endblock %}}\n</body>\n"
    site = write(folder / "templates" / "site.html", layout.format('<main class="wide">'))
    page = folder / "templates" / "sample.html"

    init()

    assert "main" not in page.read_text()
    assert '<div data-signals="{text: ' in page.read_text()
    assert page.read_text().endswith("</div>\n{% endblock %}\n")
    assert "nothing to add" in init().output

    page.unlink()
    write(site, layout.format(""))

    init()

    assert page.read_text().count("main") == 2


def test_folders_that_the_application_is_given(folder: Path) -> None:
    write(folder / "app.py", APP.replace("__name__", '__name__, static_folder=None, template_folder="pages"'))

    result = init()

    assert (folder / "pages" / "sample.html").exists()
    assert "static" not in result.output
    assert "Datastar(app)" in (folder / "app.py").read_text()


def test_package_runs_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["flask_datastar", "init", "--help"])
    # As in a new process, which has not imported it.
    monkeypatch.delitem(sys.modules, "flask_datastar.__main__")
    # pytest rewrites the package, which has a plugin, by an importer that knows no ``python -m``.
    monkeypatch.setattr(sys, "meta_path", [each for each in sys.meta_path if "Rewriting" not in type(each).__name__])

    with pytest.raises(SystemExit) as ended:
        runpy.run_module("flask_datastar", run_name="__main__")

    assert ended.value.code == 0
    assert "python -m flask_datastar init" in capsys.readouterr().out


# Which file it is


def test_application_is_found_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one.py", "two.py", "src/three/__init__.py"):
        write(folder / name, APP)

    several = init("--no-layout")
    named = init("--no-layout", "--app", "two.py", "--dry-run")
    module = init("--no-layout", "--app", "src.three:app", "--dry-run")
    monkeypatch.setenv("FLASK_APP", "one")
    variable = init("--no-layout", "--dry-run")
    wrong = init("--app", "four")

    assert several.exit_code == 1
    assert "Several files create a Flask application: one.py, src/three/__init__.py, two.py." in several.output
    assert "two.py: would be changed" in named.output
    assert 'gunicorn --pythonpath src "three:app"' in module.output
    assert "one.py: would be changed" in variable.output
    assert "four is neither a file nor a module" in wrong.output


def test_folder_without_an_application(folder: Path) -> None:
    result = init()

    assert result.exit_code == 1
    assert "creates a Flask application; name the file with --app" in result.output


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("from flask import Flask\n\nApp = type('App', (), {'app': Flask(__name__)})\n", "it has no line 'app = Flask"),
        ("app, x = Flask(__name__), 1\n", "it has no line 'app = Flask"),
    ],
)
def test_unclear_application_is_left_alone(folder: Path, text: str, why: str) -> None:
    app = write(folder / "app.py", text)

    result = init("--no-layout")

    assert result.exit_code == 0
    assert app.read_text() == text
    assert f"app.py: not changed, because {why}" in result.output
    assert "    datastar = Datastar(app)\n" in result.output
    assert not (folder / "templates").exists()


def test_file_that_is_not_python_is_left_alone(folder: Path) -> None:
    write(folder / "app.py", "app = Flask(__name__) )")

    result = init("--no-layout")

    assert result.exit_code == 1
    assert "app.py is not Python: " in result.output


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    find = importlib.util.find_spec

    def find_spec(name: str) -> object:
        return None if name in names else find(name)

    for module in ("init", "init_sample", "https", "sample_testing"):
        monkeypatch.setattr(f"flask_datastar.cli.{module}.find_spec", find_spec)


def test_without_libcst_the_lines_are_printed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = write(folder / "app.py", APP)
    without(monkeypatch, "libcst")

    result = init("--no-layout")

    assert result.exit_code == 0
    assert app.read_text() == APP
    assert 'this needs LibCST: pip install "Flask-Datastar[cli]"' in result.output


# Imports


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from flask import Flask\n", "from flask import Flask, render_template\n"),
        ("from flask import url_for\n", "from flask import render_template, url_for\n"),
        ("from flask import a, url_for\n", "from flask import a, render_template, url_for\n"),
        ("from flask import url_for, a\n", "from flask import url_for, a, render_template\n"),
        (
            "from flask import (\n    Flask,\n    url_for,\n)\n",
            "from flask import (\n    Flask,\n    render_template,\n    url_for,\n)\n",
        ),
        (
            "from flask import (\n    Flask,\n    a,\n)\n",
            "from flask import (\n    Flask,\n    a,\n    render_template,\n)\n",
        ),
        ("from flask import render_template\n", "from flask import render_template\n"),
        ("from flask import *\n", "from flask import *\n"),
        ('"""Doc."""\nx = 1\n', '"""Doc."""\n\nfrom flask import render_template\n\nx = 1\n'),
        ('"""Doc."""\n\n\nx = 1\n', '"""Doc."""\n\nfrom flask import render_template\n\n\nx = 1\n'),
        ("x = 1\n", "from flask import render_template\n\nx = 1\n"),
        ("# Licence\nx = 1\n", "# Licence\nfrom flask import render_template\n\nx = 1\n"),
        ("class X:\n    pass\n", "from flask import render_template\n\n\nclass X:\n    pass\n"),
        ("def x():\n    pass\n", "from flask import render_template\n\n\ndef x():\n    pass\n"),
        ("@x\ndef x():\n    pass\n", "from flask import render_template\n\n\n@x\ndef x():\n    pass\n"),
        ("import os\nx = 1\n", "import os\nfrom flask import render_template\nx = 1\n"),
    ],
)
def test_import_of_a_name(old: str, new: str) -> None:
    source = Source(old)

    source.import_name("flask", "render_template")

    assert source.text == new


# https


def test_certificate_is_for_this_machine_and_stays_out_of_the_repository(folder: Path) -> None:
    write(folder / "app.py", APP)

    result = run("--no-example", "--no-layout")

    certs = folder / "certs"
    context = ssl.create_default_context(cafile=str(certs / "ca.pem"))
    context.load_cert_chain(certs / "localhost.pem", certs / "localhost-key.pem")
    assert stat.S_IMODE(os.stat(certs / "localhost-key.pem").st_mode) == 0o600
    assert (certs / ".gitignore").read_text() == "*\n"
    assert result.output.endswith(
        'Run it: gunicorn --certfile certs/localhost.pem --keyfile certs/localhost-key.pem "app:app"\n'
        "Open https://127.0.0.1:8000/\n"
    )


def test_without_trustme_the_command_of_mkcert_is_printed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "app.py", APP)
    without(monkeypatch, "trustme", "gunicorn")

    result = run("--no-example", "--no-layout")

    assert (
        "mkcert -cert-file certs/localhost.pem -key-file certs/localhost-key.pem localhost 127.0.0.1 ::1"
        in result.output
    )
    assert not (folder / "certs").exists()
    assert result.output.endswith("Run it: flask --app app:app run --port 8000\nOpen http://127.0.0.1:8000/\n")


def test_development_server_gets_the_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "gunicorn")

    line = https.run_line("shop:create_app", is_factory=True, has_certificate=True)

    assert line == (
        "flask --app shop:create_app run --port 8000 --cert certs/localhost.pem --key certs/localhost-key.pem"
    )


def test_server_with_http2_is_named_where_it_is_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "app.py", APP)
    options = "--interface wsgi --blocking-threads 20"
    certificate = "--ssl-certificate certs/localhost.pem --ssl-keyfile certs/localhost-key.pem --port 8000"
    monkeypatch.setattr("flask_datastar.cli.https.find_spec", lambda name: name)

    result = run("--no-example", "--no-layout")

    assert f"Or over HTTP/2: granian {options} {certificate} app:app\n" in result.output
    line = https.http2_line("shop:create_app", is_factory=True)
    assert line == f"granian {options} --factory {certificate} shop:create_app"
    without(monkeypatch, "granian")
    assert https.http2_line("app:app", is_factory=False) is None
