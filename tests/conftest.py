"""Fixtures for all tests: applications, clients, and the check that a test leaves nothing behind."""

from __future__ import annotations

import fcntl
import gc
import importlib
import pkgutil
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any, Protocol

import pytest
from flask import Flask, has_app_context, has_request_context
from flask.ctx import AppContext
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from jinja2 import DictLoader

import flask_datastar
from flask_datastar import Datastar
from flask_datastar.testing import DatastarClient

pytest_plugins = ["tests.support.streams"]
_ENGINE = "flask_datastar.testing.engine_worker"

# Hypothesis without clock, randomness or files: a run gives the same result everywhere.
settings.register_profile(
    "flask_datastar",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
    max_examples=100,
)
settings.load_profile("flask_datastar")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Tell how many processes ``-n auto`` means."""
    from tests.support.scheduling import PROCESSES

    return PROCESSES


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Make what hands tests out to the processes."""
    from tests.support.scheduling import Scheduling

    return Scheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop all coverage that runs in a process of xdist before pytest-cov starts its own.

    The environment starts one, and pytest-cov's plugin a second one. They measure the imports, which the main process
    does as well. If they stayed, one would go on whenever pytest-cov pauses its own for ``no_cover``.
    """
    if hasattr(session.config, "workerinput") and "coverage" in sys.modules:
        from coverage import Coverage

        while (earlier := Coverage.current()) is not None:
            earlier.stop()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Collect without what only costs time then: coverage, and the garbage collector.

    Imports are measured once, in the process that hands out the tests; each of the others would need 3 s more to
    collect them. The tests themselves are a million objects that stay: a full round of the collector would take a
    fifth of a second longer.
    """
    coverage = getattr(session.config.pluginmanager.get_plugin("_cov"), "cov_controller", None)
    is_worker = hasattr(session.config, "workerinput")
    if coverage is not None and session.config.pluginmanager.has_plugin("dsession"):
        for module in pkgutil.walk_packages(flask_datastar.__path__, "flask_datastar."):
            importlib.import_module(module.name)
        coverage.pause()
    if coverage is not None and is_worker:
        coverage.pause()
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
        if coverage is not None and is_worker:
            coverage.resume()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, object, object]:
    """Let one process compile a test file, while the others compile or load different ones."""
    if not isinstance(collector, pytest.Module):
        return (yield)
    with collector.path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Print the names of what failed as the last lines: a log that is cut to its end still tells them."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    for outcome in ("failed", "error"):
        for report in reporter.stats.get(outcome, ()):
            reporter.write_line(f"{outcome}: {report.nodeid}")


class MakeApp(Protocol):
    def __call__(
        self, datastar: Datastar | None = None, *, templates: Mapping[str, str] | None = None, **config: Any
    ) -> Flask: ...


@pytest.fixture(autouse=True)
def leak_detector(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a context pushed or a thread running."""
    before = set(threading.enumerate())
    yield
    if request.node.get_closest_marker("no_cover") is not None and _ENGINE in sys.modules:
        # Coverage, once paused, does not follow the threads that run already: the next page gets a new one.
        sys.modules[_ENGINE].end_idle()
    if request.node.get_closest_marker("live") is not None:
        return  # the servers and the browser of those live longer than one test
    assert not has_request_context(), "a request context was left behind"
    assert not has_app_context(), "an app context was left behind"
    # The tab keeps one context, with its thread, for the next page.
    if left := {thread for thread in threading.enumerate() if thread.name != "datastar-test-idle"} - before:
        if any(thread.name.startswith("ThreadPoolExecutor") for thread in left):
            gc.collect()  # the threads that ran async handlers end with their executors
        deadline = time.monotonic() + 60
        for thread in left:
            # On a busy machine one is listed before it runs, and cannot be joined yet.
            while thread.ident is None and time.monotonic() < deadline:
                time.sleep(0.001)
            thread.join(timeout=60)
            assert not thread.is_alive(), f"{thread} was left behind"


@pytest.fixture
def make_app() -> MakeApp:
    """Make an app with a ``Datastar``, one of its own if none is given; templates by name, config by key."""

    def make(datastar: Datastar | None = None, *, templates: Mapping[str, str] | None = None, **config: Any) -> Flask:
        app = Flask("shop")
        app.config.update({"TESTING": True, "SECRET_KEY": "test", **config})
        app.jinja_loader = DictLoader(templates or {})  # type: ignore[assignment]
        (datastar if datastar is not None else Datastar()).init_app(app)
        return app

    return make


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app()


@pytest.fixture
def datastar(app: Flask) -> Datastar:
    extension = app.extensions["datastar"]
    assert isinstance(extension, Datastar)
    return extension


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A plain test client: no Datastar headers, no signals."""
    return app.test_client()


@pytest.fixture
def tab(app: Flask) -> DatastarClient:
    """A browser tab without signals."""
    return DatastarClient(app)


@pytest.fixture
def app_ctx(app: Flask) -> Iterator[AppContext]:
    with app.app_context() as context:
        yield context


@pytest.fixture
def req_ctx(app: Flask) -> Iterator[object]:
    """The context of a page load, ``GET /``."""
    with app.test_request_context() as context:
        yield context
