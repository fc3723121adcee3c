"""The doctor's judgement of the server that runs the application."""

from __future__ import annotations

from collections.abc import Iterator

from .findings import Facts, Finding

#: gunicorn's largest limit; 0 stands for no limit.
_WANTED_REQUEST_LINE = 8190
_BROKER = "set DATASTAR_BROKER_URL to a Redis that all of them reach, or run one worker (gunicorn -w 1)"


def check_server(server: Facts, config: Facts) -> Iterator[Finding]:
    """Judge the facts of a server.

    :param server: the result of :func:`.doctor_facts.server_facts`.
    :param config: that of :func:`.doctor_facts.config_facts`.
    """
    if server["is_one_of_many"] and config["broker"] in (None, "memory"):
        yield Finding(
            "processes",
            "the server runs several processes without a broker: a page receives what its own process broadcasts",
            _BROKER,
        )
    refusal = server["refusal"]
    if refusal is not None and "several processes" not in refusal:
        # As all texts of the extension: what is wrong, and what to do.
        found, _, cure = refusal.partition("; ")
        yield Finding("worker", f"streams are refused: {found}", cure)
    most = config["max_streams"]
    if server["open_files"] is not None and 0 <= server["open_files"] <= most:
        yield Finding(
            "open-files",
            f"the process may open {server['open_files']} files, and DATASTAR_MAX_STREAMS is {most}",
            "raise the limit (ulimit -n, or LimitNOFILE of systemd) to twice the number of connections",
        )
    if server["gunicorn"] is not None:
        yield from _check_gunicorn(server["gunicorn"], most)


def check_processes(names: set[str], config: Facts, *, has_named: bool) -> Iterator[Finding]:
    """Judge several processes that answer at one URL.

    :param names: of the processes.
    :param has_named: whether :func:`check_server` has named them already.
    """
    if len(names) > 1 and config["broker"] in (None, "memory") and not has_named:
        yield Finding(
            "processes",
            f"{len(names)} processes respond at this URL without a broker: a page receives what its own process "
            "broadcasts",
            _BROKER,
        )


def _check_gunicorn(gunicorn: Facts, most: int) -> Iterator[Finding]:
    limit = gunicorn["limit_request_line"]
    if 0 < limit < _WANTED_REQUEST_LINE:
        yield Finding(
            "request-line",
            f"gunicorn refuses request lines of more than {limit} bytes, and GET and DELETE actions carry the signals "
            "there",
            f"limit_request_line = {_WANTED_REQUEST_LINE}, or --limit-request-line {_WANTED_REQUEST_LINE}",
        )
    if gunicorn["has_http2"]:
        yield Finding(
            "http2",
            "gunicorn's own HTTP/2 is on, which serves the requests of one connection one after another: an open "
            "stream blocks all else",
            "remove h2 from http_protocols, and let a proxy in front speak HTTP/2, such as nginx",
        )
    if "gevent" in gunicorn["worker_class"] and gunicorn["worker_connections"] <= most:
        yield Finding(
            "worker-connections",
            f"gunicorn's worker_connections is {gunicorn['worker_connections']}, and DATASTAR_MAX_STREAMS is {most}: "
            "streams leave no connection for pages",
            f"worker_connections = {most + 100} or more",
        )
