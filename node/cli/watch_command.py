"""`handclasp watch`."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from node.cli.failures import EXIT_INTERRUPTED, CommandError
from node.cli.places import PAIR_FILE, pair_directory
from node.delivery.broker_url import BrokerUrl
from node.private_files import read_text
from node.settings import load, refuse_unknown_variables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from node.watching.displays import Display
    from node.watching.picture import Picture

DEFAULT_URL: Final = "mqtt://127.0.0.1:1883"

_VARIABLES: Final = ("HANDCLASP_MQTT_URL", "HANDCLASP_MQTT_CA_FILE")
"""The settings of a node that mean the same here; its others are no business of this command."""


def watch(
    *,
    mqtt_url: Annotated[
        str | None,
        typer.Option(
            "--mqtt-url",
            metavar="URL",
            help="The MQTT broker to watch, mqtt:// or mqtts://; one with a password only by the variable. "
            f"[env: HANDCLASP_MQTT_URL] [default: the running pair's broker, else {DEFAULT_URL}]",
            show_default=False,
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Show how it stands now, and end.")] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one line of JSON for each change; with --once, one document."),
    ] = False,
) -> int:
    """Watch what nodes broadcast: who is online, and how each connection stands on both sides.

    On a terminal it is a table that stays true; anywhere else, one line for each change. It asks no node and
    needs no token: it reads what nodes publish over MQTT, and sees at once what stood before it began.

    Both nodes tell their own view, and they are shown side by side where they differ, as in
    "a: closed / b: active". What a lost or offline node said last is marked stale. MISSED counts events that
    never came; the next one tells the whole view again.

    \b
    Examples:
      handclasp watch
      handclasp watch --once --json
      handclasp watch --mqtt-url mqtt://broker.example:1883 --json

    Next: change something in another terminal, with `handclasp connections initiate`. Ctrl-C ends it with exit
    code 0, since nothing else ends it; with --once, Ctrl-C leaves it undone, which is 130.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    url, ca_file = broker_to_watch(mqtt_url, os.environ)

    import asyncio  # noqa: PLC0415 - not for a command that can't start

    return asyncio.run(_watch(url, ca_file, once=once, as_json=as_json))


def broker_to_watch(flag: str | None, environ: Mapping[str, str]) -> tuple[BrokerUrl, Path | None]:
    """The broker that the flag, the environment or a pair names, and what its certificate is checked against.

    Raises:
        CommandError: the pair's state can't be understood.
        SettingsError: the URL or the file can't be used, or a variable is misspelt.
        DataDirectoryError: the pair's state can't be read.
    """
    refuse_unknown_variables(environ)
    known = {name: environ[name] for name in _VARIABLES if name in environ}
    settings = load({"mqtt_url": flag, "data": "."}, known)
    return settings.mqtt_url or _pair_broker(environ) or BrokerUrl.parse(DEFAULT_URL), settings.mqtt_ca_file


def _pair_broker(environ: Mapping[str, str]) -> BrokerUrl | None:
    path = pair_directory(environ) / PAIR_FILE
    text = read_text(path)
    if text is None:
        return None
    try:
        broker: Any = json.loads(text).get("broker")
        return None if broker is None else BrokerUrl.parse(broker["url"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise CommandError(
            f"{path} is damaged.", "Start the pair anew with `handclasp pair`, or name the broker with --mqtt-url."
        ) from None


async def _watch(url: BrokerUrl, ca_file: Path | None, *, once: bool, as_json: bool) -> int:
    import asyncio  # noqa: PLC0415 - wrong usage needs none of these
    import signal  # noqa: PLC0415 - likewise

    from node.delivery.mqtt import MqttBroker  # noqa: PLC0415 - likewise
    from node.ports import BrokerDownError  # noqa: PLC0415 - likewise
    from node.real_ports import SystemEntropy  # noqa: PLC0415 - likewise
    from node.watching.picture import Picture  # noqa: PLC0415 - likewise
    from node.watching.watcher import ARRIVED_MAX, watch_broker  # noqa: PLC0415 - likewise

    asked_to_end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_end.set)
    picture = Picture()
    display = _display(picture, url, once=once, as_json=as_json)
    broker = MqttBroker(url, ca_file=ca_file, arrived_max=ARRIVED_MAX)
    watching = watch_broker(broker, picture, display, entropy=SystemEntropy())
    tasks = [asyncio.ensure_future(each) for each in (asked_to_end.wait(), display.run(), watching)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    try:
        for task in done:
            task.result()
    except BrokerDownError as error:
        raise CommandError(
            str(error), "Start one, as `handclasp pair` does, or name another one with --mqtt-url."
        ) from None
    return EXIT_INTERRUPTED if once and tasks[1] not in done else 0


def _display(picture: Picture, url: BrokerUrl, *, once: bool, as_json: bool) -> Display:
    from node.watching.displays import LinesDisplay, OnceDisplay, TableDisplay  # noqa: PLC0415 - see above

    if once:
        return OnceDisplay(picture, as_json=as_json)
    if as_json or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return LinesDisplay(picture, as_json=as_json)
    return TableDisplay(picture, place=url.place)
