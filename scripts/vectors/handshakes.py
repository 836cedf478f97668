"""handshakes.json: whole handshakes, step by step, on both sides."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from protocol.limits import CODE_LIFETIME_S_DEFAULT
from protocol.tables import Act

from scripts.vectors.telling import Story

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

A, G, I = "ACME", "Globex", "Initech"  # noqa: E741 - the initials of the three nodes


def handshakes() -> dict[str, Any]:
    """The whole file."""
    return {
        "stories": [
            {"name": name, "what": (tell.__doc__ or "").strip(), "steps": asyncio.run(_told(tell))}
            for name, tell in STORIES.items()
        ]
    }


async def _told(tell: Callable[[Story], Awaitable[None]]) -> list[dict[str, Any]]:
    story = Story()
    try:
        await tell(story)
    finally:
        story.close()
    return story.steps


async def immediate(story: Story) -> None:
    """The shortest handshake: a code for whoever has it, accepted; one exchange, and both are active."""
    code = await story.initiate()
    story.wait(60)
    await story.accept(G, code)
    await story.exchange(G, A)


async def approved(story: Story) -> None:
    """The source asks its admin first: the destination waits, repeats itself, and is told when it is approved."""
    code = await story.initiate(ask_me=True)
    await story.accept(G, code)
    await story.exchange(G, A)
    story.wait(3600)
    await story.exchange(G, A)
    await story.act(A, Act.APPROVE)
    await story.exchange(A, G)


async def approved_unheard(story: Story) -> None:
    """The approval's message is lost; the destination learns of it by asking again."""
    code = await story.initiate(ask_me=True)
    await story.accept(G, code)
    await story.exchange(G, A)
    await story.act(A, Act.APPROVE)
    story.lose(await story.ask(A, G))
    await story.exchange(G, A)


async def refused(story: Story) -> None:
    """The source asks its admin, who refuses."""
    code = await story.initiate(ask_me=True)
    await story.accept(G, code)
    await story.exchange(G, A)
    await story.act(A, Act.REFUSE)
    await story.exchange(A, G)


async def announced(story: Story) -> None:
    """The destination is known: it is told of the invitation first, and only it may accept the code."""
    code = await story.initiate(bound=True)
    await story.exchange(A, G)
    story.wait(300)
    await story.accept(G, code)
    await story.exchange(G, A)


async def accepted_before_the_announcement(story: Story) -> None:
    """The code is pasted before the announcement arrives; its answer is what the source takes the code by."""
    code = await story.initiate(bound=True)
    invitation = await story.ask(A, G)
    await story.accept(G, code)
    await story.take(A, await story.hear(G, invitation), invitation)
    await story.exchange(G, A)


async def announcement_not_taken(story: Story) -> None:
    """The destination takes no announcements: it echoes and keeps nothing. The code works all the same."""
    story.refuse_announcements(G)
    code = await story.initiate(bound=True)
    await story.exchange(A, G)
    await story.accept(G, code)
    await story.exchange(G, A)


async def declined(story: Story) -> None:
    """The destination's admin declines an invitation that was announced, without the code."""
    await story.initiate(bound=True)
    await story.exchange(A, G)
    await story.act(G, Act.DECLINE)
    await story.exchange(G, A)


async def code_declined(story: Story) -> None:
    """A code for whoever has it is declined; the proof uses it up."""
    code = await story.initiate()
    await story.decline_code(G, code)
    await story.exchange(G, A)


async def cancel_overtakes(story: Story) -> None:
    """The destination cancels; its accept arrives after that, late and twice, and wakes nothing."""
    code = await story.initiate()
    await story.accept(G, code)
    late = await story.ask(G, A)
    await story.act(G, Act.CANCEL)
    await story.exchange(G, A)
    story.lose(await story.hear(A, late))
    story.lose(await story.hear(A, late))


async def cancelled_while_awaiting(story: Story) -> None:
    """The destination cancels while the source's admin has not decided; approving is too late then."""
    code = await story.initiate(ask_me=True)
    await story.accept(G, code)
    await story.exchange(G, A)
    await story.act(G, Act.CANCEL)
    await story.exchange(G, A)


async def withdrawn(story: Story) -> None:
    """The source withdraws a code that is accepted at the same time; the destination is told the reason."""
    code = await story.initiate()
    await story.accept(G, code)
    await story.act(A, Act.WITHDRAW)
    await story.exchange(G, A)


