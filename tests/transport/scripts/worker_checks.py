"""Checks of ``flask_datastar.transport.worker``."""

from __future__ import annotations

import atexit
import os
import signal
from weakref import WeakMethod

from flask_datastar import Datastar
from flask_datastar.transport.wakeups import is_gevent
from flask_datastar.transport.worker import before_exit, begin_stop, is_stopping, thread_count
from tests.support.checks import run_in_child


class Worker:
    """Handles signals as gunicorn's workers do."""

    def __init__(self) -> None:
        self.alive = True

    def handle_exit(self, *_: object) -> None:
        self.alive = False


def check_worker_s_own_handler_tells() -> None:
    worker = Worker()
    assert not is_stopping()
    signal.signal(signal.SIGTERM, worker.handle_exit)
    assert not is_stopping()
    os.kill(os.getpid(), signal.SIGTERM)

    assert not worker.alive
    assert is_stopping()


def check_worker_is_found_when_the_application_took_sigterm() -> None:
    worker = Worker()
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGQUIT, worker.handle_exit)
    assert not is_stopping()
    worker.alive = False  # max_requests, which sends no signal

    assert is_stopping()


def check_handler_without_a_worker_tells_nothing() -> None:
    signal.signal(signal.SIGTERM, "".join)  # bound to a string
    assert not is_stopping()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert not is_stopping()


def check_begin_stop_holds_for_this_process_only() -> None:
    def child() -> None:
        assert not is_stopping()
        begin_stop()
        assert is_stopping()

    run_in_child(child)
    assert not is_stopping()
    begin_stop()
    assert is_stopping()

    def forked_while_stopping() -> None:
        assert not is_stopping()

    run_in_child(forked_while_stopping)


def check_program_can_announce_its_stop() -> None:
    assert not is_stopping()
    Datastar().prepare_stop()
    assert is_stopping()


def check_end_of_the_program_is_a_stop() -> None:
    # Registered first, so called last.
    atexit.register(lambda: None if is_stopping() else os._exit(3))
    assert not is_stopping()


def check_threads_of_a_gthread_worker_are_known() -> None:
    from gunicorn.config import Config
    from gunicorn.workers.gthread import ThreadWorker

    worker = ThreadWorker.__new__(ThreadWorker)
    worker.cfg = Config()
    worker.cfg.set("threads", 6)
    signal.signal(signal.SIGTERM, worker.handle_exit)

    assert thread_count() == 6
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert thread_count() == 6  # known from the first time

    def child() -> None:
        assert thread_count() is None  # looks for itself

    run_in_child(child)


def check_worker_of_another_kind_has_no_number_of_threads() -> None:
    signal.signal(signal.SIGTERM, Worker().handle_exit)

    assert thread_count() is None


def check_end_of_the_program_calls_what_is_still_there() -> None:
    class Owner:
        def end(self) -> None:
            called.append(os.getpid())

    called: list[int] = []
    kept, dropped = Owner(), Owner()
    for owner in (kept, dropped):
        before_exit(WeakMethod(owner.end))
    del owner, dropped

    def child() -> None:
        # It is the parent's end that was asked for.
        atexit._run_exitfuncs()
        assert called == []

    run_in_child(child)
    atexit._run_exitfuncs()
    # Greenlets end with the main one, so there is nothing left to be told.
    assert called == ([] if is_gevent() else [os.getpid()])
    assert kept is not None
