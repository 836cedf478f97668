"""One connection between the runner and the implementation: both sides' records, and what is said and judged.

The runner's own side is the shipped machine too, so what it says when it says nothing wrong is right.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from node.ports import HttpAnswer
from protocol.envelope import (
    CONTENT_TYPE,
    Message,
    Sealed,
    envelope_bytes,
    is_envelope_type,
    read_answer,
    read_question,
    seal,
)
from protocol.errors import EnvelopeError
from protocol.events import Heard
from protocol.machine import Step, hear
from protocol.modes import Mode
from protocol.records import kind_of, speak
from protocol.vocabulary import Details, Kind, Phase, Preview, Reason, Role, Side, Statement, computed_closed
from simulations.conform import rules
from simulations.conform.mirror import Mirror, described, details_fault, is_same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from protocol.identity import SigningKey
    from protocol.invitation import Code
    from protocol.records import Record
    from simulations.conform.bench import Asked, Bench
    from simulations.conform.findings import Findings

POLLS: Final = 40
POLL_S: Final = 0.1
"""So often, and so far apart, is a late message repeated until an answer of ours has been taken in."""

_OK, _TOO_MANY = 200, 429


class Story:
    """A connection that a run tells and judges.

    Attributes:
        ours: the runner's record.
        mirror: what the implementation must hold.
        first: the first word of the runner's side, which is a late message ever after.
        connection: its id.
        name: its name.
    """

    def __init__(
        self, bench: Bench, findings: Findings, *, role: Role, connection: bytes, name: str, code: Code | None = None
    ) -> None:
        """Begin with nothing known on either side; `role` is the implementation's."""
        self.bench = bench
        self.findings = findings
        self.connection = connection
        self.name = name
        self.ours: Record | None = None
        self.first = Statement(serial=1, side=Side(0, Phase.CLOSED))
        self.mirror = Mirror(role, code=code)
        self._blamed: str | None = None

    @property
    def role(self) -> Role:
        """The runner's role."""
        return self.mirror.role.other

    @contextmanager
    def blame(self, rule: str) -> Iterator[None]:
        """Whatever goes wrong within breaks this rule, and it is kept if nothing does."""
        outer, self._blamed = self._blamed, rule
        yield
        self._blamed = outer
        self.findings.kept(rule)

    # What the runner says

    def word(self) -> Statement:
        """The runner's present statement, with its details."""
        assert self.ours is not None  # noqa: S101 - stories begin with an act
        return self.with_details(speak(self.ours))

    def with_details(self, said: Statement, *, expires_at: int | None = None) -> Statement:
        """A statement of the runner's with what belongs to its phase."""
        if said.side.phase is Phase.ACCEPTED:
            return msgspec.structs.replace(said, details=self._details())
        if said.side.phase is Phase.PENDING:
            code = self.mirror.code
            ends = code.invitation.expires_at if code is not None else int(self.bench.now()) + 3600
            preview = Preview(
                name=self.name, source_short_name="conform", destination_short_name="node", mode=Mode.SCRIPT,
                node_url=self.bench.own_url, expires_at=ends if expires_at is None else expires_at,
            )  # fmt: skip
            return msgspec.structs.replace(said, details=preview)
        return said

    def seal(self, said: Statement, *, kind: Kind | None = None, key: SigningKey | None = None) -> Sealed:
        """A question of the runner's, or of whoever has `key`."""
        return seal(
            said,
            kind=kind or _kind(said),
            role=self.role,
            recipient=self.bench.their_key,
            connection=self.connection,
            time_ms=int(self.bench.now() * 1000),
            in_reply_to=None,
            key=key or self.bench.key,
        )

    async def say(self, *, take: bool = True) -> Message:
        """Ask the present statement, judge the answer, and take it in, unless it is to be forgotten."""
        return await self.tell(self.word(), kind=kind_of(self.ours) if self.ours is not None else None, take=take)

    async def tell(
        self,
        said: Statement,
        *,
        kind: Kind | None = None,
        key: SigningKey | None = None,
        take: bool = False,
        fresh: Mirror | None = None,
    ) -> Message:
        """Ask whatever is given and judge the answer.

        Args:
            said: what is said.
            kind: its kind; none: the right one.
            key: who says it; none: the runner.
            take: whether the runner's own side hears the answer.
            fresh: the mirror that foresees the answer; none: this connection's.

        Raises:
            StoryOverError: the answer is not the one that is right.
        """
        return await self.resend(self.seal(said, kind=kind, key=key), said, key=key, take=take, fresh=fresh)

    async def resend(
        self,
        sealed: Sealed,
        said: Statement,
        *,
        key: SigningKey | None = None,
        take: bool = False,
        fresh: Mirror | None = None,
    ) -> Message:
        """The same with an envelope that may have been sent before."""
        signer, mirror = key or self.bench.key, fresh or self.mirror
        answer = await self._answer(sealed, signer)
        if fresh is None:
            self._learn_proof(answer)
        step = self._judged(mirror, signer.public, said, answer)
        mirror.take(step)
        if take:
            self.hear(answer)
        return answer

    async def settled(self, late: Statement) -> None:
        """Wait until an answer of ours has been taken in, by repeating a late message that changes nothing.

        Raises:
            StoryOverError: it never was.
        """
        sealed = self.seal(late)
        answer = await self._answer(sealed, self.bench.key)
        for _ in range(POLLS):
            step = self.mirror.foresee(self.bench.key.public, late, is_answer=False, now=self.bench.now())
            if step.answer is not None and is_same(step.answer, answer.statement):
                break
            await asyncio.sleep(POLL_S)
            answer = await self._answer(sealed, self.bench.key)
        self.mirror.take(self._judged(self.mirror, self.bench.key.public, late, answer))

    # What the implementation says

    async def question(self, rule: str = rules.SPEECH, *, within_s: float | None = None) -> tuple[Asked, Message]:
        """The next question of the implementation, judged; `rule` is broken if none comes.

        Raises:
            StoryOverError: none comes, or it does not say what it must.
        """
        within_s = self.bench.wait_s if within_s is None else within_s
        asked = await self.bench.asked(self.connection, within_s=within_s)
        if asked is None:
            raise self.findings.over(self._blamed or rule, f"nothing was said to the partner within {within_s:g} s")
        if asked.fault is not None:
            raise self.findings.over(rules.SPEECH, asked.fault)
        try:
            message = read_question(asked.body, me=self.bench.key.public)
        except EnvelopeError as error:
            raise self.findings.over(rules.SPEECH, f"its question is {error.refusal}: {error}") from error
        if message.sender != self.bench.their_key or message.role is not self.mirror.role:
            raise self.findings.over(rules.SPEECH, "it speaks by another key or in another role than it has")
        self._learn_proof(message)
        if (fault := self.mirror.question_fault(message)) is not None:
            lacks_proof = any(_differ_by_proof(one, message.statement) for one in self.mirror.spoken)
            raise self.findings.over(rules.PROOF if lacks_proof else self._blamed or rule, fault)
        self.mirror.heard_out()
        self.findings.kept(rules.SPEECH, *([rule] if rule != rules.SPEECH else []))
        return asked, message

    async def silent(self, rule: str) -> None:
        """Nothing more is said of this connection for a while, or the rule is broken."""
        asked = await self.bench.asked(self.connection, within_s=self.bench.quiet_s)
        self.findings.judge(rule, good=asked is None, sentence="the same is said again though nothing is owed")
        if asked is not None:
            raise self.findings.over(rule, "it can't be told what it says next")

    def hear(self, message: Message) -> Step:
        """Let the runner's own side hear a message."""
        heard = Heard(
            sender=message.sender,
            statement=message.statement,
            is_answer=message.is_answer,
            proof_good=self.role is Role.SOURCE
            and self.mirror.is_proof_good(message.statement, destination=message.sender),
        )
        step = hear(self.role, self.ours, heard, now=self.bench.now())
        self.ours = step.record
        return step

    def answer(self, asked: Asked, message: Message, said: Statement | None = None) -> None:
        """Answer a question rightly, or with another statement of the runner's, which the mirror hears too."""
        if said is None:
            answer = self.hear(message).answer
            assert answer is not None  # noqa: S101 - every question has an answer
            said = self.with_details(answer) if answer.side.phase is not Phase.PENDING else answer
        self.mirror.take(self.mirror.foresee(self.bench.key.public, said, is_answer=True, now=self.bench.now()))
        self.reply(asked, envelope_answer(self.sealed_answer(message, said)))

    def sealed_answer(self, question: Message, said: Statement, *, kind: Kind = Kind.STATUS) -> Sealed:
        """An answer to a question, signed by the runner."""
        return seal(
            said,
            kind=kind,
            role=self.role,
            recipient=question.sender,
            connection=self.connection,
            time_ms=int(self.bench.now() * 1000),
            in_reply_to=question.message_id,
            key=self.bench.key,
        )

    def closing(self, question: Message) -> HttpAnswer:
        """An answer that ends a connection which the runner never had."""
        said = computed_closed(question.statement.serial, Reason.UNKNOWN)
        return envelope_answer(self.sealed_answer(question, said))

    def reply(self, asked: Asked, answer: HttpAnswer) -> None:
        """Give a question any answer; the mirror hears nothing."""
        if not asked.answer.done():
            asked.answer.set_result(answer)

    # How

    async def _answer(self, sealed: Sealed, signer: SigningKey) -> Message:
        answer = await self.bench.post(envelope_bytes(sealed))
        try:
            if answer.status != _OK or not is_envelope_type(answer.headers.get("content-type")):
                wait = answer.headers.get("retry-after", "?") if answer.status == _TOO_MANY else None
                more = f" with Retry-After {wait}" if wait is not None else ""
                raise self.findings.over(
                    self._blamed or rules.ANSWER, f"a question was answered with HTTP {answer.status}{more}"
                )
            message = read_answer(answer.body, me=signer.public, question=sealed)
        except EnvelopeError as error:
            raise self.findings.over(self._blamed or rules.ANSWER, f"the answer is {error.refusal}: {error}") from error
        if message.sender != self.bench.their_key:
            raise self.findings.over(self._blamed or rules.ANSWER, "the answer is signed by another key")
        self.findings.kept(rules.ANSWER)
        return message

    def _learn_proof(self, message: Message) -> None:
        """A destination makes its proof once; all that it says later must hold the same one."""
        if not self.mirror.is_proof_unknown or message.statement.side.revision == 0:
            return
        if not self.mirror.is_proof_good(message.statement, destination=self.bench.their_key):
            raise self.findings.over(rules.PROOF, f"it says {described(message.statement)}, whose proof is not good")
        self.findings.kept(rules.PROOF)
        self.mirror.learn_proof(message.statement.proof)

    def _judged(self, mirror: Mirror, sender: bytes, said: Statement, answer: Message) -> Step:
        """The step that the answer shows. Whether an announcement is taken is the implementation's choice."""
        steps = [
            mirror.foresee(sender, said, is_answer=False, now=self.bench.now(), allowed=allowed)
            for allowed in (True, False)
        ]
        for step in steps:
            assert step.answer is not None  # noqa: S101 - every question has an answer
            if is_same(step.answer, answer.statement):
                if (fault := details_fault(answer)) is not None:
                    raise self.findings.over(self._blamed or rules.SPEECH, fault)
                self.findings.kept(rules.row_rule(mirror.role, step.row))
                return step
        wanted = steps[-1].answer
        assert wanted is not None  # noqa: S101 - as above
        lacks_proof = _differ_by_proof(wanted, answer.statement)
        raise self.findings.over(
            rules.PROOF if lacks_proof else self._blamed or rules.row_rule(mirror.role, steps[-1].row),
            f"to {described(said)} it must answer {described(wanted)}, and answered {described(answer.statement)}",
        )

    def _details(self) -> Details:
        return Details(
            node_id=self.bench.key.public[:16], node_name="conform", instance_url=self.bench.own_url,
            node_url=self.bench.own_url, name=self.name, source_short_name="node",
            destination_short_name="conform", software="handclasp conform",
        )  # fmt: skip


def envelope_answer(sealed: Sealed) -> HttpAnswer:
    """A sealed answer as HTTP carries it."""
    return HttpAnswer(status=_OK, headers={"content-type": CONTENT_TYPE}, body=envelope_bytes(sealed))


def _differ_by_proof(wanted: Statement, said: Statement) -> bool:
    """Whether the proof of a destination's statement is all that is wrong with it."""
    return wanted.proof is not None and is_same(msgspec.structs.replace(wanted, proof=said.proof), said)


def _kind(said: Statement) -> Kind:
    return {Phase.PENDING: Kind.INITIATE, Phase.ACCEPTED: Kind.ACCEPT}.get(said.side.phase, Kind.STATUS)
