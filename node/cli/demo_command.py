"""`handclasp demo`."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.failures import CommandError
from node.cli.options import JsonOption
from node.cli.output import Output

if TYPE_CHECKING:
    from node.demo.scenes import Scenes

PACE_S = 3.0
PACE_S_MAX = 60.0


class Side(StrEnum):
    """Which of the two instances."""

    A = "a"
    B = "b"


class BrokerChoice(StrEnum):
    """Which MQTT broker is started."""

    AUTO = "auto"
    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"


SourceOption = Annotated[
    Side | None, typer.Option("--from", help="Which instance initiates the connection.  [default: a]")
]
TroubleOption = Annotated[
    bool, typer.Option("--trouble", help="Kill both nodes in the middle of it, and see it end right all the same.")
]
KeepOption = Annotated[
    bool, typer.Option("--keep", help="Leave all three processes up until Ctrl-C, and tell where they are.")
]
BrowserOption = Annotated[
    bool,
    typer.Option(
        "--browser", help="Open a live stage in the browser, both consoles and what goes on between them, until Ctrl-C."
    ),
]
DriveOption = Annotated[bool, typer.Option("--drive", help="With --browser: perform the flow on the stage.")]
PaceOption = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=0,
        max=PACE_S_MAX,
        help=f"How long each step stays on the stage.  [default: {PACE_S:g}]",
    ),
]
NoOpenOption = Annotated[
    bool, typer.Option("--no-open", help="With --browser: tell the stage's link, but open nothing.")
]
BrokerOption = Annotated[
    BrokerChoice, typer.Option(help="The MQTT broker; auto: mosquitto if it is installed, else amqtt.")
]


def demo(  # noqa: PLR0913 - the flags of the command
    *,
    source: SourceOption = None,
    trouble: TroubleOption = False,
    keep: KeepOption = False,
    browser: BrowserOption = False,
    drive: DriveOption = False,
    pace: PaceOption = None,
    no_open: NoOpenOption = False,
    broker: BrokerOption = BrokerChoice.AUTO,
    as_json: JsonOption = False,
) -> int:
    """Watch two nodes shake hands: who acts, on which screen, what goes over the wire and over MQTT.

    Two nodes and an MQTT broker are started as processes of this machine, on free ports and in a temporary
    directory. Two admins are played through the whole flow, from "Initiate connection" to Active on both sides. It
    ends by itself with a sequence diagram drawn from what was seen, and leaves nothing behind.

    With --trouble the source is killed while the other admin accepts, then the destination too; it is shown what
    each admin sees meanwhile. Both are started again, and go on to Active by themselves.

    With --browser a page shows both admins' consoles side by side, and between them each message and MQTT event as
    it happens. You are both admins, or the demo is with --drive or --trouble. Everything stays up until Ctrl-C.

    \b
    Examples:
      handclasp demo
      handclasp demo --trouble
      handclasp demo --from b --keep
      handclasp demo --browser
      handclasp demo --browser --drive --pace 5
      handclasp demo --json

    Next: `handclasp pair` starts the same three processes to keep. Exit code 0: both sides are Active and every
    expected event came; 1: not so; 130: stopped with Ctrl-C before the end.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    is_driven = drive or trouble
    is_by_hand = browser and not is_driven
    _refuse_nonsense(
        (drive and not browser, "--drive performs the flow on the live stage: add --browser."),
        (no_open and not browser, "--no-open is about the live stage: add --browser."),
        (pace is not None and not browser, "--pace is about the live stage: add --browser and --drive."),
        (pace is not None and is_by_hand, "--pace is how long each step that the demo plays stays: add --drive."),
        (browser and as_json, "--browser stays up for people to look at: leave --json out."),
        (source is not None and is_by_hand, "With --browser alone you decide who initiates: leave --from out."),
    )
    import asyncio  # noqa: PLC0415 - wrong usage and --help need none of these

    from node.brokers.children import BrokerKind  # noqa: PLC0415 - likewise

    kind = None if broker is BrokerChoice.AUTO else BrokerKind(broker.value)
    out, side, story = Output(as_json=as_json), (source or Side.A).value, _story(trouble=trouble)
    if not browser:
        from node.demo.running import Demo  # noqa: PLC0415 - likewise

        return asyncio.run(Demo(out, tells=story, source=side, keep=keep, broker_kind=kind).run())
    from node.demo.staged import StagedDemo  # noqa: PLC0415 - likewise

    tells, pace_s = story if is_driven else None, PACE_S if pace is None else pace
    one = StagedDemo(out, tells=tells, source=side, broker_kind=kind, pace_s=pace_s, opens=not no_open)
    return asyncio.run(one.run())


def _story(*, trouble: bool) -> "type[Scenes]":
    from node.demo.story import Story  # noqa: PLC0415 - likewise
    from node.demo.trouble import Trouble  # noqa: PLC0415 - likewise

    return Trouble if trouble else Story


def _refuse_nonsense(*cases: tuple[bool, str]) -> None:
    for is_so, sentence in cases:
        if is_so:
            raise CommandError(sentence)
