"""The cost of publishing across processes, beside Flask-SSE and Flask-SocketIO with its Redis queue, in one run.

usage: python tests/benchmarks/redis.py [--quick] [--docs] [--streams N] [--rounds N] [--repeats N] [--workers N,N,N]

Each server is gunicorn with gevent: ``datastar.follow()`` with ``DATASTAR_BROKER_URL``, Flask-SSE, whose streams
subscribe to Redis one by one, and Flask-SocketIO, whose processes do, over WebSockets. They take turns. An event is
published in one of the processes and counted in all clients. Servers and Redis share a processor, and the clients have
the other one, so the figures show the cost of more workers, not their gain.

The results are a Markdown table, which is also printed, and a plot, both written to the folder. A server that is not
installed (extra ``bench``) or that fails is left out and reported. The exit status is 1 if Flask-Datastar has not
delivered everything. Needs the extras ``gunicorn`` and ``redis``, redis-server, a C compiler, and Linux. Compare the
figures with each other, not with those of other machines, and run nothing else in the meantime.
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from redis_figures import DATASTAR, FLASK_SSE, SOCKETIO, RedisFigures, Results, write_table
from redis_process import RedisProcess
from results import EXPLANATION, write
from streams_clients import Load, build_load, running
from streams_plot import write_plot
from streams_servers import Server, Subject, allow_connections

#: The page of the documentation that has the table and the plot.
PAGE = EXPLANATION / "scaling.md"
#: The number of streams in a burst.
BURST_STREAMS = 10
BURSTS = 3
SUBSCRIBE_SECONDS = 60


def subjects_for(workers: int, redis: RedisProcess) -> list[Subject]:
    """Return the servers to measure, as far as they are installed."""
    variables = (("REDIS_URL", redis.url), ("DIRECT", "1"))
    found = [Subject(DATASTAR, "follow", "/ds/bench/feed", variables, workers=workers)]
    if importlib.util.find_spec("flask_sse"):
        found.append(Subject(FLASK_SSE, "flask_sse_app", "/stream", variables, workers=workers, protocol="quiet"))
    if importlib.util.find_spec("flask_socketio") and importlib.util.find_spec("simple_websocket"):
        path = "/socket.io/?EIO=4&transport=websocket"
        found.append(Subject(SOCKETIO, "socketio_app", path, variables, workers=workers, protocol="socketio"))
    return found


def wait_subscribed(subject: Subject, redis: RedisProcess, streams: int) -> None:
    """Wait for streams that send nothing before their first event.

    :raises SystemExit: if they have not subscribed in time.
    """
    deadline = time.monotonic() + SUBSCRIBE_SECONDS
    while subject.protocol == "quiet" and redis.subscribers("sse") < streams:
        if time.monotonic() > deadline:
            there = redis.subscribers("sse")
            raise SystemExit(f"{there} of {streams} streams had subscribed after {SUBSCRIBE_SECONDS} s")
        time.sleep(0.1)


def publish(load: Load, server: Server, events: int, expected: int) -> tuple[float, float]:
    """Publish in one request.

    :return: the seconds until all events were delivered, and the p99 in milliseconds.
    :raises SystemExit: if not all events have arrived.
    """
    delivered, seconds, p99_ms, _ = load.tell(f"round {events}")
    if delivered != expected:
        raise SystemExit(f"{delivered:.0f} of {expected} deliveries arrived\n{server.log()}")
    return seconds, p99_ms


def measure_deliveries(
    program: Path, subject: Subject, redis: RedisProcess, folder: Path, streams: int, rounds: int, found: RedisFigures
) -> None:
    """Publish one event in each round to all streams."""
    with running(program, subject, folder, streams) as (server, load, _):
        wait_subscribed(subject, redis, streams)
        publish(load, server, 1, streams)
        found.connections.append(redis.connections())
        for _ in range(rounds):
            time.sleep(0.1)
            workers_start, redis_start = server.cpu_seconds(), redis.cpu_seconds()
            seconds, p99_ms = publish(load, server, 1, streams)
            # The server's work after the last delivery counts too.
            time.sleep(0.05)
            redis_us = (redis.cpu_seconds() - redis_start) / streams * 1e6
            found.redis_cpu_us.append(redis_us)
            found.cpu_us.append((server.cpu_seconds() - workers_start) / streams * 1e6 + redis_us)
            found.rate.append(streams / seconds)
            found.p99_ms.append(p99_ms)


def measure_bursts(
    program: Path, subject: Subject, redis: RedisProcess, folder: Path, events: int, found: RedisFigures
) -> None:
    """Publish many events to a few streams."""
    with running(program, subject, folder, BURST_STREAMS) as (server, load, _):
        wait_subscribed(subject, redis, BURST_STREAMS)
        publish(load, server, 1, BURST_STREAMS)
        for _ in range(BURSTS):
            time.sleep(0.1)
            start = server.cpu_seconds() + redis.cpu_seconds()
            seconds, _ = publish(load, server, events, events * BURST_STREAMS)
            time.sleep(0.05)
            found.event_cpu_us.append((server.cpu_seconds() + redis.cpu_seconds() - start) / events * 1e6)
            found.events_per_second.append(events / seconds)


def measure(arguments: argparse.Namespace, workers: list[int]) -> tuple[Results, list[str]]:
    """Measure all servers, and return the results and the servers' names."""
    results: defaultdict[tuple[str, int], RedisFigures] = defaultdict(RedisFigures)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = build_load(folder)
        for repeat in range(1, arguments.repeats + 1):
            for number in workers:
                with RedisProcess(folder) as redis:
                    subjects = subjects_for(number, redis)
                    for subject in subjects:
                        tell(f"{repeat} of {arguments.repeats}: {number} workers, {subject.name}")
                        found = results[subject.name, number]
                        try:
                            sizes = (arguments.streams, arguments.rounds)
                            measure_deliveries(program, subject, redis, folder, *sizes, found)
                            measure_bursts(program, subject, redis, folder, arguments.events, found)
                        except SystemExit as error:
                            tell(f"{subject.name}: {error}")
                            found.failures.append(str(error).splitlines()[0])
    return results, [subject.name for subject in subjects]


def tell(text: str) -> None:
    """Print the progress to stderr, apart from the figures."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few streams, one repeat")
    parser.add_argument("--docs", action="store_true", help="write table and plot into the documentation")
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--events", type=int, default=300, help="number of events in a burst")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--workers", default="1,2,4", help="numbers of workers")
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks"))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.streams, arguments.events, arguments.rounds, arguments.repeats = 200, 200, 3, 1
    workers = sorted(int(number) for number in arguments.workers.split(","))
    page, output = (PAGE, EXPLANATION / "measured") if arguments.docs else (None, arguments.output)
    # An exit would count as the failure of one server.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A stream of Flask-SSE takes two descriptors.
    allow_connections(2 * arguments.streams)
    results, names = measure(arguments, workers)
    table = write_table(results, names, workers, arguments.streams, (arguments.events, BURST_STREAMS))
    missing = [name for name in (FLASK_SSE, SOCKETIO) if name not in names]
    if missing:
        table += f"\nNot installed, so not measured: {'; '.join(missing)}.\n"
    whole = [name for name in names if not any(results[name, number].failures for number in workers)]
    plot = write_plot(results, whole, workers, "workers") if whole else ""
    write("redis", table, plot, title="Deliveries a second, and CPU a delivery", page=page, output=output)
    print(table)
    return 0 if DATASTAR in whole else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
