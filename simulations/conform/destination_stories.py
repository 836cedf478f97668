"""The stories in which the implementation is the destination and the runner the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from protocol.events import Offer
from protocol.identity import addressee
from protocol.invitation import Invitation, compose_code, read_code
from protocol.limits import CONNECTION_ID_BYTES, JUMP_LIMIT, PROTOCOL_VERSION
from protocol.machine import act
from protocol.modes import Mode
from protocol.seeds import SEED_BYTES
from protocol.tables import Act
from protocol.vocabulary import Echo, Phase, Reason, Role, Side, Statement
from simulations.conform import rules
from simulations.conform.envelope_stories import tell_untouched
from simulations.conform.mirror import Mirror
from simulations.conform.retries import tell_owed, tell_wrong_answers
from simulations.conform.story import Story
from simulations.conform.wrong_answers import FORGER

if TYPE_CHECKING:
    from simulations.conform.bench import Bench
    from simulations.conform.findings import Findings

LIFETIME_S: Final = 3600
_DESTINATION = Role.DESTINATION


def row(number: str) -> str:
    """The rule of a row of the destination's table."""
    return rules.row_rule(_DESTINATION, number)


class Invited(Story):
    """A connection that the runner has initiated: it is the source.

    Attributes:
        text: the code.
    """

    def __init__(
        self, bench: Bench, findings: Findings, *, bound: bool = False, ask_me: bool = False, owed: bool = False,
        connection: bytes | None = None, serial: int | None = None,
    ) -> None:  # fmt: skip
        """Make a code, bound to the implementation's key or not, and the runner's record."""
        connection = connection or bench.token(CONNECTION_ID_BYTES)
        serial = serial or int(bench.now())
        name = f"conform {connection.hex()[:8]}"
        self.invitation = Invitation(
            connection=connection,
            serial=serial,
            source_id=bench.key.public[:16],
            source_key=bench.key.public,
            node_url=bench.own_url,
            mode=Mode.SCRIPT,
            name=name,
            source_short_name="conform",
            destination_short_name="node",
            expires_at=serial + LIFETIME_S,
            bound=addressee(bench.their_key) if bound else None,
            versions=(PROTOCOL_VERSION,),
        )
        self.text = compose_code(self.invitation, bench.key, bench.token(SEED_BYTES)).text
        super().__init__(
            bench, findings, role=_DESTINATION, connection=connection, name=name, code=read_code(self.text)
        )
        offer = Offer(
            serial=serial,
            expires_at=serial + LIFETIME_S,
            addressee=bench.their_key if bound or owed else None,
            ask_me=ask_me,
        )
        self.ours = act(Role.SOURCE, None, Act.INITIATE, now=bench.now(), offer=offer).record
        self.first = self.word()

    async def paste(self) -> None:
        """The implementation's admin accepts the code."""
        await self.bench.driver.accept(self.text)
        self.mirror.act(Act.ACCEPT, now=self.bench.now())

    def ours_after(self, wanted: Act) -> None:
        """The runner's admin acts."""
        self.ours = act(Role.SOURCE, self.ours, wanted, now=self.bench.now()).record


def _closed(serial: int, revision: int) -> Statement:
    return Statement(serial=serial, side=Side(revision, Phase.CLOSED, reason=Reason.REMOVED))


def _active(serial: int, revision: int) -> Statement:
    return Statement(serial=serial, side=Side(revision, Phase.ACTIVE, enabled=True))


async def handshake(bench: Bench, findings: Findings) -> None:
    """From the code to active, through all that is no answer; then switches, forgeries, replays, and the end."""
    story = Invited(bench, findings)
    bench.shown_key = FORGER.public
    await story.paste()
    early = await bench.asked(story.connection, within_s=bench.quiet_s * 2)
    bench.shown_key = bench.key.public
    findings.judge(rules.INFO_FIRST, good=early is None, sentence="it posts to a URL whose node info shows another key")
    await story.tell(story.first)
    asked, message = await story.question()
    asked, message = await tell_wrong_answers(story, asked, message)
    story.answer(asked, message)
    await story.settled(story.first)
    await story.silent(rules.ECHOED)
    await _switches(story)
    await _echoes(story)
    await tell_untouched(bench, findings, story)
    await _strangers(story)
    story.ours_after(Act.REMOVE)
    await story.say(take=True)
    await story.say()
    await story.tell(story.first)


async def _switches(story: Invited) -> None:
    """The runner's switch goes off; the envelope comes twice, and the one before it late."""
    before = story.word()
    story.ours_after(Act.DEACTIVATE)
    said = story.word()
    sealed = story.seal(said)
    await story.resend(sealed, said, take=True)
    await story.resend(sealed, said)
    await story.tell(before)
    await story.tell(msgspec.structs.replace(said, serial=story.invitation.serial - 1))


