"""`handclasp pair`: two nodes and a broker to keep, and what one asks of them from another terminal."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from node import words
from node.brokers.children import BrokerKind
from node.cli.failures import EXIT_REFUSED, CommandError, visible
from node.cli.options import JsonOption
from node.cli.output import STYLES, Output
from node.cli.pair_status import STATE_STYLES, nodes_and_broker
from node.cli.places import pair_directory
from node.cli.program import program
from node.console.login import ADMIN_NAME, PASSWORD_FILE
from node.data_directory import TOKEN_FILE
from node.local_pair.certificates import PairCertificates, pair_certificates
from node.local_pair.notes import ChildState
from node.local_pair.plan import Wish, plan
from node.local_pair.processes import LocalPair, PairFailedError, PairStartError
from node.local_pair.running import run
from node.local_pair.state import PairState, PairStateError, load, locked, reset, running_pid, save
from node.real_ports import SystemClock

STOP_S_MAX = 30.0
POLL_S = 0.05

pair_app = typer.Typer(
    help="""Start two nodes and an MQTT broker to keep, each as a process of its own.

    It runs until Ctrl-C and goes on with the same data and the same URLs at the next start. What it prints can be
    pasted: a curl call, a mosquitto_sub line, the commands of both admins. A process of it that dies is started
    again after some seconds, and you are told; one that dies again and again is given up.

    \b
    Examples:
      handclasp pair                  two nodes, a and b
      handclasp pair --connect        the same, connected to each other
      handclasp pair --count 3        a, b and c
      handclasp pair --tls            by https, as real ServiceNow clients ask for
      handclasp pair status           from another terminal

    Next: be both admins with `handclasp connections initiate --node a …` and `… accept --node b`.
    """,
    invoke_without_command=True,
)

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIRECTORY",
        help="Where the pair's data are. [env: HANDCLASP_PAIR] [default: $XDG_DATA_HOME/handclasp/pair, "
        "or ~/.local/share/handclasp/pair]",
        show_default=False,
    ),
]

BrokerOption = Annotated[
    BrokerKind | None,
    typer.Option(help="Which broker. [default: mosquitto if it is installed, else amqtt]", show_default=False),
]
TlsOption = Annotated[
    bool,
    typer.Option(
        "--tls", help="Speak https: a throw-away certificate authority is made, and it is told how to trust it."
    ),
]
ResetOption = Annotated[bool, typer.Option("--reset", help="Delete this pair's data first: keys, connections, tokens.")]
EmptyOption = Annotated[
    bool, typer.Option("--no-demo-data", help="Begin with empty instances, without a made-up company in each.")
]


def _port(flag: str, usual: str, what: str) -> Any:
    return typer.Option(flag, metavar="PORT", help=f"{what} [default: {usual}]", show_default=False)


@pair_app.callback()
def start(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    *,
    names: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="The nodes' names, as in a,b. [default: a,b]", show_default=False),
    ] = None,
    count: Annotated[
        int | None, typer.Option(metavar="N", help="How many nodes: a, b, c … [default: 2]", show_default=False)
    ] = None,
    data: DataOption = None,
    node_port: Annotated[
        int | None, _port("--node-port", "8101, or others if taken", "The first node's port; the next have the next.")
    ] = None,
    instance_port: Annotated[
        int | None, _port("--instance-port", "8001, or others if taken", "The first instance's port.")
    ] = None,
    mqtt_port: Annotated[int | None, _port("--mqtt-port", "1883, or another if taken", "The broker's port.")] = None,
    broker: BrokerOption = None,
    connect: Annotated[bool, typer.Option("--connect", help="Connect the first two nodes to each other.")] = False,
    tls: TlsOption = False,
    begin_anew: ResetOption = False,
    is_empty: EmptyOption = False,
    as_json: JsonOption = False,
) -> None:
    """Start the pair, or leave it to a subcommand."""
    if context.invoked_subcommand is not None:
        return
    directory = _directory(data)
    wish = Wish(
        names=names,
        count=count,
        node_port=node_port,
        instance_port=instance_port,
        mqtt_port=mqtt_port,
        broker=broker.value if broker is not None else None,
        tls=tls,
    )
    out = Output(as_json=as_json)
    try:
        with locked(directory):
            if begin_anew:
                reset(directory)
            state = plan(wish, load(directory))
            _refuse_lonely(state, connect=connect)
            certificates = pair_certificates(directory, state.names, now=SystemClock().now()) if state.tls else None
            save(directory, state)

            def ready(pair: LocalPair, connection: dict[str, Any] | None) -> None:
                out.document(_document(directory, pair, certificates, connection))
                _banner(out, directory, pair, certificates, connection)
                sys.stdout.flush()

            running = run(
                directory,
                state,
                certificates=certificates,
                connect=connect,
                has_demo_data=not is_empty,
                ready=ready,
                tell=_tell_now,
            )
            asyncio.run(running)
            out.line("Stopped. `handclasp pair` goes on where this was.")
    except (PairStateError, PairStartError) as error:
        raise CommandError(str(error)) from error
    except PairFailedError as error:
        raise CommandError(str(error), exit_code=EXIT_REFUSED) from error


def _tell_now(sentence: str) -> None:
    """What happens while the pair runs, on standard error: where --json is read, it is no part of the document."""
    sys.stderr.write(f"{words.time_of_day(SystemClock().now())}  {visible(sentence)}\n")
    sys.stderr.flush()


def _refuse_lonely(state: PairState, *, connect: bool) -> None:
    if connect and len(state.names) < 2:  # noqa: PLR2004 - it takes two
        raise PairStateError("--connect needs two nodes. Give --count 2 or more.")


def _directory(data: Path | None) -> Path:
    return data.expanduser().absolute() if data is not None else pair_directory(os.environ)


def _document(
    directory: Path, pair: LocalPair, certificates: PairCertificates | None, connection: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "data": str(directory),
        "pid": os.getpid(),
        "nodes": [
            {
                "name": node.name,
                "node_url": node.node_url,
                "instance_url": node.instance_url,
                "token_file": str(node.data / TOKEN_FILE),
                "console_url": f"{node.node_url}/",
                "password_file": str(node.data / PASSWORD_FILE),
                "log": str(node.log_path),
                "pid": node.pid,
            }
            for node in pair.nodes
        ],
        "broker": {"kind": pair.broker.kind.value, "url": pair.broker.url, "pid": pair.broker.pid},
        "tls": (
            {"ca_file": str(certificates.ca_file), "expires_at": certificates.expires_at.isoformat()}
            if certificates is not None
            else None
        ),
        "connection": connection,
    }


def _banner(
    out: Output,
    directory: Path,
    pair: LocalPair,
    certificates: PairCertificates | None,
    connection: dict[str, Any] | None,
) -> None:
    for node in pair.nodes:
        out.line(f"Instance {node.name}", style="bold")
        out.pairs(
            [
                ("instance URL", node.instance_url),
                ("node URL", node.node_url),
                ("console", f"{node.node_url}/"),
                ("records", f"{node.node_url}/console/records"),
                ("sign in", f"{ADMIN_NAME}, password in {node.data / PASSWORD_FILE}"),
                ("admin token", str(node.data / TOKEN_FILE)),
            ]
        )
    out.line("MQTT broker", style="bold")
    out.pairs([(f"{pair.broker.kind.value:<12}", pair.broker.url)])
    out.line("Data and logs", style="bold")
    out.line(f"  {directory}", whole=True)
    if certificates is not None:
        _tell_trust(out, certificates)
    if connection is not None:
        out.line()
        tell_connection(out, connection)
    out.line()
    out.line("Try it, in another terminal:")
    for line in _to_try(directory, pair, certificates, connection):
        out.line(f"  {line}", whole=True)
    out.line()
    out.line("Ready. Ctrl-C stops it.")
    out.line("The next start goes on with the same data; --reset begins anew.")


def _tell_trust(out: Output, certificates: PairCertificates) -> None:
    """What makes clients trust the pair's authority, to paste into the shell that starts them."""
    file = _quoted(certificates.ca_file)
    out.line("Trust its certificates", style="bold")
    out.line(
        f"  They are of a throw-away authority and good until {certificates.expires_at:%Y-%m-%d}. In the shell of a"
    )
    out.line("  client (it then trusts this authority instead of the system's; Node.js: beside them):")
    for variables, of in (
        (f"SSL_CERT_FILE={file}", "Python's ssl, httpx, aiohttp, Go, OpenSSL"),
        (f"REQUESTS_CA_BUNDLE={file}", "requests, and with it pysnc and pysnow"),
        (f"NODE_EXTRA_CA_CERTS={file}", "Node.js"),
    ):
        out.line(f"  export {variables}  # {of}", whole=True)


