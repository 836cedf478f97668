"""The two admins, as the demo plays them: each reaches their own node by its admin API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from node import words
from node.cli.client import AdminClient, RefusedError
from node.cli.failures import EXIT_REFUSED, CommandError
from node.cli.places import Place
from node.data_directory import read_admin_token

if TYPE_CHECKING:
    from node.local_pair.processes import NodeChild

VIEW_S_MAX: Final = 5.0
POLL_S: Final = 0.01


class DemoAdmin(AdminClient):
    """One admin's way to their node, with what else the console will show."""

    def __init__(self, side: str, child: NodeChild) -> None:
        token = read_admin_token(child.data)
        if token is None:
            raise CommandError(f"The node {side} has no admin token.", exit_code=EXIT_REFUSED)
        super().__init__(Place(title=f"node {side}", url=child.node_url, token=token, trust=child.trust))
        self.side = side
        self.name = f"Admin {side.upper()}"
        self.child = child

    async def view(self, sys_id: str, status: str) -> dict[str, Any]:
        """A connection as this admin sees it, once it has that status.

        Raises:
            CommandError: it did not get it in time.
        """
        until = asyncio.get_running_loop().time() + VIEW_S_MAX
        while True:
            found = [one for one in await asyncio.to_thread(self.connections) if one["sys_id"] == sys_id]
            if found and found[0]["status"] == status:
                return found[0]
            if asyncio.get_running_loop().time() >= until:
                shown = words.status(found[0]) if found else "not there"
                raise CommandError(
                    f"{self.name} should see the connection as {words.STATUSES[status]}, but it is {shown}.",
                    exit_code=EXIT_REFUSED,
                )
            await asyncio.sleep(POLL_S)

    def refusal(self) -> str | None:
        """The sentence that stands in place of the list of connections while the node does not run; none: it does."""
        try:
            self.connections()
        except RefusedError:
            raise
        except CommandError as error:
            return error.sentence
        return None
