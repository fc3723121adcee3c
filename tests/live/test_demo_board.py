"""The shared board: what one browser changes appears in all others, and nobody's typing is disturbed."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.live.board import add, cards, delete, join_board
from tests.live.noise import NOBODY_THERE
from tests.live.servers import DEADLINE_SECONDS, Server

Join = Callable[[str], Page]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("board") / "board.sqlite"


@pytest.fixture
def send_buffer() -> int | None:
    return None


@pytest.fixture
def server(servers, database, send_buffer) -> Server:
    server = servers.start(
        "example:create_app()",
        send_buffer=send_buffer,
        EXAMPLE_SECRET_KEY="only for tests",
        EXAMPLE_SQLALCHEMY_DATABASE_URI=f"sqlite:///{database}",
        EXAMPLE_DATASTAR_RESTART_SPREAD_SECONDS="2",
        # The visitors of one test are gone before the next one counts its own.
        EXAMPLE_DATASTAR_PRESENCE_LINGER_SECONDS="0.2",
    )
    with sqlite3.connect(database, timeout=DEADLINE_SECONDS) as connection:
        connection.executescript("delete from card; delete from change; delete from notice")
    return server


@pytest.fixture
def join(server, ann, bob) -> Join:
    """Let Ann or Bob, who stay from test to test, join the board."""
    return lambda name: join_board({"Ann": ann, "Bob": bob}[name], server.url, name)


def test_two_browsers_edit_the_board_together(join):
    ann, bob = join("Ann"), join("Bob")
    for page in (ann, bob):
        expect(page.locator("#people")).to_have_text("Here now: Ann, Bob")

    add(ann, "Milk")
    add(bob, "<b>Bread</b> & 'butter'")
    for page in (ann, bob):
        expect(cards(page, "To do")).to_have_text(["Milk", "<b>Bread</b> & 'butter'"])
        expect(page.locator("#board .hint")).to_have_text(["Ann", "Bob"])

    bob.get_by_role("button", name="Move on: Milk").click()
    for page in (ann, bob):
        expect(cards(page, "To do")).to_have_text(["<b>Bread</b> & 'butter'"])
        expect(cards(page, "Doing")).to_have_text(["Milk"])

    ann.get_by_role("button", name="Edit: <b>Bread</b>").click()
    expect(ann.get_by_label("Change the card")).to_be_focused()
    expect(ann.get_by_label("Change the card")).to_have_value("<b>Bread</b> & 'butter'")
    ann.get_by_label("Change the card").fill("Bread")
    ann.get_by_role("button", name="Save").click()
    for page in (ann, bob):
        expect(cards(page, "To do")).to_have_text(["Bread"])
    expect(ann.get_by_label("New card")).to_have_value("")

    ann.get_by_role("button", name="Move on: Milk").click()
    expect(cards(bob, "Done")).to_have_text(["Milk"])
    delete(bob, "Milk")
    for page in (ann, bob):
        expect(cards(page, "Done")).to_have_text([])
        expect(cards(page, "To do")).to_have_text(["Bread"])


def test_changes_of_others_leave_typing_and_focus_alone(join):
    ann, bob = join("Ann"), join("Bob")
    add(ann, "Milk")
    expect(cards(bob, "To do")).to_have_text(["Milk"])

    bob.get_by_label("New card").fill("half a sent")
    bob.get_by_role("button", name="Edit: Milk").focus()
    add(ann, "Bread")

    expect(cards(bob, "To do")).to_have_text(["Milk", "Bread"])
    expect(bob.get_by_label("New card")).to_have_value("half a sent")
    expect(bob.get_by_role("button", name="Edit: Milk")).to_be_focused()


def test_card_deleted_while_it_is_edited_is_saved_anew(join):
    ann, bob = join("Ann"), join("Bob")
    add(ann, "Milk")
    bob.get_by_role("button", name="Edit: Milk").click()
    delete(ann, "Milk")
    expect(cards(bob, "To do")).to_have_text([])

    bob.get_by_label("Change the card").fill("Oat milk")
    bob.get_by_role("button", name="Save").click()

    expect(cards(ann, "To do")).to_have_text(["Oat milk"])


def test_who_leaves_is_no_longer_there(join):
    ann, bob = join("Ann"), join("Bob")
    second_tab = bob.context.new_page()
    second_tab.goto(bob.url)
    expect(second_tab.locator("#people")).to_have_text("Here now: Ann, Bob")

    second_tab.goto("about:blank")
    add(bob, "one tab is left")
    expect(cards(ann, "To do")).to_have_text(["one tab is left"])
    expect(ann.locator("#people")).to_have_text("Here now: Ann, Bob")

    bob.goto("about:blank")
    expect(ann.locator("#people")).to_have_text("Here now: Ann")


def test_board_goes_on_after_the_server_was_restarted(server, database, join, noise):
    ann, bob = join("Ann"), join("Bob")
    add(ann, "Milk")
    expect(cards(bob, "To do")).to_have_text(["Milk"])
    noise.accept_in_browser(NOBODY_THERE)

    server.stop()
    # Written by somebody who did not come by this server: the pages show it all the same.
    with sqlite3.connect(database, timeout=DEADLINE_SECONDS) as connection:
        connection.execute("update card set text = 'Oat milk'")
    server.start_again()

    for page in (ann, bob):
        expect(cards(page, "To do")).to_have_text(["Oat milk"])
        # In the order in which they came back.
        expect(page.locator("#people")).to_have_text(re.compile("Here now: (Ann, Bob|Bob, Ann)"))
    add(bob, "Bread")
    expect(cards(ann, "To do")).to_have_text(["Oat milk", "Bread"])


def test_leaving_the_board_asks_all_tabs_for_a_name(server, join):
    ann, bob = join("Ann"), join("Bob")
    second_tab = bob.context.new_page()
    second_tab.goto(bob.url)
    expect(second_tab.locator("#people")).to_have_text("Here now: Ann, Bob")

    bob.get_by_role("button", name="Leave").click()

    expect(bob.get_by_label("Your name")).to_be_visible()
    expect(ann.locator("#people")).to_have_text("Here now: Ann")
    # Its stream was ended, came back without the session, and was answered with the way to the page that asks.
    expect(second_tab.get_by_label("Your name")).to_be_visible()


def request(server: Server, path: str, cookie: str, signals: dict[str, object]) -> tuple[str, str]:
    """Post signals; return the answer and the session's cookie."""
    call = urllib.request.Request(
        server.url + path,
        data=json.dumps(signals).encode(),
        headers={"Content-Type": "application/json", "Datastar-Request": "true", "Cookie": cookie},
    )
    with urllib.request.urlopen(call, timeout=DEADLINE_SECONDS) as response:
        return response.read().decode(), (response.headers["Set-Cookie"] or "").split(";")[0]


