"""How long the console's list of connections takes the database, with 100,000 of them."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from node.connections.stored import Connection, Names, Partner, to_row
from node.store.browsing import Wanted, browse, counts
from node.store.database import Database
from node.store.schema import connections
from protocol.modes import Mode
from protocol.records import DestinationRecord, SourceRecord
from protocol.vocabulary import Phase, Reason, Side
from sqlalchemy import insert

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.ports import Transaction

CONNECTIONS = 100_000
PER_PAGE = 50
NOW = 1_000_000
AT_ONCE = 5_000


def list_ms(wanted: Wanted) -> float:
    """Milliseconds for one page of the list, as a request of the console runs it."""
    return _took_ms(lambda tx: browse(tx, wanted, now=NOW, per_page=PER_PAGE))


def counts_ms() -> float:
    """Milliseconds to count how many connections have each status, as the head of every page tells it."""
    return _took_ms(lambda tx: counts(tx, now=NOW))


def _took_ms(unit: Callable[[Transaction], object]) -> float:
    database = _filled()
    began = time.perf_counter()
    (result,) = database.transact([unit])
    took_ms = (time.perf_counter() - began) * 1000
    if isinstance(result, Exception):
        raise result
    return took_ms


@cache
def _filled() -> Database:
    folder = Path(tempfile.mkdtemp(prefix="handclasp-figures-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database = Database(folder / "node.db")

    def fill(tx: Transaction) -> None:
        for first in range(0, CONNECTIONS, AT_ONCE):
            tx.execute(insert(connections), [to_row(_connection(n)) for n in range(first, first + AT_ONCE)])

    database.transact([fill])
    return database


def _connection(n: int) -> Connection:
    """One of many that differ as those of a busy node would: most are active, some are not."""
    drawn = hashlib.sha256(n.to_bytes(8, "big")).digest()
    key, number = drawn, int.from_bytes(drawn[:6], "big")
    here, there = drawn[6] % 10 > 0, drawn[7] % 20 > 0
    if drawn[8] % 20 == 0:
        mine, theirs = Side(1, Phase.PENDING), None
    elif drawn[8] % 20 == 1:
        mine, theirs = Side(2, Phase.CLOSED, reason=Reason.EXPIRED), None
    elif drawn[8] % 2:
        mine, theirs = Side(2, Phase.ACTIVE, enabled=here), Side(2, Phase.ACCEPTED, enabled=there)
    else:
        mine, theirs = Side(2, Phase.ACCEPTED, enabled=here), Side(2, Phase.ACTIVE, enabled=there)
    kind = DestinationRecord if mine.phase is Phase.ACCEPTED else SourceRecord
    return Connection(
        sys_id=drawn[:16].hex(),
        connection_id=drawn[:16],
        source_key=key,
        record=kind(serial=1, mine=mine, theirs=theirs, expires_at=2 * NOW),
        mode=Mode.SCRIPT,
        names=Names(name=f"stage {number % 977} {n}", local_short_name="here", remote_short_name=f"i{number % 1000}"),
        partner=Partner(name=f"Instance {number % 1000}", node_url=f"https://i{number % 1000}.example/node"),
        created_at_ms=number % 10**9,
        changed_at_ms=number // 7 % 10**9,
    )
