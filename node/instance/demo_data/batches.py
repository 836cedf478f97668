"""Incidents by the million, some at a time: made here, or in a process of their own, so that two cores work at once.

That process writes frames of MessagePack to its standard output, each behind four bytes that say how long it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from node.instance.demo_data.mass import caller_records, mass_incidents
from node.instance.demo_data.world import world

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

_LENGTH_BYTES: Final = 4


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Which incidents are wanted.

    Attributes:
        seed, now: of the company, as for `world`.
        first_number: the number of the first one.
        at_once: how many a batch holds.
    """

    seed: int
    now: datetime
    count: int
    first_number: int
    at_once: int


class Batch(msgspec.Struct, frozen=True):
    """Some of them: stored values in the order of the fields' names."""

    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def batches(order: Order) -> Iterator[Batch]:
    """All of them, in the order of their numbers."""
    company = world(order.seed, order.now)
    callers = caller_records(company, order.count, order.first_number)
    incidents = mass_incidents(company, callers, order.count, order.first_number)
    while some := list(islice(incidents, order.at_once)):
        names = tuple(some[0])
        yield Batch(names, list(map(itemgetter(*names), some)))


async def batches_apart(order: Order) -> AsyncGenerator[Batch]:
    """The same, made in another process while the one before is used.

    Raises:
        RuntimeError: that process ended before it had made them all.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for whoever has asked
    )
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        process.stdin.write(msgspec.json.encode(order))
        process.stdin.close()
        decoder = msgspec.msgpack.Decoder(Batch)
        missing = order.count
        while missing > 0:
            length = int.from_bytes(await process.stdout.readexactly(_LENGTH_BYTES))
            batch = decoder.decode(await process.stdout.readexactly(length))
            missing -= len(batch.rows)
            yield batch
    except asyncio.IncompleteReadError as error:
        raise RuntimeError("The process that makes incidents ended too early.") from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _make() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    encoder = msgspec.msgpack.Encoder()
    with contextlib.suppress(BrokenPipeError):  # nobody wants the rest
        for batch in batches(order):
            frame = encoder.encode(batch)
            sys.stdout.buffer.write(len(frame).to_bytes(_LENGTH_BYTES))
            sys.stdout.buffer.write(frame)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    _make()
