"""What an instance stores beside the tables of its dictionary; no client sees these."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table

internal: Final = MetaData()

number_counters = Table(
    "number_counters",
    internal,
    Column("prefix", String, primary_key=True),
    Column("last", Integer, nullable=False),
)
"""The last number that was given out: 10046 of INC0010046."""

attachment_contents = Table(
    "attachment_contents",
    internal,
    Column("attachment", String, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    sqlite_with_rowid=True,
)
"""The bytes of an attachment, in pieces, so that no large one has to be held whole."""

kept_queries = Table(
    "kept_queries",
    internal,
    Column("name", String, primary_key=True),
    Column("query", String, nullable=False),
    sqlite_with_rowid=True,
)
"""Queries of the console that are too long for an address, by their digests; the last used ones come last."""

notes = Table("instance_notes", internal, Column("name", String, primary_key=True), Column("value", String))
"""Single facts: which demo company was put in."""
