"""What goes wrong now, or went wrong lately, with which connections.

All of it is known anyway: why the last try to reach a partner brought no answer, why there is no link to the broker,
and for which reason a connection has closed. What a person has decided is no error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.store import noticing, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.connections.context import Context
    from node.connections.stored import Connection
    from node.delivery.failing import Failing
    from node.ports import Transaction

UNREACHED_SHOWN_MAX: Final = 100
CONNECTIONS_SHOWN_MAX: Final = 5
"""How many connections are named with a partner that does not answer."""

LOST_SHOWN_MAX: Final = 100
LATELY_S: Final = 30 * 86_400
"""How long a connection that was lost is an error; it stays in the list of connections after that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """A partner that does not answer.

    Attributes:
        failing: who, where, why and since when.
        connections: those that wait for it, at most CONNECTIONS_SHOWN_MAX; what is owed comes first.
        owed_count: how many connections have something to tell it.
        count: how many wait for it, with those that would only be stated again.
    """

    failing: Failing
    connections: Sequence[Connection]
    owed_count: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """All that goes wrong.

    Attributes:
        unreached: the partners that do not answer, the longest first, at most UNREACHED_SHOWN_MAX.
        lost: connections that have closed lately though nobody decided it, newest first, at most LOST_SHOWN_MAX.
        broadcast_count: how many broadcasts wait for the broker.
    """

    unreached: Sequence[Unreached]
    lost: Sequence[Connection]
    broadcast_count: int


async def look(context: Context, failing: Sequence[Failing]) -> Errors:
    """What goes wrong; `failing` is what the dispatcher says."""
    since_ms = int((context.clock.now() - LATELY_S) * 1000)

    def unit(tx: Transaction) -> Errors:
        found = [_unreached(tx, one) for one in failing[:UNREACHED_SHOWN_MAX]]
        return Errors(
            unreached=[one for one in found if one.count],
            lost=noticing.lost(tx, since_ms=since_ms, most=LOST_SHOWN_MAX),
            broadcast_count=statements.broadcast_count(tx),
        )

    return await context.store.run(unit)


def _unreached(tx: Transaction, failing: Failing) -> Unreached:
    owed = statements.owed_to(tx, recipient=failing.key, url=failing.url, most=CONNECTIONS_SHOWN_MAX)
    owed_count = noticing.owed_to_count(tx, recipient=failing.key, url=failing.url)
    more = sorted(failing.restated - {one.n for one in owed})
    room = CONNECTIONS_SHOWN_MAX - len(owed)
    again = statements.live_by_numbers(tx, more[:room], url=failing.url) if more[:room] else []
    # one that is both owed and to be stated again counts once, as long as it is among those that are shown
    return Unreached(failing=failing, connections=[*owed, *again], owed_count=owed_count, count=owed_count + len(more))
