"""`handclasp pair --connect`: the first two nodes are connected once, whatever their admins did since."""

import asyncio

import pytest

from node.cli.output import Output
from node.cli.pair_commands import tell_connection
from node.local_pair.connecting import client_of, handshake
from node.local_pair.processes import LocalPair


@pytest.mark.slow
async def test_nodes_that_are_connected_are_not_connected_again_though_their_connection_is_switched_off(tmp_path):
    pair = LocalPair(tmp_path / "pair")
    await pair.start()
    try:
        made = await asyncio.to_thread(handshake, pair)
        assert (made["name"], made["status"]) == ("a_to_b", "active")
        for node, switch in ((0, "deactivate"), (1, "deactivate"), (0, "activate")):
            client = client_of(pair.nodes[node])
            await asyncio.to_thread(client.act, made["sys_id"], switch)
            again = await asyncio.to_thread(handshake, pair)
            assert again["sys_id"] == made["sys_id"]
        assert again["status"] == "deactivated-there"
        await asyncio.to_thread(client_of(pair.nodes[0]).act, made["sys_id"], "remove")
        anew = await asyncio.to_thread(handshake, pair)
        assert (anew["name"], anew["status"]) == ("a_to_b_2", "active")
    finally:
        await pair.stop()


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("active", 'Connected: "a_to_b" is Active on both sides.\n'),
        (
            "deactivated-there",
            'Connected, but "a_to_b" is deactivated there: whoever switched it off can activate it.\n',
        ),
    ],
)
def test_the_banner_tells_the_status_as_it_is(capsys, status, told):
    tell_connection(Output(as_json=False), {"name": "a_to_b", "status": status, "role": "source"})
    assert capsys.readouterr().out == told