@pytest.fixture
def open_streams(server) -> Iterator[Callable[..., list[socket.socket]]]:
    """Open streams of the board with bare sockets, as so many tabs."""
    address = urlsplit(server.url)
    connections: list[socket.socket] = []

    def open_streams(count: int, cookies: list[str], receive_buffer: int = 0) -> list[socket.socket]:
        opened = []
        for number in range(count):
            connection = socket.socket()
            connections.append(connection)
            if receive_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            connection.settimeout(DEADLINE_SECONDS)
            connection.connect((address.hostname, address.port))
            signals = quote(json.dumps({"tabId": f"tab{len(connections)}.page"}))
            lines = [
                f"GET /board?datastar={signals} HTTP/1.1",
                f"Host: {address.netloc}",
                "Datastar-Request: true",
                # Says nothing of what the page shows, so that everything is sent.
                "Datastar-Live:",
                f"Cookie: {cookies[number % len(cookies)]}",
            ]
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            opened.append(connection)
        return opened

    yield open_streams
    for connection in connections:
        connection.close()


def read_until(connection: socket.socket, text: str) -> None:
    received = b""
    while text.encode() not in received:
        part = connection.recv(65536)
        assert part, f"the stream has ended without {text!r}: {received.decode()}"
        received += part


def make_cookies(server: Server, count: int) -> list[str]:
    """Join as so many people: one alone may not have more than twenty streams."""
    return [request(server, "ds/board/join", "", {"name": f"Person {number}"})[1] for number in range(count)]


