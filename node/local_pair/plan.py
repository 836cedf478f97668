"""Which names and ports a pair gets: what was asked for, what an earlier start chose, what is free."""

from __future__ import annotations

import re
from dataclasses import dataclass

from node.brokers.children import BrokerKind, choose_kind
from node.free_ports import free_ports, is_free
from node.local_pair.processes import NodePorts, PairPorts
from node.local_pair.state import PairState, PairStateError
from node.port_owner import port_owner

NODE_PORT = 8101
INSTANCE_PORT = 8001
MQTT_PORT = 1883
COUNT_MAX = 26
_NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")
RESERVED = frozenset({"broker"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asks for; none: nothing was said."""

    names: str | None = None
    count: int | None = None
    node_port: int | None = None
    instance_port: int | None = None
    mqtt_port: int | None = None
    broker: str | None = None
    tls: bool = False


def plan(wish: Wish, earlier: PairState | None) -> PairState:
    """The pair to start. An earlier pair keeps its names, ports and broker, so that its URLs stay true.

    Raises:
        PairStateError: what was asked for contradicts that, can't be had, or makes no sense.
    """
    return _new(wish) if earlier is None else _again(wish, earlier)


def _new(wish: Wish) -> PairState:
    names = _names(wish)
    nodes = _ports(wish.node_port, NODE_PORT, len(names), "--node-port")
    instances = _ports(wish.instance_port, INSTANCE_PORT, len(names), "--instance-port")
    broker = _ports(wish.mqtt_port, MQTT_PORT, 1, "--mqtt-port")[0]
    everywhere = [*nodes, *instances, broker]
    if len(set(everywhere)) < len(everywhere):
        raise PairStateError("Two of the ports are the same. Give ranges that do not meet.")
    kind = BrokerKind(wish.broker) if wish.broker else choose_kind()
    return PairState(
        names=names,
        ports=PairPorts(
            nodes=tuple(NodePorts(node=node, instance=one) for node, one in zip(nodes, instances, strict=True)),
            broker=broker,
        ),
        broker_kind=kind.value,
        tls=wish.tls,
    )


def _again(wish: Wish, earlier: PairState) -> PairState:
    if wish.tls and not earlier.tls:
        raise PairStateError(
            "This pair was made without --tls, and its partners know it by http. "
            "Leave it out, begin anew with --reset, or name another --data."
        )
    asked = {
        "names": _names(wish) if wish.names or wish.count else None,
        "--node-port": wish.node_port,
        "--instance-port": wish.instance_port,
        "--mqtt-port": wish.mqtt_port,
        "--broker": wish.broker,
    }
    first = earlier.ports.nodes[0]
    is_ = {
        "names": earlier.names,
        "--node-port": first.node,
        "--instance-port": first.instance,
        "--mqtt-port": earlier.ports.broker,
        "--broker": earlier.broker_kind,
    }
    for what, value in asked.items():
        if value is not None and value != is_[what]:
            shown = ", ".join(earlier.names) if what == "names" else is_[what]
            raise PairStateError(
                f"This pair was made with {what} {shown}, and its partners know it by that. "
                "Leave it out, begin anew with --reset, or name another --data."
            )
    for port in (earlier.ports.broker, *(port for node in earlier.ports.nodes for port in (node.node, node.instance))):
        if not is_free(port):
            raise PairStateError(
                f"Port {port}, which this pair's URLs name, is taken{_by(port)}. Stop that, or begin anew with --reset."
            )
    return earlier


def _names(wish: Wish) -> tuple[str, ...]:
    if wish.names is not None and wish.count is not None:
        raise PairStateError("--names says how many there are. Leave --count out.")
    if wish.names is None:
        count = 2 if wish.count is None else wish.count
        if not 1 <= count <= COUNT_MAX:
            raise PairStateError(f"--count is {count}; it goes from 1 to {COUNT_MAX}.")
        return tuple("abcdefghijklmnopqrstuvwxyz"[:count])
    names = tuple(name.strip() for name in wish.names.split(","))
    for name in names:
        if not _NAME.fullmatch(name) or name in RESERVED:
            raise PairStateError(
                f"{name[:40]!r} can't name a node of a pair. "
                "Write 1 to 16 lower-case letters, digits and hyphens, as in a,b."
            )
    if len(set(names)) < len(names) or len(names) > COUNT_MAX:
        raise PairStateError(f"--names lists up to {COUNT_MAX} different names, separated by commas, as in a,b.")
    return names


def _ports(first: int | None, usual: int, count: int, flag: str) -> list[int]:
    """A row of ports: as asked for, else the usual ones, else free ones in their place."""
    if first is None:
        wanted = [usual + number for number in range(count)]
        replacements = iter(free_ports(count))
        return [port if is_free(port) else next(replacements) for port in wanted]
    if not (first >= 1 and first + count - 1 <= 65_535):  # noqa: PLR2004 - the last port there is
        raise PairStateError(f"{flag} is {first}; ports go from 1 to 65535.")
    wanted = [first + number for number in range(count)]
    for port in wanted:
        if not is_free(port):
            raise PairStateError(f"Port {port} is taken{_by(port)}. Stop that, or give another {flag}.")
    return wanted


def _by(port: int) -> str:
    owner = port_owner(port)
    return f" by {owner}" if owner else ""
