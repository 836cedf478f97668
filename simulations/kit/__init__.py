"""The test kit: test your own code against Handclasp nodes, real ones and simulated ones.

    from simulations.kit import World, simulated

    @simulated
    async def test_a_lost_accept_does_no_harm():
        async with World(seed=7) as w:
            a, b = await w.nodes("a", "b")
            code = await a.initiate(b)
            w.drop(kind="accept", nth=1)
            await b.accept(code)
            await w.quiet()
            assert a.status == b.status == "active"

`docs/test-kit.md` is its guide. What stands in `__all__` is all of it, and is stable; every other name below
`simulations` may change. The extra `testing` brings pytest and Hypothesis; without them the world can be
used, and what needs them says so when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from node.delivery.events import PresenceEvent, StatusEvent, TraceEvent, decode_event
    from simulations.admins import Code
    from simulations.faults import Fault
    from simulations.kit.acts import AdminAct
    from simulations.kit.damage import Damaged, damaged
    from simulations.kit.errors import NoAnswerError, NotQuietError, RefusedError, WorldError
    from simulations.kit.machine import HandshakeMachine
    from simulations.kit.mqtt import Delivery, MqttClient
    from simulations.kit.nodes import Connection, Node
    from simulations.kit.pair import Pair, RealNode
    from simulations.kit.plans import BrokerOutage, Crash, Delay, Drop, Duplicate, Partition, RepeatedBroadcasts
    from simulations.kit.running import run, simulated
    from simulations.kit.script import Scripted
    from simulations.kit.strategies import (
        Envelope,
        InvitationCode,
        admin_acts,
        envelopes,
        fault_plans,
        invitation_codes,
        schedules,
    )
    from simulations.kit.world import World
    from simulations.levels import Level
    from simulations.observer import ViolationError

__all__ = [
    "AdminAct",
    "BrokerOutage",
    "Code",
    "Connection",
    "Crash",
    "Damaged",
    "Delay",
    "Delivery",
    "Drop",
    "Duplicate",
    "Envelope",
    "Fault",
    "HandshakeMachine",
    "InvitationCode",
    "Level",
    "MqttClient",
    "NoAnswerError",
    "Node",
    "NotQuietError",
    "Pair",
    "Partition",
    "PresenceEvent",
    "RealNode",
    "RefusedError",
    "RepeatedBroadcasts",
    "Scripted",
    "StatusEvent",
    "TraceEvent",
    "ViolationError",
    "World",
    "WorldError",
    "admin_acts",
    "damaged",
    "decode_event",
    "envelopes",
    "fault_plans",
    "invitation_codes",
    "run",
    "schedules",
    "simulated",
]

_HOMES: Final = {
    "AdminAct": "simulations.kit.acts",
    "BrokerOutage": "simulations.kit.plans",
    "Code": "simulations.admins",
    "Connection": "simulations.kit.nodes",
    "Crash": "simulations.kit.plans",
    "Damaged": "simulations.kit.damage",
    "Delay": "simulations.kit.plans",
    "Delivery": "simulations.kit.mqtt",
    "Drop": "simulations.kit.plans",
    "Duplicate": "simulations.kit.plans",
    "Envelope": "simulations.kit.strategies",
    "Fault": "simulations.faults",
    "HandshakeMachine": "simulations.kit.machine",
    "InvitationCode": "simulations.kit.strategies",
    "Level": "simulations.levels",
    "MqttClient": "simulations.kit.mqtt",
    "NoAnswerError": "simulations.kit.errors",
    "Node": "simulations.kit.nodes",
    "NotQuietError": "simulations.kit.errors",
    "Pair": "simulations.kit.pair",
    "Partition": "simulations.kit.plans",
    "RealNode": "simulations.kit.pair",
    "PresenceEvent": "node.delivery.events",
    "RefusedError": "simulations.kit.errors",
    "RepeatedBroadcasts": "simulations.kit.plans",
    "Scripted": "simulations.kit.script",
    "StatusEvent": "node.delivery.events",
    "TraceEvent": "node.delivery.events",
    "ViolationError": "simulations.observer",
    "World": "simulations.kit.world",
    "WorldError": "simulations.kit.errors",
    "admin_acts": "simulations.kit.strategies",
    "damaged": "simulations.kit.damage",
    "decode_event": "node.delivery.events",
    "envelopes": "simulations.kit.strategies",
    "fault_plans": "simulations.kit.strategies",
    "invitation_codes": "simulations.kit.strategies",
    "run": "simulations.kit.running",
    "schedules": "simulations.kit.strategies",
    "simulated": "simulations.kit.running",
}
"""Where each name is defined. pytest loads this package wherever Handclasp is installed, so nothing is loaded early."""


_INSTALL: Final = "install Handclasp with its extra `testing` from your clone or wheel; see docs/test-kit.md."


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if error.name not in {"hypothesis", "pytest"}:
            raise
        raise ImportError(f"simulations.kit.{name} needs {error.name}: {_INSTALL}") from error
