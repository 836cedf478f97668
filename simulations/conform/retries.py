"""What is owed is said until it is echoed: wrong answers, late ones, doubtful ones, and an admin's acts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from node.ports import HttpAnswer
from protocol.limits import REQUEST_S_MAX
from simulations.conform import rules
from simulations.conform.bench import NotDrivenError
from simulations.conform.wrong_answers import WRONG_ANSWERS, late_answer

if TYPE_CHECKING:
    from protocol.envelope import Message
    from protocol.tables import Act
    from simulations.conform.bench import Asked
    from simulations.conform.story import Story

RETRY_AFTER_S: Final = 60
"""So long nobody would wait here: what comes sooner was brought about by a verified envelope."""


async def tell_wrong_answers(story: Story, asked: Asked, message: Message) -> tuple[Asked, Message]:
    """Give a question every wrong answer; it must be said again after each. The question that waits at the end.

    Raises:
        StoryOverError: it is not said again, or one of them was believed.
    """
    bench, findings = story.bench, story.findings
    for rule, wrong in WRONG_ANSWERS.items():
        astray, reads = bench.gone_astray, asked.info_reads
        story.reply(asked, wrong(story, message))
        asked, message = await _again(story, rule)
        if bench.gone_astray > astray:
            findings.broken(rule, "the redirect was followed")
        findings.judge(
            rules.INFO_FIRST,
            good=asked.info_reads > reads,
            sentence=f"it posts again without reading node info at that URL, after the answer of {rule!r}",
        )
    await asyncio.sleep(REQUEST_S_MAX + 1)
    story.reply(asked, late_answer(story, message))
    asked, message = await _again(story, "no answer: late")
    busy = HttpAnswer(status=503, headers={"retry-after": str(RETRY_AFTER_S)})
    story.reply(asked, busy)
    early = await bench.asked(story.connection, within_s=bench.quiet_s * 2)
    if early is not None:  # what arrived during that try may cut one wait short
        story.reply(early, busy)
        early = await bench.asked(story.connection, within_s=bench.quiet_s * 2)
    findings.judge(rules.RETRY_AFTER, good=early is None, sentence=f"it did not wait for {RETRY_AFTER_S} s")
    if early is not None:
        story.reply(early, busy)
    return await _again(story, rules.RETRY_AT_ONCE)


async def _again(story: Story, rule: str) -> tuple[Asked, Message]:
    """The same question, once a verified envelope of ours has arrived, which shows too that nothing was believed."""
    with story.blame(rule):
        await story.tell(story.first)
        asked, message = await story.question(rules.RETRY)
    return asked, message


async def tell_owed(story: Story, wanted: Act, *, with_doubt: bool = False) -> None:
    """The implementation's admin acts, and the partner is told; `with_doubt`: the first answer echoes what was before.

    Raises:
        StoryOverError: it is not told, or not as it must be.
    """
    rule = rules.act_rule(wanted)
    try:
        await story.bench.driver.act(story.connection, wanted)
    except NotDrivenError as error:
        story.findings.not_tried(str(error), rule)
        return
    story.mirror.act(wanted, now=story.bench.now())
    asked, message = await story.question(rule)
    if with_doubt:
        story.answer(asked, message, story.word())
        asked, message = await story.question(rules.OWED)
    story.answer(asked, message)
    await story.settled(story.first)
    await story.silent(rules.ECHOED)
