"""A pair stands by itself: what dies of it is started again, and the rest goes on."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess

import pytest

from node.cli.pair_status import nodes_and_broker
from node.local_pair.keeping import Keeper
from node.local_pair.notes import Notes
from node.local_pair.plan import Wish, plan
from node.local_pair.processes import LocalPair, PairFailedError, PairStartError
from node.local_pair.running import keep
from node.local_pair.state import save
from tests.e2e.pairs import Pair, alive
from tests.e2e.processes import until
from tests.node.command_line import CommandLine


@contextlib.asynccontextmanager
async def kept(directory, *, waits_s):
    """One node and a broker that are kept up, the sentences that were told, and how `pair status` shows them."""
    pair, told = LocalPair(directory, names=("a",)), []
    state = plan(Wish(names="a", node_port=pair.nodes[0].ports.node, mqtt_port=pair.broker.port), None)
    await pair.start()
    save(directory, state)
    keeping = asyncio.create_task(Keeper(pair, notes=Notes(directory), tell=told.append, waits_s=waits_s).keep())
    try:
        yield pair, told, lambda: nodes_and_broker(directory, state, os.getpid())
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await pair.stop()


async def until_told(told, sentence, *, within_s=30):
    async with asyncio.timeout(within_s):
        while not any(sentence in one for one in told):
            await asyncio.sleep(0.02)


async def test_a_node_and_a_broker_that_are_killed_come_back_each_alone(tmp_path):
    async with kept(tmp_path / "pair", waits_s=(0.1,)) as (pair, told, shown):
        node, broker = pair.nodes[0].pid, pair.broker.pid
        os.kill(node, signal.SIGKILL)
        await until_told(told, "The node a runs again.")
        assert told == ["The node a was killed (signal 9). It is started again in 0 s.", "The node a runs again."]
        assert pair.broker.pid == broker
        [a], is_broker = shown()
        assert (a["state"], a["death_count"], a["pid"]) == ("running", 1, pair.nodes[0].pid)
        assert a["said"] == "The node a was killed (signal 9). It was started again."
        assert (is_broker["state"], is_broker["death_count"], is_broker["said"]) == ("running", 0, "")

        node = pair.nodes[0].pid
        os.kill(broker, signal.SIGKILL)
        await until_told(told, f"The broker ({pair.broker.kind}) runs again.")
        assert pair.nodes[0].pid == node
        assert shown()[1]["death_count"] == 1


@pytest.mark.slow
async def test_a_node_that_dies_again_and_again_is_given_up_with_its_reason_and_the_rest_goes_on(tmp_path):
    async with kept(tmp_path / "pair", waits_s=(0.1, 0.2)) as (pair, told, shown):
        broker = pair.broker.pid
        (pair.nodes[0].data / "version").write_text("99\n")
        os.kill(pair.nodes[0].pid, signal.SIGKILL)
        await until_told(told, "given up")
        assert told[0] == "The node a was killed (signal 9). It is started again in 0 s."
        assert "upgrade Handclasp" in told[1]
        assert told[1].endswith("It is started again in 0 s.")
        assert told[2].startswith("The node a did not start: ")
        assert "It died 3 times and never lived 10 s in between" in told[2]
        assert str(pair.nodes[0].log_path) in told[2]
        [a], is_broker = shown()
        assert (a["state"], a["death_count"], a["said"], a["pid"]) == ("given-up", 3, told[2], None)
        assert (is_broker["state"], pair.broker.pid) == ("running", broker)
        assert len(told) == 3


async def test_a_pair_of_which_nothing_is_left_ends_with_a_sentence(tmp_path):
    pair, told = LocalPair(tmp_path / "pair", names=("a",)), []
    await pair.start()
    for pid in (pair.nodes[0].pid, pair.broker.pid):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(PairFailedError, match="Nothing of the pair is left running"):
        await keep(Keeper(pair, notes=Notes(tmp_path), tell=told.append, waits_s=()), asyncio.Event())
    assert len(told) == 2
    assert all("given up" in one for one in told)


@pytest.mark.slow
async def test_a_start_that_fails_is_told_with_its_remedy_and_not_with_the_words_of_an_earlier_one(tmp_path):
    node = LocalPair(tmp_path / "pair", names=("a",)).nodes[0]
    node.data.mkdir(parents=True)
    (node.data / "version").write_text("98\n")
    with pytest.raises(PairStartError, match="layout 98"):
        await node.start()
    (node.data / "version").write_text("99\n")
    with pytest.raises(PairStartError, match=r"layout 99.*: upgrade Handclasp, or choose another directory") as refused:
        await node.start()
    assert "98" not in str(refused.value).replace(str(tmp_path), "")


@pytest.mark.slow
@pytest.mark.mosquitto
def test_lost_is_seen_by_a_late_subscriber_before_the_killed_node_is_back(tmp_path, find_program):
    data, presence = tmp_path / "pair", "handclasp/v1/nodes/+/presence"
    with Pair(data) as pair:
        a, b = pair.told["nodes"]
        late = [find_program("mosquitto_sub"), "-h", "127.0.0.1", "-p", pair.told["broker"]["url"].rpartition(":")[2]]
        late += ["-t", presence, "--retained-only", "-C", "2", "-W", "2", "-F", "%p"]

        def seen() -> list[str]:
            told = subprocess.run(late, capture_output=True, text=True, check=False).stdout.splitlines()
            return sorted(json.loads(line)["data"]["state"] for line in told)

        until(lambda: seen() == ["online", "online"], "both are online")
        os.kill(a["pid"], signal.SIGKILL)
        until(lambda: seen() == ["lost", "online"], "a late subscriber sees that a is lost")
        until(lambda: seen() == ["online", "online"], "and that it is back")
        status = CommandLine(tmp_path)("pair", "status", "--data", data, "--json").succeeded().json
        assert [(one["state"], one["death_count"]) for one in status["nodes"]] == [("running", 1), ("running", 0)]
        assert len(alive([b["pid"], pair.told["broker"]["pid"]])) == 2
        assert pair.stop() == 0
        assert [line.partition("  ")[2] for line in pair.process.stderr.read().splitlines()] == [
            "The node a was killed (signal 9). It is started again in 3 s.",
            "The node a runs again.",
        ]
