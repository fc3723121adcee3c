"""The clients of these tests notice what is wrong: otherwise nothing that they let pass would mean much."""

from __future__ import annotations

import socket

import pytest

from tests.servers.clients import Client, Malformed

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def read_all(answer: bytes, pieces: int) -> Client:
    """Give a client a whole answer, in pieces of so many bytes."""
    own, theirs = socket.socketpair()
    with own, theirs:
        client = Client(0, "/", connection=own)
        theirs.sendall(answer)
        theirs.shutdown(socket.SHUT_WR)
        for _ in range(len(answer) // pieces + 2):
            client.budget = pieces
            client.read()
    return client


@pytest.mark.parametrize("pieces", [1, 7, 1000])
def test_well_formed_answer_is_read(pieces: int) -> None:
    client = read_all(HEAD + b"B\r\ndata: a 1\n\n\r\n8\r\n:\n\nid: b\r\n2\r\n\n\n\r\n0\r\n\r\n", pieces)
    assert client.blocks == [b"data: a 1", b":", b"id: b"]
    assert client.is_ended


@pytest.mark.parametrize("pieces", [1, 7, 1000])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"3\r\n:\n\n\r\n",
        b"3\r\n:\n\n\r\n0\r\n",
        b"3\r\n:\n\n0\r\n\r\n",
        b"4\r\n:\n\n\r\n0\r\n\r\n",
        b"2\r\n:\n\n\r\n0\r\n\r\n",
        b":\n\n\r\n0\r\n\r\n",
        b"x\r\n:\n\n\r\n0\r\n\r\n",
        b"3\r\n:\n\n\r\n0\r\n\r\n0\r\n\r\n",
        b"2\r\n:\n\r\n0\r\n\r\n",
        b"A\r\ndatum: 1\n\n\r\n0\r\n\r\n",
        b"5\r\n1\n:\n\n\r\n0\r\n\r\n",
    ],
)
def test_malformed_answer_is_noticed(body: bytes, pieces: int) -> None:
    with pytest.raises(Malformed):
        read_all(HEAD + body, pieces)
