"""The node info: what a node tells everyone of itself at /.well-known/handclasp, as JSON.

It is a hint, not an identity: whoever answers there may say anything. A code is bound to the key in it.
"""

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from protocol.errors import LocalProtocolError, RemoteProtocolError, TextError
from protocol.identity import from_jwk, to_jwk
from protocol.limits import NODE_INFO_BYTES_MAX, SOFTWARE_CHARACTERS_MAX, VERSIONS_MAX
from protocol.modes import Mode
from protocol.text import check_name, check_url

KIND: Final = "servicenow"
WELL_KNOWN_PATH: Final = "/.well-known/handclasp"

_Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
_Boot = Annotated[str, Meta(pattern=r"^[0-9a-f]{8,64}\Z")]
_Version = Annotated[int, Meta(gt=0, lt=256)]
_Versions = Annotated[tuple[_Version, ...], Meta(min_length=1, max_length=VERSIONS_MAX)]


class NotTakingReason(StrEnum):
    """Why a node takes no invitations now; generic, since everyone may read it."""

    SET_UP = "set-up-unfinished"
    SWITCHED_OFF = "switched-off"
    MAINTENANCE = "maintenance"
    FULL = "full"
    OTHER = "other"


class NodeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a node tells of itself.

    Attributes:
        protocol_versions: those that it speaks, at least one.
        software: name and version of the program.
        node_id: its UUID, lower case, for display and topics.
        key: its public key, 32 bytes.
        modes: those that it offers for connections.
        takes_invitations: whether it may be named as a destination now.
        not_taking_reason: there when, and only when, it takes none.
        boot: hexadecimal, another after each start.
    """

    protocol_versions: tuple[int, ...]
    software: str
    node_id: str
    name: str
    instance_url: str
    node_url: str | None
    key: bytes
    modes: tuple[Mode, ...]
    takes_invitations: bool
    not_taking_reason: NotTakingReason | None
    boot: str
    kind: str = KIND


class _Json(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON members; a mode or reason of a later version is still a text here."""

    kind: str
    protocol_versions: _Versions
    software: str
    node_id: _Uuid
    name: str
    instance_url: str
    node_url: str | None
    key: dict[str, object]
    modes: tuple[str, ...]
    takes_invitations: bool
    not_taking_reason: str | None = None
    boot: _Boot


_DECODER = msgspec.json.Decoder(_Json)


def to_json(info: NodeInfo) -> bytes:
    """The JSON text, UTF-8.

    Raises:
        LocalProtocolError: a field is out of its limits.
    """
    fields = msgspec.structs.asdict(info) | {"key": to_jwk(info.key)}
    data = msgspec.json.encode(fields)
    try:
        from_json(data)
    except RemoteProtocolError as error:
        raise LocalProtocolError(f"No node info can be made of this. {error}") from error
    return data


def from_json(data: bytes) -> NodeInfo:
    """Read a node info; members and modes that this version does not know are ignored.

    Raises:
        RemoteProtocolError: it is not a node info, with what is wrong.
    """
    if len(data) > NODE_INFO_BYTES_MAX:
        raise RemoteProtocolError(f"A node info has at most {NODE_INFO_BYTES_MAX} bytes.")
    try:
        read = _DECODER.decode(data)
    except Exception as error:  # also RecursionError and bad UTF-8: the other side's fault alike  # noqa: BLE001 - whatever the library raises, one fault is told
        raise RemoteProtocolError(f"This is not a node info ({type(error).__name__}).") from None
    if read.kind != KIND:
        raise RemoteProtocolError(f"This is the info of another kind of node, not of {KIND}.")
    try:
        return _info(read)
    except TextError as error:
        raise RemoteProtocolError(str(error)) from error


def _info(read: _Json) -> NodeInfo:
    known = {mode.value: mode for mode in Mode}
    reason = None if read.takes_invitations else _reason(read.not_taking_reason)
    return NodeInfo(
        protocol_versions=read.protocol_versions,
        software=check_name(read.software, what="software version", characters_max=SOFTWARE_CHARACTERS_MAX),
        node_id=read.node_id,
        name=check_name(read.name, what="name of the node"),
        instance_url=check_url(read.instance_url, what="instance URL"),
        node_url=None if read.node_url is None else check_url(read.node_url, what="node URL"),
        key=from_jwk(read.key),
        modes=tuple(known[mode] for mode in dict.fromkeys(read.modes) if mode in known),
        takes_invitations=read.takes_invitations,
        not_taking_reason=reason,
        boot=read.boot,
    )


def _reason(told: str | None) -> NotTakingReason:
    return next((reason for reason in NotTakingReason if reason == told), NotTakingReason.OTHER)
