"""Standard changes: what has been done so often that it is approved beforehand, and what such a change begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.instance.demo_data import known
from node.instance.demo_data.drawing import sys_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from node.instance.demo_data.record import Record
    from node.instance.demo_data.world import World

_CHANGES: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    known.STANDARD_CHANGE: (
        "Network",
        {
            "category": "Network",
            "short_description": "Clear the BGP sessions of a router",
            "description": f"{known.STANDARD_CHANGE_BEGINS}, and have theirs sent again. Traffic goes other ways for "
            "about a minute.",
            "implementation_plan": "1. Silence the monitoring of the router.\n2. Clear the sessions softly, one "
            "neighbor at a time.\n3. Wait for each to be established before the next.",
            "backout_plan": "There is nothing to go back to: a session that stays down is opened with its neighbor.",
            "test_plan": "All sessions are established, and as many prefixes are received as before.",
        },
    ),
    "Add network switch to datacenter cabinet": (
        "Network",
        {
            "category": "Network",
            "short_description": "Add a switch to a cabinet",
            "description": "A switch from stock is mounted, powered twice, and joined to the two above it.",
            "implementation_plan": "1. Mount and cable it.\n2. Load the configuration of its cabinet.\n3. Add it to "
            "the monitoring.",
            "backout_plan": "Take its uplinks out; nothing else hangs on it yet.",
            "test_plan": "Both uplinks carry traffic, and the monitoring is green for an hour.",
        },
    ),
    "Restart a Windows server": (
        "Server Operations",
        {
            "category": "Software",
            "short_description": "Restart a Windows server in its window",
            "description": "The server is restarted outside working hours, after its users have been told.",
            "implementation_plan": "1. See that the last backup is good.\n2. Restart.\n3. See that every service that "
            "ran before runs again.",
            "backout_plan": "Start services by hand; if the server does not come back, restore it.",
            "test_plan": "Its users' application answers, and its event log shows no new error.",
        },
    ),
}
"""By the template's name, the group that carries it out, and the values of such a change."""


def standard_change_records(world: World) -> Iterable[Record]:
    """Each template, what it is asked for by, and its one version."""
    for name, (group, values) in _CHANGES.items():
        template, producer = sys_id(world.seed, "std template", name), sys_id(world.seed, "std producer", name)
        fixed = {"type": "standard", "risk": "4", "impact": "3", "priority": "4", "approval": "approved"}
        given = {**fixed, "assignment_group": world.teams[group].sys_id, **values}
        text = "".join(f"{field}={value}^" for field, value in given.items()) + "EQ"
        yield "std_change_template", {"sys_id": template, "name": name, "template": text, "active": "true"}
        yield (
            "std_change_record_producer",
            {
                "sys_id": producer,
                "name": name,
                "short_description": values["short_description"],
                "template": template,
                "active": "true",
            },
        )
        is_known = name == known.STANDARD_CHANGE
        yield (
            "std_change_producer_version",
            {
                "sys_id": known.STANDARD_CHANGE_VERSION if is_known else sys_id(world.seed, "std version", name),
                "name": f"{name} - 1",
                "version": "1",
                "std_change_producer": producer,
            },
        )
