"""A way through the worlds, told as people would tell it: who did what, who heard what, and what each then is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from protocol.records import DestinationRecord, Record, SourceRecord
from protocol.tables import Act
from protocol.vocabulary import Phase, Side, Statement
from simulations.exploring.rules import BY_KEY, Who
from simulations.exploring.seats import Acted, Hearing, Move
from simulations.exploring.worlds import Cause, Kept, Passed, PutBack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulations.exploring.search import Violation

_ACTS: Final = {
    Act.INITIATE: "initiates",
    Act.NEW_CODE: "makes a new code",
    Act.WITHDRAW: "withdraws the code",
    Act.EXPIRE: "closes the offer, for the code has expired",
    Act.RESTORE: "runs `restore`, which kills the pending code",
    Act.APPROVE: "approves",
    Act.REFUSE: "refuses",
    Act.ACCEPT: "accepts",
    Act.DECLINE: "declines the invitation",
    Act.DECLINE_CODE: "declines",
    Act.CANCEL: "cancels",
    Act.ACTIVATE: "switches on",
    Act.DEACTIVATE: "switches off",
    Act.REMOVE: "removes the connection",
    Act.FORGET: "forgets the connection",
}
_BY_TIMER: Final = {Act.EXPIRE}


def told(violation: Violation) -> list[str]:
    """The lines of a violation: the way, what then goes on by itself, and the sentence that is not true there."""
    lines = []
    heard: set[int] = set()
    for number, step in enumerate(violation.path, 1):
        who, sentence = sentence_of(step.cause, heard)
        lines.append(f"{number:3}  {sentence}")
        if who is not None:
            known = (step.known.source, *step.known.destinations)[who]
            lines.append(f"{'':5}{_name(who)} is now {_standing(known)}.")
    if violation.settling:
        lines.append("     Then all faults stop, and the nodes go on by themselves:")
    for number, move in enumerate(violation.settling, len(violation.path) + 1):
        lines.append(f"{number:3}  {sentence_of(move, heard)[1]}")
    return [*lines, f"     {violation.sentence}"]


def sentence_of(cause: Cause, heard: set[int]) -> tuple[Who | None, str]:
    """What happened, and whose record it is about; `heard`: messages of this story that were heard before."""
    match cause:
        case Passed(code=code):
            return None, f"The expiry of code {code} passes."
        case Kept(who=who):
            return None, f"A backup is made of {who}'s node."
        case PutBack(who=who):
            return who, f"The backup of {who}'s node is put back, and it does not notice."
        case Move(event=event):
            sentence = _act(event) if isinstance(event, Acted) else _hearing(event, heard)
            return event.who, sentence


def _act(event: Acted) -> str:
    actor = f"{_name(event.who)}'s {'timer' if event.act in _BY_TIMER else 'admin'}"
    code = f" code {event.code}" if event.code is not None and event.act is not Act.NEW_CODE else ""
    terms = ""
    if event.act in {Act.INITIATE, Act.NEW_CODE}:
        bound = f"bound to {event.addressee}" if event.addressee is not None else "for whoever has it"
        terms = f": code {event.code}, {bound}{', to be approved' if event.ask_me else ''}"
        code = ""
    return f"{actor} {_ACTS[event.act]}{code}{terms}."


def _hearing(event: Hearing, heard: set[int]) -> str:
    message = event.message
    again = ", once more" if id(message) in heard else ""
    heard.add(id(message))
    what = "answer" if message.is_answer else "word"
    choice = ", and takes it in" if event.allowed else ""
    answer = f"; it answers {_said(event.answer)}" if event.answer is not None else ""
    return (
        f"{_name(event.who)} hears{again} the {what} of {message.sender}: {_said(message.statement)}{choice} "
        f"(row {event.row}){answer}."
    )


def _name(who: Who) -> str:
    return "The source" if who is Who.SOURCE else who.name


def _said(statement: Statement) -> str:
    echo = statement.echo
    held = f", holding {_brief(echo.revision, echo.phase, enabled=echo.enabled)}" if echo is not None else ""
    proof = ", with proof" if statement.proof is not None else ""
    return f'"code {statement.serial}: {_side(statement.side)}{held}{proof}"'


def _side(side: Side) -> str:
    return _brief(side.revision, side.phase, enabled=side.enabled, reason=side.reason)


def _brief(revision: int, phase: Phase, *, enabled: bool, reason: str | None = None) -> str:
    why = f" ({reason})" if reason is not None else ""
    switched_off = " switched off" if not enabled and phase in {Phase.AWAITING, Phase.ACTIVE, Phase.ACCEPTED} else ""
    return f"{phase}{why}{switched_off} {revision}" if phase is not Phase.NONE else "no record"


def _standing(record: Record | None) -> str:
    return ", ".join(_facts(record)) if record is not None else "without a record"


def _facts(record: SourceRecord | DestinationRecord) -> Iterator[str]:
    yield f"{_side(record.mine)} for code {record.serial}"
    if isinstance(record, SourceRecord) and record.partner is not None:
        yield f"partner {BY_KEY[record.partner]}"
    yield f"holding {_side(record.theirs)}" if record.theirs is not None else "holding nothing"
    if record.owed:
        yield "owing its word"
