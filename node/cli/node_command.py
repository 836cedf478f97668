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

JSON_FLAG = "--json"

HELP = """Run one node, and the instance beside it.

It runs until it is stopped. A node keeps its key, its connections and its admin token in its data directory;
start it on the same directory and it goes on where it was. Its console is at the node URL: the first start tells the
password. Each flag has an environment variable; the flag wins.

Without --node-url a node is private: it accepts invitations, but initiates none in Script mode.

Its log goes to standard error. With --json, standard output gets one JSON document as soon as the node is ready: its
URLs, where it listens, and where its admin token and the console's first-run password are.

\b
Examples:
  handclasp node --name "Instance A" --data ./a --node-url http://127.0.0.1:8101
  handclasp node --data ./b --listen 127.0.0.1:0 --json

Next: in another terminal, `handclasp connections initiate --help`. Ctrl-C stops the node.
"""


def plain_flags(arguments: Sequence[str]) -> tuple[dict[str, str | None], bool] | None:
    """The settings that flags give and whether there is --json, if that is all there is; else none.

    Whatever else it is (--help, a typing error), typer knows what to say; it takes 0.1 s to load.
    """
    fields = {setting.flag: setting.field for setting in SETTINGS}
    flags: dict[str, str | None] = {}
    rest = [argument for argument in arguments if argument != JSON_FLAG]
    as_json = len(rest) < len(arguments)
    while rest:
        flag, is_joined, value = rest.pop(0).partition("=")
        if flag not in fields:
            return None
        if not is_joined:
            if not rest or rest[0].startswith("-"):
                return None
            value = rest.pop(0)
        flags[fields[flag]] = value
    return flags, as_json


def run(flags: Mapping[str, str | None], *, as_json: bool = False) -> None:
    """Run a node until it is asked to end.

    Args:
        flags: by the fields of the settings; none: the flag was not given.
        as_json: whether one JSON document is printed when it is ready.

    Raises:
        SettingsError, CertificateError, DataDirectoryError, StoreError, ListenError, BrokerStartError: it can't start.
    """
    settings = load(flags, os.environ)

    import asyncio  # noqa: PLC0415 - not for a node that can't start

    from node.logs import configure  # noqa: PLC0415 - likewise; before node.serve, which loads structlog else
    from node.quick_start import load_serve  # noqa: PLC0415 - likewise
    from node.real_ports import SystemClock  # noqa: PLC0415 - likewise

    serve = load_serve()
    configure(level=settings.log_level, log_format=settings.log_format, clock=SystemClock(), environ=os.environ)
    asyncio.run(serve(settings, ready=_ready(settings, as_json=as_json)))


def command() -> Callable[..., None]:
    """The function that typer makes the command from: one option for each setting."""
    from node.cli.options import JsonOption  # noqa: PLC0415 - not for a node that starts

    def node(*, as_json: bool = False, **flags: str | None) -> None:
        run(flags, as_json=as_json)

    is_json = Parameter("as_json", Parameter.KEYWORD_ONLY, default=False, annotation=JsonOption)
    options = [*(_option(setting) for setting in SETTINGS), is_json]
    node.__doc__ = HELP
    node.__signature__ = Signature(options)  # type: ignore[attr-defined]
    node.__annotations__ = {one.name: one.annotation for one in options}
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


def _ready(settings: Settings, *, as_json: bool) -> Callable[[Runtime, str | None], None]:
    """What is told once the node is ready: to programs, to whoever sits at a terminal, or nothing but the log."""
    if not as_json and not sys.stdout.isatty():
        return lambda _runtime, _password: None

    def ready(runtime: Runtime, first_password: str | None) -> None:
        sys.stdout.write(_document(settings, runtime) if as_json else _banner(settings, runtime, first_password))
        sys.stdout.flush()

    return ready


def _document(settings: Settings, runtime: Runtime) -> str:
    import json  # noqa: PLC0415 - for programs only

    from node.console.login import PASSWORD_FILE  # noqa: PLC0415 - likewise
    from node.data_directory import TOKEN_FILE  # noqa: PLC0415 - likewise

    content = {
        "name": settings.name,
        "pid": runtime.pid,
        "node_url": settings.node_url,
        "instance_url": settings.instance_url or runtime.instance_url,
        "local_url": runtime.node_url,
        "listen": runtime.listen,
        "instance_listen": runtime.instance_listen,
        "data": str(settings.data),
        "token_file": str(settings.data / TOKEN_FILE),
        "console_url": f"{settings.node_url or runtime.node_url}/",
        "password_file": str(settings.data / PASSWORD_FILE),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _banner(settings: Settings, runtime: Runtime, first_password: str | None) -> str:
    from node.console.login import ADMIN_NAME, PASSWORD_FILE  # noqa: PLC0415 - for people only

    password = first_password or f"the one that you chose, or the first one in {settings.data / PASSWORD_FILE}"
    lines = [
        f'The node "{settings.name}" is ready. Ctrl-C stops it.',
        f"  node       {settings.node_url or runtime.node_url + ' (private: partners do not know it)'}",
        f"  instance   {settings.instance_url or runtime.instance_url or 'not served'}",
        f"  console    {settings.node_url or runtime.node_url}/",
        f"  sign in    {ADMIN_NAME}, password {password}",
        f"  data       {settings.data}",
        "  next       handclasp connections initiate --help",
    ]
    return "\n".join(lines) + "\n"
