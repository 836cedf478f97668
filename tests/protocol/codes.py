"""One source, one seed, one invitation, and what tests make of them."""

from __future__ import annotations

import msgpack
import msgspec
import pytest

from protocol import code_format
from protocol.code_format import Parts
from protocol.errors import CodeError
from protocol.identity import INVITATION_DOMAIN, SigningKey
from protocol.invitation import (
    Invitation,
    invitation_key,
    read_code,
)
from protocol.modes import Mode

SOURCE = SigningKey(bytes(range(32)))
SEED = b"very secret seed"
INVITATION = Invitation(
    connection=bytes(range(16)),
    serial=1_764_000_000,
    source_id=bytes(range(16, 32)),
    source_key=SOURCE.public,
    node_url="https://acme.example/handclasp",
    mode=Mode.SCRIPT,
    name="Incidents",
    source_short_name="ACME",
    destination_short_name="Globex",
    expires_at=1_764_600_000,
    bound=bytes(range(32, 48)),
    versions=(1,),
)
GOLDEN = (
    "handclasp_aeaomydottcbaaabaibqibiga4eascqlbqgq4d6onesicagecaibceqtcqkrmfyydenbwha5dyp4iiadued3746occ7b24"
    "g5ddtuxqezm7snmme3uugv6ho4qzsbevjrxc7gq5duobztulzpmfrw2zjomv4gc3lqnrss62dbnzsgg3dbonykm43dojuxa5fjjfxgg2"
    "lemvxhi45eifbu2rngi5wg6ytfpdhgslniydcbaibbeirsijjge4ucskrlfqws4l4raf35icpzx7v53gn53pglku4lrat4mfvmdikr3b"
    "tw5ba3ce4xoynl372ans4wyjwpedkayphivm7mzmpc6giw5nmbxn4vvfnxnb3djfahozsxe6jaonswg4tfoqqhgzlfmthtygyh"
)


def replaced(**changes):
    return msgspec.structs.replace(INVITATION, **changes)


def outcome_of(text):
    with pytest.raises(CodeError) as caught:
        read_code(text)
    return caught.value.outcome


def code_of(packed, *, source=SOURCE, seed=SEED, key=None):
    """A code around any packed part, with good checksums and the source's signature."""
    head = code_format.encode_head(packed)
    public = key or invitation_key(seed, INVITATION.connection, INVITATION.serial).public
    signature = source.sign(INVITATION_DOMAIN, head + packed + public)
    return code_format.encode(Parts(head=head, packed=packed, signature=signature, seed=seed))


def with_fields(**changes):
    """A code whose positions are changed without any check."""
    fields = msgspec.structs.asdict(INVITATION) | changes
    return code_of(msgpack.packb(list(fields.values())))
