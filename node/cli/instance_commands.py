"""`handclasp instance`: what one does with a node's instance from outside."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from node.cli.connections_app import TeachingGroup
from node.cli.directories import find_directory
from node.cli.options import JsonOption, with_node
from node.cli.output import Output
from node.cli.program_commands import PROGRAM_COMMANDS
from node.data_directory import DataDirectory
from node.private_files import for_the_owner_alone
from node.real_ports import SystemClock, SystemEntropy

if TYPE_CHECKING:
    from node.instance.loading import Loaded

INCIDENTS_MAX: Final = 5_000_000
SEED_MAX: Final = 10**18 - 1

instance_app = typer.Typer(
    cls=TeachingGroup,
    help="""Work on the instance of a node: the ServiceNow-style tables behind its instance URL.

    `load` fills it while the node is stopped. `oauth-client` and `api-key` let programs into its REST APIs while the
    node runs; an admin lists and removes what they made as records of `oauth_entity` and `api_key`.
    """,
)


@instance_app.command("load")
def load(
    *,
    incidents: Annotated[
        int, typer.Option(metavar="COUNT", min=1, max=INCIDENTS_MAX, help="How many.", show_default=False)
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIRECTORY", help="The node's data directory. [env: HANDCLASP_DATA]", show_default=False
        ),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option(
            "--node",
            metavar="NAME",
            help="That node of the pair, such as a or b. [env: HANDCLASP_NODE]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(metavar="SEED", min=0, max=SEED_MAX, help="Which made-up company an empty instance gets first."),
    ] = 1,
    as_json: JsonOption = False,
) -> None:
    """Load a stopped node with incidents.

    They are of three years and of the instance's demo company, which an empty instance gets first. For every 50 of
    them there is one more user who calls; nobody can sign in as one. Nearly all are closed, as in a service desk of
    years. Numbers go on where the instance is. A million takes two to three minutes,
    half a GB of memory beside the mapped file, and 1.7 GB of disk.

    \b
    Example:
      handclasp instance load --incidents 1000000 --data ./a

    Next: start the node, and query `/api/now/table/incident` at its instance URL.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    directory = find_directory(data, node, os.environ)
    began_s = time.monotonic()
    with (
        for_the_owner_alone(),
        DataDirectory(directory, entropy=SystemEntropy()) as held,
        _bar(incidents) as progressed,
    ):
        found = asyncio.run(_load(held, incidents, seed, progressed))
    took_s = time.monotonic() - began_s
    out = Output(as_json=as_json)
    out.document(
        {
            "data": str(directory),
            "company": found.company,
            "incidents": found.incidents,
            "callers": found.callers,
            "first": found.first,
            "last": found.last,
            "took_s": round(took_s, 1),
        }
    )
    out.line(f"{found.incidents:,} incidents, {found.first} to {found.last}, are in {held.instance_database_path}.")
    out.line(f"With them came {found.callers:,} users who call. It took {took_s:.0f} s.")


async def _load(held: DataDirectory, count: int, seed: int, progressed: Callable[[int], None]) -> "Loaded":
    from node.instance.database import InstanceDatabase  # noqa: PLC0415 - wrong usage needs no database
    from node.instance.loading import load_incidents  # noqa: PLC0415 - likewise

    database = await asyncio.to_thread(InstanceDatabase, held.instance_database_path, node_database=None)
    try:
        now = datetime.fromtimestamp(SystemClock().now(), UTC)
        return await load_incidents(database, count=count, seed=seed, now=now, progressed=progressed)
    finally:
        await database.close()


@contextlib.contextmanager
def _bar(count: int) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal, on standard error so that --json stays one document; none where nobody sees it."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console  # noqa: PLC0415 - rich takes 0.1 s to load
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415 - likewise

    columns = (BarColumn(), MofNCompleteColumn(), "incidents", TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("load", total=count)
        yield lambda done: shown.update(task, completed=done)


for _name, _command in PROGRAM_COMMANDS.items():
    instance_app.command(_name)(with_node(_command))
