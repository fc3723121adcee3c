"""`init` in a project that has its own names, URLs and files: the sample takes none of them, and its test passes."""

from __future__ import annotations

import itertools
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_datastar.cli import https
from tests.cli.test_init_project import APP, everything, init, write
from tests.support.pages import CLIENT

_numbers = itertools.count()
FACTORY = "from flask import Flask\n\n\ndef create_app():\n    app = Flask(__name__)\n    return app\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's project, whose modules are forgotten after the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLASK_APP", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for module in set(sys.modules) - before:
        if module.startswith("init_"):
            del sys.modules[module]


@pytest.fixture
def name(folder: Path) -> str:
    """The name of the user's module, which no other test has."""
    (folder / "static").mkdir()
    shutil.copy(CLIENT, folder / "static" / "datastar.js")
    return f"init_app_{next(_numbers)}"


def passes(folder: Path, **fixtures: object) -> None:
    """Run the sample's test."""
    tests = runpy.run_path(str(folder / "tests" / "test_sample.py"))
    names = [name for name in tests if name.startswith("test_")]
    assert names
    for each in names:
        tests[each](**fixtures)


# Names


@pytest.mark.parametrize(
    "own",
    [
        "messages = []\n\n\n@app.get('/mine')\ndef mine():\n    return {'found': messages}\n",
        "def say(text):\n    return text\n\n\n@app.get('/mine')\ndef mine():\n    return {'found': say([])}\n",
        "sample = []\n\n\n@app.get('/mine')\ndef mine():\n    return {'found': sample}\n",
        "@app.get('/mine', endpoint='sample')\ndef mine():\n    return {'found': []}\n",
        "def mine():\n    return {'found': []}\n\n\napp.add_url_rule('/mine', 'sample', mine)\n",
        "datastar = []\n\n\n@app.get('/mine')\ndef mine():\n    return {'found': datastar}\n",
        "def render_template(name):\n    return []\n\n\n@app.get('/mine')\ndef mine():\n"
        "    return {'found': render_template('')}\n",
        "import json as messages, string as say\nsample_messages = sample_say = sample_page = sample = []\n\n\n"
        "@app.get('/mine')\ndef mine():\n    return {'found': sample, 'x': [messages.dumps(1), say.digits][:0]}\n",
        "@app.get('/mine')\ndef mine():\n    return {'found': list(all.messages)}\n\n\nclass all:\n    messages = ()\n",
    ],
)
def test_names_of_the_user_keep_their_meaning(folder: Path, name: str, own: str) -> None:
    write(folder / f"{name}.py", f"{APP}\n\n{own}")

    result = init()
    again = init()

    assert result.exit_code == 0, result.output
    found = runpy.run_path(str(folder / f"{name}.py"))["app"].test_client().get("/mine").json["found"]
    assert found == []
    passes(folder)
    assert not any(line.endswith(("changed", "created")) for line in again.output.splitlines())


def test_free_names_are_those_of_the_reference(folder: Path, name: str) -> None:
    app = write(folder / f"{name}.py", f"{APP}\nmessages = []\n")

    init()

    assert '@datastar.stream(group="sample")\ndef sample_messages():\n' in app.read_text()
    assert "def say(text" in app.read_text()
    assert "open_stream('sample.sample_messages')" in (folder / "templates" / "sample.html").read_text()


def test_names_that_cannot_be_known_are_avoided(folder: Path, name: str) -> None:
    write(folder / "init_words.py", "messages = say = sample = 'mine'\n")
    app = write(
        folder / f"{name}.py", f"from init_words import *\n{APP}\n@app.get('/mine')\ndef mine():\n    return say\n"
    )

    init()

    assert "def sample_messages()" in app.read_text()
    assert runpy.run_path(str(app))["app"].test_client().get("/mine").text == "mine"
    passes(folder)


def test_alias_of_an_import_is_another_name(folder: Path, name: str) -> None:
    write(folder / f"{name}.py", APP.replace("import Flask", "import Flask, render_template as render"))

    init()

    passes(folder)


