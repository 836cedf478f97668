from datetime import UTC, datetime

from node.real_ports import SystemClock, SystemEntropy


def test_the_clock_tells_unix_seconds():
    clock = SystemClock()
    before = datetime.now(UTC).timestamp()
    now = clock.now()
    after = datetime.now(UTC).timestamp()
    assert before - 0.001 <= now <= after + 0.001, "a datetime has no digits behind the microseconds"


def test_tokens_have_the_size_that_was_asked_for_and_differ():
    entropy = SystemEntropy()
    tokens = {entropy.token(16) for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {16}
    assert entropy.token(0) == b""


def test_fractions_fill_the_interval_from_0_to_1_without_1():
    entropy = SystemEntropy()
    fractions = [entropy.fraction() for _ in range(10_000)]
    assert all(0 <= fraction < 1 for fraction in fractions)
    assert {int(fraction * 10) for fraction in fractions} == set(range(10))


def test_the_largest_draw_is_still_below_1(monkeypatch):
    monkeypatch.setattr("node.real_ports.secrets.randbits", lambda bits: (1 << bits) - 1)
    assert SystemEntropy().fraction() < 1
