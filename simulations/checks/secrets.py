"""Secrets: no code's secret part, no key and no token stands anywhere but where it must.

Searched are all databases and backups, every message between nodes, every broadcast, every line of a log, and every
answer to an admin that is not the one that shows a code.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from simulations.checks.facts import Check
from simulations.host import ADMIN_TOKEN, signing_seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from node.ports import HttpAnswer, Publication
    from simulations.admins import Asked
    from simulations.host import Host
    from simulations.world import World

SECRET_CHARACTERS = 32
"""The end of a code: its seed and checksum (protocol section 3)."""

SEED_BYTES = 16
SHOWS_CODES = frozenset({"initiate", "new-code"})


class Secrets(Check):
    """See the module."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._seen: list[tuple[str, bytes]] = []

    def passed(self, data: bytes) -> None:
        """See `Observer`."""
        self._seen.append(("a message between nodes", data))

    def published(self, client_id: str, link: int, publication: Publication) -> None:  # noqa: ARG002 - what, not who
        """See `Observer`."""
        self._seen.append(("a broadcast", publication.topic.encode() + b" " + publication.payload))

    def logged(self, host: str, event: dict[str, object], error: BaseException | None) -> None:
        """See `Observer`."""
        self._seen.append((f"{host}'s log", f"{event} {error}".encode()))

    def answered(self, host: Host, asked: Asked, answer: HttpAnswer | None) -> None:
        """See `Observer`."""
        if answer is not None and asked.act not in SHOWS_CODES:
            self._seen.append((f"{host.name}'s answer to {asked.act}", answer.body))

    def came_to_rest(self) -> None:
        """See `Observer`."""
        databases = [(f"the database of {host.name}", host.bytes_now()) for host in self.world.hosts.values()]
        backups = [(f"a backup of {backup.host}", backup.image) for backup in self.world.admins.backups]
        places = [*self._seen, *databases, *backups]
        all_of_it = b"".join(data for _, data in places)  # one search is quicker than some hundred short ones
        for what, secret in self._secrets():
            if secret in all_of_it:
                for where, data in places:
                    if secret in data:
                        self.violated(f"{what} stands in {where}.")

    def _secrets(self) -> Iterator[tuple[str, bytes]]:
        yield "the admin token", ADMIN_TOKEN.encode()
        for host in self.world.hosts.values():
            yield f"the master secret of {host.name}", host.plan.identity.master_secret
            yield f"the signing key of {host.name}", signing_seed("abcdefgh".index(host.name[0]))
        for code in self.world.admins.codes:
            secret = code.text[-SECRET_CHARACTERS:]
            yield "the secret part of a code", secret.encode()
            yield "the seed of a code", base64.b32decode(secret.upper())[:SEED_BYTES]
