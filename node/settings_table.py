"""The table of settings, and what their texts may be. The command line and the documents are made from it.

A setting has one name in three spellings: the field `node_url`, the variable `HANDCLASP_NODE_URL`, the flag
`--node-url`. This module loads nothing heavy: each parser imports what it needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from node.host_port import PORT_MAX, HostPort, is_name
from protocol.errors import TextError

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.delivery.broker_url import BrokerUrl  # loaded only when a URL is set
    from node.network.addresses import AllowEntry

PREFIX: Final = "HANDCLASP_"

COMMAND_LINE_VARIABLES: Final = ("HANDCLASP_NODE", "HANDCLASP_PAIR", "HANDCLASP_TOKEN")
"""Variables of the command line's own; a node leaves them alone."""

SEED_DIGITS_MAX: Final = 18

_LOOPBACK_ORIGIN: Final = re.compile(r"http://(127\.0\.0\.1|localhost):(?P<port>[1-9][0-9]{0,4})")


class BrokerChoice(StrEnum):
    """Which MQTT broker a node starts as its child when no URL names one."""

    AUTO = "auto"
    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"
    NONE = "none"


class HttpAllowed(StrEnum):
    """How far plain http may go (protocol 6); https may go everywhere."""

    LOOPBACK = "loopback"
    PRIVATE = "private"


class Announcements(StrEnum):
    """Whose unasked-for invitations are shown (protocol 5)."""

    OFF = "off"
    KNOWN = "known"
    ANYONE = "anyone"


class LogLevel(StrEnum):
    """The least urgent event that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How events are logged: `auto` is console on a terminal and JSON lines everywhere else."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class Accent(StrEnum):
    """The colour by which people tell one console from another."""

    AUTO = "auto"
    BLUE = "blue"
    TEAL = "teal"
    VIOLET = "violet"
    AMBER = "amber"
    ROSE = "rose"
    GREEN = "green"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the table."""

    field: str
    metavar: str
    help: str
    parse: Callable[[str], Any]
    """From a text that is not empty to the value; raises ValueError with what to do instead."""
    default: str = ""
    """What an absent setting is read as; empty: None, or worked out from the other settings."""
    default_help: str = ""
    """The default in words, where `default` doesn't say it."""
    may_hold_password: bool = False

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.field.upper()

    @property
    def flag(self) -> str:
        """The command-line flag of `handclasp node`."""
        return "--" + self.field.replace("_", "-")

    @property
    def default_shown(self) -> str:
        """The default, as help and documents show it."""
        return self.default_help or self.default


def _name(text: str) -> str:
    from protocol.text import check_name  # loaded only by a process that reads settings  # noqa: PLC0415 - loaded only when it is needed

    try:
        return check_name(text, what="name")
    except TextError as error:
        raise ValueError(_as_clause(error)) from None


def _url(text: str) -> str:
    from protocol.text import check_url  # loaded only by a process that reads settings  # noqa: PLC0415 - loaded only when it is needed

    try:
        return check_url(text, what="URL")
    except TextError as error:
        raise ValueError(_as_clause(error)) from None


def _as_clause(error: TextError) -> str:
    return error.sentence[:1].lower() + error.sentence[1:]


def _broker_url(text: str) -> BrokerUrl:
    from node.delivery.broker_url import BrokerUrl  # loaded only when a URL is set  # noqa: PLC0415 - loaded only when it is needed

    return BrokerUrl.parse(text)


def _allow(text: str) -> tuple[AllowEntry, ...]:
    from node.network.addresses import parse_allow  # loaded only when addresses are set  # noqa: PLC0415 - loaded only when it is needed

    return parse_allow(text)


def _license_public_key(text: str) -> bytes:
    from node.license.keys import read_public  # loaded only when a key is set  # noqa: PLC0415 - loaded only when it is needed

    return read_public(text)


def _directory(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise ValueError("its ~ stands for no home directory; write the whole path") from None


def _file(text: str) -> Path:
    path = _directory(text)
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ValueError(f"it can't be read ({error.strerror}); write the path of a PEM file") from None


def _instance_listen(text: str) -> HostPort | None:
    return None if text.lower() == "none" else HostPort.parse(text)


def _hosts(text: str) -> tuple[str, ...]:
    names = [name.strip().lower() for name in text.split(",")]
    for name in names:
        if not is_name(name):
            raise ValueError("write host names without scheme and port, separated by commas, as in console.example")
    return tuple(names)


def _loopback_origin(text: str) -> str:
    if not (found := _LOOPBACK_ORIGIN.fullmatch(text)) or int(found["port"]) > PORT_MAX:
        raise ValueError("write an origin of this very machine, as in http://127.0.0.1:8100")
    return text


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= SEED_DIGITS_MAX):
        raise ValueError(f"write a whole number of up to {SEED_DIGITS_MAX} digits, as in 1")
    return int(text)


def _choice(vocabulary: type[StrEnum]) -> Callable[[str], StrEnum]:
    def parse(text: str) -> StrEnum:
        try:
            return vocabulary(text.lower())
        except ValueError:
            words = [str(word) for word in vocabulary]
            raise ValueError(f"write {', '.join(words[:-1])} or {words[-1]}") from None

    return parse


