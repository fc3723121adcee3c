"""Clicks of several processes: each runs once in all of them, and its repeats are answered by any."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, session
from werkzeug.test import TestResponse

from flask_datastar import Datastar
from flask_datastar.brokers import BrokerOptions
from flask_datastar.brokers.memory import MemoryBroker
from flask_datastar.repeats import claims, running
from flask_datastar.repeats.app import Repeats
from flask_datastar.repeats.claims import SharedClaims
from flask_datastar.repeats.clicks import Stage
from flask_datastar.repeats.owners import Owner
from flask_datastar.state.app import app_state_of
from flask_datastar.streams.current import hub_of
from flask_datastar.testing import Inbox
from tests.brokers.joined import BROKERS, URL, JoinedBroker, Line
from tests.repeats.conftest import counts, send_click
from tests.support.checks import wait_until

ANN, BOB = Owner(session="ann"), Owner(session="bob")


@pytest.fixture
def line() -> Iterator[Line]:
    yield JoinedBroker.lines.setdefault("shop", Line())
    del JoinedBroker.lines["shop"]


MakeProcess = Callable[..., Flask]


@pytest.fixture
def make_process(line: Line) -> Iterator[MakeProcess]:
    """Make apps that stand for processes of one app, each with a handler ``g:act`` of its own."""
    made: list[Flask] = []

    def make(function: Callable[[Datastar], Any], **settings: Any) -> Flask:
        app = Flask("shop")
        app.config.update(TESTING=True, SECRET_KEY="test")
        datastar = Datastar(app, broker_url=URL, brokers=BROKERS, **settings)

        @datastar.handler(group="g")
        def act() -> Any:
            return function(datastar)

        made.append(app)
        return app

    yield make
    for app in made:
        state = app_state_of(app)
        shared = state.part(Repeats).shared.get()
        if shared is not None:
            shared.close()
        hub_of(state).bus.close()


def processes(make_process: MakeProcess, function: Callable[[Datastar], Any], **settings: Any) -> tuple[Flask, Flask]:
    return make_process(function, **settings), make_process(function, **settings)


def test_repeat_in_another_process_gets_the_answer(make_process: MakeProcess) -> None:
    runs = []

    def act(datastar: Datastar) -> None:
        runs.append(1)
        session["n"] = len(runs)
        datastar.signal("n", len(runs))

    one, other = processes(make_process, act)
    first = send_click(one.test_client(), "/ds/g/act")
    for app in (other, other, one):
        repeat = send_click(app.test_client(), "/ds/g/act")
        assert (repeat.status, list(repeat.headers), repeat.data) == (first.status, list(first.headers), first.data)

    assert runs == [1]
    assert counts(other) == {"runs": 0, "answered": 2, "ignored": 0}
    # The second one was answered by its own process.
    assert counts(one) == {"runs": 1, "answered": 1, "ignored": 0}


def test_answer_that_is_too_large_for_the_broker_stays_in_its_process(make_process: MakeProcess, line: Line) -> None:
    one, other = processes(make_process, lambda datastar: f"<p id='a'>{'x' * claims.LARGEST_ANSWER}</p>")
    first = send_click(one.test_client(), "/ds/g/act")

    assert send_click(one.test_client(), "/ds/g/act").data == first.data
    repeat = send_click(other.test_client(), "/ds/g/act")
    assert (repeat.status_code, repeat.headers["Datastar-Repeat-Ignored"]) == (204, "true")
    assert max(len(value) for _, value in line.values.values()) < 1000


def test_nobody_fills_the_broker_with_answers(make_process: MakeProcess, line: Line) -> None:
    one, other = processes(make_process, lambda datastar: f"<p id='a'>{'x' * 2000}</p>", repeats_bytes=100_000)
    for number in range(200):
        assert send_click(one.test_client(), "/ds/g/act", str(number)).status_code == 200

    assert sum(len(value) for _, value in line.values.values()) < 100_000
    # What has no room is no more than the mark that it ran.
    assert send_click(other.test_client(), "/ds/g/act", "199").headers["Datastar-Repeat-Ignored"] == "true"
    assert send_click(other.test_client(), "/ds/g/act", "0").status_code == 200


def test_failed_click_may_run_in_another_process(make_process: MakeProcess) -> None:
    runs = []

    def act(datastar: Datastar) -> Any:
        runs.append(1)
        return ("", 204) if len(runs) > 1 else datastar.app_is_missing  # type: ignore[attr-defined]

    one, other = processes(make_process, act)
    one.config["PROPAGATE_EXCEPTIONS"] = False
    one.testing = False
    assert send_click(one.test_client(), "/ds/g/act").status_code == 500

    with pytest.raises(TypeError):
        send_click(other.test_client(), "/ds/g/act")
    assert len(runs) == 2


def test_repeat_waits_for_another_process(make_process: MakeProcess) -> None:
    goes_on, runs = threading.Event(), []

    def act(datastar: Datastar) -> None:
        runs.append(1)
        goes_on.wait(60)
        datastar.signal("n", len(runs))

    one, other = processes(make_process, act)
    answers: list[TestResponse] = []
    threads = [
        threading.Thread(target=lambda app=app: answers.append(send_click(app.test_client(), "/ds/g/act")))
        for app in (one, other)
    ]
    threads[0].start()
    wait_until(lambda: len(runs) == 1)
    threads[1].start()
    time.sleep(0.1)
    goes_on.set()
    for thread in threads:
        thread.join(60)

    assert runs == [1]
    assert answers[0].data == answers[1].data != b""


def test_repeat_of_a_click_that_runs_for_too_long_elsewhere_is_told_so(
    make_process: MakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "WAIT_SECONDS", 0.05)
    inner: list[TestResponse] = []

    def act(datastar: Datastar) -> None:
        inner.append(send_click(other.test_client(), "/ds/g/act"))

    one, other = processes(make_process, act)
    thread = threading.Thread(target=send_click, args=(one.test_client(), "/ds/g/act"))
    thread.start()
    thread.join(60)

    assert (inner[0].status_code, inner[0].headers["Datastar-Repeat-Ignored"]) == (503, "true")
    # It ran meanwhile; another try of the browser gets the answer.
    assert send_click(other.test_client(), "/ds/g/act").status_code == 204
    assert counts(other) == {"runs": 0, "answered": 1, "ignored": 0}


def test_foreign_session_neither_reads_nor_blocks_a_click_of_another_process(make_process: MakeProcess) -> None:
    runs: list[str] = []

    def act(datastar: Datastar) -> None:
        runs.append(session["user"])
        datastar.signal("secret", f"{session['user']}'s")

    apps = processes(make_process, act)
    browsers = {}
    for app in apps:
        for name in ("ann", "bob"):
            browsers[app, name] = app.test_client()
            with browsers[app, name].session_transaction() as its:
                its["user"] = name
    for app in apps:
        for name in ("bob", "ann"):
            assert f"{name}'s".encode() in send_click(browsers[app, name], "/ds/g/act").data

    assert runs == ["bob", "ann"]


def test_session_that_a_click_in_another_process_changed_is_known(make_process: MakeProcess) -> None:
    runs: list[str] = []

    def act(datastar: Datastar) -> None:
        runs.append("run")
        session["n"] = len(runs)

    one, other = processes(make_process, act)
    third = make_process(act)
    browser = one.test_client()
    send_click(browser, "/ds/g/act", "0", json={})
    before = browser.get_cookie("session")
    assert before is not None
    # A runs in one process, and its answer is lost; B changes the session in another.
    send_click(browser, "/ds/g/act", "a", json={})
    beside = other.test_client()
    beside.set_cookie("session", before.value)
    send_click(beside, "/ds/g/act", "b", json={})
    after = beside.get_cookie("session")
    assert after is not None
    last = third.test_client()
    last.set_cookie("session", after.value)
    send_click(last, "/ds/g/act", "a", json={})

    assert len(runs) == 3


def test_broker_that_is_away_is_no_error_and_counted(make_process: MakeProcess, line: Line) -> None:
    runs = []
    one, other = processes(make_process, lambda datastar: runs.append(1))
    with line.cut():
        for app in (one, one):
            assert send_click(app.test_client(), "/ds/g/act").status_code == 204
        assert len(runs) == 1
        # Each process knows its own.
        send_click(other.test_client(), "/ds/g/act")
        assert len(runs) == 2

    for app in (one, other):
        assert app_state_of(app).part(Repeats).stats()["broker_failed"] == 1


def test_broker_without_claims_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    class Plain(JoinedBroker):
        has_claims = False

    app = Flask("plain")
    app.config.update(TESTING=True)
    datastar = Datastar(app, broker_url="plain://", brokers={"plain": Plain})
    runs = []

    @datastar.handler(group="g")
    def act() -> None:
        runs.append(1)

    with caplog.at_level(logging.WARNING):
        for key in ("1", "1", "2"):
            send_click(app.test_client(), "/ds/g/act", key)

    assert len(runs) == 2
    assert [record.getMessage().partition(",")[0] for record in caplog.records] == [
        "Datastar: the broker Plain cannot claim clicks"
    ]
    hub_of(app_state_of(app)).bus.close()


def test_brokers_without_claims_claim_nothing() -> None:
    broker = MemoryBroker("memory://", Inbox(), BrokerOptions("shop"))

    assert broker.claim("a", b"1", 60) is broker.claim("a", b"1", 60) is broker.look_up("a") is None
    broker.keep("a", b"2", 60)
    broker.drop("a")


def test_app_without_a_broker_makes_none(app: Flask) -> None:
    assert app_state_of(app).part(Repeats).shared.get() is None


# Processes that are killed


def shared(line: Line) -> SharedClaims:
    broker = JoinedBroker(URL, Inbox(), BrokerOptions("shop"))
    return SharedClaims(broker, lambda text: f"digest-of-{text}", 60)


@pytest.fixture
def two(line: Line) -> Iterator[tuple[SharedClaims, SharedClaims]]:
    made = shared(line), shared(line)
    yield made
    for one in made:
        one.close()


def soon() -> float:
    return time.monotonic() + 60


@pytest.mark.parametrize("takes_lost", [False, True])
def test_click_of_a_process_that_is_gone_is_not_taken_for_done(
    two: tuple[SharedClaims, SharedClaims], line: Line, takes_lost: bool
) -> None:
    one, other = two
    assert one.claim("act", ANN, soon(), takes_lost=takes_lost)[1].stage is Stage.FAILED
    one.close()
    line.values.pop(f"p{one._process}")

    _, verdict = other.claim("act", ANN, soon(), takes_lost=takes_lost)

    # Without the database nobody knows whether it wrote; with it, the click may run, and the row decides.
    assert verdict.stage is (Stage.FAILED if takes_lost else Stage.RUNNING)
    assert verdict.is_lost


def test_process_says_again_and_again_that_it_lives(
    two: tuple[SharedClaims, SharedClaims], line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_ALIVE_EVERY", 0.02)
    one, _ = two
    one.claim("act", ANN, soon(), takes_lost=False)
    line.values.pop(f"p{one._process}")

    wait_until(lambda: f"p{one._process}" in line.values)


@pytest.mark.parametrize("takes_lost", [False, True])
def test_broker_that_goes_away_while_another_process_runs(
    two: tuple[SharedClaims, SharedClaims], line: Line, takes_lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two
    one.claim("act", ANN, soon(), takes_lost=takes_lost)
    broker: Any = other._broker
    found = broker.claim

    def claim_and_cut(*arguments: Any) -> Any:
        try:
            return found(*arguments)
        finally:
            line.is_cut = True

    monkeypatch.setattr(broker, "claim", claim_and_cut)
    _, verdict = other.claim("act", ANN, soon(), takes_lost=takes_lost)
    line.is_cut = False

    assert verdict.stage is (Stage.FAILED if takes_lost else Stage.RUNNING)
    assert other.failed == 1


def test_click_that_failed_elsewhere_while_a_repeat_waits_is_run_by_it(
    two: tuple[SharedClaims, SharedClaims],
) -> None:
    one, other = two
    key, _ = one.claim("act", ANN, soon(), takes_lost=False)
    threading.Timer(0.05, one.fail, [key]).start()

    assert other.claim("act", ANN, soon(), takes_lost=False)[1].stage is Stage.FAILED


def test_value_that_cannot_be_read_is_a_failure_of_the_broker(
    two: tuple[SharedClaims, SharedClaims], line: Line
) -> None:
    one, _ = two
    one._broker.keep("digest-of-act", b"nonsense", 60)

    assert one.claim("act", ANN, soon(), takes_lost=False)[1].stage is Stage.FAILED
    assert one.failed == 1


def test_session_that_cannot_be_read_is_somebody_elses(two: tuple[SharedClaims, SharedClaims]) -> None:
    one, other = two
    one.claim("act", ANN, soon(), takes_lost=False)
    one._broker.keep("sdigest-of-bob", b"\xff\xfe", 60)

    assert other.claim("act", BOB, soon(), takes_lost=False)[1].stage is Stage.FAILED


@pytest.mark.parametrize(
    "forge",
    [
        lambda signed: signed.partition(b"\n")[2],
        lambda signed: signed[:-1],
        lambda signed: signed.replace(b"200 OK", b"500 NO"),
        lambda signed: signed.replace(b'["Cache-Control"', b'["Set-Cookie", "session=evil"], ["Cache-Control"'),
        lambda signed: b"",
        lambda signed: b"\xff\xfe\n\xff",
        lambda signed: b"0" * 32 + b'\n["200 OK", []]\nx',
    ],
)
def test_answer_that_no_process_of_the_app_has_written_is_not_repeated(
    make_process: MakeProcess, line: Line, forge: Callable[[bytes], bytes]
) -> None:
    one, other = processes(make_process, lambda datastar: {"done": True})
    send_click(one.test_client(), "/ds/g/act")
    (key,) = (key for key, (_, value) in line.values.items() if value.startswith(b"d "))
    until, value = line.values[key]
    head, _, signed = value.partition(b"\n")
    line.values[key] = (until, head + b"\n" + forge(signed))

    repeat = send_click(other.test_client(), "/ds/g/act")

    assert (repeat.status_code, repeat.headers["Datastar-Repeat-Ignored"], repeat.data) == (204, "true", b"")
    assert "Set-Cookie" not in repeat.headers
    assert app_state_of(other).part(Repeats).stats()["broker_failed"] == 1
    assert counts(other) == {"runs": 0, "answered": 0, "ignored": 1}


def test_answer_of_another_click_is_not_repeated(make_process: MakeProcess, line: Line) -> None:
    one, other = processes(make_process, lambda datastar: {"key": "ann's"})
    send_click(one.test_client(), "/ds/g/act", "0.1")
    send_click(one.test_client(), "/ds/g/act", "0.2")
    keys = [key for key, (_, value) in line.values.items() if value.startswith(b"d ")]
    line.values[keys[0]], line.values[keys[1]] = line.values[keys[1]], line.values[keys[0]]

    for key in ("0.1", "0.2"):
        assert send_click(other.test_client(), "/ds/g/act", key).status_code == 204


def test_answer_of_another_version_is_not_repeated(
    make_process: MakeProcess, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = processes(make_process, lambda datastar: {"done": True})
    with monkeypatch.context() as patch:
        patch.setattr("flask_datastar.repeats.claim.encode_answer", lambda answer: b"[null]\n")
        send_click(one.test_client(), "/ds/g/act")

    assert send_click(other.test_client(), "/ds/g/act").headers["Datastar-Repeat-Ignored"] == "true"


def test_only_hashed_names_and_marks_leave_the_process(make_process: MakeProcess, line: Line) -> None:
    one = make_process(lambda datastar: None)
    browser = one.test_client()
    with browser.session_transaction() as its:
        its["user"] = "ann"
    send_click(browser, "/ds/g/act", "0.123", json={"tabId": "ann-tab.1"})

    assert not [key for key in line.values if "act" in key or "0.123" in key]
    cookie = browser.get_cookie("session")
    assert cookie is not None
    for mark in (cookie.value.partition(".")[0], "ann-tab"):
        assert not [value for _, value in line.values.values() if mark.encode() in value]


def test_failure_while_others_are_asked_leaves_nothing_running(
    make_process: MakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_process(lambda datastar: datastar.signal("done", True))
    app.testing = False
    with monkeypatch.context() as patch:
        patch.setattr(SharedClaims, "claim", lambda *_, **__: 1 / 0)
        assert send_click(app.test_client(), "/ds/g/act").status_code == 500

    assert send_click(app.test_client(), "/ds/g/act").status_code == 200
