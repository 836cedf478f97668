"""The nodes of a world, as a test sees them: what their admins do, and what they show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from node.connections.stored import record_of
from protocol.errors import CodeError
from protocol.invitation import read_code
from protocol.machine import possible_acts
from protocol.records import reason_of, status_of
from simulations.admins import Code, content_of
from simulations.host import ADMIN_TOKEN
from simulations.kit.errors import NoAnswerError, RefusedError, WorldError
from simulations.observer import Observer

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.ports import HttpAnswer
    from simulations.admins import Asked
    from simulations.host import Host
    from simulations.rows import Row
    from simulations.world import World as SeededWorld

_REFUSED_FROM: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One connection as one node holds it, committed to its disk.

    Attributes:
        sys_id: what the admin API and topics call it, 32 hexadecimal digits; mostly the same on both nodes.
        name: its name.
        role: `source` or `destination`: what this node is in it.
        status: what its admin is shown: `pending`, `invited`, `accepting`, `awaiting-approval`, `active`,
            `deactivated-here`, `deactivated-there`, `deactivated-both` or `closed`.
        reason: why it is closed; none: it is not.
        seq: the number of the last status event that the node has told of it; 0: none yet. Later ones have higher
            numbers, not always the next one.
        is_owed: whether the partner has not confirmed yet how this side is.
        possible_acts: what its admin could do to it now.
    """

    sys_id: str
    name: str
    role: str
    status: str
    reason: str | None
    seq: int
    is_owed: bool
    possible_acts: tuple[str, ...]


class Committed(Observer):
    """What each machine's disk holds of connections, whether the machine is on or off."""

    def __init__(self, world: SeededWorld) -> None:
        super().__init__(world)
        self._rows: dict[str, dict[int, Row]] = {}

    def booted(self, host: Host) -> None:
        """See `Observer`."""
        self._rows[host.name] = host.rows.known

    def committed(self, host: Host) -> None:
        """See `Observer`."""
        self._rows[host.name] = host.rows.known

    def unsettled(self) -> str | None:
        """See `Observer`: nobody owes anything to whom it could be told, whoever that is."""
        for host in self.world.hosts.values():
            for row in self.of(host):
                if row.owed and row.partner_node_url is not None:
                    return f"{host.name} still owes its statement of {row.name} to {row.partner_node_url}."
        return None

    def of(self, host: Host) -> list[Row]:
        """The rows of a machine, in the order in which they were made."""
        rows = self._rows.get(host.name, {})
        return [rows[n] for n in sorted(rows)]


