"""The transcripts of encoded queries, as they are written down."""

from __future__ import annotations

from tests.node.instance.query_transcripts import WRITTEN, transcripts


def test_each_query_says_and_becomes_what_is_written_down():
    assert transcripts().split("\n") == WRITTEN.read_text(encoding="utf-8").split("\n")
