"""The key file: who a node is. Made once, never rewritten, never part of a database backup.

The key is the identity (protocol 1). So whatever is odd about the file is an error for a person to solve:
a second identity, made silently, would cut off every connection.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from node.private_files import ELSEWHERE, DataDirectoryError, read_text, write_atomically
from protocol.identity import SigningKey
from protocol.limits import KEY_BYTES, NODE_ID_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from node.ports import Entropy

KEY_FILE_VERSION: Final = 1
MASTER_SECRET_BYTES: Final = 32
UUID_VERSION: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeIdentity:
    """Who this node is: what its key file holds."""

    node_id: bytes
    """A UUID's 16 bytes, for topics and display."""
    signing_key: SigningKey = field(repr=False)
    """The identity proper."""
    master_secret: bytes = field(repr=False)
    """32 bytes, from which the seeds of invitation codes are derived (protocol 3)."""

    def __str__(self) -> str:
        """The node's UUID."""
        return str(UUID(bytes=self.node_id))


def make_key(file: Path, entropy: Entropy) -> NodeIdentity:
    """A new identity, written to the file before it is returned.

    Raises:
        DataDirectoryError: the file can't be written.
    """
    content = {
        "version": KEY_FILE_VERSION,
        "node_id": str(UUID(bytes=entropy.token(NODE_ID_BYTES), version=UUID_VERSION)),
        "signing_seed": base64.b64encode(entropy.token(KEY_BYTES)).decode(),
        "master_secret": base64.b64encode(entropy.token(MASTER_SECRET_BYTES)).decode(),
    }
    write_atomically(file, json.dumps(content, indent=2) + "\n")
    return _identity(content)


def read_key(file: Path) -> NodeIdentity | None:
    """The identity that the file holds; None if there is no such file.

    Raises:
        DataDirectoryError: it can't be read, is damaged, of a newer version, or others could read it.
    """
    text = read_text(file, is_secret=True)
    if text is None:
        return None
    try:
        content = json.loads(text)
        version = content["version"]
        if type(version) is int and version > KEY_FILE_VERSION:
            raise DataDirectoryError(f"{file} was written by a newer Handclasp: upgrade Handclasp, or {ELSEWHERE}.")
        return _identity(content)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        # The cause is not chained: its text could quote the file.
        raise DataDirectoryError(
            f"{file} is damaged and was left as it is: put back its copy, or, for a new node, {ELSEWHERE}."
        ) from None


def _identity(content: dict[str, Any]) -> NodeIdentity:
    node_id = UUID(content["node_id"])
    if content["version"] != KEY_FILE_VERSION or node_id.version != UUID_VERSION:
        raise ValueError("version")
    return NodeIdentity(
        node_id=node_id.bytes,
        signing_key=SigningKey(_decoded(content["signing_seed"], KEY_BYTES)),
        master_secret=_decoded(content["master_secret"], MASTER_SECRET_BYTES),
    )


def _decoded(text: str, size_bytes: int) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if len(raw) != size_bytes:
        raise binascii.Error("length")
    return raw
