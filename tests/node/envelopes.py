"""Envelopes that a test makes by hand, and what a node answers to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.ports import HttpAnswer
from protocol.envelope import CONTENT_TYPE, Message, Sealed, envelope_bytes, read_answer, seal
from protocol.identity import SigningKey
from protocol.invitation import read_code
from protocol.modes import Mode
from protocol.proof import make_proof
from protocol.vocabulary import Details, Kind, Phase, Preview, Role, Side, Statement

if TYPE_CHECKING:
    from tests.node.local_nodes import LocalNode

STRANGER = SigningKey(b"e" * 32)


async def tell(node: LocalNode, data: bytes, **headers: str) -> HttpAnswer:
    """What the node's door answers to some bytes."""
    sent = {"Content-Type": CONTENT_TYPE} | headers
    async with node.http.post(f"{node.url}/peer", data=data, headers=sent) as answer:
        found = {name.lower(): value for name, value in answer.headers.items()}
        return HttpAnswer(status=answer.status, headers=found, body=await answer.read())


async def ask(node: LocalNode, sealed: Sealed, key: SigningKey) -> Message:
    """The verified answer to a question."""
    answer = await tell(node, envelope_bytes(sealed))
    assert answer.status == 200, answer
    return read_answer(answer.body, me=key.public, question=sealed)


def by_destination(node: LocalNode, connection: bytes, statement: Statement, **more: Any) -> Sealed:
    """A stranger's statement, as a destination, to a node that is the source."""
    said = {"kind": Kind.STATUS, "role": Role.DESTINATION, "key": STRANGER, "in_reply_to": None} | more
    return seal(statement, recipient=node.node.context.key, connection=connection, time_ms=1, **said)


def answer_by(key: SigningKey, question: Sealed, statement: Statement) -> Sealed:
    """A destination's answer to a source's question."""
    head = question.head
    return seal(
        statement, kind=Kind.STATUS, role=Role.DESTINATION, recipient=head.sender, connection=head.connection,
        time_ms=1, in_reply_to=question.message_id, key=key,
    )  # fmt: skip


def details(*, node_url: str | None = None, **more: Any) -> Details:
    """What a destination tells of itself."""
    texts = {
        "node_id": bytes(16), "node_name": "d", "instance_url": None, "node_url": node_url, "name": "a_to_d",
        "source_short_name": "a", "destination_short_name": "d", "software": "by hand 1",
    }  # fmt: skip
    return Details(**texts | more)


def acceptance(node: LocalNode, code: str, key: SigningKey, told: Details | None, **more: Any) -> Sealed:
    """The accept of a node's code by whoever has that key."""
    read = read_code(code)
    offered = read.invitation
    proof = make_proof(
        read.key,
        connection=offered.connection,
        serial=offered.serial,
        source_key=offered.source_key,
        destination_key=key.public,
        public_digest=read.public_digest,
    )
    said = {"side": Side(1, Phase.ACCEPTED, enabled=True), "proof": proof, "details": told} | more
    statement = Statement(serial=offered.serial, **said)
    return by_destination(node, offered.connection, statement, kind=Kind.ACCEPT, key=key)


def announcement(
    node: LocalNode, key: SigningKey, *, connection: bytes, serial: int | None = None, **more: Any
) -> Sealed:
    """An invitation to a node, by whoever has that key."""
    serial = int(node.clock.now()) if serial is None else serial
    texts = {"name": "spam", "url": None, "expires_at": int(node.clock.now()) + 3600} | more
    preview = Preview(texts["name"], "s", "b", Mode.SCRIPT, texts["url"], texts["expires_at"])
    return seal(
        Statement(serial=serial, side=Side(1, Phase.PENDING), details=preview),
        kind=Kind.INITIATE,
        role=Role.SOURCE,
        recipient=node.node.context.key,
        connection=connection,
        time_ms=1,
        in_reply_to=None,
        key=key,
    )
