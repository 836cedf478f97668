"""Codes that can't be taken, each with the outcome that must be told (section 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from protocol import code_format
from protocol.code_format import Parts
from protocol.code_outcomes import CodeOutcome
from protocol.identity import addressee
from protocol.invitation import compose_code, pack_invitation
from protocol.limits import SIGNATURE_BYTES
from protocol.seeds import SEED_BYTES
from simulations.conform import rules
from simulations.conform.bench import NotDrivenError
from simulations.conform.destination_stories import Invited
from simulations.conform.wrong_answers import FORGER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulations.conform.bench import Bench
    from simulations.conform.findings import Findings

_NO_VERSION = (255,)


async def codes(bench: Bench, findings: Findings) -> None:
    """Paste each of them; then one that was taken before."""
    story = Invited(bench, findings)
    for outcome, text in _untakeable(story):
        await _paste(bench, findings, outcome, text)
    try:
        await story.paste()
    except NotDrivenError as error:
        findings.not_tried(str(error), rules.code_rule(CodeOutcome.ALREADY_ACCEPTED_HERE))
        return
    await _paste(bench, findings, CodeOutcome.ALREADY_ACCEPTED_HERE, story.text)
    asked, message = await story.question()
    story.answer(asked, message)
    await story.settled(story.first)


async def _paste(bench: Bench, findings: Findings, outcome: CodeOutcome, text: str) -> None:
    rule = rules.code_rule(outcome)
    try:
        told = await bench.driver.outcome_of(text)
    except NotDrivenError as error:
        findings.not_tried(str(error), rule)
        return
    findings.judge(rule, good=told == outcome, sentence=f"such a code is told as {told[:60]!a}")


def _untakeable(story: Invited) -> Iterator[tuple[CodeOutcome, str]]:
    bench, text = story.bench, story.text
    invitation, seed = story.invitation, bench.token(SEED_BYTES)
    middle = len(text) // 2
    other = "a" if text[middle] != "a" else "b"
    packed = pack_invitation(invitation)
    unsigned = Parts(head=code_format.encode_head(packed), packed=packed, signature=bytes(SIGNATURE_BYTES), seed=seed)
    yield CodeOutcome.NOT_A_CODE, "no code at all"
    yield CodeOutcome.TRUNCATED, text[:-40]
    yield CodeOutcome.MISTYPED, text[:middle] + other + text[middle + 1 :]
    yield CodeOutcome.FORGED, code_format.encode(unsigned)
    later = msgspec.structs.replace(invitation, versions=_NO_VERSION)
    yield CodeOutcome.NEWER_VERSION, compose_code(later, bench.key, seed).text
    elsewhere = msgspec.structs.replace(invitation, bound=addressee(FORGER.public))
    yield CodeOutcome.NOT_FOR_YOU, compose_code(elsewhere, bench.key, seed).text
