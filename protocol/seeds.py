"""An invitation code's secret, and the key pair made of it; neither is ever stored.

The seed comes from the master secret (in the key file) and a salt (in the database), so a code can be shown
again after a crash, and neither the file nor the database alone opens it.
"""

import hashlib
import hmac
from typing import Final

from protocol.errors import LocalProtocolError
from protocol.identity import INVITATION_KEY_DOMAIN, SigningKey
from protocol.limits import CONNECTION_ID_BYTES, COUNTER_LIMIT

SEED_BYTES: Final = 16
_SERIAL_BYTES = 8


def seed_of(master: bytes, connection: bytes, serial: int, salt: bytes) -> bytes:
    """The 16-byte seed of one code of one connection; the salt may have any length.

    Raises:
        LocalProtocolError: the connection id or the serial is out of its limits.
    """
    return _mac(master, _code_id(connection, serial) + salt)[:SEED_BYTES]


def invitation_key(seed: bytes, connection: bytes, serial: int) -> SigningKey:
    """The key pair that makes proofs: the destination signs by it, the source keeps its public key.

    Raises:
        LocalProtocolError: the connection id or the serial is out of its limits.
    """
    return SigningKey(_mac(seed, INVITATION_KEY_DOMAIN + _code_id(connection, serial)))


def _code_id(connection: bytes, serial: int) -> bytes:
    if len(connection) != CONNECTION_ID_BYTES or not 0 <= serial < COUNTER_LIMIT:
        raise LocalProtocolError("A code belongs to a connection id of 16 bytes and a serial below 2^53.")
    return connection + serial.to_bytes(_SERIAL_BYTES, "big")


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)
