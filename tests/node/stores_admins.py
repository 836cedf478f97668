"""The admins of a `tests.node.stores_world`: real use cases, each write under an idempotency key of its own.

Whatever they do is told to the witness before the step is judged. An admin whose node dies in a write sends it again.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from node.connections import accepting, acting, initiating
from node.connections.accepting import Adapted
from node.connections.initiating import Wish, invitation_code
from node.connections.once import Once
from node.connections.stored import Names
from node.problems import Problem, ProblemError
from protocol.invitation import read_code
from protocol.machine import possible_acts
from protocol.modes import Mode
from protocol.tables import Act
from protocol.vocabulary import Phase, Reason, Role
from tests.node.stores_node import Fate, PowerCutError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from node.connections.stored import Connection
    from protocol.records import Record
    from tests.node.stores_node import StoresNode
    from tests.node.stores_world import World

    Use = Callable[[Once], Coroutine[Any, Any, Any]]
    Acted = Callable[[Record | None, Record | None], None]

SWITCHES = (Act.ACTIVATE, Act.DEACTIVATE)
REMOVALS = (Act.DECLINE, Act.CANCEL, Act.REMOVE)
KEY_KEPT_S = 24 * 3600


class Admins:
    """One admin for each node of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.initiated = 0
        self.writes: list[tuple[StoresNode, int, float, Once, Use]] = []

    # what they see

    def rows(self) -> Iterator[tuple[StoresNode, Connection]]:
        """Every connection that an admin sees, and at which node; those that live come first."""
        found = [(node, row) for node in self._world.nodes.values() for row in self._world.checks.rows_of(node)]
        for is_closed in (False, True):
            for node, row in found:
                if not row.is_gone and (row.record.mine.phase is Phase.CLOSED) is is_closed:
                    yield node, row

    def possible(self, *, switches: bool) -> Iterator[tuple[StoresNode, Connection, Act]]:
        """What may be done now: the switches, or everything else but new codes."""
        for node, row in self.rows():
            for act in possible_acts(row.record, now=node.now()):
                if act is not Act.NEW_CODE and (act in SWITCHES) is switches:
                    yield node, row, act

    def reissuable(self) -> list[tuple[StoresNode, Connection]]:
        """The connections that may have a new code."""
        return [
            (node, row)
            for node, row in self.rows()
            if row.role is Role.SOURCE and row.record.partner is None and row.record.mine.reason is not Reason.WITHDRAWN
        ]

    # what they do

    def initiate(
        self, node: StoresNode, to: StoresNode | None, name: str, *, ask_me: bool | None, lifetime_s: int
    ) -> str | None:
        """Make a connection; its code, unless it was refused."""
        wish = Wish(
            destination_url=to.url if to is not None else None,
            mode=Mode.SCRIPT,
            names=Names(name=name, local_short_name=node.name, remote_short_name="there"),
            ask_me=ask_me,
            code_lifetime_s=lifetime_s,
        )
        told = f"{node.name} initiates {name} to {to.name if to else 'whoever has the code'}"
        made = self._write(node, told, lambda once: initiating.initiate(node.context, wish, once=once))
        self.initiated += made is not None
        return self._code_of(node, made)

    def renew(self, node: StoresNode, row: Connection, *, lifetime_s: int) -> str | None:
        """Make a new code; none if that was refused."""
        told = f"{node.name} makes a new code of {row.names.name}"
        made = self._write(
            node, told, lambda once: acting.new_code(node.context, row.sys_id, lifetime_s=lifetime_s, once=once)
        )
        return self._code_of(node, made)

    def _code_of(self, node: StoresNode, made: Any) -> str | None:
        if made is None or made.code is None:
            return None
        assert made.code == invitation_code(node.context, made.connection), "shown again, it is another code"
        return str(made.code)

    def paste(self, node: StoresNode, code: str, does: Act) -> None:
        """Accept or decline a code."""
        given = read_code(code).invitation
        identity = given.source_key, given.connection
        witness = self._world.checks.witness_of(*identity)

        def acted(before: Record | None, after: Record | None) -> None:
            if after is None or after.serial != given.serial or before == after:
                return
            witness.parted.add((node.key, given.serial))
            if after.mine.phase is Phase.ACCEPTED:
                witness.accepted.add((node.key, given.serial))

        def use(once: Once) -> Coroutine[Any, Any, Any]:
            if does is Act.ACCEPT:
                return accepting.accept(node.context, code, Adapted(), once=once)
            return accepting.decline(node.context, code, once=once)

        self._write(node, f"{node.name}: {does} {given.name}", use, identity, acted)

    def perform(self, node: StoresNode, row: Connection, act: Act) -> None:
        """Do what an admin may do to a connection, or may not."""
        identity = row.source_key, row.connection_id
        checks = self._world.checks
        witness = checks.witness_of(*identity)

        def acted(before: Record | None, after: Record | None) -> None:
            if before == after or after is None:
                return
            if act is Act.APPROVE:
                witness.approved.add(after.serial)
            if act is Act.DECLINE:
                witness.parted.add((node.key, after.serial))

        told = f"{node.name}: {act} {row.names.name}"
        with checks.forgets(node, row.sys_id) if act is Act.FORGET else nullcontext():
            self._write(
                node, told, lambda once: acting.perform(node.context, row.sys_id, act, once=once), identity, acted
            )

    def remove_all(self) -> None:
        """Remove every connection everywhere, and then from the list: two acts, so ask again when all is told."""
        for node, row in list(self.rows()):
            for act in REMOVALS:
                if act in possible_acts(row.record, now=node.now()):
                    self.perform(node, row, act)
                    break

    def send_again(self, pick: int) -> None:
        """A write comes once more, late: it does nothing."""
        if not self.writes:
            return
        node, lives, at, once, use = self.writes[-1 - pick % len(self.writes)]
        if node.lives != lives or node.now() - at >= KEY_KEPT_S:
            return
        kept = node.store.rows()
        result = self._world.attempt(node, use(once))
        assert node.store.rows() == kept, "it was done twice"
        assert not isinstance(result, BaseException) or result.problem is Problem.NOT_FOUND

    def _write(
        self,
        node: StoresNode,
        told: str,
        use: Use,
        identity: tuple[bytes, bytes] | None = None,
        acted: Acted = lambda _before, _after: None,
    ) -> Any:
        self._world.tell(f"  {told}")
        once = Once(key=f"key {len(self.writes)}", digest=told.encode())
        fate = node.store.fate
        result = self._attempt(node, use(once), identity, acted)
        if isinstance(result, PowerCutError):
            self._world.tell("  … and asks again")
            kept = node.store.rows()
            result = self._attempt(node, use(once), identity, acted)
            assert fate is Fate.BEFORE or node.store.rows() == kept, "it was done twice"
        if isinstance(result, ProblemError):
            self._world.tell(f"  refused: {result.problem}")
        if isinstance(result, BaseException):
            return None
        self.writes.append((node, node.lives, node.now(), once, use))
        return result

    def _attempt(
        self,
        node: StoresNode,
        coroutine: Coroutine[Any, Any, Any],
        identity: tuple[bytes, bytes] | None,
        acted: Acted,
    ) -> Any:
        before = node.record_of(identity)
        return self._world.attempt(node, coroutine, lambda: acted(before, node.record_of(identity)))
