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
    trouble: Annotated[
        bool, typer.Option("--trouble", help="Kill both nodes in the middle of it, and see it end right all the same.")
    ] = False,
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

    With --trouble the source is killed while the other admin accepts, then the destination too; it is shown what
    each admin sees meanwhile. Both are started again, and go on to Active by themselves.

    \b
    Examples:
      handclasp demo
      handclasp demo --trouble
      handclasp demo --from b --keep
      handclasp demo --json

    Next: `handclasp pair` starts the same three processes to keep. Exit code 0: both sides are Active and every
    expected event came; 1: not so; 130: stopped with Ctrl-C before the end.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    import asyncio  # noqa: PLC0415 - wrong usage and --help need none of these

    from node.brokers.children import BrokerKind  # noqa: PLC0415 - likewise
    from node.demo.running import Demo  # noqa: PLC0415 - likewise
    from node.demo.story import Story  # noqa: PLC0415 - likewise
    from node.demo.trouble import Trouble  # noqa: PLC0415 - likewise

    kind = None if broker is BrokerChoice.AUTO else BrokerKind(broker.value)
    tells = Trouble if trouble else Story
    one = Demo(Output(as_json=as_json), tells=tells, source=source.value, keep=keep, broker_kind=kind)
    return asyncio.run(one.run())