class Node:
    """A simulated node and its admin; `World.nodes` makes it.

    Where a method takes a `connection`, it is one of `connections`, a `sys_id`, or left out for the newest.

    Attributes:
        name: its name, which is also its short name in connections.
        node_url: where partners and admins reach it within the world.
        instance_url: what people know it by.
        node_id: its UUID, as topics have it.
        admin_token: the bearer token of its admin API.
    """

    def __init__(self, opened: Callable[[], SeededWorld], host: Host, committed: Committed) -> None:
        self._opened = opened
        self._host = host
        self._committed = committed
        self._initiated = 0
        self.name = host.name
        self.node_url = host.node_url
        self.instance_url = host.instance_url
        self.node_id = host.topic_id
        self.admin_token = ADMIN_TOKEN

    def __repr__(self) -> str:
        return f"<Node {self.name}: {', '.join(one.status for one in self.connections) or 'no connection'}>"

    # What it shows

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Its connections, oldest first, as they are on its disk; those that its admin removed are not among them."""
        now = self._host.clock.now()
        return tuple(_connection(row, now) for row in self._committed.of(self._host) if not row.hidden)

    @property
    def status(self) -> str | None:
        """The status of its newest connection; none: it has no connection."""
        shown = self.connections
        return shown[-1].status if shown else None

    @property
    def is_on(self) -> bool:
        """Whether it answers."""
        return self._host.is_reachable()

    # What its admin does

    async def initiate(
        self,
        to: Node | str | None = None,
        *,
        name: str | None = None,
        ask_me: bool | None = False,
        lifetime_s: int | None = None,
    ) -> Code:
        """Initiate a connection; the invitation code.

        Args:
            to: the destination, or its instance or node URL; none: "I don't have a URL".
            name: the connection's name; none: one is made up.
            ask_me: whether this admin is asked before it becomes active; none: as the node does by default.
            lifetime_s: for how many seconds the code can be taken; none: as long as the node's default.

        Raises:
            RefusedError, NoAnswerError: see there.
        """
        self._initiated += 1
        remote = to.name if isinstance(to, Node) else "remote"
        asked = self._world.admins.initiation(
            self.name,
            url=to.instance_url if isinstance(to, Node) else to,
            remote=remote,
            called=name if name is not None else f"{self.name}_to_{remote}_{self._initiated}",
            ask_me=ask_me,
            lifetime_s=lifetime_s,
        )
        return self._shown_code(await self._ask(asked))

    async def new_code(self, connection: Connection | str | None = None, *, lifetime_s: int | None = None) -> Code:
        """Replace the code of a pending connection; the new one. The old one can't be taken any more.

        Raises:
            RefusedError, NoAnswerError: see there.
        """
        asked = self._world.admins.renewal(self._sys_id(connection), lifetime_s=lifetime_s)
        return self._shown_code(await self._ask(asked))

    async def accept(self, code: Code | str) -> Connection:
        """Accept a code: one that a node gave, or any text with one in it; the connection that comes of it.

        Raises:
            RefusedError: with the problem `code-refused`, among others.
            NoAnswerError: see there.
        """
        return await self._paste(code, "accept")

    async def decline(self, code: Code | str) -> Connection:
        """Decline a code; the connection, which is closed. Raises what `accept` does."""
        return await self._paste(code, "decline")

    async def act(self, act: str, connection: Connection | str | None = None) -> Connection | None:
        """Do something to a connection.

        Args:
            act: `withdraw`, `approve`, `refuse`, `activate`, `deactivate`, `cancel`, `decline`, `remove` (what lives is
                closed first, and leaves the list when it is removed again) or `forget`; `possible_acts` tells which of
                them are possible.
            connection: to which.

        Returns:
            The connection as it is then; none: it is not in the list any more.

        Raises:
            RefusedError: with the problem `not-possible-now`, among others.
            NoAnswerError: see there.
        """
        sys_id = self._sys_id(connection)
        await self._ask(self._world.admins.doing(sys_id, act))
        return next((one for one in self.connections if one.sys_id == sys_id), None)

    async def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask anything of the admin API; `path` is what stands behind `/api/v1`. The JSON document of the answer.

        Raises:
            RefusedError, NoAnswerError: see there.
        """
        from simulations.admins import Asked  # noqa: PLC0415 - for this alone

        return content_of(await self._ask(Asked(act=f"{method} {path}", method=method, path=path, body=body)))

    # What befalls its machine

    def crash(self) -> None:
        """Cut its power: what it had not committed is lost, and it stays off until `restart`."""
        self._world.machines.turn_off(self._host)

    def restart(self) -> None:
        """Turn it on again after `crash`; it takes a moment until it answers."""
        self._world.machines.turn_on(self._host)

    def set_clock(self, *, ahead_s: float) -> None:
        """Let its clock be wrong by so many seconds; negative: behind."""
        self._world.hosts[self.name].clock.ahead_s = ahead_s

    # How

    @property
    def _world(self) -> SeededWorld:
        return self._opened()

    async def _paste(self, code: Code | str, verb: str) -> Connection:
        text = code if isinstance(code, str) else code.text
        known = code if isinstance(code, Code) else self._known(code)
        answer = await self._ask(self._world.admins.pasting(text, verb, code=known))
        sys_id = content_of(answer)["connection"]["sys_id"]
        return next(one for one in self._all() if one.sys_id == sys_id)

    def _all(self) -> list[Connection]:
        now = self._host.clock.now()
        return [_connection(row, now) for row in self._committed.of(self._host)]

    def _known(self, text: str) -> Code | None:
        """The code in a text, if a node of this world made it."""
        try:
            found = read_code(text).invitation
        except CodeError:
            return None
        codes = self._world.admins.codes
        return next((one for one in codes if (one.connection, one.serial) == (found.connection, found.serial)), None)

    def _sys_id(self, connection: Connection | str | None) -> str:
        if isinstance(connection, str):
            return connection
        if connection is not None:
            return connection.sys_id
        shown = self.connections
        if not shown:
            raise WorldError(f"{self.name} has no connection that something could be done to.")
        return shown[-1].sys_id

    def _shown_code(self, answer: HttpAnswer) -> Code:
        code = self._world.admins.shown_code(self._host, answer)
        assert code is not None  # noqa: S101 - the node did what was asked
        return code

    async def _ask(self, asked: Asked) -> HttpAnswer:
        answer = await self._world.admins.ask(self._host, asked)
        if answer is None:
            off = "" if self.is_on else " It is off."
            raise NoAnswerError(f"{self.name} did not answer its admin's {asked.act}.{off}")
        if answer.status >= _REFUSED_FROM:
            raise RefusedError(status=answer.status, document=content_of(answer))
        return answer


def _connection(row: Row, now: float) -> Connection:
    record = record_of(row)
    reason = reason_of(record)
    is_gone = row.hidden and not row.owed
    return Connection(
        sys_id=row.sys_id,
        name=row.name,
        role=row.role,
        status=status_of(record).value,
        reason=reason.value if reason is not None else None,
        seq=row.seq,
        is_owed=bool(row.owed),
        possible_acts=() if is_gone else tuple(act.value for act in possible_acts(record, now=now)),
    )
