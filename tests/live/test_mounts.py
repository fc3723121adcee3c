"""The example below a prefix: pages, files and actions hold without a change."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect


def start_by_script_name(servers) -> str:
    return servers.start("example:create_app()", mount="/mount").url


def start_by_middleware(servers) -> str:
    return f"{servers.start('tests.live.apps.mounted:app').url}some/mount/"


@pytest.mark.parametrize("start", [start_by_script_name, start_by_middleware], ids=["SCRIPT_NAME", "middleware"])
def test_mounted_demos_work(servers, page, start):
    url = start(servers)
    page.goto(url)
    page.get_by_role("main").get_by_role("link", name="Counter").click()
    page.wait_for_url("**/counter")
    page.click("#increment")
    expect(page.locator("#count")).to_have_text("1")
    page.click("#finish")
    page.wait_for_url(url)
    expect(page.get_by_text("You counted to 1.")).to_be_visible()

    page.get_by_role("navigation").get_by_role("link", name="Search").click()
    page.wait_for_url("**/search")
    page.get_by_label("City or country").fill("tokyo")
    expect(page.locator("#cities > li")).to_have_count(1)

    page.wait_for_url(f"{url}search?q=tokyo")
