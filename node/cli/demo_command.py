"""`handclasp demo`."""

from enum import StrEnum
from typing import Annotated

import typer

from node.cli.options import JsonOption
from node.cli.output import Output


class Side(StrEnum):
    """Which of the two instances."""

    A = "a"
    B = "b"


class BrokerChoice(StrEnum):
    """Which MQTT broker is started."""

    AUTO = "auto"
    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"


def demo(
    *,
    source: Annotated[Side, typer.Option("--from", help="Which instance initiates the connection.")] = Side.A,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave all three processes up until Ctrl-C, and tell where they are.")
    ] = False,
    broker: Annotated[
        BrokerChoice, typer.Option(help="The MQTT broker; auto: mosquitto if it is installed, else amqtt.")
    ] = BrokerChoice.AUTO,
    as_json: JsonOption = False,
) -> int:
    """Watch two nodes shake hands: who acts, on which screen, what goes over the wire and over MQTT.

    Two nodes and an MQTT broker are started as processes of this machine, on free ports and in a temporary
    directory. Two admins are played through the whole flow, from "Initiate connection" to Active on both sides. It
    ends by itself with a sequence diagram drawn from what was seen, and leaves nothing behind.

    \b
    Examples:
      handclasp demo
      handclasp demo --from b --keep
      handclasp demo --json

    Next: `handclasp pair` starts the same three processes to keep. Exit code 0: both sides are Active and every
    expected event came; 1: not so; 130: stopped with Ctrl-C before the end.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    import asyncio  # noqa: PLC0415 - wrong usage and --help need none of these

    from node.brokers.children import BrokerKind  # noqa: PLC0415 - likewise
    from node.demo.running import Demo  # noqa: PLC0415 - likewise

    kind = None if broker is BrokerChoice.AUTO else BrokerKind(broker.value)
    return asyncio.run(Demo(Output(as_json=as_json), source=source.value, keep=keep, broker_kind=kind).run())
