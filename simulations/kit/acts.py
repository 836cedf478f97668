"""What an admin does, as a value: it can be drawn, printed, shrunk and repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from simulations.kit.errors import NoAnswerError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulations.admins import Code
    from simulations.kit.nodes import Node

WITH_CODES: Final = ("initiate", "accept", "decline-code", "new-code")
WITHOUT_CODES: Final = (
    "withdraw", "approve", "refuse", "activate", "deactivate", "cancel", "decline", "remove",
)  # fmt: skip
ACTS: Final = WITH_CODES + WITHOUT_CODES


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminAct:
    """One act of an admin; `World.perform` does it. Numbers choose among what there is, counted round.

    Attributes:
        act: `initiate`, `accept`, `decline-code`, `new-code`, or an act that needs no code, such as `approve`.
        node: whose admin it is.
        pick: on which code, newest first, or on which of the connections on which the act is possible, newest first.
        is_bound: of `initiate`: the destination is named, so that only the one can take the code.
        ask_me: of `initiate`: the source's admin is asked before it becomes active.
        lifetime_s: of `initiate` and `new-code`: how long the code can be taken; none: as long as the node's default.
    """

    act: str
    node: int = 0
    pick: int = 0
    is_bound: bool = True
    ask_me: bool = False
    lifetime_s: int | None = None


async def perform(act: AdminAct, nodes: Sequence[Node], codes: Sequence[Code]) -> bool:
    """Do it; whether it was possible, and the node did it."""
    node = nodes[act.node % len(nodes)]
    try:
        return await _perform(act, node, nodes, codes)
    except (RefusedError, NoAnswerError):
        return False


async def _perform(act: AdminAct, node: Node, nodes: Sequence[Node], codes: Sequence[Code]) -> bool:
    match act.act:
        case "initiate":
            others = [one for one in nodes if one is not node]
            to = others[act.pick % len(others)] if act.is_bound and others else None
            await node.initiate(to, ask_me=act.ask_me, lifetime_s=act.lifetime_s)
        case "accept" | "decline-code":
            if not codes:
                return False
            code = codes[-1 - act.pick % len(codes)]
            await (node.accept(code) if act.act == "accept" else node.decline(code))
        case _:
            possible = [one for one in node.connections if act.act in one.possible_acts]
            if not possible:
                return False
            connection = possible[-1 - act.pick % len(possible)]
            if act.act == "new-code":
                await node.new_code(connection, lifetime_s=act.lifetime_s)
            else:
                await node.act(act.act, connection)
    return True
