"""What one handshake costs whoever does it, however well: the least that the bare skeleton does too.

Counted over a real handshake (unbound code, no destination URL, nobody is asked); a test holds both the skeleton
and the real nodes to these numbers. With a destination URL there is more: the check of the destination, and the
announcement to it, each another hop.

    source        initiate      1 hop (admin)  make the invitation key; sign the code; commit
    destination   accept        1 hop (admin)  check the source's key; make the invitation key; verify the code;
                                               sign the proof; commit
    destination   tell          1 hop (peer)   sign the question
    source        hear                         verify the question; verify the proof; commit; sign the answer
    destination   take in                      verify the answer; commit

Each commit also queues a broadcast. Those that the broker has acknowledged are deleted together, by one more commit
for many of them, which nobody waits for (`node.delivery.broadcast`): how many fall to a handshake depends on the pace,
so they are counted beside the others.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass(slots=True, kw_only=True)
class Work:
    """How often each costly thing was done.

    Attributes:
        hops: HTTP requests with their answers.
        commits: units of work that wrote and had to be on disk before anybody was told; some share one commit.
        clearings: commits that only delete broadcasts which were acknowledged.
        signatures: Ed25519 signatures made.
        verifications: Ed25519 signatures verified.
        key_pairs: Ed25519 key pairs made of a seed.
        key_checks: public keys checked to be a point of the main subgroup.
    """

    hops: int = 0
    commits: int = 0
    clearings: int = 0
    signatures: int = 0
    verifications: int = 0
    key_pairs: int = 0
    key_checks: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(Work)})

    def each(self, count: int) -> dict[str, float]:
        """The same for one of so many handshakes."""
        return {name: total / count for name, total in asdict(self).items()}


PER_HANDSHAKE = Work(hops=3, commits=4, signatures=4, verifications=4, key_pairs=2, key_checks=1)
"""What one handshake needs, beside its share of the clearings."""
