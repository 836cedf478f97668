"""The stories in which the implementation is the source and the runner the destination."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from protocol.errors import CodeError
from protocol.events import Code as CodeEvent
from protocol.identity import SigningKey, addressee
from protocol.invitation import read_code
from protocol.limits import CODE_LIFETIME_S_MAX, CODE_LIFETIME_S_MIN, CONNECTION_ID_BYTES, JUMP_LIMIT, KEY_BYTES
from protocol.machine import act
from protocol.proof import make_proof
from protocol.tables import Act
from protocol.vocabulary import Echo, Phase, Reason, Role, Side, Statement
from simulations.conform import rules
from simulations.conform.bench import NotDrivenError
from simulations.conform.envelope_stories import tell_untouched
from simulations.conform.mirror import Mirror
from simulations.conform.retries import tell_owed, tell_wrong_answers
from simulations.conform.story import Story

if TYPE_CHECKING:
    from protocol.envelope import Message
    from protocol.invitation import Code
    from simulations.conform.bench import Bench
    from simulations.conform.findings import Findings

_SOURCE: Final = Role.SOURCE
_ACCEPTED: Final = Side(1, Phase.ACCEPTED, enabled=True)


def row(number: str) -> str:
    """The rule of a row of the source's table."""
    return rules.row_rule(_SOURCE, number)


class Offered(Story):
    """A connection that the implementation has initiated: the runner is the destination. `offered` makes it."""

    def __init__(self, bench: Bench, findings: Findings, *, name: str, code: Code) -> None:
        """Nothing is pasted yet."""
        super().__init__(bench, findings, role=_SOURCE, connection=code.invitation.connection, name=name, code=code)
        self.code = code
        self.first = self.with_details(self.accepting(bench.key))

    def accepting(self, key: SigningKey, *, side: Side = _ACCEPTED, proof: bytes | None = None) -> Statement:
        """What whoever has a key and the code says first; with another proof if one is given."""
        said = Statement(
            serial=self.code.invitation.serial, side=side, proof=self.proof_of(key) if proof is None else proof
        )
        return self.with_details(said)

    def proof_of(self, key: SigningKey) -> bytes:
        """The proof that the holder of a key makes of the code."""
        invitation = self.code.invitation
        return make_proof(
            self.code.key,
            connection=invitation.connection,
            serial=invitation.serial,
            source_key=invitation.source_key,
            destination_key=key.public,
            public_digest=self.code.public_digest,
        )

    def paste(self, wanted: Act = Act.ACCEPT) -> None:
        """The runner's admin accepts or declines the code."""
        invitation = self.code.invitation
        code = CodeEvent(
            serial=invitation.serial, expires_at=invitation.expires_at, proof=self.proof_of(self.bench.key)
        )
        self.ours = act(Role.DESTINATION, self.ours, wanted, now=self.bench.now(), code=code).record

    def ours_after(self, wanted: Act) -> None:
        """The runner's admin acts."""
        self.ours = act(Role.DESTINATION, self.ours, wanted, now=self.bench.now()).record


async def offered(
    bench: Bench, findings: Findings, *, bound: bool = False, ask_me: bool = False, lifetime_s: int | None = None
) -> Offered:
    """The implementation's admin initiates, and the code is judged.

    Raises:
        NotDrivenError: nobody initiates.
        StoryOverError: the code is none.
    """
    name = f"conform {bench.token(4).hex()}"
    began = int(bench.now())
    text = await bench.driver.initiate(
        name=name, to=bench.own_url if bound else None, ask_me=ask_me, lifetime_s=lifetime_s
    )
    try:
        code = read_code(text)
    except CodeError as error:
        raise findings.over(rules.CODE, f"its code is {error.outcome}") from error
    invitation = code.invitation
    if invitation.source_key != bench.their_key:
        raise findings.over(rules.CODE, "its code names another key than its node info")
    lives = 0 < invitation.expires_at - invitation.serial <= CODE_LIFETIME_S_MAX
    findings.judge(rules.CODE, good=lives, sentence="the code's expiry is out of its limits")
    findings.judge(
        rules.CODE, good=invitation.serial >= began - 1, sentence="its serial is below the seconds of its clock"
    )
    wanted = addressee(bench.key.public) if bound else None
    findings.judge(
        rules.BOUND if bound else rules.CODE,
        good=invitation.bound == wanted,
        sentence="the code is not bound to the key of the destination" if bound else "the code is bound to somebody",
    )
    story = Offered(bench, findings, name=name, code=code)
    story.mirror.act(Act.INITIATE, now=bench.now(), addressee=bench.key.public if bound else None, ask_me=ask_me)
    return story