async def _echoes(story: Invited) -> None:
    """What the runner claims of the other side: a revision at the limit, another switch, one that never was."""
    mine = story.mirror.record.mine if story.mirror.record is not None else Side(1, Phase.ACCEPTED)
    said = story.word()
    await story.tell(msgspec.structs.replace(said, echo=Echo(JUMP_LIMIT, Phase.ACCEPTED, enabled=True)))
    for echo in (
        Echo(mine.revision, Phase.ACCEPTED, enabled=False),
        Echo(mine.revision + 4, Phase.ACCEPTED, enabled=False),
    ):
        await story.tell(msgspec.structs.replace(said, echo=echo))
        asked, message = await story.question(row("9"))
        story.answer(asked, message)
        await story.settled(story.first)


async def _strangers(story: Invited) -> None:
    """Another key speaks of the same id: that is another connection."""
    serial, other = story.invitation.serial, Mirror(_DESTINATION, code=None)
    await story.tell(_active(serial, 2), key=FORGER, fresh=other)
    await story.tell(_closed(serial, 3), key=FORGER, fresh=other)
    with story.blame(rules.NOTHING_STORED):
        await story.say(take=True)


async def _newer(story: Invited) -> None:
    """Newer codes of a closed connection that were never pasted, and what is older then."""
    serial, pending = story.invitation.serial, Statement(serial=1, side=Side(1, Phase.PENDING))
    gone = story.with_details(msgspec.structs.replace(pending, serial=serial + 1), expires_at=serial)
    await story.tell(gone)
    await story.tell(_closed(serial + 2, 2))
    await story.tell(_active(serial + 3, 2))
    await story.tell(_active(serial + 2, 2))


async def approval(bench: Bench, findings: Findings) -> None:
    """The source asks its admin first; then the destination's admin switches, and removes the connection."""
    story = Invited(bench, findings, bound=True, ask_me=True)
    await story.paste()
    with story.blame(rules.BOUND):
        asked, message = await story.question()
    story.answer(asked, message)
    await story.settled(story.first)
    story.ours_after(Act.APPROVE)
    await story.say(take=True)
    await story.silent(rules.ECHOED)
    for wanted in (Act.DEACTIVATE, Act.ACTIVATE, Act.REMOVE):
        await tell_owed(story, wanted, with_doubt=wanted is Act.DEACTIVATE)


async def cancel(bench: Bench, findings: Findings) -> None:
    """The destination's admin cancels while the source's admin has not approved."""
    story = Invited(bench, findings, ask_me=True)
    await story.paste()
    asked, message = await story.question()
    story.answer(asked, message)
    await story.settled(story.first)
    await tell_owed(story, Act.CANCEL)


async def decline(bench: Bench, findings: Findings) -> None:
    """The destination's admin declines the code; later codes of the connection are never pasted."""
    story = Invited(bench, findings)
    await bench.driver.decline(story.text)
    story.mirror.act(Act.DECLINE_CODE, now=bench.now())
    asked, message = await story.question(rules.act_rule(Act.DECLINE_CODE))
    story.answer(asked, message)
    await story.settled(story.first)
    await story.silent(rules.ECHOED)
    await _newer(story)


async def unknown(bench: Bench, findings: Findings) -> None:
    """Statements of connections that it has never heard of."""
    story = Invited(bench, findings)
    serial = story.invitation.serial
    gone = story.with_details(Statement(serial=serial, side=Side(1, Phase.PENDING)), expires_at=serial - 1)
    await story.tell(gone)
    await story.tell(_active(serial, 2))
    await story.tell(_closed(serial, 3))


async def announcements(bench: Bench, findings: Findings) -> None:
    """Announcements of a known partner: repeated, withdrawn, overtaken by nonsense, accepted, declined."""
    known = Invited(bench, findings)
    await known.paste()
    asked, message = await known.question()
    known.answer(asked, message)
    await known.settled(known.first)
    for tell in (_withdrawn, _nonsense, _announced_and_accepted, _declined):
        story = await _announcement(bench, findings)
        if story is not None:
            await tell(story)


async def _withdrawn(story: Invited) -> None:
    """It comes again, is withdrawn, and is followed by one with a newer code."""
    await story.tell(story.first)
    story.ours_after(Act.WITHDRAW)
    await story.say(take=True)
    serial = story.invitation.serial + 1
    newer = story.with_details(Statement(serial=serial, side=Side(1, Phase.PENDING)), expires_at=serial + LIFETIME_S)
    await story.tell(newer)


async def _nonsense(story: Invited) -> None:
    """The source says that it is active, which nobody here has asked for."""
    await story.tell(_active(story.invitation.serial, 2))
    asked, message = await story.question(row("8"))
    story.reply(asked, story.closing(message))


async def _announced_and_accepted(story: Invited) -> None:
    """Its code is pasted."""
    await story.paste()
    asked, message = await story.question()
    story.answer(asked, message)
    await story.settled(story.first)


async def _declined(story: Invited) -> None:
    """It is declined without its code."""
    await tell_owed(story, Act.DECLINE)


async def _announcement(bench: Bench, findings: Findings) -> Invited | None:
    story = Invited(bench, findings, owed=True)
    answer = await story.say(take=False)
    if answer.statement.side.phase is Phase.ANNOUNCED:
        return story
    rows = [row(number) for number in ("1", "6", "7", "7a", "8")]
    findings.not_tried("it takes no announcement of the runner now", *rows, rules.act_rule(Act.DECLINE))
    return None
