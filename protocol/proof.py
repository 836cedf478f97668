"""The proof: that a destination holds an invitation code, without showing its secret.

It is made once, by the code's invitation key, over both nodes' keys and the digest of the code's public part:
it is of no use to another node, for another source, or for a code whose names, mode or expiry were edited.
"""

from protocol.errors import LocalProtocolError
from protocol.identity import PROOF_DOMAIN, SigningKey, verify
from protocol.limits import CONNECTION_ID_BYTES, COUNTER_LIMIT, KEY_BYTES

_DIGEST_BYTES = 32
_SERIAL_BYTES = 8


def make_proof(  # each part that the proof is bound to, by name
    invitation_key: SigningKey,
    *,
    connection: bytes,
    serial: int,
    source_key: bytes,
    destination_key: bytes,
    public_digest: bytes,
) -> bytes:
    """The proof by the code's invitation key, 64 bytes; the key and its seed may be dropped then.

    Raises:
        LocalProtocolError: a part has not its one length.
    """
    bound = _bound(connection, serial, source_key, destination_key, public_digest)
    if bound is None:
        raise LocalProtocolError("A part of the proof does not have its length.")
    return invitation_key.sign(PROOF_DOMAIN, bound)


def is_good_proof(  # each part that the proof is bound to, by name
    proof: bytes | None,
    *,
    invitation_key: bytes,
    connection: bytes,
    serial: int,
    source_key: bytes,
    destination_key: bytes,
    public_digest: bytes,
) -> bool:
    """Whether the proof was made with the code's secret, for exactly these parts; None is a no.

    `invitation_key` is the public key that the source keeps of its code.
    """
    bound = _bound(connection, serial, source_key, destination_key, public_digest)
    return proof is not None and bound is not None and verify(invitation_key, PROOF_DOMAIN, bound, proof)


def _bound(
    connection: bytes, serial: int, source_key: bytes, destination_key: bytes, public_digest: bytes
) -> bytes | None:
    # Parts of one fixed length each: no two different sets of parts make the same bytes.
    parts = (connection, source_key, destination_key, public_digest)
    if tuple(map(len, parts)) != (CONNECTION_ID_BYTES, KEY_BYTES, KEY_BYTES, _DIGEST_BYTES):
        return None
    if not 0 <= serial < COUNTER_LIMIT:
        return None
    return connection + serial.to_bytes(_SERIAL_BYTES, "big") + source_key + destination_key + public_digest
