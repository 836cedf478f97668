"""How many refused envelopes a network may send."""

from hypothesis import given
from hypothesis import strategies as st

from node.peer import rates
from node.peer.rates import RefusalRates


class Clock:
    def __init__(self):
        self.at = 1_000.0

    def now(self):
        return self.at


def flooded(network="10.0.0.0/24"):
    clock = Clock()
    made = RefusalRates(clock)
    for _ in range(rates.REFUSED_BURST_MAX):
        assert made.wait_s(network) == 0
        made.refused(network)
    return made, clock


def test_above_its_burst_a_network_waits_and_no_other_does():
    made, _ = flooded()
    assert made.wait_s("10.0.0.0/24") == 1
    assert made.wait_s("10.0.1.0/24") == 0


def test_patience_is_refilled_with_time_and_never_beyond_its_measure():
    made, clock = flooded()
    clock.at += 1 / rates.REFUSED_PER_S_MAX
    assert made.wait_s("10.0.0.0/24") == 0
    made.refused("10.0.0.0/24")
    assert made.wait_s("10.0.0.0/24") == 1
    clock.at += 10**9
    for _ in range(rates.REFUSED_BURST_MAX):
        assert made.wait_s("10.0.0.0/24") == 0
        made.refused("10.0.0.0/24")
    assert made.wait_s("10.0.0.0/24") == 1


def test_a_clock_that_is_set_back_neither_refills_nor_locks_out():
    made, clock = flooded()
    clock.at -= 10**6
    assert made.wait_s("10.0.0.0/24") == 1
    clock.at += 1
    assert made.wait_s("10.0.0.0/24") == 0


def test_partners_are_known_by_key_where_they_spoke_from():
    made, _ = flooded()
    assert not made.has_partners("10.0.0.0/24")
    made.heard_partner("10.0.0.0/24", b"p")
    assert made.has_partners("10.0.0.0/24")
    assert made.is_partner("10.0.0.0/24", b"p")
    assert not made.is_partner("10.0.0.0/24", b"q")
    assert not made.is_partner("10.0.1.0/24", b"p")


def test_memory_is_bounded_and_the_longest_silent_is_forgotten():
    made = RefusalRates(Clock())
    for number in range(rates.PARTNERS_PER_NETWORK_MAX + 5):
        made.heard_partner("first", number.to_bytes(2))
    assert not made.is_partner("first", (4).to_bytes(2))
    assert made.is_partner("first", (5).to_bytes(2))
    for number in range(rates.NETWORKS_MAX - 1):
        made.refused(str(number))
    made.heard_partner("first", b"again")
    for number in range(5):
        made.refused(f"new {number}")
    assert len(made._networks) == rates.NETWORKS_MAX
    assert made.is_partner("first", b"again")


@given(st.lists(st.floats(0, 5), max_size=300))
def test_over_any_span_no_more_is_taken_than_burst_and_rate_allow(pauses):
    clock = Clock()
    made, began, taken = RefusalRates(clock), clock.at, 0
    for pause_s in pauses:
        clock.at += pause_s
        if made.wait_s("n") == 0:
            made.refused("n")
            taken += 1
    assert taken <= rates.REFUSED_BURST_MAX + (clock.at - began) * rates.REFUSED_PER_S_MAX + 1
