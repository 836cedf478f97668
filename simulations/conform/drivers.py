"""Who acts as the implementation's admin: a person at a terminal, or the admin API of a Handclasp node."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from typing import TYPE_CHECKING, Any, Final

from node.cli.client import AdminClient, RefusedError
from node.cli.failures import CommandError
from node.problems import Problem
from simulations.conform.bench import NotDrivenError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from node.cli.places import Place
    from protocol.tables import Act

ANSWER_S_MAX: Final = 20.0
LINE_BYTES_MAX: Final = 65_536
POLL_S: Final = 0.1
SKIP: Final = "skip"


class AdminDriver:
    """Acts by a node's admin API; see `Driver`."""

    def __init__(self, place: Place) -> None:
        self._client = AdminClient(place, answer_s_max=ANSWER_S_MAX)
        self._sys_ids: dict[str, str] = {}

    async def initiate(self, *, name: str, to: str | None, ask_me: bool, lifetime_s: int | None) -> str:
        """See `Driver`."""
        wish = {
            "name": name,
            "local_short_name": "node",
            "remote_short_name": "conform",
            "destination_url": to,
            "ask_me": ask_me,
        } | ({} if lifetime_s is None else {"code_lifetime_s": lifetime_s})
        made = await self._asked(lambda: self._client.initiate(wish))
        self._sys_ids[name] = made["connection"]["sys_id"]
        return str(made["invitation_code"])

    async def accept(self, code: str) -> None:
        """See `Driver`."""
        await self._asked(lambda: self._client.accept({"code": code}))

    async def decline(self, code: str) -> None:
        """See `Driver`."""
        await self._asked(lambda: self._client.decline(code))

    async def act(self, connection: bytes, act: Act) -> None:
        """See `Driver`; the runner's connections have ids of their own, so their sys_id is that id."""
        await self._asked(lambda: self._client.act(connection.hex(), act.value))

    async def outcome_of(self, text: str) -> str:
        """See `Driver`."""
        try:
            await asyncio.to_thread(self._client.accept, {"code": text})
        except RefusedError as error:
            if str(error.document.get("type", "")).endswith(Problem.CODE_REFUSED):
                return str(error.document.get("outcome"))
            raise NotDrivenError(error.sentence) from error
        except CommandError as error:
            raise NotDrivenError(error.sentence) from error
        return "taken"

    async def _asked(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return await asyncio.to_thread(call)
        except CommandError as error:
            raise NotDrivenError(f"its admin API refused: {error.sentence}") from error


class PersonDriver:
    """Tells a person what to do at the implementation, and waits for Enter; see `Driver`."""

    def __init__(self, *, told: TextIO, typed: int | None) -> None:
        """Where the person reads, and the file descriptor at which the person types; none: nobody does."""
        self._told = told
        self._typed = typed
        self._pending = b""

    async def initiate(self, *, name: str, to: str | None, ask_me: bool, lifetime_s: int | None) -> str:
        """See `Driver`."""
        where = f"to {to}" if to is not None else "without a destination's URL"
        asked = "asking you before activation" if ask_me else "without asking you before activation"
        lives = "" if lifetime_s is None else f", with a code that lives for {lifetime_s} s"
        return await self._ask(f"Initiate a connection {name!r} {where}, {asked}{lives}; then paste its code.")

    async def accept(self, code: str) -> None:
        """See `Driver`."""
        await self._ask(f"Accept this invitation code, then press Enter.\n{code}")

    async def decline(self, code: str) -> None:
        """See `Driver`."""
        await self._ask(f"Decline this invitation code, then press Enter.\n{code}")

    async def act(self, connection: bytes, act: Act) -> None:
        """See `Driver`."""
        await self._ask(f"Do this to the connection {connection.hex()}: {act}; then press Enter.")

    async def outcome_of(self, text: str) -> str:
        """See `Driver`."""
        return await self._ask(
            f"Try to accept this, and type what is told (section 8 of the protocol; `taken`: it was accepted).\n{text}"
        )

    async def _ask(self, sentence: str) -> str:
        self._told.write(f"At the implementation: {sentence}\n({SKIP}: leave this out) > ")
        self._told.flush()
        line = await self._line()
        if not line or line.strip().lower() == SKIP:
            raise NotDrivenError("it was skipped" if line else "nobody is there to do it")
        return line.strip()

    async def _line(self) -> str:
        """The next line with its end; empty: there is none any more. A thread that waits for one could not be ended."""
        while b"\n" not in self._pending:
            if self._typed is None:
                return ""
            if not select.select([self._typed], [], [], 0)[0]:
                await asyncio.sleep(POLL_S)
                continue
            got = os.read(self._typed, LINE_BYTES_MAX)
            if not got or len(self._pending) > LINE_BYTES_MAX:
                return ""
            self._pending += got
        line, _, self._pending = self._pending.partition(b"\n")
        return f"{line.decode('utf-8', 'replace')}\n"


def person() -> PersonDriver:
    """The person at this terminal; what is to be done goes to standard error."""
    try:
        typed: int | None = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        typed = None  # there is no standard input: nobody types
    return PersonDriver(told=sys.stderr, typed=typed)
