"""The kit's strategies, beside those tests of the protocol that use them; and the machine, which must find something."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from node.connections import hearing
from protocol import merging
from simulations.checks.durability import Durability
from simulations.kit import (
    AdminAct,
    Crash,
    Drop,
    HandshakeMachine,
    ViolationError,
    World,
    admin_acts,
    damaged,
    envelopes,
    fault_plans,
    schedules,
    simulated,
)
from tests.protocol.codes import GOLDEN

FEW = settings(max_examples=8, suppress_health_check=list(HealthCheck), phases=(Phase.generate,))
"""What is found is not shrunk, which takes minutes with whole worlds."""


@pytest.mark.slow
def test_each_strategy_shrinks_to_the_simplest():
    assert find(schedules(), lambda _: True) == ()
    assert find(fault_plans(), lambda _: True) == ()
    assert find(fault_plans(), lambda plan: any(isinstance(one, Crash) for one in plan)) == (Crash(away_s=1.0),)
    assert find(fault_plans(), bool) == (Drop(),)
    assert find(admin_acts(), lambda _: True) == AdminAct(act="initiate", is_bound=False)


@pytest.mark.slow
def test_every_kind_of_damage_and_of_envelope_occurs():
    seen = set()

    @settings(max_examples=150, phases=(Phase.generate,), derandomize=True)
    @given(damaged(GOLDEN), envelopes())
    def draw(damage, envelope):
        seen.update({damage.outcome, (envelope.role.value, envelope.kind.value)})

    draw()
    kinds = {("source", "initiate"), ("source", "status"), ("destination", "accept"), ("destination", "status")}
    assert seen == {None, "mistyped", "truncated", "not-a-code"} | kinds


@pytest.mark.slow
@FEW
@given(schedule=schedules(), plan=fault_plans(within_s=30))
@simulated
async def test_whatever_goes_wrong_a_code_that_is_taken_connects(schedule, plan):
    async with World(schedule=schedule) as w:
        a, b = await w.nodes("a", "b")
        code = await a.initiate()
        w.plan(plan)
        await b.accept(code)
        w.mend()
        await w.quiet()
        assert a.status == b.status == "active"


# The machine


class Watched(HandshakeMachine):
    """Three nodes, and a program that keeps the highest seq that it was told of each connection."""

    names = ("a", "b", "c")
    rests = 0

    async def begun(self):
        self.told = {}
        await self.world.subscribe(self.hear, "handclasp/v1/nodes/+/connections/+/status")

    def hear(self, delivery):
        seq = delivery.event.data.seq if delivery.event is not None else 0
        self.told[delivery.topic] = max(seq, self.told.get(delivery.topic, 0)) if seq else 0

    @rule()
    def nobody_is_told_more_than_there_is(self):
        for node in self.nodes:
            for connection in node.connections:
                topic = f"handclasp/v1/nodes/{node.node_id}/connections/{connection.sys_id}/status"
                assert self.told.get(topic, 0) <= connection.seq

    async def at_rest(self):
        type(self).rests += 1
        for node in self.nodes:
            for connection in node.connections:
                topic = f"handclasp/v1/nodes/{node.node_id}/connections/{connection.sys_id}/status"
                assert self.told.get(topic, 0) == (connection.seq if connection.status != "invited" else 0)


def test_a_machine_with_rules_of_its_own_ends_at_rest():
    Watched.rests = 0
    limits = settings(FEW, max_examples=5, stateful_step_count=10)
    run_state_machine_as_test(Watched, settings=limits)
    assert Watched.rests == 5


class OneIsOff(HandshakeMachine):
    """A fault that does not end by itself."""

    async def begun(self):
        self.nodes[1].crash()

    async def at_rest(self):
        assert all(node.is_on for node in self.nodes)


def test_a_machine_mends_what_does_not_end_by_itself():
    run_state_machine_as_test(OneIsOff, settings=settings(FEW, max_examples=2, stateful_step_count=2))


@given(st.data())
@FEW
@simulated
async def test_within_a_world_more_can_be_drawn(data):
    async with World() as w:
        (a,) = await w.nodes("a")
        await a.initiate(lifetime_s=data.draw(st.integers(60, 100)))
        assert a.status == "pending"


@pytest.mark.slow
def test_a_machine_at_length():
    run_state_machine_as_test(Watched, settings=settings(FEW, max_examples=60, stateful_step_count=40))


@pytest.mark.slow
def test_a_machine_finds_that_owed_is_cleared_by_any_answer(monkeypatch):
    genuine = hearing._store

    def cleared(context, tx, before, step, message, prefix):
        record = merging.replace(step.record, owed=False) if message.is_answer and step.record else step.record
        return genuine(context, tx, before, hearing.replace(step, record=record), message, prefix)

    monkeypatch.setattr(hearing, "_store", cleared)
    with pytest.raises(ViolationError, match=r"^Owing: ") as caught:
        run_state_machine_as_test(HandshakeMachine, settings=settings(FEW, max_examples=300, stateful_step_count=30))
    assert any("The world was World(seed=" in note for note in caught.value.__notes__)


def test_a_machine_whose_world_is_broken_says_so(monkeypatch):
    monkeypatch.setattr(Durability, "committed", lambda self, _host: self.violated("it is told."))
    with pytest.raises(ViolationError, match="Durability: it is told"):
        run_state_machine_as_test(HandshakeMachine, settings=settings(FEW, max_examples=2, stateful_step_count=2))
