"""A release: its description can be read on a package index, and its addresses are those of the project."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

from docs import release

ROOT = Path(__file__).parents[1]
REPOSITORY = "https://code.example/owner/flask-datastar"


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def project_urls(setup: str) -> dict[str, str]:
    config = ConfigParser()
    config.read_string(setup)
    lines = config["metadata"].get("project_urls", "").split("\n")
    return {name: url for name, _, url in (line.partition(" = ") for line in lines if line)}


def targets(markdown: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", markdown)


def test_links_of_the_description_lead_to_the_tag() -> None:
    filled = release.fill_readme(read("README.md"), REPOSITORY, "v1.2.3")

    before, after = targets(read("README.md")), targets(filled)
    relative = [target for target in before if "://" not in target and not target.startswith("#")]
    assert len(relative) > 20
    assert len(after) == len(before)
    assert [target for target in after if not target.startswith(("https://", "#"))] == []
    for target in relative:
        kind = "raw" if target.endswith(".webp") else "blob"
        assert f"]({REPOSITORY}/{kind}/v1.2.3/{target})" in filled


def test_code_of_the_description_stays_as_it_is() -> None:
    fences = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

    filled = release.fill_readme(read("README.md"), REPOSITORY, "v1.2.3")

    assert fences.findall(filled) == fences.findall(read("README.md"))


def test_description_without_a_repository_has_words_instead_of_links() -> None:
    filled = release.fill_readme(
        "![Two pages](docs/a.webp)\n[Deploy](docs/a.md#b), [here](#c), [D](https://d)", "", "v1"
    )

    assert filled == "\nDeploy, [here](#c), [D](https://d)"


def test_placeholders_are_addresses_that_nobody_has() -> None:
    urls = project_urls(read("setup.cfg"))

    assert set(urls) == {"Documentation", "Source", "Changes"}
    assert [url for url in urls.values() if not url.startswith((release.REPOSITORY, release.DOCUMENTATION))] == []


def test_release_fills_the_addresses() -> None:
    urls = project_urls(release.fill_setup(read("setup.cfg"), REPOSITORY, "https://docs.example", "v1.2.3"))

    assert urls == {
        "Documentation": "https://docs.example",
        "Source": REPOSITORY,
        "Changes": f"{REPOSITORY}/blob/v1.2.3/CHANGELOG.md",
    }


def test_documentation_is_that_of_the_repository_if_there_is_no_other() -> None:
    urls = project_urls(release.fill_setup(read("setup.cfg"), REPOSITORY, "", "v1.2.3"))

    assert urls["Documentation"] == f"{REPOSITORY}/blob/v1.2.3/docs/index.md"


def test_release_without_a_repository_names_no_addresses() -> None:
    filled = release.fill_setup(read("setup.cfg"), "", "", "v1.2.3")

    assert project_urls(filled) == {}
    assert ".invalid" not in filled
    assert "\nclassifiers =\n" in filled


@pytest.mark.parametrize("typed", ["github.com/owner/name", "owner/name", "git@github.com:owner/name", "https://host"])
def test_what_is_not_an_address_is_refused(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        release.main(["--repository", typed])

    assert f"{typed!r} is not an address; write https://host/owner/name" in capsys.readouterr().err


def test_slash_at_the_end_of_an_address_is_dropped() -> None:
    assert release.address(f"{REPOSITORY}/") == REPOSITORY
