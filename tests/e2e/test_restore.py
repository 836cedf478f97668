"""Restored from a backup, between real processes: both sides agree in the end, and no code lives twice."""

import pytest

from tests.e2e.processes import NodeProcess, until


@pytest.fixture
def start(tmp_path):
    """Start nodes of these names."""
    nodes = []

    def begin(*names):
        nodes.extend(NodeProcess(name=name, data=tmp_path / name) for name in names)
        for node in nodes:
            node.start()
        return nodes

    try:
        yield begin
    finally:
        for node in nodes:
            node.close()


def back_up(handclasp, node):
    handclasp.here("backup", node.data.with_suffix(".backup"), "--data", node.data).succeeded()


def restore(handclasp, node):
    node.stop()
    handclasp("restore", node.data.with_suffix(".backup"), "--data", node.data, "--yes").succeeded()
    node.start()


def seen(node, sys_id):
    _, answer = node.admin("GET", f"/connections/{sys_id}")
    return (answer["connection"]["status"], answer["connection"]["reason"]) if "connection" in answer else None


def until_seen(node, sys_id, status, reason=None):
    until(lambda: seen(node, sys_id) == (status, reason), f"{node.name} sees {status} ({reason})")


def act(node, sys_id, name):
    status, answer = node.admin("POST", f"/connections/{sys_id}/{name}", {})
    assert status == 200, answer


@pytest.mark.slow
def test_restore_destination_from_before_its_last_switch_then_deactivate(handclasp, start):
    a, b = start("a", "b")
    sys_id, code = a.initiate(b.url)
    b.accept(code)
    for node in (a, b):
        node.until_active(sys_id)
    back_up(handclasp, b)
    for _ in range(3):
        act(b, sys_id, "deactivate")
        until_seen(a, sys_id, "deactivated-there")
        act(b, sys_id, "activate")
        until_seen(a, sys_id, "active")
    b.stop()
    a.stop()  # so that the old data are not mended before the switch
    handclasp.here("restore", b.data.with_suffix(".backup"), "--data", b.data, "--yes").succeeded()
    b.start()
    act(b, sys_id, "deactivate")
    a.start()
    until_seen(a, sys_id, "deactivated-there")
    until_seen(b, sys_id, "deactivated-here")
    _, answer = b.admin("GET", f"/connections/{sys_id}")
    assert [notice["kind"] for notice in answer["notices"]] == ["older_data"]
    assert not answer["connection"]["owed"]


@pytest.mark.slow
def test_restore_source_pending_a_code_that_was_taken_since_is_refused_to_the_second(handclasp, start):
    a, b, c = start("a", "b", "c")
    sys_id, code = a.initiate(None, ask_me=False)
    back_up(handclasp, a)
    b.accept(code)
    b.until_active(sys_id)
    restore(handclasp, a)
    c.accept(code)
    until_seen(c, sys_id, "closed", "restored")
    until_seen(a, sys_id, "closed", "restored")
    b.stop()
    b.start()  # its next resync
    until_seen(b, sys_id, "closed", "restored")


@pytest.mark.slow
def test_unknown_after_restore_ends_closed_there_and_is_never_silently_gone(handclasp, start):
    a, b = start("a", "b")
    back_up(handclasp, a)
    sys_id, code = a.initiate(b.url)
    b.accept(code)
    b.until_active(sys_id)
    restore(handclasp, a)
    b.stop()
    b.start()  # its next resync
    until_seen(b, sys_id, "closed", "unknown")
    assert a.status(sys_id) == "none"


def test_a_restored_source_asks_its_partners_at_once(handclasp, start):
    a, b = start("a", "b")
    sys_id, code = a.initiate(b.url)
    b.accept(code)
    b.until_active(sys_id)
    back_up(handclasp, a)
    act(a, sys_id, "deactivate")
    until_seen(b, sys_id, "deactivated-there")
    restore(handclasp, a)
    until_seen(b, sys_id, "active")
    until_seen(a, sys_id, "active")


@pytest.mark.slow
def test_an_addressee_is_told_that_its_code_died(handclasp, start):
    a, b = start("a", "b")
    sys_id, _ = a.initiate(b.url)
    until_seen(b, sys_id, "invited")
    back_up(handclasp, a)
    restore(handclasp, a)
    until_seen(b, sys_id, "closed", "restored")
