"""What an invitation says, as fields and as the packed part P of a code.

Texts are brought into their normal form on the way in and on the way out: whoever reads an invitation may
show it.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from protocol.errors import LocalProtocolError, RemoteProtocolError, TextError
from protocol.expiry import check_expiry
from protocol.limits import (
    ADDRESSEE_BYTES,
    CONNECTION_ID_BYTES,
    CONNECTION_NAME_CHARACTERS_MAX,
    COUNTER_LIMIT,
    KEY_BYTES,
    NODE_ID_BYTES,
    VERSIONS_MAX,
)
from protocol.modes import Mode
from protocol.packing import convert_fields, pack, unpack
from protocol.text import check_name, check_url

_ConnectionId = Annotated[bytes, Meta(min_length=CONNECTION_ID_BYTES, max_length=CONNECTION_ID_BYTES)]
_NodeId = Annotated[bytes, Meta(min_length=NODE_ID_BYTES, max_length=NODE_ID_BYTES)]
_Key = Annotated[bytes, Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]
_Addressee = Annotated[bytes, Meta(min_length=ADDRESSEE_BYTES, max_length=ADDRESSEE_BYTES)]
_Counter = Annotated[int, Meta(gt=0, lt=COUNTER_LIMIT)]
_Version = Annotated[int, Meta(gt=0, lt=256)]
_PACKED_BYTES_MAX = 1 << 16


class Origin(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The first fields of an invitation: what its signature is checked with, before the rest is read."""

    connection: _ConnectionId
    serial: _Counter
    source_id: _NodeId
    source_key: _Key


class Invitation(Origin, frozen=True, array_like=True, kw_only=True):
    """The public part of a code; its fields are only ever appended to.

    Attributes:
        connection: the connection's id.
        serial: which of the connection's codes.
        source_id: the source node's UUID, for display.
        source_key: the source node's public key: its identity.
        node_url: where the source is reached.
        bound: the addressee (see `identity.addressee`) that alone may accept, or None: whoever comes first.
        expires_at: Unix seconds, by the source's clock, which alone decides.
        versions: the protocol versions that the source speaks.
    """

    node_url: str
    mode: Mode
    name: str
    source_short_name: str
    destination_short_name: str
    expires_at: _Counter
    bound: _Addressee | None
    versions: Annotated[tuple[_Version, ...], Meta(min_length=1, max_length=VERSIONS_MAX)]


def pack_invitation(invitation: Invitation) -> bytes:
    """The packed public part P of a code, texts in their normal form.

    Raises:
        TextError: a name or the URL is not taken.
        LocalProtocolError: another field is out of its limits.
    """
    packed = pack(_with_checked_texts(invitation))
    try:
        unpack_invitation(packed)
    except RemoteProtocolError as error:
        raise LocalProtocolError(f"No code can be made of this invitation. {error}") from error
    return packed


def unpack_invitation(packed: bytes) -> Invitation:
    """The invitation in a packed public part P; an unknown tail is ignored.

    Raises:
        RemoteProtocolError: it is not one that `pack_invitation` made.
    """
    invitation = convert_fields(fields_of(packed), Invitation)
    check_expiry(invitation.expires_at, serial=invitation.serial)
    try:
        return _with_checked_texts(invitation)
    except TextError as error:
        raise RemoteProtocolError(str(error)) from error


def fields_of(packed: bytes) -> list[object]:
    """The positions of a packed public part P, without their meaning.

    Raises:
        RemoteProtocolError: it is not an array.
    """
    fields = unpack(packed, bytes_max=_PACKED_BYTES_MAX)
    if not isinstance(fields, list):
        raise RemoteProtocolError("An invitation is an array.")
    return fields


def _with_checked_texts(invitation: Invitation) -> Invitation:
    return msgspec.structs.replace(
        invitation,
        node_url=check_url(invitation.node_url, what="node URL"),
        name=check_name(invitation.name, what="connection name", characters_max=CONNECTION_NAME_CHARACTERS_MAX),
        source_short_name=check_name(invitation.source_short_name, what="short name of the source"),
        destination_short_name=check_name(invitation.destination_short_name, what="short name of the destination"),
    )
