"""Two node processes and a broker, torn down whatever happens."""

import asyncio
import subprocess

import pytest

from node.brokers.children import BrokerChild
from tests.e2e.processes import NodeProcess, until
from tests.node.command_line import CommandLine
from tests.node.mqtt_world import MOSQUITTO_NOW_AMQTT_SLOWLY


@pytest.fixture
def handclasp(tmp_path):
    """The command, run in a home directory in which nothing else is."""
    home = tmp_path / "home"
    home.mkdir()
    return CommandLine(home)


@pytest.fixture(params=MOSQUITTO_NOW_AMQTT_SLOWLY)
def broker(request, tmp_path):
    child = BrokerChild(kind=request.param, data=tmp_path / "broker")
    asyncio.run(child.start())
    yield child
    asyncio.run(child.stop())


@pytest.fixture
def pair(tmp_path, broker):
    nodes = [NodeProcess(name=name, data=tmp_path / name, mqtt_url=broker.url) for name in ("a", "b")]
    try:
        for node in nodes:
            node.start()
        yield nodes
    finally:
        for node in nodes:
            node.close()


class Subscriber:
    """`mosquitto_sub`: a subscriber that nobody here wrote."""

    def __init__(self, program: str, port: int, log, *arguments: str) -> None:
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [program, "-h", "127.0.0.1", "-p", str(port), "-t", "handclasp/#", "-F", "%r %t %p", *arguments],
                stdout=out,
            )

    @property
    def lines(self) -> list[str]:
        return self._log.read_text().splitlines()

    def until(self, text: str) -> None:
        until(lambda: any(text in line for line in self.lines), f"mosquitto_sub sees {text}")


@pytest.fixture
def subscribe(tmp_path, broker, find_program):
    started = []

    def begin() -> Subscriber:
        log = tmp_path / f"sub{len(started)}.log"
        started.append(Subscriber(find_program("mosquitto_sub"), broker.port, log))
        return started[-1]

    yield begin
    for subscriber in started:
        subscriber.process.kill()
        subscriber.process.wait(5)