def test_name_of_the_extension_is_free_in_both_files_of_a_factory(folder: Path, name: str) -> None:
    package = folder / name
    write(
        package / "__init__.py",
        "from flask import Flask\nfrom .parts import db\n\ndatastar = 1\n\n\n"
        "def create_app():\n    app = Flask(__name__)\n    db.init_app(app)\n\n"
        "    @app.get('/mine')\n    def mine():\n        return str(datastar)\n\n    return app\n",
    )
    write(package / "parts.py", "class Db:\n    def init_app(self, app):\n        pass\n\n\ndb = Db()\n")

    result = init()

    assert result.exit_code == 0, result.output
    module = __import__(name)
    assert module.create_app().test_client().get("/mine").text == "1"
    passes(folder)


# What stands in the way


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("{0}.py", f"{APP}\n\n@app.get('/sample')\ndef other():\n    return ''\n", '{0}.py has "/sample"'),
        ("views/shop.py", "@bp.get('/sample/')\ndef other():\n    return ''\n", 'views/shop.py has "/sample"'),
        (
            "more.py",
            "@stars.handler(group='sample')\ndef buy():\n    pass\n",
            'more.py has a group or a blueprint "sample"',
        ),
        ("templates/sample.html", "<p>Mine</p>", "templates/sample.html is a file of yours"),
        ("tests/test_sample.py", "def test_mine():\n    pass\n", "tests/test_sample.py is a file of yours"),
    ],
)
def test_sample_is_added_whole_or_not_at_all(folder: Path, name: str, path: str, text: str, why: str) -> None:
    app = write(folder / f"{name}.py", APP)
    own = write(folder / path.format(name), text)
    before = everything(folder)

    result = init("--no-layout")

    assert result.exit_code == 0
    assert f"The sample is left out, because its place is taken: {why.format(name)}.\n" in result.output
    assert result.output.endswith("Open http://127.0.0.1:8000/\n")
    assert set(everything(folder)) == set(before)
    assert own == app or own.read_text() == text
    assert "datastar.stream" not in app.read_text()
    assert "Datastar(app" in app.read_text()


@pytest.mark.parametrize("path", ["sample.py", "sample/__init__.py"])
def test_module_of_the_user_is_not_taken_for_the_sample(folder: Path, name: str, path: str) -> None:
    write(folder / name / "__init__.py", FACTORY)
    own = write(folder / name / path, "x = 1\n")

    result = init()

    assert f"{name}/{path} is a file of yours" in result.output
    assert own.read_text() == "x = 1\n"
    assert "register_blueprint" not in (folder / name / "__init__.py").read_text()
    assert not (folder / "tests").exists()


def test_url_and_endpoint_of_a_loaded_app_are_seen(folder: Path, name: str) -> None:
    own = "from flask_datastar import Datastar\n\ndatastar = Datastar(app)\n"
    for path, endpoint in [("/sample", "mine"), ("/mine", "sample")]:
        text = f"{APP}{own}app.add_url_rule('/' + {path[1:]!r}, ''.join([{endpoint!r}]), lambda: 'mine')\n"
        app = write(folder / f"{name}_{endpoint}.py", text)
        runner = __import__(f"{name}_{endpoint}").app.test_cli_runner()

        result = runner.invoke(args=["datastar", "init", "--no-https", "--no-gunicorn"])

        is_taken = path == "/sample"
        assert ('the application has a URL rule "/sample"' in result.output) == is_taken, result.output
        assert ("def sample_page()" in app.read_text()) == (not is_taken)
        assert (folder / "templates" / "sample.html").exists() == (not is_taken)


