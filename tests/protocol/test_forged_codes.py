"""What is signed, but not by a genuine source in its genuine form, is forged."""

from __future__ import annotations

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.code_outcomes import CodeOutcome
from protocol.errors import RemoteProtocolError
from protocol.invitation import invitation_key, pack_invitation, read_code, unpack_invitation
from protocol.limits import CODE_LIFETIME_S_MAX, INSTANT_LIMIT
from tests.protocol.codes import (
    INVITATION,
    SEED,
    SOURCE,
    code_of,
    outcome_of,
    with_fields,
)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a\u202eb"},
        {"name": "x" * 101},
        {"source_short_name": ""},
        {"destination_short_name": 5},
        {"node_url": "javascript:alert(1)"},
        {"node_url": "https://user@a.example"},
        {"mode": 5},
        {"bound": b"short"},
        {"expires_at": 2**53},
        {"expires_at": 0},
        {"expires_at": INVITATION.serial + CODE_LIFETIME_S_MAX + 1},
        {"expires_at": 1.5},
        {"versions": []},
        {"versions": [1] * 9},
        {"versions": {1: 1}},
        {"source_id": b""},
    ],
)
def test_what_no_genuine_source_signs_is_forged(changes):
    assert outcome_of(with_fields(**changes)) is CodeOutcome.FORGED


@pytest.mark.parametrize(("ahead_s", "is_read"), [(-1, True), (0, False)])
def test_a_code_that_expires_after_the_year_9999_is_forged(ahead_s, is_read):
    far = msgspec.structs.replace(INVITATION, serial=INSTANT_LIMIT, expires_at=INSTANT_LIMIT + ahead_s)
    key = invitation_key(SEED, far.connection, far.serial).public
    code = code_of(msgpack.packb(list(msgspec.structs.astuple(far))), key=key)
    assert read_code(code).invitation == far if is_read else outcome_of(code) is CodeOutcome.FORGED


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\x01",
        b"\xc1",
        b"\x91" * 1100,
        msgpack.packb([]),
        msgpack.packb([bytes(16), 1, bytes(16)]),
        msgpack.packb([bytes(15), 1, bytes(16), SOURCE.public]),
        msgpack.packb([bytes(16), -1, bytes(16), SOURCE.public]),
        msgpack.packb([INVITATION.connection, INVITATION.serial, bytes(16), SOURCE.public]),
        pack_invitation(INVITATION) + b"\x00",
        b"\x00" * 30_000,
    ],
    ids=lambda packed: f"{len(packed)}-{packed[:4].hex()}",
)
def test_a_packed_part_that_is_no_invitation_is_forged(packed):
    assert outcome_of(code_of(packed)) is CodeOutcome.FORGED
    with pytest.raises(RemoteProtocolError):
        unpack_invitation(packed)


@given(st.binary(max_size=400))
def test_any_packed_part_raises_a_code_error_only(packed):
    assert outcome_of(code_of(packed)) is CodeOutcome.FORGED


@given(st.lists(st.none() | st.booleans() | st.integers(0, 99) | st.text() | st.binary(), max_size=9))
def test_any_signed_fields_raise_a_code_error_only(tail):
    start = list(msgspec.structs.astuple(INVITATION))[:4]
    assert outcome_of(code_of(msgpack.packb([*start, *tail]))) in {
        CodeOutcome.FORGED,
        CodeOutcome.NEWER_VERSION,
    }
