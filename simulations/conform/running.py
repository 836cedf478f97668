"""A whole run: which stories are told in which role, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from protocol.vocabulary import Role
from simulations.conform import code_stories, destination_stories, rules, source_stories
from simulations.conform.bench import NotDrivenError, UnreachableError
from simulations.conform.envelope_stories import NoNodeError, read_node_info, tell_http, tell_refused
from simulations.conform.findings import Findings, StoryOverError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from simulations.conform.bench import Bench

    Told = Callable[[Bench, Findings], Awaitable[None]]


async def _http(bench: Bench, findings: Findings) -> None:
    await tell_http(bench, findings, destination_stories.Invited(bench, findings))


async def _refused(bench: Bench, findings: Findings) -> None:
    await tell_refused(bench, findings, destination_stories.Invited(bench, findings))


async def _http_of_source(bench: Bench, findings: Findings) -> None:
    await tell_http(bench, findings, source_stories.nothing(bench, findings))


async def _refused_by_source(bench: Bench, findings: Findings) -> None:
    await tell_refused(bench, findings, source_stories.nothing(bench, findings))


STORIES: Final[dict[Role, dict[str, Told]]] = {
    Role.DESTINATION: {
        "handshake": destination_stories.handshake,
        "announcements": destination_stories.announcements,
        "approval": destination_stories.approval,
        "cancel": destination_stories.cancel,
        "decline": destination_stories.decline,
        "unknown connections": destination_stories.unknown,
        "codes": code_stories.codes,
        "HTTP": _http,
        "refused envelopes": _refused,
    },
    Role.SOURCE: {
        "acts": source_stories.acts,
        "handshake": source_stories.handshake,
        "approval": source_stories.approval,
        "refusal": source_stories.refusal,
        "cancel that overtakes": source_stories.overtaken,
        "withdrawal": source_stories.withdrawn,
        "forgotten": source_stories.forgotten,
        "unknown connections": source_stories.unknown,
        "HTTP": _http_of_source,
        "refused envelopes": _refused_by_source,
        "expiry": source_stories.expiry,
    },
}


async def run(bench: Bench, role: Role, titles: Iterable[str], *, told: Callable[[str], None]) -> Findings:
    """Tell these stories to the implementation, which plays `role`; what was found. `told` hears each title.

    Raises:
        NoNodeError: the URL is no node's.
        UnreachableError: it gives no answer at the beginning.
    """
    findings = Findings(rules.rules_of(role))
    info = await read_node_info(bench)
    bench.their_key = info.key
    findings.kept(rules.NODE_INFO)
    for title in titles:
        tell, findings.story = STORIES[role][title], title
        told(title)
        try:
            await tell(bench, findings)
        except StoryOverError as error:
            findings.untried(str(error))
        except NotDrivenError as error:
            findings.untried(str(error))
        except UnreachableError as error:
            findings.broken(rules.ANSWER, str(error))
    findings.story = ""
    return findings


__all__ = ["STORIES", "NoNodeError", "run"]
