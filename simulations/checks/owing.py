"""Owing: what is owed stays owed until the partner has said that it holds it; nobody else can strike it out.

A day later a resync would heal what was struck out too early, so agreement at the end does not show this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulations.checks.facts import CLOSED, OTHER_ROLE, SOURCE, Check

if TYPE_CHECKING:
    from simulations.admins import Asked
    from simulations.host import Host
    from simulations.rows import Change, Row
    from simulations.wire import Said
    from simulations.world import World

Speaker = tuple[bytes, str, bytes, bytes, int]
"""Who spoke of what: its key, its role, the connection, the source's key, the serial."""


class Owing(Check):
    """See the module."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._echoes: set[tuple[Speaker, tuple[int, str, int]]] = set()
        self._closed: set[Speaker] = set()
        self._forgotten: set[tuple[bytes, str]] = set()

    def asked(self, host: Host, asked: Asked) -> None:
        """See `Observer`: an admin may strike it out by hand."""
        if asked.act == "forget" and asked.sys_id is not None:
            self._forgotten.add((host.key, asked.sys_id))

    def said(self, by: str, said: Said) -> None:  # noqa: ARG002 - whose key it is counts
        """See `Observer`."""
        source_key = said.sender if said.role == SOURCE else said.recipient
        speaker = (said.sender, said.role, said.connection, source_key, said.serial)
        if said.echo is not None:
            self._echoes.add((speaker, (said.echo.revision, said.echo.phase, int(said.echo.enabled))))
            if said.echo.phase == CLOSED:
                self._closed.add(speaker)
        if said.mine.phase == CLOSED:
            self._closed.add(speaker)

    def changed(self, host: Host, change: Change) -> None:
        """See `Observer`."""
        before, after, _ = change
        if before is None or after is None or not before.owed or after.owed:
            return
        if (before.serial, before.mine) != (after.serial, after.mine):
            return  # the partner's word changed this side, and its answer tells so
        if (host.key, after.sys_id) not in self._forgotten and not self._was_told(after):
            self.violated(f"{self.called(host, after)} is no longer owed, and its partner never said it holds that.")

    def _was_told(self, row: Row) -> bool:
        speaker = (
            row.partner or row.addressee or b"",
            OTHER_ROLE[row.role],
            row.connection,
            row.source_key,
            row.serial,
        )
        if row.phase == CLOSED:
            return speaker in self._closed
        return (speaker, (row.revision, row.phase, row.enabled)) in self._echoes
