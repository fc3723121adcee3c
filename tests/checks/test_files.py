"""The files that are checked, and those that are left out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from flask_datastar.checks import files as files_of_apps
from tests.checks.conftest import CheckSite

WRONG = 'from flask_datastar import Datastar\ndatastar = Datastar()\nx = "<p data-on-click=\\"$x = 1\\">"\n'


def test_files_that_are_not_the_apps_are_left_out(check_site: CheckSite) -> None:
    files = {
        "test_shop.py": WRONG,
        "conftest.py": WRONG,
        "tests/shop.py": WRONG,
        "env/pyvenv.cfg": "",
        "env/shop.py": WRONG,
        ".hidden/shop.py": WRONG,
        "node_modules/x/shop.py": WRONG,
        "other/shop.py": WRONG,
        "broken.py": "def",
        "latin.py": "# \udce4",
    }
    files = {name: text.replace("\udce4", "?") for name, text in files.items()}

    assert check_site("import test_shop, conftest", files=files) == []


def test_a_module_that_is_imported_later_counts_for_what_it_sets(check_site: CheckSite) -> None:
    python = """
    @app.get("/")
    def page():
        from later import show
        show()
        return render_template("page.html")

    @datastar.handler(group="a")
    def save(count: int = 0): ...
    """
    later = "from flask_datastar import Datastar\\ndef show(): datastar.signal('count', 1)".replace("\\n", "\n")

    assert check_site(python, files={"later.py": later}, page="{{ datastar.post('save') }}") == []


def test_templates_in_python_are_read_where_they_stand(check_site: CheckSite) -> None:
    found = check_site(
        """
        from flask import render_template_string
        from jinja2 import DictLoader

        app.jinja_loader = DictLoader({"a.html": "{{ datastar.post(‸'missing') }}"})

        @app.get("/")
        def page():
            return render_template_string(\"\"\"
              <p ‸data-on-click="{{ datastar.post(‸'gone') }}"></p>\"\"\", x="{{ not a template")
        """
    )

    assert found.places == found.expected


def test_lines_may_end_as_on_windows(check_site: CheckSite) -> None:
    found = check_site(page="<p>\r\n<b>\r\n  <i ‸data-txt='$x'>\r\n")

    assert found.places == found.expected


def test_attributes_of_plugins_are_accepted(check_site: CheckSite) -> None:
    assert len(check_site(page="<p data-tooltip:top='$x'>")) == 1
    assert check_site(page="<p data-tooltip:top='$x'>", attributes=("data-tooltip",)) == []


def test_pro_and_aliased_bundles_are_recognised(check_site: CheckSite) -> None:
    pro = 'app = Flask(__name__)\ndatastar = Datastar(app, script_url="/static/datastar-pro.js")'
    aliased = 'app = Flask(__name__)\ndatastar = Datastar(app, script_url="/static/datastar-aliased.js")'

    assert len(check_site(page="<p data-persist>")) == 1
    assert check_site(pro, page="<p data-persist>") == []
    found = check_site(aliased, page="<p data-on-click='$x'> <p ‸data-star-on-click='$x'>")
    assert found.places == found.expected


@pytest.mark.parametrize("prefix", ["data-", "data-star-"])
def test_signals_and_ids_of_both_bundles_are_read(check_site: CheckSite, prefix: str) -> None:
    python = """
        app = Flask(__name__)
        datastar = Datastar(app, script_url="/static/BUNDLE.js")

        @app.get("/")
        def page(): return render_template("page.html")

        @datastar.handler(group="a")
        def save(title: str, is_open: bool, step: int, ‸cuont: int = 0):
            datastar.patch_elements('<i data-text="$isShut">', to="clock", mode="inner")
            datastar.patch_elements("<i>", to=title, mode="inner")
            datastar.patch_elements("<i>", to=‸"clok", mode="inner")
        """
    page = """
        <form data-signals:count="0" data-signals="{step: 1, isShut: true}"
              data-on:submit="{{ datastar.post('save') }}">
        <input data-bind="title"> <input data-bind:is_open> <b id="clock" data-text="‸$stepp.more"></b>
        """

    found = check_site(
        python.replace("BUNDLE", "datastar-aliased" if prefix == "data-star-" else "datastar").replace("data-", prefix),
        page=page.replace("data-", prefix),
    )

    assert found.places == found.expected, found


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("data-star-txt='$x'", "did you mean data-star-text?"),
        ("data-star-on-click='$x'", "write data-star-on:click"),
        ("data-star-text:key='$x'", 'write data-star-text="…"'),
    ],
)
def test_advice_names_the_attributes_of_an_aliased_bundle(check_site: CheckSite, written: str, advice: str) -> None:
    aliased = 'app = Flask(__name__)\ndatastar = Datastar(app, script_url="/static/datastar-aliased.js")'

    (text,) = check_site(aliased, page=f"<p {written}>")

    assert text.endswith(advice)


def test_attributes_in_keys_of_dicts(check_site: CheckSite) -> None:
    found = check_site(
        'x = {"data-on:click": 1, "‸data-on-click": 2, "data-id": 3}',
        page="{{ field(**{'data-bind': x, 'data-on:input__‸debonce.1s': y}) }} {% set a = 'data-bind__‸prp.x' %}",
    )

    assert found.places == found.expected


def test_strings_with_actions(check_site: CheckSite) -> None:
    found = check_site(
        """
        @datastar.handler(group="a")
        def save(): ...
        def button(x): return f'<b ‸data-txet="{datastar.post(save)}" data-test="{x}">'
        def other(x): return Markup("<b data-on:click='‸@get(`/ds/a/save`)'>{}</b>").format(x)
        """
    )

    assert found.places == found.expected


def test_files_that_cannot_be_read_are_left_out(check_site: CheckSite, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "latin.html").write_bytes("<p data-on-click='é'>".encode("latin-1"))
    (tmp_path / "latin.py").write_bytes("x = 'é'".encode("latin-1"))
    (tmp_path / "broken.py").write_text("def")
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "large.js").write_text("x" * 2_000_000)
    (tmp_path / "static" / "datastar.js").write_text("id")

    assert check_site('x = ""; y = "{{"; z = "<p>"', page="{% include 'latin.html' %}") == []


def test_an_app_that_is_installed_is_checked(
    check_site: CheckSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {"purelib": str(tmp_path.parent)}
    # Only for the check: coverage asks, too.
    monkeypatch.setattr(files_of_apps, "sysconfig", SimpleNamespace(get_paths=lambda: paths))

    found = check_site("x = \"<p ‸data-on-click='$x = 1'>\"", page="<p ‸data-on-click='$x = 1'>")

    assert sorted(found.places) == sorted(found.expected)
    # A module without a package stands among those of others.
    paths["purelib"] = str(tmp_path)
    assert check_site("x = \"<p data-on-click='$x = 1'>\"", page="") == []
