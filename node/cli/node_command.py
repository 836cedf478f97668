"""`handclasp node`: its flags are the rows of the table of settings."""

from __future__ import annotations

import os
import sys
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from node.settings import load
from node.settings_table import SETTINGS, Setting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from node.data_directory import Runtime
    from node.settings import Settings

HELP = """Run one node, and the instance beside it.

It runs until it is stopped. A node keeps its key, its connections and its admin token in its data directory;
start it on the same directory and it goes on where it was. Each flag has an environment variable; the flag wins.

Without --node-url a node is private: it accepts invitations, but initiates none in Script mode.

\b
Example:
  handclasp node --name "Instance A" --data ./a --node-url http://127.0.0.1:8101

Next: in another terminal, `handclasp connections initiate --help`. Ctrl-C stops the node.
"""


def plain_flags(arguments: Sequence[str]) -> dict[str, str | None] | None:
    """The settings that flags give, if they are nothing but known flags with values; else none.

    Whatever else it is (--help, a typing error), typer knows what to say; it takes 0.1 s to load.
    """
    fields = {setting.flag: setting.field for setting in SETTINGS}
    flags: dict[str, str | None] = {}
    rest = list(arguments)
    while rest:
        flag, is_joined, value = rest.pop(0).partition("=")
        if flag not in fields:
            return None
        if not is_joined:
            if not rest or rest[0].startswith("-"):
                return None
            value = rest.pop(0)
        flags[fields[flag]] = value
    return flags


def run(flags: Mapping[str, str | None]) -> None:
    """Run a node until it is asked to end.

    Args:
        flags: by the fields of the settings; none: the flag was not given.

    Raises:
        SettingsError, DataDirectoryError, StoreError, ListenError, BrokerStartError: it can't start.
    """
    settings = load(flags, os.environ)

    import asyncio  # noqa: PLC0415 - not for a node that can't start

    from node.logs import configure  # noqa: PLC0415 - likewise; before node.serve, which loads structlog else
    from node.quick_start import load_serve  # noqa: PLC0415 - likewise
    from node.real_ports import SystemClock  # noqa: PLC0415 - likewise

    serve = load_serve()
    configure(level=settings.log_level, log_format=settings.log_format, clock=SystemClock(), environ=os.environ)
    asyncio.run(serve(settings, ready=_banner(settings) if sys.stdout.isatty() else _ignore))


def command() -> Callable[..., None]:
    """The function that typer makes the command from: one option for each setting."""

    def node(**flags: str | None) -> None:
        run(flags)

    node.__doc__ = HELP
    node.__signature__ = Signature([_option(setting) for setting in SETTINGS])  # type: ignore[attr-defined]
    node.__annotations__ = {setting.field: str | None for setting in SETTINGS}
    return node


def _option(setting: Setting) -> Parameter:
    import typer  # noqa: PLC0415 - not for a node that starts

    default = f" [default: {setting.default_shown}]" if setting.default_shown else ""
    option: Any = typer.Option(
        None,
        setting.flag,
        metavar=setting.metavar,
        help=f"{setting.help} [env: {setting.variable}]{default}",
        show_default=False,
    )
    return Parameter(setting.field, Parameter.KEYWORD_ONLY, default=option, annotation=str | None)


def _ignore(_runtime: Runtime) -> None:
    pass


def _banner(settings: Settings) -> Callable[[Runtime], None]:
    def ready(runtime: Runtime) -> None:
        lines = [
            f'The node "{settings.name}" is ready. Ctrl-C stops it.',
            f"  node       {settings.node_url or runtime.node_url + ' (private: partners do not know it)'}",
            f"  instance   {settings.instance_url or runtime.instance_url or 'not served'}",
            f"  data       {settings.data}",
            "  next       handclasp connections initiate --help",
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()

    return ready
