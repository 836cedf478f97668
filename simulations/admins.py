"""The people: admins who ask a node through its admin API, as the command line and the console do.

An admin waits for an answer only so long, and asks again when none came: with an idempotency key the node must then
do once what was asked twice. What they can also do to their machine stands here too: keep a backup, put one back,
copy a whole machine.
"""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from protocol.invitation import read_code
from simulations.host import ADMIN_TOKEN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from node.ports import HttpAnswer
    from simulations.host import Host
    from simulations.world import World

PATIENCE_S: Final = 30.0
TRIES_MAX: Final = 6
PAUSE_S: Final = 40.0
"""An admin who got no answer asks again after so long, and twice as long each time."""

BEGINS_S: Final = 1.0
"""A story begins when the machines have had time to boot."""

API: Final = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An invitation code as it went from one person to another.

    Attributes:
        text: what is pasted.
        issuer: the name of the node that made it.
        connection: the connection's id.
        serial: which of the connection's codes it is; a newer one has a higher serial.
        bound: whether only one destination can take it.
        lifetime_s: for how many seconds it could be taken when it was made.
    """

    text: str
    issuer: str
    connection: bytes
    serial: int
    bound: bool
    lifetime_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an admin asks of a node.

    `act` is a word for it: `initiate`, `accept`, `decline-code`, or an act of the tables.
    """

    act: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    code: Code | None = None
    sys_id: str | None = None
    key: str | None = None


@dataclass(slots=True, kw_only=True)
class Backup:
    """A database that was put aside."""

    host: str
    image: bytes
    taken_at_s: float