async def withdrawn_announced(story: Story) -> None:
    """The source withdraws what it announced, and tells the addressee."""
    await story.initiate(bound=True)
    await story.exchange(A, G)
    await story.act(A, Act.WITHDRAW)
    await story.exchange(A, G)


async def expired(story: Story) -> None:
    """The code is taken too late by the source's clock: it closes, and says so in the same answer."""
    code = await story.initiate()
    story.wait(CODE_LIFETIME_S_DEFAULT)
    await story.accept(G, code)
    await story.exchange(G, A)


async def expired_by_the_timer(story: Story) -> None:
    """The source's timer closes what nobody took; a new code opens the connection again."""
    await story.initiate()
    story.wait(CODE_LIFETIME_S_DEFAULT)
    await story.expire()
    code = await story.new_code()
    await story.accept(G, code)
    await story.exchange(G, A)


async def replaced(story: Story) -> None:
    """A new code is made while the accept of the old one is under way; the new one is accepted then."""
    old = await story.initiate()
    await story.accept(G, old)
    late = await story.ask(G, A)
    story.wait(60)
    new = await story.new_code()
    await story.take(G, await story.hear(A, late), late)
    await story.accept(G, new)
    await story.exchange(G, A)


async def two_takers(story: Story) -> None:
    """Two nodes hold the same code: one wins, the other is told that it is used, the source's admin is warned."""
    code = await story.initiate()
    await story.accept(G, code)
    await story.accept(I, code)
    await story.exchange(I, A)
    await story.exchange(G, A)


async def answer_lost(story: Story) -> None:
    """The answer to the accept is lost; the same statement, said again, is answered again and changes nothing."""
    code = await story.initiate()
    await story.accept(G, code)
    story.lose(await story.hear(A, await story.ask(G, A)))
    story.wait(1)
    await story.exchange(G, A)


async def switched(story: Story) -> None:
    """Each side's switch is its own: off at the source, off at the destination, on at both again."""
    await immediate(story)
    await story.act(A, Act.DEACTIVATE)
    await story.exchange(A, G)
    await story.act(G, Act.DEACTIVATE)
    await story.exchange(G, A)
    await story.act(A, Act.ACTIVATE)
    await story.act(G, Act.ACTIVATE)
    crossing = await story.ask(A, G)
    await story.exchange(G, A)
    await story.take(A, await story.hear(G, crossing), crossing)


async def removed_by_source(story: Story) -> None:
    """The source removes an active connection; the tombstone answers what comes later."""
    await immediate(story)
    late = await story.ask(G, A)
    await story.act(A, Act.REMOVE)
    await story.exchange(A, G)
    story.lose(await story.hear(A, late))


async def removed_by_destination(story: Story) -> None:
    """The destination removes an active connection."""
    await immediate(story)
    await story.act(G, Act.REMOVE)
    await story.exchange(G, A)


async def removed_by_both(story: Story) -> None:
    """Both remove at once; their messages cross, and each keeps its own reason."""
    await immediate(story)
    await story.act(A, Act.REMOVE)
    await story.act(G, Act.REMOVE)
    crossing = await story.ask(A, G)
    await story.exchange(G, A)
    await story.take(A, await story.hear(G, crossing), crossing)


async def forgotten(story: Story) -> None:
    """The source has forgotten a connection; the destination that asks is told that it is unknown."""
    code = await story.initiate()
    await story.accept(G, code)
    await story.act(A, Act.WITHDRAW)
    await story.act(A, Act.FORGET)
    await story.exchange(G, A)


STORIES: dict[str, Callable[[Story], Awaitable[None]]] = {
    tell.__name__.replace("_", "-"): tell
    for tell in (
        immediate,
        approved,
        approved_unheard,
        refused,
        announced,
        accepted_before_the_announcement,
        announcement_not_taken,
        declined,
        code_declined,
        cancel_overtakes,
        cancelled_while_awaiting,
        withdrawn,
        withdrawn_announced,
        expired,
        expired_by_the_timer,
        replaced,
        two_takers,
        answer_lost,
        switched,
        removed_by_source,
        removed_by_destination,
        removed_by_both,
        forgotten,
    )
}
