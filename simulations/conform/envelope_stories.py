"""What is tried of an implementation in either role: node info, HTTP, and envelopes that must be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from protocol.envelope import envelope_bytes
from protocol.errors import Refusal, RemoteProtocolError
from protocol.identity import MESSAGE_DOMAIN, is_acceptable_key
from protocol.limits import (
    ARRAY_ITEMS_MAX,
    COUNTER_LIMIT,
    KEY_BYTES,
    MESSAGE_BYTES_MAX,
    NESTING_MAX,
    REQUEST_S_MAX,
    SIGNATURE_BYTES,
)
from protocol.node_info import WELL_KNOWN_PATH, NodeInfo, from_json
from protocol.packing import pack
from protocol.vocabulary import Role
from simulations.conform import rules
from simulations.conform.wrong_answers import FORGER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulations.conform.bench import Bench
    from simulations.conform.findings import Findings
    from simulations.conform.story import Story

_OK, _REFUSED = 200, 400
_SLOW_S: Final = REQUEST_S_MAX + 4

# positions of the fields of a body (section 6)
_VERSION, _KIND, _ROLE, _SENDER, _RECIPIENT, _CONNECTION, _TIME, _REPLY, _SERIAL, _REVISION = range(10)
_PHASE, _ENABLED, _REASON, _ECHO, _PROOF, _DETAILS = range(10, 16)


class NoNodeError(Exception):
    """What answers at the URL is no node; the text is a sentence."""


async def read_node_info(bench: Bench) -> NodeInfo:
    """The implementation's node info.

    Raises:
        NoNodeError: there is none at that URL, or it is one that no node gives.
        UnreachableError: nothing answers there.
    """
    answer = await bench.request("GET", WELL_KNOWN_PATH)
    if answer.status != _OK:
        raise NoNodeError(f"no node info is answered there (HTTP {answer.status})")
    try:
        info = from_json(answer.body)
    except RemoteProtocolError as error:
        raise NoNodeError(str(error)) from error
    if not is_acceptable_key(info.key):
        raise NoNodeError("the key in its node info is none that a node can have")
    return info


async def tell_http(bench: Bench, findings: Findings, story: Story) -> None:
    """The statuses of section 7."""
    good = envelope_bytes(story.seal(story.first))

    async def status(rule: str, wanted: int, head: dict[str, str | None], body: bytes = good, **more: Any) -> None:
        got = await bench.raw(head, body, **({"within_s": bench.wait_s} | more))
        findings.judge(rule, good=got == wanted, sentence=f"{_named(head)} is answered with {got or 'nothing'}")

    size = str(len(good))
    await status("http 415", 415, {"Content-Type": "application/msgpack", "Content-Length": size})
    await status("http 415", 415, {"Content-Encoding": "gzip", "Content-Length": size})
    await status("http 413", 413, {"Content-Length": str(MESSAGE_BYTES_MAX + 1)}, b"")
    chunked = f"{len(good):x}\r\n".encode() + good + b"\r\n0\r\n\r\n"
    await status("http 411", 411, {"Transfer-Encoding": "chunked"}, chunked)
    await status("http 408", 408, {"Content-Length": size}, good[:9], within_s=_SLOW_S)
    for rule, wanted, method, path in (
        ("http 404", 404, "POST", "/peer/astray"),
        ("http 405", 405, "PUT", "/peer"),
    ):
        answer = await bench.request(method, path, good)
        findings.judge(rule, good=answer.status == wanted, sentence=f"{method} {path} is answered with {answer.status}")


def _named(head: dict[str, str | None]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in head.items())


async def tell_refused(bench: Bench, findings: Findings, story: Story) -> None:
    """Envelopes that must be refused, by which check; `story` has begun on neither side."""
    for refusal, what, data in _refused(story):
        answer = await bench.post(data)
        findings.judge(
            rules.refusal_rule(refusal),
            good=answer.status == _REFUSED,
            sentence=f"{what} is answered with HTTP {answer.status} instead of {_REFUSED}",
        )
    sealed = story.seal(story.first)
    body = pack([*sealed.fields, "later", [1, None]])
    with_tail = await bench.post(pack([body, bench.key.sign(MESSAGE_DOMAIN, body)]))
    findings.judge(
        rules.TAIL, good=with_tail.status == _OK, sentence=f"a longer body is answered with HTTP {with_tail.status}"
    )


async def tell_untouched(bench: Bench, findings: Findings, story: Story) -> None:
    """What is refused, and what strangers say, changes nothing of a living connection."""
    good = story.seal(story.word())
    closed = _body(story, {_PHASE: "closed", _ENABLED: False, _REASON: "removed", _REVISION: 999, _DETAILS: None})
    for data in (pack([closed, good.signature]), pack([closed, bytes(SIGNATURE_BYTES)])):
        answer = await bench.post(data)
        findings.judge(
            rules.refusal_rule(Refusal.SIGNATURE),
            good=answer.status == _REFUSED,
            sentence=f"a forged statement is answered with HTTP {answer.status}",
        )
    with story.blame(rules.NOTHING_STORED):
        await story.say(take=False)


def _body(story: Story, other: dict[int, Any]) -> bytes:
    """The runner's first word with other fields; a word of another phase is a status."""
    fields = list(story.seal(story.first).fields)
    if _PHASE in other:
        fields[_KIND] = "status"
    for place, value in other.items():
        fields[place] = value
    return pack(fields)


