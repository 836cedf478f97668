"""The first two nodes of a pair are connected to each other, as their two admins would do it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from node.cli.client import AdminClient
from node.cli.places import Place
from node.data_directory import read_admin_token
from node.local_pair.processes import PairFailedError
from protocol.records import Status

if TYPE_CHECKING:
    from typing import Any

    from node.local_pair.processes import LocalPair, NodeChild

ACTIVE_S_MAX = 15.0
POLL_S = 0.02

CONNECTED = frozenset({Status.ACTIVE, Status.DEACTIVATED_HERE, Status.DEACTIVATED_THERE, Status.DEACTIVATED_BOTH})
"""A connection that an admin has switched off is one all the same, and theirs to switch on."""


def client_of(node: NodeChild) -> AdminClient:
    """The admin client of a node of this pair."""
    token = read_admin_token(node.data)
    if token is None:
        raise PairFailedError(f"The node {node.name} has no admin token: it never started.")
    return AdminClient(Place(title=f"node {node.name} of the pair", url=node.node_url, token=token, trust=node.trust))


def handshake(pair: LocalPair) -> dict[str, Any]:
    """Connect the first two nodes, unless they are connected already; the source's connection.

    Raises:
        CommandError: a node refused.
        PairFailedError: it did not become Active.
    """
    source, destination = pair.nodes[0], pair.nodes[1]
    admin, other = client_of(source), client_of(destination)
    for one in admin.connections():
        if one["partner"]["node_url"] == destination.node_url and one["status"] in CONNECTED:
            return one
    names = {one["name"] for one in [*admin.connections(), *other.connections()]}
    base = f"{source.name}_to_{destination.name}"
    name = next(name for name in (base, *(f"{base}_{n}" for n in range(2, 1000))) if name not in names)
    offered = admin.initiate(
        {
            "destination_url": destination.instance_url,
            "name": name,
            "local_short_name": source.name,
            "remote_short_name": destination.name,
        }
    )
    other.accept({"code": offered["invitation_code"]})
    deadline = time.monotonic() + ACTIVE_S_MAX
    while time.monotonic() < deadline:
        shown = [client.connection(offered["connection"]["sys_id"])["connection"] for client in (admin, other)]
        if all(one["status"] == "active" for one in shown):
            return dict(shown[0])
        time.sleep(POLL_S)  # noqa: TID251 - a real process waits for real ones
    raise PairFailedError(f'The connection "{name}" did not become Active within {ACTIVE_S_MAX:.0f} s.')
