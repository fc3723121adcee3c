"""Compressed bodies of streams: one encoder for all streams that follow the same topics, without sockets and Flask.

A body is one zstd frame or one gzip member from its first byte to its last. It consists of segments by different
encoders: blocks of a shared encoder, events that are encoded alone, stored events and empty blocks. A stream may read
the blocks of a shared encoder only one after another, from a key on, so it keeps its place among them
(:class:`body.CodedBody`).
"""
