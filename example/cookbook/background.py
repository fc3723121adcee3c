"""Background jobs: in a worker of RQ, or in a thread where the app names no queue."""

from collections.abc import Callable
from threading import BoundedSemaphore, Thread
from typing import Any

import click
from flask import Flask, abort, current_app

from example.cookbook.pages import bp

# Strangers can start no more threads than this; a further click gets a 503.
THREADS = 20
free_threads = BoundedSemaphore(THREADS)


def run(function: Callable[..., None], *arguments: Any) -> None:
    """Run a function in the background, in an app context. Its arguments are plain values, such as ids."""
    if queue := rq_queue():
        queue.enqueue(run_in_context, function, *arguments)
        return
    if not free_threads.acquire(blocking=False):
        abort(503)
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    Thread(target=run_in_thread, args=(app, function, arguments), daemon=True).start()


def run_in_thread(app: Flask, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    try:
        with app.app_context():
            function(*arguments)
    finally:
        free_threads.release()


def run_in_context(function: Callable[..., None], *arguments: Any) -> None:
    """Run a function in a context of its own, so that a job that fails leaves no session to the next one."""
    with current_app.app_context():
        function(*arguments)


def rq_queue() -> Any:
    """Return the queue of EXAMPLE_JOBS_URL, such as ``redis://localhost:6379/0``; None without it."""
    if not current_app.config["JOBS_URL"]:
        return None
    from redis import Redis
    from rq import Queue

    return Queue(connection=Redis.from_url(current_app.config["JOBS_URL"]))


@bp.cli.command("work")
@click.option("--burst", is_flag=True, help="End when all jobs are done.")
def work(burst: bool) -> None:
    """Run jobs: ``flask --app example cookbook work``. A command has the app context that the jobs need."""
    from rq import SimpleWorker

    queue = rq_queue()
    SimpleWorker([queue], connection=queue.connection).work(burst=burst)
