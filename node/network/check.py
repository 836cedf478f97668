"""The destination check: what an admin typed leads to a node that can be connected to, or why not.

The admin types an instance URL or a node URL. Node info is read there; one step further is taken, and one
only: a redirect to the node URL's node info, or, if node info names another node URL than the one it was read
at, to that. Node info counts only where it was read at the URL that will be used, so `ok` proves that it is
reachable; and over that step the key has to stay the same, since the first answer told it too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from node.network.findings import BY_CAUSE, REASONS, TABLE, CheckOutcome, Finding
from node.ports import NetworkError
from protocol.errors import RemoteProtocolError, TextError
from protocol.limits import PROTOCOL_VERSION
from protocol.node_info import WELL_KNOWN_PATH, NodeInfo, NotTakingReason, from_json
from protocol.text import check_url

if TYPE_CHECKING:
    from collections.abc import Collection

    from node.ports import HttpAnswer, PeerNetwork
    from protocol.modes import Mode

__all__ = ["CheckOutcome", "CheckResult", "check_destination"]

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_BUSY: Final = frozenset({429, 502, 503, 504})
_OK: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What the check found, and what to do about it, for an admin.

    `info` and `node_url` (where messages will go) are there once a node was read at that URL; this instance
    is read where it was typed, and names its node URL itself. `modes` are those that both nodes offer, sorted,
    for `ok` only. `reason` is the other node's, for `not-accepting`, and None there too if no mode is offered
    by both.
    """

    outcome: CheckOutcome
    sentence: str
    remedy: str
    info: NodeInfo | None = None
    node_url: str | None = None
    modes: tuple[Mode, ...] = ()
    reason: NotTakingReason | None = None


class _StopError(Exception):
    """The check ends here, with this finding."""

    def __init__(self, finding: Finding, url: str, detail: object = "") -> None:
        super().__init__(finding)
        self.result = _result(finding, url, detail=detail)


async def check_destination(
    typed_url: str, *, network: PeerNetwork, own_key: bytes, own_modes: Collection[Mode]
) -> CheckResult:
    """Check what an admin typed: an instance URL or a node URL.

    `own_key` and `own_modes` are this node's public key and the modes that it offers.

    Raises:
        TextError: what was typed is no URL at all, so nothing was called.
    """
    typed = check_url(typed_url.strip().removesuffix(WELL_KNOWN_PATH), what="address")
    try:
        info, node_url = await _find(typed, network, own_key)
    except _StopError as stop:
        return stop.result
    if info.key == own_key:
        return replace(_result(Finding.THIS_INSTANCE, typed, info), node_url=info.node_url or node_url)
    if PROTOCOL_VERSION not in info.protocol_versions:
        return _result(Finding.VERSION, node_url, info, detail=PROTOCOL_VERSION)
    if not info.takes_invitations:
        reason = info.not_taking_reason or NotTakingReason.OTHER
        result = _result(Finding.NOT_TAKING, node_url, info, detail=REASONS[reason])
        return replace(result, reason=reason)
    modes = tuple(sorted(set(own_modes) & set(info.modes)))
    if not modes:
        return _result(Finding.NO_COMMON_MODE, node_url, info)
    return replace(_result(Finding.OK, node_url, info), modes=modes)


async def _find(typed: str, network: PeerNetwork, own_key: bytes) -> tuple[NodeInfo, str]:
    """The node info, and the URL where it was read and that it confirms; this node's own needs no step."""
    at = typed
    answer = await _ask(network, at)
    may_step = answer.status not in _REDIRECTS
    if not may_step:
        at = _target(at, answer)
        answer = await _ask(network, at)
    info = _node_info(at, answer)
    if info.key == own_key or info.node_url in (None, at):
        return info, at
    if not may_step:
        raise _StopError(Finding.NODE_URL_ASTRAY, at, info.node_url)
    node_url = str(info.node_url)
    confirmed = _node_info(node_url, await _ask(network, node_url))
    if confirmed.key != info.key:
        raise _StopError(Finding.TWO_NODES, node_url, at)
    if confirmed.node_url not in (None, node_url):
        raise _StopError(Finding.NODE_URL_ASTRAY, node_url, confirmed.node_url)
    return confirmed, node_url


async def _ask(network: PeerNetwork, url: str) -> HttpAnswer:
    try:
        return await network.get(url + WELL_KNOWN_PATH)
    except NetworkError as error:
        raise _StopError(BY_CAUSE[error.cause], url, error) from error


def _target(at: str, answer: HttpAnswer) -> str:
    """The URL whose node info a redirect leads to."""
    location = answer.headers.get("location", "")
    try:
        target = urljoin(at + WELL_KNOWN_PATH, location)
        if not target.endswith(WELL_KNOWN_PATH):
            raise _StopError(Finding.REDIRECT_ASTRAY, at)
        url = check_url(target.removesuffix(WELL_KNOWN_PATH), what="address that it redirects to")
    except (TextError, ValueError) as error:
        raise _StopError(Finding.REDIRECT_ASTRAY, at) from error
    if url == at:
        raise _StopError(Finding.REDIRECT_ASTRAY, at)
    return url


def _node_info(at: str, answer: HttpAnswer) -> NodeInfo:
    if answer.status in _REDIRECTS:
        raise _StopError(Finding.REDIRECTED_TWICE, at)
    if answer.status in _BUSY:
        raise _StopError(Finding.BUSY, at, answer.status)
    if answer.status != _OK:
        raise _StopError(Finding.STATUS, at, answer.status)
    try:
        return from_json(answer.body)
    except RemoteProtocolError as error:
        raise _StopError(Finding.NO_NODE_INFO, at, error) from error


def _result(finding: Finding, url: str, info: NodeInfo | None = None, *, detail: object = "") -> CheckResult:
    outcome, sentence, remedy = TABLE[finding]
    return CheckResult(
        outcome=outcome,
        sentence=sentence.format(url=url, detail=detail, name=info.name if info else ""),
        remedy=remedy,
        info=info,
        node_url=url if info else None,
    )