def test_environments_and_tests_do_not_stand_in_the_way(folder: Path, name: str) -> None:
    write(folder / f"{name}.py", APP)
    write(folder / "env" / "pyvenv.cfg", "")
    for path in ("env/x.py", "tests/test_x.py", ".tox/x.py", "test_y.py"):
        write(folder / path, "'/sample'")

    init()

    passes(folder)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            f"from flask_datastar import Datastar\n{FACTORY}".replace("    return", "    Datastar(app)\n    return"),
            "its Datastar has no name at the top level of a file",
        ),
        (f"import flask_datastar as ds\n{APP}\nds.Datastar(app)\n", "its Datastar has no name"),
        (f"{APP}\n\nclass Datastar:\n    pass\n\n\ntwo = Datastar()\n", "it has another Datastar than"),
        (f"from init_words import Datastar\n{APP}", "it has another Datastar than"),
    ],
)
def test_second_datastar_is_not_added(folder: Path, name: str, text: str, why: str) -> None:
    app = write(folder / f"{name}.py", text)

    result = init("--no-layout")

    assert result.exit_code == 0, result.output
    assert f"{name}.py: not changed, because {why}" in result.output
    assert app.read_text() == text
    assert not (folder / "tests").exists()


def test_instance_by_another_name_of_the_package_is_found(folder: Path, name: str) -> None:
    app = write(folder / f"{name}.py", f"import flask_datastar as ds\n{APP}\nstars = ds.Datastar(app)\n")

    init()

    assert f"stars = ds.Datastar(app, {URL})" in app.read_text()
    passes(folder)


# The layout


HEAD = "<html><head><title>Shop</title></head><body>{% block content %}{% endblock %}</body></html>"


@pytest.mark.parametrize(
    "templates",
    [
        {},
        {"site.html": HEAD},
        {"one.html": HEAD, "two.html": HEAD},
        {"site.html": HEAD.replace("</head>", "{{ datastar.script() }}</head>")},
    ],
)
def test_sample_works_although_templates_are_left_alone(folder: Path, name: str, templates: dict[str, str]) -> None:
    write(folder / f"{name}.py", APP)
    for path, text in templates.items():
        write(folder / "templates" / path, text)

    result = init("--no-layout")
    again = init("--no-layout")

    assert (result.exit_code, again.exit_code) == (0, 0), result.output
    assert {path: (folder / "templates" / path).read_text() for path in templates} == templates
    assert ("{% extends" in (folder / "templates" / "sample.html").read_text()) == ("datastar" in str(templates))
    passes(folder)


@pytest.mark.parametrize(
    "text",
    [
        "<head></head><body data-on:datastar-fetch='x'></body>",
        "<head></head><body></body>",
        # Two heads, so that the layout does not get the client.
        "{% if a %}<head></head>{% else %}<head></head>{% endif %}<body>{% block content %}{% endblock %}</body>",
    ],
)
def test_page_of_its_own_has_all_that_it_includes(folder: Path, name: str, text: str) -> None:
    write(folder / f"{name}.py", APP)
    write(folder / "templates" / "site.html", text)

    first = init("--no-fetch-client")
    before = everything(folder)
    second = init("--no-fetch-client")

    assert (first.exit_code, second.exit_code) == (0, 0), second.output
    assert first.output.count("datastar_errors.html: created") == 1
    assert everything(folder) == before
    passes(folder)


def test_template_of_the_user_is_not_the_new_layout(folder: Path, name: str) -> None:
    write(folder / f"{name}.py", APP)
    own = write(folder / "templates" / "base.html", "<p>{% block content %}{% endblock %}</p>")

    result = init()

    assert "templates/layout.html: created" in result.output
    assert own.read_text() == "<p>{% block content %}{% endblock %}</p>"
    passes(folder)


def test_layout_is_created_without_the_sample_too(folder: Path, name: str) -> None:
    write(folder / f"{name}.py", APP)

    result = init("--no-example", "--no-stream-dedup")

    text = (folder / "templates" / "base.html").read_text()
    assert "datastar.script()" in text
    assert "tab_signal" not in text + result.output
    assert (folder / "templates" / "datastar_errors.html").exists()
    assert not (folder / "templates" / "sample.html").exists()


