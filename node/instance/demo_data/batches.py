"""Incidents by the million, some at a time: made here, or in a process of their own, so that two cores work at once.

That process writes frames of MessagePack to its standard output, each behind four bytes that say how long it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import IO, TYPE_CHECKING, Any, Final

import msgspec

from node.child_processes import die_with_parent, module_command, module_path
from node.instance.demo_data.mass import caller_records, mass_incidents
from node.instance.demo_data.world import world

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

_LENGTH_BYTES: Final = 4


class MakingFailedError(Exception):
    """The process that makes incidents ended too early. The text is a sentence that says what to do."""

    def __init__(self, exit_status: int) -> None:
        super().__init__(
            f"The process that makes incidents ended too early (exit status {exit_status}). What was loaded stays: "
            "look what it said above and whether this machine has memory left, then load the rest."
        )


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
        MakingFailedError: that process ended before it had made them all.
    """
    process = subprocess.Popen(  # noqa: ASYNC220, S603 - a start, which takes the loop no time; our own module
        module_command(__name__),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": module_path()},
        start_new_session=True,  # Ctrl-C is for whoever has asked
        preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509 - two system calls, prepared before the fork
    )
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    decoder = msgspec.msgpack.Decoder(Batch)
    missing = order.count
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(msgspec.json.encode(order))
            process.stdin.close()
        while missing > 0:
            frame = await asyncio.to_thread(_frame, process.stdout)
            if frame is None:
                raise MakingFailedError(process.wait())
            batch = decoder.decode(frame)
            missing -= len(batch.rows)
            yield batch
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _frame(stream: IO[bytes]) -> bytes | None:
    """The next frame; none if it does not come whole."""
    head = stream.read(_LENGTH_BYTES)
    length = int.from_bytes(head)
    frame = stream.read(length)
    return frame if len(head) == _LENGTH_BYTES and len(frame) == length else None


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
