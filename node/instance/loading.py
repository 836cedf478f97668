"""Loading incidents by the million, straight into an instance's database."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.schema import DropIndex

from node.instance.demo_data.mass import caller_records, mass_incidents
from node.instance.demo_data.world import World, world
from node.instance.filling import add, company_in, fill
from node.instance.growing import create, mark_unfinished
from node.instance.internal import number_counters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from node.instance.database import InstanceDatabase, Transaction

ROWS_PER_COMMIT: Final = 20_000
WITHOUT_INDEXES_FROM: Final = 100_000
"""From so many on it is quicker to make the indexes anew than to keep them."""

_CACHE_KIB: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What was loaded.

    Attributes:
        company: the seed of the demo company that the incidents are of.
        callers: how many users were added.
        first, last: the numbers.
    """

    company: int
    incidents: int
    callers: int
    first: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    company: World
    callers: Sequence[dict[str, str]]
    first_number: int


async def load_incidents(
    database: InstanceDatabase, *, count: int, seed: int, now: datetime, progressed: Callable[[int], None]
) -> Loaded:
    """Load that many incidents, and callers for them; nobody else may use the database meanwhile.

    An instance without a demo company gets the one of the seed first; else the seed means nothing. When it is broken
    off, what was committed stays, with unused numbers behind it, and the next opening makes missing indexes.

    Args:
        database: of a node that does not run.
        count: one or more.
        seed: of the demo company.
        now: before the beginning of its day, UTC, lies all that has happened.
        progressed: is told how many are in.
    """
    begun = await database.write(lambda tx: _prepare(tx, count, seed, now))
    rows = mass_incidents(begun.company, begun.callers, count, begun.first_number)
    done, writing = 0, None
    while batch := list(islice(rows, ROWS_PER_COMMIT)):
        if writing is not None:
            await writing
            progressed(done)
        writing = asyncio.create_task(database.write(partial(_insert, rows=batch)))
        await asyncio.sleep(0)  # it begins, and the next rows are made meanwhile
        done += len(batch)
    if writing is not None:
        await writing
    await database.write(_finish)
    progressed(done)
    return Loaded(
        company=begun.company.seed,
        incidents=done,
        callers=len(begun.callers),
        first=f"INC{begun.first_number:07}",
        last=f"INC{begun.first_number + count - 1:07}",
    )


def _prepare(tx: Transaction, count: int, seed: int, now: datetime) -> _Prepared:
    fill(tx, seed, now)
    present = company_in(tx)
    company = world(seed if present is None else present, now)
    first_number = _reserve(tx, count)
    callers = caller_records(company, count, first_number)
    add(tx, "sys_user", callers)
    tx.connection.execute(text(f"PRAGMA cache_size = -{_CACHE_KIB}"))
    if count >= WITHOUT_INDEXES_FROM:
        mark_unfinished(tx.connection)
        for index in tx.catalog.physical("incident").indexes:
            tx.connection.execute(DropIndex(index, if_exists=True))
    return _Prepared(company=company, callers=callers, first_number=first_number)


def _reserve(tx: Transaction, count: int) -> int:
    """The first of as many numbers, which nobody else gets."""
    numbering = tx.catalog.dictionary.numbering("incident")
    assert numbering is not None  # noqa: S101 - incidents are numbered
    counted = number_counters.c
    statement = insert(number_counters).values(prefix=numbering.prefix, last=numbering.first - 1 + count)
    tx.connection.execute(
        statement.on_conflict_do_update(index_elements=[counted.prefix], set_={"last": counted.last + count})
    )
    last: int = tx.connection.execute(select(counted.last).where(counted.prefix == numbering.prefix)).scalar_one()
    return last - count + 1


def _insert(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    physical = tx.catalog.physical("incident")
    statement = insert(physical).values(dict.fromkeys(rows[0])).compile(dialect=tx.connection.dialect)
    names = statement.positiontup or []
    tx.connection.exec_driver_sql(str(statement), [tuple(map(row.__getitem__, names)) for row in rows])
    tx.touched.add(physical.name)


def _finish(tx: Transaction) -> None:
    create(tx.connection, tx.catalog)