def _to_try(
    directory: Path, pair: LocalPair, certificates: PairCertificates | None, connection: dict[str, Any] | None
) -> list[str]:
    """Commands to paste."""
    first, last = pair.nodes[0], pair.nodes[-1]
    token = f"$(cat {_quoted(first.data / TOKEN_FILE)})"
    admin = f"admin:$(cat {_quoted(first.data / PASSWORD_FILE)})"
    records = "api/now/table/incident?sysparm_limit=3"
    trusted = f"--cacert {_quoted(certificates.ca_file)} " if certificates is not None else ""
    elsewhere = "" if directory == pair_directory(os.environ) else f"HANDCLASP_PAIR={_quoted(directory)} "
    mine = f"{elsewhere}{program()}"
    if connection is not None:
        acts = [f"{mine} connections show --node {first.name} {connection['name']}"]
    elif len(pair.nodes) > 1:
        ends = f"--to {last.instance_url} --local {first.name} --remote {last.name}"
        acts = [
            f"{mine} connections initiate --node {first.name} {ends}",
            f"{mine} connections accept --node {last.name}",
        ]
    else:
        acts = []
    return [
        *acts,
        f"{mine} watch",
        f"{mine} pair status",
        f"mosquitto_sub -h 127.0.0.1 -p {pair.broker.port} -t 'handclasp/#' -v",
        f'curl {trusted}-H "Authorization: Bearer {token}" {first.node_url}/api/v1/connections',
        f'curl {trusted}-u "{admin}" "{first.instance_url}/{records}"',
    ]


