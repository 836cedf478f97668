"""What may come back to a question and is no answer, each with the rule that says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec

from node.ports import HttpAnswer
from protocol.envelope import CONTENT_TYPE, seal
from protocol.identity import MESSAGE_DOMAIN, SigningKey
from protocol.limits import ANSWER_BYTES_MAX, MESSAGE_ID_BYTES, SIGNATURE_BYTES
from protocol.packing import pack
from protocol.vocabulary import Kind, Phase, Reason, Side, Statement
from simulations.conform.bench import ASTRAY, NO_LINK
from simulations.conform.story import envelope_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from protocol.envelope import Message
    from simulations.conform.story import Story

FORGER: Final = SigningKey(b"\x0f" * 32)
_ENVELOPE: Final = {"content-type": CONTENT_TYPE}
_PAGE: Final = {"content-type": "text/html"}


def _closed(question: Message) -> Statement:
    """What would close the connection if it were believed."""
    side = Side(question.statement.side.revision + 100, Phase.CLOSED, reason=Reason.REMOVED)
    return Statement(serial=question.statement.serial, side=side, echo=question.statement.side.echo)


def late_answer(story: Story, question: Message) -> HttpAnswer:
    """An answer that is good but for the time at which it is given."""
    return envelope_answer(story.sealed_answer(question, _closed(question)))


def _status(story: Story, question: Message) -> HttpAnswer:
    return replace(late_answer(story, question), status=410)


def _redirect(story: Story, _question: Message) -> HttpAnswer:
    return HttpAnswer(status=307, headers=_PAGE | {"location": f"{story.bench.own_url}{ASTRAY}"})


def _content_type(story: Story, question: Message) -> HttpAnswer:
    return replace(late_answer(story, question), headers=_PAGE)


def _too_long(story: Story, question: Message) -> HttpAnswer:
    good = late_answer(story, question)
    return replace(good, body=good.body.ljust(ANSWER_BYTES_MAX * 2, b"\0"))


def _forged(story: Story, question: Message) -> HttpAnswer:
    body = story.sealed_answer(question, _closed(question)).body
    return HttpAnswer(status=200, headers=_ENVELOPE, body=pack([body, bytes(SIGNATURE_BYTES)]))


def _other_key(story: Story, question: Message) -> HttpAnswer:
    return envelope_answer(
        seal(
            _closed(question), kind=Kind.STATUS, role=story.role, recipient=question.sender,
            connection=story.connection, time_ms=0, in_reply_to=question.message_id, key=FORGER,
        )
    )  # fmt: skip


def _other_question(story: Story, question: Message) -> HttpAnswer:
    good = story.sealed_answer(question, _closed(question))
    body = pack([*good.fields[:7], bytes(MESSAGE_ID_BYTES), *good.fields[8:]])
    return HttpAnswer(status=200, headers=_ENVELOPE, body=pack([body, story.bench.key.sign(MESSAGE_DOMAIN, body)]))


def _kind(story: Story, question: Message) -> HttpAnswer:
    """It echoes what was said, so whoever believes it says nothing any more."""
    said = msgspec.structs.replace(story.first, echo=question.statement.side.echo)
    kind = Kind.INITIATE if said.side.phase is Phase.PENDING else Kind.ACCEPT
    return envelope_answer(story.sealed_answer(question, said, kind=kind))


WRONG_ANSWERS: Final[Mapping[str, Callable[[Story, Message], HttpAnswer]]] = {
    "no answer: no link": lambda _story, _question: NO_LINK,
    "no answer: status": _status,
    "no answer: redirect": _redirect,
    "no answer: content type": _content_type,
    "no answer: garbage": lambda _story, _question: HttpAnswer(status=200, headers=_ENVELOPE, body=b"\xc1"),
    "no answer: too long": _too_long,
    "no answer: forged": _forged,
    "no answer: other key": _other_key,
    "no answer: other question": _other_question,
    "no answer: kind": _kind,
}
"""What can be answered at once, by the rule that says that it is no answer."""
