"""What a stream asks of its connection."""

from __future__ import annotations

from tests.servers.crowd import Crowd
from tests.servers.serving import Server


def test_connection_whose_client_is_silently_gone_breaks_by_itself(server: Server, crowd: Crowd) -> None:
    # Of what is sent nothing is acknowledged then; the applications' keep-alive is 60 s.
    (stream,) = crowd.open_streams(1, "/ds/t/options")
    crowd.wait(lambda: stream.is_ended, "the end of the stream")
    assert '"timeout":80000' in stream.text
