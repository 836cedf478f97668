"""Runs of the conformance stories, in the test's own process, against a node that has an admin API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.cli.places import Place
from simulations.conform import running, shell
from simulations.conform.drivers import AdminDriver

if TYPE_CHECKING:
    from collections.abc import Iterable

    from protocol.vocabulary import Role
    from simulations.conform.findings import Verdict


async def conformed(
    url: str, token: str, role: Role, stories: Iterable[str] | None = None, *, wait_s: float = 20
) -> dict[str, Verdict]:
    """The verdicts of some stories, or of all, by the name of the rule."""
    driver = AdminDriver(Place(title="the node", url=url, token=token))
    runner = shell.Shell(url, driver=driver, wait_s=wait_s, quiet_s=0.5)
    async with shell.serving(runner, host="127.0.0.1", port=0, advertised=None):
        findings = await running.run(runner, role, stories or running.STORIES[role], told=lambda _title: None)
    return {verdict.rule.name: verdict for verdict in findings.verdicts()}
