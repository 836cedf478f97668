"""Loading incidents by the million, straight into an instance's database."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.schema import DropIndex

from node.instance.demo_data.batches import Order, batches, batches_apart
from node.instance.demo_data.mass import caller_records
from node.instance.demo_data.world import world
from node.instance.filling import add, company_in, fill
from node.instance.growing import create, mark_unfinished
from node.instance.internal import number_counters

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from datetime import datetime

    from node.instance.database import InstanceDatabase, Transaction
    from node.instance.demo_data.batches import Batch

ROWS_PER_COMMIT: Final = 20_000
WITHOUT_INDEXES_FROM: Final = 100_000
"""From so many on it is quicker to make the indexes anew than to keep them."""

APART_FROM: Final = 100_000
"""From so many on a process of its own makes them, which takes a second or two to start."""

_CACHE_KIB: Final = 200_000
_MAPPED_BYTES: Final = 2**31 - 2**16
"""The most that SQLite maps. Each index is made by going through all of the table, and a mapped file is not copied."""


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
    order, callers = await database.write(lambda tx: _prepare(tx, count, seed, now))
    done, writing = 0, None
    async with aclosing(batches_apart(order) if count >= APART_FROM else _batches_here(order)) as made:
        async for batch in made:
            if writing is not None:
                await writing
                progressed(done)
            writing = asyncio.create_task(database.write(partial(_insert, batch=batch)))
            done += len(batch.rows)
    if writing is not None:
        await writing
    await database.write(_finish)
    progressed(done)
    return Loaded(
        company=order.seed,
        incidents=done,
        callers=callers,
        first=f"INC{order.first_number:07}",
        last=f"INC{order.first_number + count - 1:07}",
    )


async def _batches_here(order: Order) -> AsyncGenerator[Batch]:
    for batch in batches(order):
        yield batch


def _prepare(tx: Transaction, count: int, seed: int, now: datetime) -> tuple[Order, int]:
    """What is to be made, and how many callers have been added for it."""
    fill(tx, seed, now)
    present = company_in(tx)
    company = world(seed if present is None else present, now)
    first_number = _reserve(tx, count)
    callers = caller_records(company, count, first_number)
    add(tx, "sys_user", callers)
    for pragma in (f"cache_size = -{_CACHE_KIB}", f"mmap_size = {_MAPPED_BYTES}"):
        tx.connection.exec_driver_sql(f"PRAGMA {pragma}")
    if count >= WITHOUT_INDEXES_FROM:
        mark_unfinished(tx.connection)
        for index in tx.catalog.physical("incident").indexes:
            tx.connection.execute(DropIndex(index, if_exists=True))
    order = Order(seed=company.seed, now=now, count=count, first_number=first_number, at_once=ROWS_PER_COMMIT)
    return order, len(callers)


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


def _insert(tx: Transaction, batch: Batch) -> None:
    physical = tx.catalog.physical("incident")
    statement = insert(physical).values(dict.fromkeys(batch.names)).compile(dialect=tx.connection.dialect)
    given = [batch.names.index(name) for name in statement.positiontup or []]
    tx.connection.exec_driver_sql(str(statement), list(map(itemgetter(*given), batch.rows)))
    tx.touched.add(physical.name)


def _finish(tx: Transaction) -> None:
    create(tx.connection, tx.catalog)