SETTINGS: Final = (
    Setting(
        field="name",
        metavar="NAME",
        default="node",
        parse=_name,
        help="What partners and consoles call this instance.",
    ),
    Setting(
        field="data",
        metavar="DIRECTORY",
        default_help="$XDG_DATA_HOME/handclasp/node, or ~/.local/share/handclasp/node",
        parse=_directory,
        help="Where the node keeps its key, its database and its admin token; made at first start.",
    ),
    Setting(
        field="listen",
        metavar="HOST:PORT",
        default="127.0.0.1:8101",
        parse=HostPort.parse,
        help="Where the node answers partners and admins; port 0 takes any that is free.",
    ),
    Setting(
        field="instance_listen",
        metavar="HOST:PORT",
        default="127.0.0.1:8001",
        parse=_instance_listen,
        help="Where the instance beside the node answers; `none` serves the node alone.",
    ),
    Setting(
        field="node_url",
        metavar="URL",
        default_help="none: a private node",
        parse=_url,
        help="The URL by which partners reach this node; without one it can't initiate in Script mode.",
    ),
    Setting(
        field="instance_url",
        metavar="URL",
        default_help="http:// or https://, and where the instance listens",
        parse=_url,
        help="The URL by which people know this instance.",
    ),
    Setting(
        field="tls_cert_file",
        metavar="FILE",
        default_help="none: plain http, on both ports",
        parse=_file,
        help="The certificate, followed by its chain, a PEM file: with it both ports speak https. "
        "One that is renewed is taken by itself.",
    ),
    Setting(
        field="tls_key_file",
        metavar="FILE",
        default_help="none",
        parse=_file,
        help="The certificate's private key, a PEM file without a password that no other user can read.",
    ),
    Setting(
        field="mqtt_url",
        metavar="URL",
        default_help="none: the node starts a broker of its own",
        parse=_broker_url,
        may_hold_password=True,
        help="The MQTT broker to publish to, mqtt:// or mqtts://; one with a password only by the variable.",
    ),
    Setting(
        field="broker",
        metavar="KIND",
        default=BrokerChoice.AUTO,
        parse=_choice(BrokerChoice),
        help="Which broker to start when no URL is set: auto (mosquitto if it is installed, else amqtt), "
        "mosquitto, amqtt, or none (broadcasts wait).",
    ),
    Setting(
        field="mqtt_ca_file",
        metavar="FILE",
        default_help="the system's authorities",
        parse=_file,
        help="The certificate authority, a PEM file, that an mqtts:// broker is checked against.",
    ),
    Setting(
        field="ca_file",
        metavar="FILE",
        default_help="the system's authorities",
        parse=_file,
        help="A certificate authority, a PEM file, that partners' https:// URLs are checked against.",
    ),
    Setting(
        field="allow_addresses",
        metavar="LIST",
        default_help="none",
        parse=_allow,
        help="More addresses that the node may call: networks or host:port, separated by commas.",
    ),
    Setting(
        field="allow_http",
        metavar="REACH",
        default=HttpAllowed.LOOPBACK,
        parse=_choice(HttpAllowed),
        help="How far plain http may go: loopback, or private for private networks too.",
    ),
    Setting(
        field="announcements",
        metavar="WHOM",
        default=Announcements.KNOWN,
        parse=_choice(Announcements),
        help="Whose invitations the console announces before a code is pasted: off, known or anyone.",
    ),
    Setting(
        field="console_hosts",
        metavar="LIST",
        default_help="none",
        parse=_hosts,
        help="More host names by which browsers may call the console: beside this machine's, and those of both URLs.",
    ),
    Setting(
        field="console_framed_by",
        metavar="ORIGIN",
        default_help="none: no page may",
        parse=_loopback_origin,
        help="The one page that may show the console in a frame, as the demo's live stage does: http:// and a port of "
        "this machine's.",
    ),
    Setting(
        field="accent",
        metavar="COLOUR",
        default=Accent.AUTO,
        parse=_choice(Accent),
        help="The console's colour, which tells this instance from others: blue, teal, violet, amber, rose, green, "
        "or auto (one of them, by the node's id).",
    ),
    Setting(
        field="demo_data",
        metavar="SEED",
        default_help="none: the instance begins empty",
        parse=_seed,
        help="Give a new instance the records of a made-up company: people, assets, months of incidents. Each number "
        "stands for another company; an instance that has one keeps it.",
    ),
    Setting(
        field="license_public_key",
        metavar="KEY",
        default_help="none: no license key counts",
        parse=_license_public_key,
        help="Whose license keys count here: the public key that `handclasp license new-keys` has shown.",
    ),
    Setting(
        field="log_level",
        metavar="LEVEL",
        default=LogLevel.INFO,
        parse=_choice(LogLevel),
        help="The least urgent event that is logged: debug, info, warning or error.",
    ),
    Setting(
        field="log_format",
        metavar="FORMAT",
        default=LogFormat.AUTO,
        parse=_choice(LogFormat),
        help="How events are logged: console, json, or auto (console on a terminal, else json).",
    ),
)
