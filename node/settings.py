"""The settings of one node, read from flags and environment.

A flag wins over a variable. An empty variable means the default, so that a file of variables may name them all; an
empty flag is refused, since `--data "$UNSET"` was not meant to be the default. Whatever is wrong is refused with one
sentence that names the setting, where it came from, its value (never a password) and what to write instead.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from node.host_port import HostPort
from node.settings_table import (
    COMMAND_LINE_VARIABLES,
    PREFIX,
    SETTINGS,
    Accent,
    Announcements,
    BrokerChoice,
    HttpAllowed,
    LogFormat,
    LogLevel,
    Setting,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.delivery.broker_url import BrokerUrl
    from node.network.addresses import AllowEntry

__all__ = [
    "COMMAND_LINE_VARIABLES",
    "SETTINGS",
    "Accent",
    "Announcements",
    "BrokerChoice",
    "HostPort",
    "HttpAllowed",
    "LogFormat",
    "LogLevel",
    "Setting",
    "Settings",
    "SettingsError",
    "default_data_directory",
    "load",
    "refuse_unknown_variables",
]

SHOWN_CHARACTERS_MAX: Final = 80
"""How much of a refused value its error shows."""

PORT_DIGITS_MAX: Final = 5

_PASSWORD: Final = re.compile(r"//[^/@]*:[^@]*@")


class SettingsError(Exception):
    """A setting can't be used; the text is the sentence that says which, why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one node, valid and complete; the meaning of each is its row of `SETTINGS`."""

    name: str
    data: Path
    listen: HostPort
    instance_listen: HostPort | None
    node_url: str | None
    """None: a private node, which others can't reach."""
    instance_url: str | None
    """None: not served, or its port is chosen by the system and known only once it listens."""
    tls_cert_file: Path | None
    tls_key_file: Path | None
    mqtt_url: BrokerUrl | None = field(repr=False)
    broker: BrokerChoice
    mqtt_ca_file: Path | None
    ca_file: Path | None
    allow_addresses: tuple[AllowEntry, ...]
    allow_http: HttpAllowed
    announcements: Announcements
    console_hosts: tuple[str, ...]
    console_framed_by: str | None
    accent: Accent
    demo_data: int | None
    """The seed of the demo company that a new instance gets; none: it begins empty."""
    license_public_key: bytes | None
    log_level: LogLevel
    log_format: LogFormat

    @property
    def scheme(self) -> str:
        """What both listeners speak."""
        return "https" if self.tls_cert_file is not None else "http"


def load(flags: Mapping[str, str | None], environ: Mapping[str, str]) -> Settings:
    """The settings that flags and environment give.

    Args:
        flags: by field name; None: the flag was not given.
        environ: the process's environment.

    Raises:
        SettingsError: one of them can't be used, or is unknown.
    """
    refuse_unknown_variables(environ)
    values = {setting.field: _value(setting, flags.get(setting.field), environ) for setting in SETTINGS}
    values["data"] = values["data"] or default_data_directory(environ)
    values["allow_addresses"] = values["allow_addresses"] or ()
    values["console_hosts"] = values["console_hosts"] or ()
    place: HostPort | None = values["instance_listen"]
    if values["instance_url"] is None and place and place.port:
        values["instance_url"] = place.url("https" if values["tls_cert_file"] else "http")
    settings = Settings(**values)
    _refuse_contradictions(settings)
    return settings


def default_data_directory(environ: Mapping[str, str]) -> Path:
    """Where a node's data is when nothing is said: below `$XDG_DATA_HOME`, or `~/.local/share`.

    Raises:
        SettingsError: this user has no home directory.
    """
    base = Path(environ.get("XDG_DATA_HOME", ""))
    if not base.is_absolute():  # the XDG specification: a relative path is to be ignored
        try:
            base = Path(environ.get("HOME") or Path.home()) / ".local" / "share"
        except RuntimeError:
            raise SettingsError("This user has no home directory: say with --data where the data goes.") from None
    return base / "handclasp" / "node"


def refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    """Catch a misspelt variable, which would else be silently ignored.

    Raises:
        SettingsError: a variable begins like a setting and is none; the nearest one is named.
    """
    known = [*(setting.variable for setting in SETTINGS), *COMMAND_LINE_VARIABLES]
    for name, value in sorted(environ.items()):
        if not name.startswith(PREFIX) or name in known or _is_from_kubernetes(name, value):
            continue
        nearest = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean {nearest[0]}?" if nearest else "unset it; `handclasp node --help` lists them all."
        raise SettingsError(f"{_shown(name)[1:-1]} in the environment is not a setting: {remedy}")


def _value(setting: Setting, flag: str | None, environ: Mapping[str, str]) -> Any:
    if flag is not None and not flag.strip():
        raise SettingsError(f"{setting.flag} is empty: write the {setting.metavar}, or leave it out for the default.")
    text = (environ.get(setting.variable, "") if flag is None else flag).strip() or setting.default
    if not text:
        return None
    origin = f"{setting.variable} in the environment" if flag is None else setting.flag
    if setting.may_hold_password and flag is not None and _PASSWORD.search(text):
        raise SettingsError(
            f"{setting.flag} holds a password, which every user of this machine could read in the list of "
            f"processes: put the URL into {setting.variable} instead."
        )
    try:
        return setting.parse(text)
    except ValueError as error:
        may_show_all = not setting.may_hold_password and not (setting.metavar == "URL" and "@" in text)
        shown = _shown(text if may_show_all else _without_password(text))
        end = "" if str(error).endswith((".", "?")) else "."
        raise SettingsError(f"{origin} is {shown}, which can't be used: {error}{end}") from None


def _refuse_contradictions(settings: Settings) -> None:
    place = settings.listen
    if place == settings.instance_listen and place.port:
        raise SettingsError(
            f"HANDCLASP_LISTEN and HANDCLASP_INSTANCE_LISTEN are both {place}: give the instance "
            "another port with --instance-listen, or switch it off with --instance-listen none."
        )
    _refuse_half_tls(settings)
    if settings.mqtt_ca_file and not (settings.mqtt_url and settings.mqtt_url.tls):
        raise SettingsError(
            "HANDCLASP_MQTT_CA_FILE is set, but no mqtts:// broker that it could check: "
            "begin HANDCLASP_MQTT_URL with mqtts://, or unset it."
        )
    if settings.mqtt_url and settings.broker in {BrokerChoice.MOSQUITTO, BrokerChoice.AMQTT}:
        raise SettingsError(
            f"HANDCLASP_MQTT_URL names a broker and HANDCLASP_BROKER asks to start {settings.broker}: "
            "set one of the two."
        )


def _refuse_half_tls(settings: Settings) -> None:
    files = {"HANDCLASP_TLS_CERT_FILE": settings.tls_cert_file, "HANDCLASP_TLS_KEY_FILE": settings.tls_key_file}
    missing = [variable for variable, path in files.items() if path is None]
    if len(missing) == 1:
        given = next(variable for variable in files if variable not in missing)
        raise SettingsError(f"{given} is set and {missing[0]} is not: https needs both, so set the other too.")
    urls = {"HANDCLASP_NODE_URL": settings.node_url, "HANDCLASP_INSTANCE_URL": settings.instance_url}
    for variable, url in urls.items():
        if not missing and url is not None and url.startswith("http:"):
            raise SettingsError(
                f"{variable} is {_shown(url)}, but with HANDCLASP_TLS_CERT_FILE the node speaks https only: "
                "begin the URL with https://."
            )


def _is_from_kubernetes(name: str, value: str) -> bool:
    """Whether it is one of the variables that Kubernetes sets for a Service called `handclasp…`."""
    return name.endswith(("_SERVICE_HOST", "_SERVICE_PORT")) or (
        re.search(r"_PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?$|_SERVICE_PORT_\w+$", name) is not None
        and (value.startswith(("tcp://", "udp://")) or "_PORT_" in name)
    )


def _without_password(url: str) -> str:
    """The URL as far as it can be shown: its scheme, and the host behind any user info."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    has_user_info = "@" in rest
    host, colon, port = re.split(r"[/?#]", rest.rpartition("@")[2], maxsplit=1)[0].partition(":")
    if colon and not (port.isdecimal() and len(port) <= PORT_DIGITS_MAX):  # it could be a password
        port = "…"
    return f"{scheme}{separator}{'…@' if has_user_info else ''}{host}{colon}{port}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}…")
