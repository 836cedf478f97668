"""keys.json: the nodes' keys in every form, keys that are refused, and one proof with all its parts."""

from __future__ import annotations

import hashlib
from typing import Any

from protocol.identity import addressee, fingerprint, is_acceptable_key, thumbprint, to_jwk
from protocol.proof import make_proof
from protocol.seeds import invitation_key

from scripts.vectors.material import ACME, AT, CONNECTION, GLOBEX, PARTIES

CODE_SEED = b"sixteen bytes..."

_REFUSED = (
    ("the neutral element", "01" + "00" * 31),
    ("the point of order 2", "ec" + "ff" * 30 + "7f"),
    ("a point of order 4", "00" * 32),
    ("the other point of order 4", "00" * 31 + "80"),
    ("a point of order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    ("another point of order 8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ("a y that is not below the field's prime", "ee" + "ff" * 30 + "7f"),
    ("no point of the curve", "02" + "00" * 31),
    ("too short", "a1" * 31),
)


def keys() -> dict[str, Any]:
    """The whole file."""
    for what, key in _REFUSED:
        if is_acceptable_key(bytes.fromhex(key)):
            raise AssertionError(f"{what} is taken")
    return {
        "nodes": [
            {
                "name": party.name,
                "seed": party.seed.hex(),
                "key": party.key.hex(),
                "jwk": to_jwk(party.key),
                "thumbprint": thumbprint(party.key).hex(),
                "fingerprint": fingerprint(party.key),
                "addressee": addressee(party.key).hex(),
                "node_id": party.node_id.hex(),
            }
            for party in PARTIES
        ],
        "refused_keys": [{"what": what, "key": key} for what, key in _REFUSED],
        "proof": _proof(),
    }


def _proof() -> dict[str, Any]:
    key, digest = invitation_key(CODE_SEED, CONNECTION, AT), hashlib.sha256(b"H, P and S of a code").digest()
    proof = make_proof(
        key,
        connection=CONNECTION,
        serial=AT,
        source_key=ACME.key,
        destination_key=GLOBEX.key,
        public_digest=digest,
    )
    return {
        "code_seed": CODE_SEED.hex(),
        "connection": CONNECTION.hex(),
        "serial": AT,
        "invitation_key": key.public.hex(),
        "source_key": ACME.key.hex(),
        "destination_key": GLOBEX.key.hex(),
        "public_digest": digest.hex(),
        "proof": proof.hex(),
    }