def _refused(story: Story) -> Iterator[tuple[Refusal, str, bytes]]:
    key = story.bench.key

    def signed(other: dict[int, Any]) -> bytes:
        body = _body(story, other)
        return pack([body, key.sign(MESSAGE_DOMAIN, body)])

    good = envelope_bytes(story.seal(story.first))
    body = _body(story, {})
    signature = key.sign(MESSAGE_DOMAIN, body)
    theirs = story.bench.their_key
    other_role = {Role.SOURCE: "accept", Role.DESTINATION: "initiate"}[story.role]
    malformed = Refusal.MALFORMED
    yield malformed, "an empty body", b""
    yield malformed, "what is no msgpack", b"\xc1"
    yield malformed, "a byte behind the end", good + b"\0"
    yield malformed, "a map", b"\x80"
    yield malformed, "a signature of 63 bytes", pack([body, signature[:-1]])
    yield malformed, "a third element", pack([body, signature, None])
    yield malformed, "a text for the body", pack(["body", signature])
    yield malformed, "a head that is cut", pack([pack(list(range(7))), signature])
    yield malformed, "a connection of 15 bytes", signed({_CONNECTION: bytes(15)})
    yield malformed, "a time beyond 2^53", signed({_TIME: COUNTER_LIMIT})
    yield malformed, "a boolean for an integer", signed({_SERIAL: True})
    yield malformed, "serial 0", signed({_SERIAL: 0})
    yield malformed, "a serial of 2^53", signed({_SERIAL: COUNTER_LIMIT})
    yield malformed, "a float", signed({_REVISION: 1.0})
    yield malformed, "arrays nested too deeply", signed({_ECHO: _nested(NESTING_MAX)})
    yield malformed, "an array that is too long", signed({_ECHO: [0] * (ARRAY_ITEMS_MAX + 1)})
    yield malformed, "an unknown phase", signed({_PHASE: "open"})
    yield malformed, "a phase of the other role", signed({_PHASE: "none" if story.role is Role.SOURCE else "pending"})
    yield malformed, "a reason without closed", signed({_REASON: "removed"})
    yield malformed, "closed without a reason", signed({_PHASE: "closed", _ENABLED: False, _DETAILS: None})
    yield (
        malformed,
        "a closed switch that is on",
        signed({_PHASE: "closed", _ENABLED: True, _REASON: "removed", _DETAILS: None}),
    )
    yield malformed, "revision 0 of a living side", signed({_REVISION: 0})
    yield malformed, "a proof of 63 bytes", signed({_PROOF: bytes(63)})
    yield (
        malformed,
        "an echo of its own role",
        signed({_ECHO: [1, "pending" if story.role is Role.SOURCE else "accepted", False]}),
    )
    yield malformed, "details of another kind", signed({_DETAILS: ["other"]})
    yield malformed, "a name with a mark that turns the text", signed({_DETAILS: _turned(story)})
    yield Refusal.VERSION, "version 2", signed({_VERSION: 2})
    yield Refusal.REFLECTED, "its own key as sender", signed({_SENDER: theirs, _RECIPIENT: theirs})
    yield Refusal.NOT_FOR_ME, "a statement for another node", signed({_RECIPIENT: FORGER.public})
    yield Refusal.KIND, "an unknown kind", signed({_KIND: "hello"})
    yield Refusal.KIND, "a kind of the other role", signed({_KIND: other_role})
    yield Refusal.KIND, "an answer where questions are taken", signed({_KIND: "status", _REPLY: bytes(32)})
    yield Refusal.SIGNATURE, "another key's signature", pack([body, FORGER.sign(MESSAGE_DOMAIN, body)])
    yield Refusal.SIGNATURE, "a signature without its domain", pack([body, key.sign(b"", body)])
    weak = _body(story, {_SENDER: bytes([1]).ljust(KEY_BYTES, b"\0")})
    yield Refusal.SIGNATURE, "a key of small order", pack([weak, bytes([1]).ljust(SIGNATURE_BYTES, b"\0")])


def _nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def _turned(story: Story) -> list[Any]:
    return [f"{each}\u202e" if each == story.name else each for each in story.seal(story.first).fields[_DETAILS]]  # type: ignore[attr-defined]