def _closed(serial: int, revision: int, proof: bytes | None = None) -> Statement:
    return Statement(serial=serial, side=Side(revision, Phase.CLOSED, reason=Reason.CANCELLED), proof=proof)


def _none(serial: int) -> Statement:
    return Statement(serial=serial, side=Side(0, Phase.NONE))


def _echoing(question: Message) -> Statement:
    """The destination's word of an announcement that it has not kept."""
    side = question.statement.side
    return Statement(serial=question.statement.serial, side=Side(0, Phase.NONE), echo=side.echo)


async def handshake(bench: Bench, findings: Findings) -> None:
    """Takers without a proof, the right one, a second one; switches, forgeries, replays, and the end."""
    story = await offered(bench, findings)
    serial, thief = story.code.invitation.serial, SigningKey(bench.token(KEY_BYTES))
    await story.tell(story.accepting(bench.key, proof=bytes(64)))
    await story.tell(story.accepting(bench.key, proof=story.proof_of(thief)))
    await story.tell(_none(serial))
    await story.tell(msgspec.structs.replace(story.first, serial=serial - 1))
    await story.tell(msgspec.structs.replace(story.first, serial=serial + 1))
    story.paste()
    sealed = story.seal(story.first)
    await story.resend(sealed, story.first, take=True)
    await story.resend(sealed, story.first)
    await story.tell(story.accepting(thief), key=thief)
    await story.tell(story.accepting(thief, proof=bytes(64)), key=thief)
    await story.say(take=True)
    await _switches(story)
    await _echoes(story)
    await tell_untouched(bench, findings, story)
    story.ours_after(Act.REMOVE)
    await story.say(take=True)
    await story.say()
    await story.tell(story.first)
    await story.tell(story.accepting(thief), key=thief)


async def _switches(story: Offered) -> None:
    """The runner's switch goes off; the envelope comes twice, and the one before it late."""
    before = story.word()
    story.ours_after(Act.DEACTIVATE)
    said = story.word()
    sealed = story.seal(said)
    await story.resend(sealed, said, take=True)
    await story.resend(sealed, said)
    await story.tell(before)
    await story.tell(_none(story.code.invitation.serial))


async def _echoes(story: Offered) -> None:
    """What the runner claims of the other side: a revision at the limit, another switch, one that never was."""
    mine = story.mirror.record.mine if story.mirror.record is not None else Side(1, Phase.ACTIVE)
    said = story.word()
    await story.tell(msgspec.structs.replace(said, echo=Echo(JUMP_LIMIT, Phase.ACTIVE, enabled=True)))
    for echo in (
        Echo(mine.revision, Phase.ACTIVE, enabled=False),
        Echo(mine.revision + 4, Phase.AWAITING, enabled=True),
    ):
        await story.tell(msgspec.structs.replace(said, echo=echo))
        asked, message = await story.question(row("13"))
        story.answer(asked, message)
        await story.settled(story.first)


async def acts(bench: Bench, findings: Findings) -> None:
    """The source's admin switches off: the partner is told, through all that is no answer; and then removes it."""
    story = await offered(bench, findings)
    story.paste()
    bench.shown_key = story.code.key.public
    await story.say(take=True)
    try:
        await bench.driver.act(story.connection, Act.DEACTIVATE)
    except NotDrivenError as error:
        bench.shown_key = bench.key.public
        findings.untried(str(error))
        return
    story.mirror.act(Act.DEACTIVATE, now=bench.now())
    early = await bench.asked(story.connection, within_s=bench.quiet_s * 2)
    bench.shown_key = bench.key.public
    findings.judge(rules.INFO_FIRST, good=early is None, sentence="it posts to a URL whose node info shows another key")
    await story.tell(story.first)
    asked, message = await story.question(rules.act_rule(Act.DEACTIVATE))
    asked, message = await tell_wrong_answers(story, asked, message)
    story.answer(asked, message)
    await story.settled(story.first)
    await story.silent(rules.ECHOED)
    await tell_owed(story, Act.ACTIVATE, with_doubt=True)
    await tell_owed(story, Act.REMOVE)