def test_300_open_streams_share_5_connections_of_the_database(server, open_streams):
    cookies = make_cookies(server, 20)
    streams = open_streams(300, cookies)
    # Each has rendered the board once, and waits.
    for stream in streams:
        read_until(stream, "Here now")

    for text in ("first change", "second change"):
        request(server, "ds/board/save", cookies[0], {"text": text})
        for stream in streams:
            read_until(stream, text)
    # Pages get their connection, too.
    with urllib.request.urlopen(f"{server.url}board", timeout=DEADLINE_SECONDS) as response:
        assert response.status == 200
    assert "QueuePool limit" not in server.log()
    for stream in streams:
        stream.close()


@pytest.mark.parametrize("send_buffer", [16_384])
def test_clients_that_do_not_read_hold_no_connection_of_the_database(server, database, open_streams):
    (cookie,) = make_cookies(server, 1)
    # Large enough that what is sent of the board waits for the client.
    with sqlite3.connect(database, timeout=DEADLINE_SECONDS) as connection:
        cards = [(f"{number} {'x' * 190}", "Ann", 0) for number in range(100)]
        connection.executemany('insert into card (text, author, "column") values (?, ?, ?)', cards)
    # More than the pool has connections.
    slow = open_streams(8, [cookie], receive_buffer=4096)
    (reader,) = open_streams(1, [cookie])
    read_until(reader, "Here now")

    for number in range(3):
        text = f"change {number}"
        request(server, "ds/board/save", cookie, {"text": text})
        read_until(reader, text)
    assert len(slow) == 8
    assert "QueuePool limit" not in server.log()


def test_notices_reach_their_person_alone(join):
    ann, bob = join("Ann"), join("Bob")
    second_tab = ann.context.new_page()
    second_tab.goto(ann.url)
    add(ann, "Milk")
    add(bob, "Bread")
    expect(cards(ann, "To do")).to_have_text(["Milk", "Bread"])

    bob.get_by_role("button", name="Move on: Milk").click()
    bob.get_by_role("button", name="Move on: Bread").click()
    expect(cards(ann, "Doing")).to_have_text(["Milk", "Bread"])
    delete(bob, "Milk")
    for page in (ann, second_tab):
        expect(page.locator("#notices .flash")).to_contain_text(
            ["Bob deleted your card: Milk", "Bob moved your card to “Doing”: Milk"]
        )
    # Nobody is told of what was done by Bob himself, and nobody but Ann of what was done to her cards.
    expect(bob.locator("#notices .flash")).to_have_count(0)

    ann.get_by_role("button", name="Dismiss: Bob deleted").click()
    for page in (ann, second_tab):
        expect(page.locator("#notices .flash")).to_contain_text(["Bob moved your card"])


def test_notices_of_others_cannot_be_dismissed(server, join, database):
    ann, bob = join("Ann"), join("Bob")
    add(ann, "Milk")
    delete(bob, "Milk")
    expect(ann.locator("#notices .flash")).to_have_count(1)
    with sqlite3.connect(database, timeout=DEADLINE_SECONDS) as connection:
        ((number,),) = connection.execute("select max(id) from notice")

    cookie = "; ".join(f"{one['name']}={one['value']}" for one in bob.context.cookies())
    request(server, f"ds/board/dismiss?notice={number}", cookie, {})
    ann.reload()

    expect(ann.locator("#notices .flash")).to_have_count(1)


def test_card_that_is_moved_by_keys_keeps_the_focus(join):
    ann = join("Ann")
    add(ann, "Milk")
    ann.get_by_role("button", name="Move on: Milk").focus()
    ann.keyboard.press("Enter")
    expect(cards(ann, "Doing")).to_have_text(["Milk"])
    expect(ann.get_by_role("button", name="Move on: Milk")).to_be_focused()
    ann.get_by_role("button", name="Move back: Milk").press("Enter")

    expect(cards(ann, "To do")).to_have_text(["Milk"])
