"""The doctor's visit to a running application: what it asks for, and in which order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

from ..state.app import AppState
from .doctor_config import check_config
from .doctor_facts import config_facts
from .doctor_http import Site
from .doctor_page import check_page, find_client
from .doctor_proxy import check_proxy
from .doctor_server import check_processes, check_server
from .doctor_stream import Probe, check_stream
from .doctor_token import sign
from .findings import Facts, Finding
from .probe import REFUSED

#: Just below the limits of gunicorn, of nginx, and of gevent's own server.
_REQUEST_LINE = 8000


def check_site(app_state: AppState, site: Site, patience: float, path: str = "/") -> Iterator[Finding]:
    """Visit the running application, and judge it.

    :param app_state: of the same application in this process, with the same ``SECRET_KEY``.
    :param patience: how long to wait for what should arrive at once, in seconds.
    :param path: of the page to judge, below the site's root.
    """
    try:
        page = site.get_page(path)
    except OSError as error:
        yield Finding("unreachable", f"{site.url} cannot be reached: {error}", _reach(error))
        return
    if not app_state.app.secret_key:
        yield Finding(
            "secret-key",
            "SECRET_KEY is not set here, so that this command cannot prove itself to the running application",
            "run the command with the configuration of the running application; if that has no key either, set one: "
            "python -c 'import secrets; print(secrets.token_hex())'",
        )
        return
    probe = Probe(site, app_state.settings.url_prefix, partial(sign, app_state.app))
    status, text = probe.report()
    facts = _load(text) if status == 200 else None
    if facts is None:
        yield _no_report(site, status, text)
    version, missing = find_client(page, site)
    if missing is not None:
        yield missing
    config = facts["config"] if facts is not None else config_facts(app_state)
    yield from check_page(page, site, config)
    # The file that the browser gets, instead of the one that the configuration names.
    config["client"] = version or config["client"]
    yield from check_config(config, is_https=site.is_https, is_local=site.is_local)
    yield from _check_connections(site)
    if facts is not None:
        yield from _check_running(facts, probe, site, patience)


def _check_running(facts: Facts, probe: Probe, site: Site, patience: float) -> Iterator[Finding]:
    server, config = facts["server"], facts["config"]
    yield from check_proxy(facts["request"], site)
    found = list(check_server(server, config))
    yield from found
    yield from _check_request_line(probe, is_named=any(finding.name == "request-line" for finding in found))
    if server["refusal"] is None:
        reports = [facts]

        def load(text: str) -> Facts:
            reports.append(_load(text) or facts)
            return reports[-1]

        stream = list(check_stream(probe, load, config["keepalive"], patience))
        names = {report["server"]["process"] for report in reports}
        several = list(check_processes(names, config, has_named=server["is_one_of_many"]))
        yield from several
        yield from (finding for finding in stream if not (several and finding.name == "broker"))


def _check_request_line(probe: Probe, *, is_named: bool) -> Iterator[Finding]:
    status, _ = probe.report(padding=_REQUEST_LINE)
    if status != 200 and not is_named:
        yield Finding(
            "request-line",
            f"a request line of {_REQUEST_LINE} bytes is answered with {status}, and GET and DELETE actions carry the "
            "signals there",
            "raise the limit of the proxy (nginx: large_client_header_buffers 4 16k) and of the server",
        )


def _check_connections(site: Site) -> Iterator[Finding]:
    if (site.is_https or not site.is_local) and not site.speaks_http2():
        yield Finding(
            "connections",
            "the site does not offer HTTP/2: a browser opens six connections to it, for all its tabs, and streams use "
            "them up",
            "let a proxy speak HTTP/2 to browsers, which needs TLS; nginx: http2 on",
        )


def _no_report(site: Site, status: int, text: str) -> Finding:
    if status == 403 and text.startswith(REFUSED):
        found, _, cure = text.removeprefix(REFUSED).partition("; ")
        return Finding("no-report", f"the application at {site.url} refuses to report: {found}", cure)
    return Finding(
        "no-report",
        f"the application at {site.url} does not report (status {status}), so that no stream was opened",
        "set DATASTAR_DOCTOR = True there while you look for a fault, and name the URL at which it is mounted",
    )


def _load(text: str) -> Facts | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "server" in found else None


def _reach(error: OSError) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "use a certificate that browsers trust (for development mkcert makes one), or --insecure"
    return "compare the URL with the address that the server or the proxy listens on, and see its log"