def test_named_layout_that_is_missing_stops_before_any_change(folder: Path, name: str) -> None:
    write(folder / f"{name}.py", APP)
    before = everything(folder)

    result = init("--no-layout", "--layout", "site.html")

    assert result.exit_code == 1
    assert everything(folder) == before


@pytest.mark.parametrize("options", [[], ["--no-stream-dedup"]])
def test_parts_to_add_by_hand_are_those_that_are_wanted(folder: Path, options: list[str]) -> None:
    write(folder / "app.py", "app, x = Flask(__name__), 1\n")

    result = init("--no-fetch-client", *options)

    assert "{{ datastar.script() }} to the <head> of your layout" in result.output
    assert ("tab_signal" in result.output) == (not options)


# A client that comes later

URL = 'script_url="/static/datastar.js"'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("datastar = Datastar(app)", f"datastar = Datastar(app, {URL})"),
        ("datastar = Datastar()\ndatastar.init_app(app)", f"datastar = Datastar({URL})\ndatastar.init_app(app)"),
        ("datastar: Datastar = Datastar(app,)", f"datastar: Datastar = Datastar(app, {URL},)"),
        (
            "datastar = Datastar(  # one\n    app,\n    tokens=False,  # two\n)",
            f"datastar = Datastar(  # one\n    app,\n    tokens=False,  # two\n    {URL},\n)",
        ),
        (
            "datastar = Datastar(\n    app  # one\n)",
            f"datastar = Datastar(\n    app,  # one\n    {URL}\n)",
        ),
        ("datastar = flask_datastar.Datastar(app)", f"datastar = flask_datastar.Datastar(app, {URL})"),
        # A URL of the user's.
        ("datastar = Datastar(app, script_url='/own.js')", None),
        ("app.config['DATASTAR_SCRIPT_URL'] = '/own.js'\ndatastar = Datastar(app)", None),
    ],
)
def test_client_that_comes_later_is_served(folder: Path, name: str, old: str, new: str | None) -> None:
    start = "from flask import Flask\nfrom flask_datastar import Datastar\n\napp = Flask(__name__)\n"
    app = write(folder / f"{name}.py", start + old + "\n")

    result = init("--no-example")
    before = everything(folder)
    init("--no-example")

    assert result.exit_code == 0
    assert app.read_text() == start + (new or old) + "\n"
    assert everything(folder) == before