@dataclass(slots=True)
class Admins:
    """All admins of a world; each method is one thing that one of them does.

    Attributes:
        codes: every code that a node has shown, oldest first: people keep e-mails.
        backups: what was put aside, oldest first.
        have_gone: whether nobody acts any more.
    """

    world: World
    codes: list[Code] = field(default_factory=list)
    backups: list[Backup] = field(default_factory=list)
    have_gone: bool = False
    _writes: int = 0

    def plays(self, story: Callable[[Admins], Awaitable[None]]) -> None:
        """Let a story begin; it runs on no machine."""
        context = contextvars.Context()
        task = self.world.loop.create_task(_told(story, self), context=context)
        task.add_done_callback(self.world.loop.expect_success)

    async def initiate(  # what the form asks for
        self,
        name: str,
        *,
        to: str | None,
        called: str,
        ask_me: bool | None = None,
        lifetime_s: int | None = None,
        once: bool = True,
    ) -> Code | None:
        """Initiate at a node; the code that it shows."""
        host = self.world.hosts[name]
        destination = self.world.hosts[to] if to is not None else None
        asked = self.initiation(
            name,
            url=destination.instance_url if destination is not None else None,
            remote=to or "unknown",
            called=called,
            ask_me=ask_me,
            lifetime_s=lifetime_s,
            once=once,
        )
        return self.shown_code(host, await self.ask(host, asked))

    def initiation(
        self,
        name: str,
        *,
        url: str | None,
        remote: str,
        called: str,
        ask_me: bool | None = None,
        lifetime_s: int | None = None,
        once: bool = True,
    ) -> Asked:
        """What is asked to initiate; `url`: of the destination, `remote`: its short name."""
        body: dict[str, Any] = {
            "name": called,
            "local_short_name": name,
            "remote_short_name": remote,
            "destination_url": url,
            "ask_me": ask_me,
        }
        if lifetime_s is not None:
            body["code_lifetime_s"] = lifetime_s
        return Asked(act="initiate", method="POST", path="/connections", body=body, key=self._key(once=once))

    async def new_code(self, name: str, sys_id: str, *, lifetime_s: int | None = None) -> Code | None:
        """Replace a code; the new one."""
        host = self.world.hosts[name]
        return self.shown_code(host, await self.ask(host, self.renewal(sys_id, lifetime_s=lifetime_s)))

    def renewal(self, sys_id: str, *, lifetime_s: int | None = None) -> Asked:
        """What is asked to replace a code."""
        body = {} if lifetime_s is None else {"code_lifetime_s": lifetime_s}
        return self.doing(sys_id, "new-code", body=body)

    async def accept(self, name: str, code: Code, *, once: bool = True) -> dict[str, Any] | None:
        """Accept a code at a node; the connection."""
        return await self._paste(name, code, "accept", once=once)

    async def decline(self, name: str, code: Code, *, once: bool = True) -> dict[str, Any] | None:
        """Decline a code at a node; the connection."""
        return await self._paste(name, code, "decline", once=once)

    async def _paste(self, name: str, code: Code, verb: str, *, once: bool) -> dict[str, Any] | None:
        asked = self.pasting(code.text, verb, code=code, once=once)
        return _connection(await self.ask(self.world.hosts[name], asked))

    def pasting(self, text: str, verb: str, *, code: Code | None, once: bool = True) -> Asked:
        """What is asked to accept or decline (`verb`) with a text; `code`: the one that stands in it, if any."""
        return Asked(
            act="accept" if verb == "accept" else "decline-code",
            method="POST",
            path=f"/invitations/{verb}",
            body={"code": text},
            code=code,
            key=self._key(once=once),
        )

    async def act(self, name: str, sys_id: str, act: str, *, once: bool = True) -> dict[str, Any] | None:
        """Do an act of the tables to a connection; the connection as it is then."""
        return _connection(await self.ask(self.world.hosts[name], self.doing(sys_id, act, once=once)))

    def doing(self, sys_id: str, act: str, *, body: dict[str, Any] | None = None, once: bool = True) -> Asked:
        """What is asked to do an act of the tables to a connection."""
        return Asked(
            act=act,
            method="POST",
            path=f"/connections/{sys_id}/{act}",
            body=body,
            sys_id=sys_id,
            key=self._key(once=once),
        )

    async def list(self, name: str) -> list[dict[str, Any]]:
        """What a node shows of its connections; nothing while it does not answer."""
        asked = Asked(act="list", method="GET", path="/connections")
        answer = await self.ask(self.world.hosts[name], asked, tries=1)
        return content_of(answer).get("connections", []) if answer is not None else []

    async def ask(self, host: Host, asked: Asked, *, tries: int = TRIES_MAX) -> HttpAnswer | None:
        """The node's answer, or none, however often it was asked."""
        pause_s = PAUSE_S
        for number in range(tries):
            if self.have_gone:
                return None
            if number:
                await asyncio.sleep(pause_s)
                pause_s *= 2
            answer = await self._ask_once(host, asked)
            if answer is not None and answer.status < 500:  # noqa: PLR2004 - HTTP's border
                return answer
        return None

    async def _ask_once(self, host: Host, asked: Asked) -> HttpAnswer | None:
        incarnation, world = host.running, self.world
        if incarnation is None or not incarnation.serving:
            return None
        world.told.asked(host, asked)
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"}
        if asked.key is not None:
            headers["Idempotency-Key"] = asked.key
        body = b"" if asked.body is None else msgspec.json.encode(asked.body)
        answer = None
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await incarnation.carrier.ask(asked.method, API + asked.path, headers=headers, body=body)
        except (TimeoutError, ConnectionError):
            pass
        world.told.answered(host, asked, answer)
        return answer

    def _key(self, *, once: bool) -> str | None:
        if not once:
            return None
        self._writes += 1
        return f"write-{self._writes}"

    def shown_code(self, host: Host, answer: HttpAnswer | None) -> Code | None:
        """The code that a node has shown in its answer, if it did."""
        text = content_of(answer).get("invitation_code")
        if text is None:
            return None
        known = next((code for code in self.codes if code.text == text), None)
        if known is not None:
            return known
        invitation = read_code(text).invitation
        code = Code(
            text=text,
            issuer=host.name,
            connection=invitation.connection,
            serial=invitation.serial,
            bound=invitation.bound is not None,
            lifetime_s=invitation.expires_at - host.clock.now(),
        )
        self.codes.append(code)
        return code

    # What they do to machines

    def keep_backup(self, name: str) -> Backup:
        """Put a copy of a node's database aside, as it is on the disk now."""
        host = self.world.hosts[name]
        self.backups.append(Backup(host=name, image=host.bytes_now(), taken_at_s=self.world.loop.time()))
        self.world.trace.add(name, "backup", number=len(self.backups) - 1)
        return self.backups[-1]

    async def restore(self, backup: Backup, *, silently: bool) -> None:
        """Stop a node, put a backup back and start it; `silently`: as a snapshot of its machine, without a mark."""
        await self.world.machines.restore(self.world.hosts[backup.host], backup.image, marked=not silently)

    async def clone(self, name: str, *, for_s: float) -> None:
        """Run a copy of a machine beside it for a while, as a snapshot that was started by mistake."""
        await self.world.machines.clone(self.world.hosts[name], for_s=for_s)


def _told(story: Callable[[Admins], Awaitable[None]], admins: Admins) -> Coroutine[Any, Any, None]:
    async def telling() -> None:
        await asyncio.sleep(BEGINS_S)
        await story(admins)

    return telling()


def content_of(answer: HttpAnswer | None) -> dict[str, Any]:
    """The JSON document of an answer; empty if there is none."""
    if answer is None or not answer.body:
        return {}
    content: dict[str, Any] = msgspec.json.decode(answer.body)
    return content


def _connection(answer: HttpAnswer | None) -> dict[str, Any] | None:
    if answer is None or answer.status >= 400:  # noqa: PLR2004 - HTTP's border; a problem names a connection only
        return None
    found: dict[str, Any] | None = content_of(answer).get("connection")
    return found
