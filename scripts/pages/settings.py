"""docs/settings.md: every setting of a node, and the variables of the command line's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.settings_table import COMMAND_LINE_VARIABLES, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from node.settings_table import Setting

EXAMPLES: Final = {
    "name": "ACME production",
    "data": "/var/lib/handclasp",
    "listen": "0.0.0.0:8101",
    "instance_listen": "none",
    "node_url": "https://node.acme.example",
    "instance_url": "https://acme.example",
    "tls_cert_file": "/etc/handclasp/node.pem",
    "tls_key_file": "/etc/handclasp/node.key",
    "mqtt_url": "mqtts://handclasp:secret@broker.acme.example",
    "broker": "mosquitto",
    "mqtt_ca_file": "/etc/handclasp/broker-ca.pem",
    "ca_file": "/etc/handclasp/ca.pem",
    "allow_addresses": "10.20.0.0/16,partner.internal:8443",
    "allow_http": "private",
    "announcements": "anyone",
    "console_hosts": "console.acme.example",
    "console_framed_by": "http://127.0.0.1:8100",
    "accent": "teal",
    "demo_data": "1",
    "license_public_key": "",
    "log_level": "debug",
    "log_format": "json",
}
"""One value of each; none for the key, which only a command makes. A test reads each as the node would."""

OF_THE_COMMAND_LINE: Final = {
    "HANDCLASP_NODE": "Which node of the running pair a command is about, such as a or b.",
    "HANDCLASP_PAIR": "Where the pair's data are, for `handclasp pair` and for the commands that look for its nodes.",
    "HANDCLASP_TOKEN": "The admin token of the node that `--url` names. It is never a flag, which others could read.",
}
"""What is read by commands alone; a node leaves it alone."""

_HEAD: Final = """\
# Settings

*Made from the code by `make pages`.*

A node reads its settings from flags of `handclasp node` and from the environment. A flag wins over a variable. An empty
variable means the default; an empty flag is refused. A value that can't be used is refused before anything starts, with
a sentence that names the setting, where it came from and what to write instead. A variable that begins with
`HANDCLASP_` and is none of these is refused too, since it is misspelt.

| variable | flag | default |
| --- | --- | --- |
{rows}
"""

_TAIL: Final = """\
## Variables of the command line

A node leaves these alone.

"""


def page() -> str:
    """The page."""
    rows = "\n".join(
        f"| [`{one.variable}`](#{one.variable.lower()}) | `{one.flag}` | {one.default_shown} |" for one in SETTINGS
    )
    variables = "".join(f"- `{name}`: {OF_THE_COMMAND_LINE[name]}\n" for name in COMMAND_LINE_VARIABLES)
    return "\n".join([_HEAD.format(rows=rows), *("\n".join(_section(one)) for one in SETTINGS), _TAIL + variables])


def _section(one: Setting) -> Iterator[str]:
    yield f"## {one.variable}\n"
    yield f"{one.help}\n"
    yield f"- Flag: `{one.flag} {one.metavar}`"
    yield f"- Default: {one.default_shown}"
    if EXAMPLES[one.field]:
        yield f"- Example: `{one.variable}={EXAMPLES[one.field]}`"
    if one.may_hold_password:
        yield "- With a password in it, it is taken from the variable alone: flags can be read by others."
    yield ""
