"""Compressed streams under a random load: mixed clients decode every byte, and no event may be wrong, lost or late.

usage: python -m tests.soak.compressed [--seconds N] [--seed N]

gunicorn runs with gevent, with gevent without direct writes, and with threads, each for a third of the time. The exit
status is 1 if a client finds anything wrong. Needs the extras ``gunicorn`` and ``test``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

from tests.servers.compressed_crowd import Chaos
from tests.servers.crowd import Crowd
from tests.servers.serving import Server

#: Kind of server, whether publishers write to connections, and pages at a time.
SERVERS = (("gevent", True, 200), ("gevent", False, 120), ("gthread", True, 15))


def run(kind: str, *, is_direct: bool, pages: int, seconds: float, seed: int) -> None:
    """Run one server for so many seconds, and print what was checked."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), kind, app="compressed", EXTRA_DATASTAR_DIRECT_WRITES=json.dumps(is_direct))
        try:
            with Crowd(server.port) as crowd:
                chaos = Chaos(server, crowd, pages, seed)
                chaos.run(seconds)
                counts = chaos.finish()
            assert "Traceback" not in server.log(), server.log()
        finally:
            server.kill()
    ended = ", ".join(f"{name} {count}" for name, count in sorted(chaos.ended.items()))
    share = counts["bytes_out"] / max(counts["bytes_in"], 1)
    print(f"{kind}: {chaos.clients} clients, {chaos.events} events, ended {ended}, {share:.1%} sent", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120, help="of the load (120)")
    parser.add_argument("--seed", type=int, default=None, help="of the load; timing still varies")
    arguments = parser.parse_args()
    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed
    print(f"compressed streams: {arguments.seconds:g} s, seed {seed}", flush=True)
    for kind, is_direct, pages in SERVERS:
        run(kind, is_direct=is_direct, pages=pages, seconds=arguments.seconds / len(SERVERS), seed=seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
