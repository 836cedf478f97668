"""The node info: what is written is read, what is not one is refused, and what is newer is skipped."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.identity import SigningKey, to_jwk
from protocol.limits import NODE_INFO_BYTES_MAX
from protocol.modes import Mode
from protocol.node_info import KIND, NodeInfo, NotTakingReason, from_json, to_json

KEY = SigningKey(bytes(range(32))).public
INFO = NodeInfo(
    protocol_versions=(1,),
    software="handclasp 0.1.0",
    node_id="0c6c3f6e-9d0f-4a53-8a4e-2f0b1c7d9e55",
    name="ACME",
    instance_url="https://acme.example",
    node_url="https://node.acme.example/handclasp",
    key=KEY,
    modes=(Mode.SCRIPT,),
    takes_invitations=True,
    not_taking_reason=None,
    boot="00ff00ff00ff00ff",
)

names = st.from_regex(r"[A-Za-zäß東][A-Za-z0-9 äß東]{0,20}[A-Za-z]", fullmatch=True)
urls = st.from_regex(r"https?://[a-z]{1,9}(\.[a-z]{1,9}){0,2}(/[a-z]{1,9}){0,2}", fullmatch=True)
infos = st.builds(
    lambda reason, **fields: NodeInfo(**fields, takes_invitations=reason is None, not_taking_reason=reason),
    reason=st.none() | st.sampled_from(NotTakingReason),
    protocol_versions=st.lists(st.integers(1, 255), min_size=1, max_size=8).map(tuple),
    software=names,
    node_id=st.uuids().map(str),
    name=names,
    instance_url=urls,
    node_url=st.none() | urls,
    key=st.binary(min_size=32, max_size=32).map(lambda seed: SigningKey(seed).public),
    modes=st.lists(st.sampled_from(Mode), unique=True).map(tuple),
    boot=st.from_regex(r"[0-9a-f]{8,64}", fullmatch=True),
)


def changed(**members):
    return json.dumps(json.loads(to_json(INFO)) | members).encode()


@given(infos)
def test_what_is_written_is_read(info):
    assert from_json(to_json(info)) == info


def test_a_node_info_has_these_members():
    assert json.loads(to_json(INFO)) == {
        "kind": "servicenow",
        "protocol_versions": [1],
        "software": "handclasp 0.1.0",
        "node_id": "0c6c3f6e-9d0f-4a53-8a4e-2f0b1c7d9e55",
        "name": "ACME",
        "instance_url": "https://acme.example",
        "node_url": "https://node.acme.example/handclasp",
        "key": {"kty": "OKP", "crv": "Ed25519", "x": to_jwk(KEY)["x"]},
        "modes": ["script"],
        "takes_invitations": True,
        "not_taking_reason": None,
        "boot": "00ff00ff00ff00ff",
    }


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"later": {"deep": [[[1.5]]]}}, INFO),
        ({"modes": ["quantum", "script", "script", ""]}, INFO),
        ({"not_taking_reason": "ignored while it takes them"}, INFO),
        ({"instance_url": "HTTPS://ACME.example/", "name": " ACME "}, INFO),
        ({"modes": []}, msgspec.structs.replace(INFO, modes=())),
        (
            {"takes_invitations": False, "not_taking_reason": "of a later version"},
            msgspec.structs.replace(INFO, takes_invitations=False, not_taking_reason=NotTakingReason.OTHER),
        ),
        (
            {"takes_invitations": False},
            msgspec.structs.replace(INFO, takes_invitations=False, not_taking_reason=NotTakingReason.OTHER),
        ),
    ],
)
def test_what_a_later_version_may_say_is_skipped(members, told):
    assert from_json(changed(**members)) == told


@pytest.mark.parametrize(
    "members",
    [
        {"kind": "jira"},
        {"kind": None},
        {"protocol_versions": []},
        {"protocol_versions": [0]},
        {"protocol_versions": [1] * 9},
        {"protocol_versions": ["1"]},
        {"protocol_versions": [True]},
        {"software": "x" * 65},
        {"software": ""},
        {"node_id": "0C6C3F6E-9D0F-4A53-8A4E-2F0B1C7D9E55"},
        {"node_id": "0c6c3f6e9d0f4a538a4e2f0b1c7d9e55"},
        {"node_id": "0c6c3f6e-9d0f-4a53-8a4e-2f0b1c7d9e55\n"},
        {"name": "x" * 65},
        {"name": "a\u202eb"},
        {"name": "\ud800"},
        {"name": 5},
        {"instance_url": None},
        {"instance_url": "javascript:alert(1)"},
        {"node_url": "https://user@a.example"},
        {"node_url": "https://a.example/" + "x" * 255},
        {"key": None},
        {"key": {}},
        {"key": to_jwk(bytes(32))},
        {"modes": "script"},
        {"modes": [1]},
        {"takes_invitations": 1},
        {"takes_invitations": None},
        {"not_taking_reason": 5},
        {"boot": ""},
        {"boot": "xyz"},
        {"boot": "00FF00FF"},
        {"boot": "0" * 65},
        {"boot": "00ff00ff\n"},
    ],
)
def test_a_node_info_with_a_wrong_member_is_refused(members):
    with pytest.raises(RemoteProtocolError) as caught:
        from_json(changed(**members))
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("member", [name for name in json.loads(to_json(INFO)) if name != "not_taking_reason"])
def test_a_node_info_without_a_member_is_refused(member):
    members = json.loads(to_json(INFO))
    del members[member]
    with pytest.raises(RemoteProtocolError):
        from_json(json.dumps(members).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"<!doctype html><title>Portal</title>",
        b"\xff\xfe",
        b'{"kind": "\xff"}',
        b'{"later": ' + b"[" * 9000 + b"]" * 7000,
        b'{"later": ' + b'{"a":' * 3000,
        b'{"kind": 1e999}',
        to_json(INFO) + b"x",
        to_json(INFO)[:-1],
        to_json(INFO).replace(b'"ACME"', b'"\xed\xa0\x80"'),
    ],
)
def test_what_is_no_json_of_a_node_info_is_refused(data):
    with pytest.raises(RemoteProtocolError):
        from_json(data)


def test_a_node_info_beyond_the_limit_is_refused_and_one_within_it_is_not():
    room = NODE_INFO_BYTES_MAX - len(to_json(INFO))
    assert from_json(to_json(INFO) + b" " * room) == INFO
    with pytest.raises(RemoteProtocolError, match="at most"):
        from_json(to_json(INFO) + b" " * (room + 1))


@given(st.binary(max_size=300))
def test_any_bytes_raise_one_error_only(data):
    with pytest.raises(RemoteProtocolError):
        from_json(data)


@given(
    st.sampled_from(sorted(json.loads(to_json(INFO)))),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
)
def test_any_member_raises_one_error_only(member, value):
    try:
        from_json(changed(**{member: value}))
    except RemoteProtocolError as error:
        assert str(error).endswith(".")  # raising is not always right here


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"key": bytes(32)},
        {"boot": "?"},
        {"protocol_versions": ()},
        {"kind": "jira"},
        {"node_url": "x"},
    ],
)
def test_no_wrong_node_info_is_written(changes):
    with pytest.raises(LocalProtocolError):
        to_json(msgspec.structs.replace(INFO, **changes))


def test_the_kind_is_servicenow():
    assert INFO.kind == KIND == "servicenow"
