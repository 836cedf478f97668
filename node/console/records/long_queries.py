"""Queries that are too long for an address: the instance keeps them under a name, and the address has that name.

Addresses pass proxies, request lines and `Referer` fields, each with a limit of its own, so a long one is no address
that can be relied on. A name is the digest of its query: the same query has the same address, after a restart too.

Whatever leads to a list with a long query makes one, a link on another site too. What such links could push out is a
query that is pasted again, so nobody is kept from following a link.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote_plus

from sqlalchemy import bindparam, delete, literal_column, select
from sqlalchemy.dialects.sqlite import insert

from node.instance.internal import kept_queries

if TYPE_CHECKING:
    from node.instance.database import Transaction

ADDRESS_CHARACTERS_MAX: Final = 1_500
"""How much of an address a query may be, as it is written there: browsers, mails and proxies take 2,000 in all."""

KEPT_MAX: Final = 200
"""So many that were used last are there for sure."""

UNNOTED_MAX: Final = 20
"""A use is noted once so many others were noted since: a list that is looked at need not cost a commit each time."""

STORED_MAX: Final = KEPT_MAX + UNNOTED_MAX
"""How many are stored; beyond it the one goes whose use was noted the longest time ago."""

_NAME: Final = re.compile(r"[0-9a-f]{32}")

_QUERIES: Final = kept_queries.c
_KEEP: Final = insert(kept_queries).prefix_with("OR REPLACE").values(name=bindparam("name"), query=bindparam("query"))
_FIND: Final = select(_QUERIES.query).where(_QUERIES.name == bindparam("wanted"))
_LAST_NOTED: Final = select(_QUERIES.name).order_by(literal_column("rowid").desc())
_NEWEST: Final = _LAST_NOTED.limit(UNNOTED_MAX)
_FORGET: Final = delete(kept_queries).where(_QUERIES.name.not_in(_LAST_NOTED.limit(STORED_MAX)))


class Kept(NamedTuple):
    """A query that is kept, and whether its use is to be noted, by keeping it again."""

    query: str
    is_to_be_noted: bool


def is_long(query: str) -> bool:
    """Whether a query is too long for an address."""
    return len(query) > ADDRESS_CHARACTERS_MAX or len(quote_plus(query)) > ADDRESS_CHARACTERS_MAX


def keep(tx: Transaction, query: str) -> str:
    """Keep a query, or note that it is used; its name."""
    name = hashlib.sha256(query.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    tx.connection.execute(_KEEP, {"name": name, "query": query})
    tx.connection.execute(_FORGET)
    return name


def kept(tx: Transaction, name: str) -> Kept | None:
    """The query of that name, if it is still kept."""
    if not _NAME.fullmatch(name):
        return None
    query: str | None = tx.connection.execute(_FIND, {"wanted": name}).scalar()
    if query is None:
        return None
    return Kept(query, is_to_be_noted=name not in tx.connection.execute(_NEWEST).scalars().all())