def test_offline_run_and_a_second_one_with_the_client(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = folder / "static" / "datastar.js"
    client.rename(folder / "client")
    app = write(folder / f"{name}.py", APP)

    def urlopen(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("flask_datastar.cli.client.urlopen", urlopen)
    offline = init()
    (folder / "client").rename(client)
    online = init()

    assert "run this command again when it is there" in offline.output
    assert "Datastar(app)" not in app.read_text()
    assert f"{name}.py: changed" in online.output
    assert f"datastar = Datastar(app, {URL})" in app.read_text()


def test_client_that_comes_later_is_served_by_an_app_that_is_loaded(folder: Path, name: str) -> None:
    app = write(folder / f"{name}.py", f"{APP}\n\nfrom flask_datastar import Datastar\ndatastar = Datastar(app)\n")
    loaded = __import__(name).app

    result = loaded.test_cli_runner().invoke(args=["datastar", "init", "--no-https", "--no-gunicorn", "--no-example"])

    assert result.exit_code == 0, result.output
    assert f"Datastar(app, {URL})" in app.read_text()


def test_url_that_cannot_be_added_is_printed(folder: Path, name: str) -> None:
    text = "from flask_datastar import Datastar\n\nmade = [None]\ndatastar = Datastar(app) if app else None\n"
    write(folder / f"{name}.py", APP + text)

    result = init("--no-example")

    assert '    To serve it: DATASTAR_SCRIPT_URL = "/static/datastar.js"\n' in result.output


# The sample's test

SHOP = FACTORY.replace("create_app()", "create_app(config=None)").replace(
    "    return", "    app.config['DATABASE'] = 'shop.db'\n    open('shop.db', 'w').close()\n    return"
)
FIXTURE = "import pytest\n\n\n@pytest.fixture{0}\ndef {1}():\n    yield None\n"


@pytest.mark.parametrize(
    ("path", "text", "is_used"),
    [
        ("tests/conftest.py", FIXTURE.format("", "app"), True),
        ("conftest.py", FIXTURE.format('(scope="session", name="app")', "made"), True),
        ("tests/conftest.py", FIXTURE.format("", "client"), False),
        ("tests/conftest.py", "def app():\n    pass\n", False),
        ("tests/conftest.py", "def app(", False),
        ("README", "", False),
    ],
)
@pytest.mark.parametrize("has_client", [True, False])
def test_application_of_the_test_is_the_fixture(
    folder: Path, name: str, path: str, text: str, is_used: bool, has_client: bool
) -> None:
    write(folder / name / "__init__.py", SHOP)
    write(folder / path, text)
    if has_client:
        shutil.move(folder / "static", folder / name / "static")

    result = init("--no-fetch-client")
    again = init("--no-fetch-client")

    assert result.exit_code == 0, result.output
    text = (folder / "tests" / "test_sample.py").read_text()
    assert ("create_app" not in text) == is_used
    assert re.search(r"\n{4}|[^\n]\n{1,2}def test_say", text) is None
    assert ("with its database" in text) == ("with its own database" in result.output) == (not is_used)
    assert "with its own database" not in again.output
    assert not (folder / "shop.db").exists()
    passes(folder, **({"app": __import__(name).create_app()} if is_used else {}))


def test_factory_with_arguments_is_tested_through_the_fixture(folder: Path, name: str) -> None:
    write(folder / name / "__init__.py", FACTORY.replace("create_app()", "create_app(config)"))
    write(folder / "conftest.py", FIXTURE.format("", "app"))

    init("--no-fetch-client")

    passes(folder, app=__import__(name).create_app(None))


def test_missing_packages_of_the_test_are_named(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / f"{name}.py", APP)
    missing = {"pytest", "turbohtml"}
    monkeypatch.setattr("flask_datastar.cli.sample_testing.find_spec", lambda each: None if each in missing else each)

    both = init()
    missing.remove("turbohtml")
    one = init()
    (folder / "static" / "datastar.js").unlink()
    missing.add("turbohtml")
    without_client = init("--no-fetch-client")

    line = "    run it with: python -m pytest tests/test_sample.py"
    assert f'{line} (pip install pytest "Flask-Datastar[testing]")\n' in both.output
    assert f"{line} (pip install pytest)\n" in one.output
    assert f"{line} (pip install pytest)\n" in without_client.output


@pytest.mark.parametrize("tool", [None, "gunicorn"])
def test_application_below_src_is_run_and_tested_from_the_root(
    folder: Path, name: str, tool: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "src" / name / "__init__.py", FACTORY)
    monkeypatch.setattr("flask_datastar.cli.https.find_spec", lambda each: tool)

    result = init("--no-fetch-client")

    line = re.search(r"^Run it: (.*)$", result.output, re.MULTILINE)
    assert line is not None
    expected = f"flask --app src/{name}:create_app run --port 8000"
    assert line[1] == (f'gunicorn --pythonpath src "{name}:create_app()"' if tool else expected)
    command = re.search(r"run it with: python (.*)$", result.output, re.MULTILINE)
    assert command is not None
    assert command[1] == "-m pytest -o pythonpath=src tests/test_sample.py"
    if tool is None:
        # A process of its own, because pytest sets the path of its process.
        done = subprocess.run([sys.executable, *command[1].split(), "-q"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    write(folder / "pytest.ini", "[pytest]\npythonpath = src\n")
    assert "-m pytest tests/test_sample.py" in init("--no-fetch-client").output


def test_server_with_http2_finds_an_application_below_src(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_datastar.cli.https.find_spec", lambda name: name)

    line = https.http2_line("web:app", is_factory=False, source="src")

    assert line is not None
    assert line.startswith("PYTHONPATH=src granian ")