def tell_connection(out: Output, connection: dict[str, Any]) -> None:
    """How the connection of the first two nodes stands."""
    from protocol.records import Status  # noqa: PLC0415 - what it loads, a start need not wait for

    name, shown = connection["name"], words.status(connection)
    if connection["status"] == Status.ACTIVE:
        out.line(f'Connected: "{name}" is {shown} on both sides.', style=STYLES[Status.ACTIVE])
    else:
        out.line(
            f'Connected, but "{name}" is {shown.lower()}: whoever switched it off can activate it.', style="yellow"
        )


def _quoted(path: Path) -> str:
    import shlex  # noqa: PLC0415 - for people only

    return shlex.quote(str(path))


@pair_app.command()
def status(*, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Tell how the pair is: each node, its connections, the broker.

    \b
    Example:
      handclasp pair status --json

    Next: `handclasp connections list --node a` tells about each connection. Exit code 1 when the pair, or a part of
    it, does not run.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    directory = _directory(data)
    state, pid = _loaded(directory), running_pid(directory)
    out = Output(as_json=as_json)
    if state is None:
        raise CommandError(
            f"There is no pair in {directory}.", "Start one with `handclasp pair`.", exit_code=EXIT_REFUSED
        )
    nodes, broker = nodes_and_broker(directory, state, pid)
    out.document({"running": pid is not None, "pid": pid, "data": str(directory), "nodes": nodes, "broker": broker})
    out.line(f"The pair in {directory} {f'runs (process {pid})' if pid else 'does not run'}.")
    out.table(
        ("NODE", "STATE", "NODE URL", "INSTANCE URL", "CONNECTIONS"),
        [
            (
                (node["name"], "bold"),
                (node["state"].replace("-", " "), STATE_STYLES[ChildState(node["state"])]),
                (node["node_url"], ""),
                (node["instance_url"], ""),
                (", ".join(f"{number} {word}" for word, number in node["connections"].items()) or "–", ""),
            )
            for node in nodes
        ],
    )
    out.line(f"broker {broker['kind']} at {broker['url']}: {broker['state'].replace('-', ' ')}")
    for one in (*nodes, broker):
        if one["said"]:
            out.line(one["said"], style="yellow")
    if any(one["state"] != ChildState.RUNNING for one in (*nodes, broker)):
        raise typer.Exit(EXIT_REFUSED)


def _loaded(directory: Path) -> PairState | None:
    try:
        return load(directory)
    except PairStateError as error:
        raise CommandError(str(error)) from error


@pair_app.command()
def stop(*, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Stop the pair that runs.

    It returns when all of its processes have ended. The pair's data stay, so `handclasp pair` goes on with them.

    \b
    Example:
      handclasp pair stop

    Next: `handclasp pair` starts it again; with --reset it begins anew.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    directory = _directory(data)
    pid = running_pid(directory)
    out = Output(as_json=as_json)
    if pid is None:
        raise CommandError(f"No pair runs in {directory}.", "`handclasp pair` starts it.", exit_code=EXIT_REFUSED)
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S_MAX
    while running_pid(directory) == pid:
        if time.monotonic() > deadline:
            raise CommandError(
                f"The pair (process {pid}) has not ended within {STOP_S_MAX:.0f} s.", exit_code=EXIT_REFUSED
            )
        time.sleep(POLL_S)  # noqa: TID251 - a real process is waited for
    out.document({"stopped": True, "pid": pid})
    out.line(f"The pair (process {pid}) has ended.")