async def approval(bench: Bench, findings: Findings) -> None:
    """A bound code: another key can't take it. The source's admin is asked, and approves."""
    story = await offered(bench, findings, bound=True, ask_me=True)
    asked, message = await story.question()
    serial, other = story.code.invitation.serial, SigningKey(bench.token(KEY_BYTES))
    story.answer(asked, message, _echoing(message))
    await story.tell(story.accepting(other), key=other)
    await story.tell(story.accepting(bench.key, proof=bytes(64)))
    await story.tell(_none(serial))
    story.paste()
    await story.say(take=True)
    await story.tell(story.first)
    await tell_owed(story, Act.APPROVE)


async def refusal(bench: Bench, findings: Findings) -> None:
    """The source's admin is asked, and refuses."""
    story = await offered(bench, findings, ask_me=True)
    story.paste()
    await story.say(take=True)
    await tell_owed(story, Act.REFUSE)


async def overtaken(bench: Bench, findings: Findings) -> None:
    """A cancel that overtakes its accept: the accept that comes late finds the connection closed."""
    story = await offered(bench, findings)
    late = story.first
    story.paste()
    story.ours_after(Act.CANCEL)
    await story.say(take=True)
    await story.tell(late)


async def withdrawn(bench: Bench, findings: Findings) -> None:
    """A bound code is withdrawn: its addressee is told, and nobody else learns anything."""
    story = await offered(bench, findings, bound=True)
    asked, message = await story.question()
    story.answer(asked, message, _echoing(message))
    other = SigningKey(bench.token(KEY_BYTES))
    await tell_owed(story, Act.WITHDRAW)
    await story.tell(story.accepting(other), key=other)
    await story.tell(story.first)


async def forgotten(bench: Bench, findings: Findings) -> None:
    """The source's admin forgets a connection while its last word is on its way: the answer finds nothing."""
    story = await offered(bench, findings)
    story.paste()
    await story.say(take=True)
    try:
        await bench.driver.act(story.connection, Act.REMOVE)
        story.mirror.act(Act.REMOVE, now=bench.now())
        asked, message = await story.question(rules.act_rule(Act.REMOVE))
        for wanted in (Act.REMOVE, Act.FORGET):
            await bench.driver.act(story.connection, wanted)
            story.mirror.act(wanted, now=bench.now())
    except NotDrivenError as error:
        findings.not_tried(str(error), row("0"))
        return
    story.answer(asked, message)
    await asyncio.sleep(bench.quiet_s)
    with story.blame(row("0")):
        await story.tell(story.first)


async def expiry(bench: Bench, findings: Findings) -> None:
    """The shortest code is accepted too late."""
    story = await offered(bench, findings, lifetime_s=CODE_LIFETIME_S_MIN)
    left_s = story.code.invitation.expires_at - bench.now()
    if left_s > CODE_LIFETIME_S_MIN + bench.wait_s:
        findings.not_tried("its codes live too long to wait for their end", row("4"))
        return
    await asyncio.sleep(left_s + 1)
    await story.tell(story.first)


async def unknown(bench: Bench, findings: Findings) -> None:
    """Statements of connections that it has never made."""
    connection, code = bench.token(CONNECTION_ID_BYTES), Mirror(_SOURCE, code=None)
    story = Story(bench, findings, role=_SOURCE, connection=connection, name="conform unknown")
    for said in (_none(7), Statement(serial=7, side=_ACCEPTED, proof=bytes(64)), _closed(7, 2)):
        await story.tell(story.with_details(said), fresh=code)


def nothing(bench: Bench, findings: Findings) -> Story:
    """A connection that neither side has, for what is refused anyway."""
    story = Story(bench, findings, role=_SOURCE, connection=bench.token(CONNECTION_ID_BYTES), name="conform nothing")
    story.first = story.with_details(Statement(serial=int(bench.now()), side=_ACCEPTED, proof=bytes(64)))
    return story
