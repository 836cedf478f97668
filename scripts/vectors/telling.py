"""A story: nodes act, speak and hear one step at a time, and each step is written down with what it left behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from node.connections import accepting, acting, initiating, speaking
from node.connections.accepting import Adapted
from node.connections.announcing import Renewals
from node.connections.hearing import take_in
from node.connections.initiating import Wish
from node.connections.stored import Names
from node.settings import Announcements
from protocol.envelope import envelope_bytes, open_message, peek, read_answer, read_question
from protocol.limits import CODE_LIFETIME_S_DEFAULT
from protocol.modes import Mode
from protocol.node_info import WELL_KNOWN_PATH

from scripts.vectors.material import ACME, AT, GLOBEX, PARTIES, plain, record_view, statement_view
from scripts.vectors.nodes import SetClock, StoryNode, info_of

if TYPE_CHECKING:
    from node.connections.stored import Connection
    from protocol.envelope import Sealed
    from protocol.tables import Act

NAMES = Names(name="Incidents", local_short_name="ACME", remote_short_name="Globex")


class Said:
    """One message on its way; `name` is what the steps call it."""

    def __init__(self, name: str, sealed: Sealed) -> None:
        self.name, self.sealed = name, sealed

    @property
    def data(self) -> bytes:
        """The envelope."""
        return envelope_bytes(self.sealed)


class Story:
    """Three nodes, one connection of the first one's, and the steps so far. `await` each step."""

    def __init__(self) -> None:
        self.clock = SetClock(AT)
        infos = {party.node_url + WELL_KNOWN_PATH: info_of(party) for party in PARTIES}
        self.nodes = {party.name: StoryNode(party, self.clock, infos) for party in PARTIES}
        self.steps: list[dict[str, Any]] = []
        self._connection_id = b""
        self._count = 0

    def close(self) -> None:
        """Let the nodes' memories go."""
        for node in self.nodes.values():
            node.store.close()

    def wait(self, seconds: int) -> None:
        """Let time pass on every clock."""
        self.clock.at += seconds

    def refuse_announcements(self, name: str) -> None:
        """A node whose admin takes no announcements."""
        node = self.nodes[name]
        node.context = replace(node.context, announcements=Announcements.OFF)
        self.steps.append({"node": name, "setting": "announcements", "value": "off"})

    async def initiate(self, *, bound: bool = False, ask_me: bool = False) -> str:
        """ACME initiates; the code."""
        wish = Wish(
            destination_url=GLOBEX.node_url if bound else None,
            mode=Mode.SCRIPT,
            names=NAMES,
            ask_me=ask_me,
            code_lifetime_s=CODE_LIFETIME_S_DEFAULT,
        )
        offered = await initiating.initiate(self.nodes[ACME.name].context, wish)
        self._connection_id = offered.connection.connection_id
        given = {"ask_me": ask_me, "addressee": plain(GLOBEX.key if bound else None)}
        return await self._offered(offered.code, "initiate", given)

    async def new_code(self) -> str:
        """ACME replaces its code; the new one."""
        offered = await acting.new_code(
            self.nodes[ACME.name].context, self._sys_id, lifetime_s=CODE_LIFETIME_S_DEFAULT
        )  # fmt: skip
        return await self._offered(offered.code, "new-code", {})

    async def _offered(self, code: str | None, wanted: str, given: dict[str, Any]) -> str:
        if code is None:
            raise AssertionError("the code is there")
        await self._acted(ACME.name, wanted, given | {"code": code})
        return code

    async def accept(self, name: str, code: str) -> None:
        """A node's admin accepts the code."""
        await accepting.accept(self.nodes[name].context, code, Adapted())
        await self._acted(name, "accept", {"code": code})

    async def decline_code(self, name: str, code: str) -> None:
        """A node's admin declines the code that was pasted."""
        await accepting.decline(self.nodes[name].context, code)
        await self._acted(name, "decline-code", {"code": code})

    async def act(self, name: str, wanted: Act) -> None:
        """A node's admin acts."""
        await acting.perform(self.nodes[name].context, self._sys_id, wanted)
        await self._acted(name, wanted.value, {})

    async def expire(self) -> None:
        """ACME's timer looks at the expiry."""
        await acting.expire_codes(self.nodes[ACME.name].context)
        await self._acted(ACME.name, "expire", {})

    async def ask(self, name: str, to: str) -> Said:
        """A node says its present statement."""
        node = self.nodes[name]
        connection = await self._found(name)
        if connection is None:
            raise AssertionError(f"{name} has nothing to say")
        said = self._said(speaking.question(node.context, connection, self.nodes[to].party.key))
        self.steps.append({"node": name, "asks": to, **_written(said)})
        return said

    async def hear(self, name: str, said: Said) -> Said:
        """A node hears a question; its answer."""
        node = self.nodes[name]
        message = read_question(said.data, me=node.party.key)
        outcome = await node.store.run(
            lambda tx: take_in(node.context, tx, message, prefix="192.0.2.0/24", renewals=Renewals())
        )
        if outcome.answer is None:
            raise AssertionError("every question has an answer")
        answer = self._said(speaking.answer(node.context, message, outcome.answer))
        self.steps.append(
            {
                "node": name,
                "hears": said.name,
                "row": outcome.step.row,
                "notice": outcome.step.notice.value if outcome.step.notice else None,
                "record": await self._record(name),
                "answer": _written(answer),
            }
        )
        return answer

    async def take(self, name: str, answer: Said, question: Said) -> None:
        """A node hears the answer to its question."""
        node = self.nodes[name]
        message = read_answer(answer.data, me=node.party.key, question=question.sealed)
        outcome = await node.store.run(lambda tx: take_in(node.context, tx, message))
        self.steps.append(
            {
                "node": name,
                "hears": answer.name,
                "row": outcome.step.row,
                "notice": outcome.step.notice.value if outcome.step.notice else None,
                "record": await self._record(name),
            }
        )

    async def exchange(self, name: str, to: str) -> None:
        """Ask, be heard, take the answer."""
        question = await self.ask(name, to)
        await self.take(name, await self.hear(to, question), question)

    def lose(self, said: Said) -> None:
        """A message that arrives nowhere."""
        self.steps.append({"lost": said.name})

    @property
    def _sys_id(self) -> str:
        return self._connection_id.hex()

    async def _found(self, name: str) -> Connection | None:
        return await self.nodes[name].connection(self._connection_id, ACME.key)

    async def _record(self, name: str) -> dict[str, Any] | None:
        connection = await self._found(name)
        return record_view(connection.record if connection is not None else None)

    async def _acted(self, name: str, wanted: str, given: dict[str, Any]) -> None:
        at = {"node": name, "act": wanted, "at": int(self.clock.at)}
        self.steps.append(at | given | {"record": await self._record(name)})

    def _said(self, sealed: Sealed) -> Said:
        self._count += 1
        return Said(f"m{self._count}", peek(envelope_bytes(sealed)))


def _written(said: Said) -> dict[str, Any]:
    sealed = said.sealed
    return {
        "message": said.name,
        "id": sealed.message_id.hex(),
        "kind": sealed.head.kind,
        "statement": statement_view(open_message(sealed).statement),
        "envelope": said.data.hex(),
    }
