"""The options that every command has which talks to a node."""

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from node.cli.output import Output
from node.cli.places import Choice, find_place

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]

_NODE = typer.Option(
    metavar="NAME", help="That node of the running pair, such as a or b. [env: HANDCLASP_NODE]", show_default=False
)
_DATA = typer.Option(
    metavar="DIRECTORY", help="The node that runs on this data directory. [env: HANDCLASP_DATA]", show_default=False
)
_URL = typer.Option(metavar="URL", help="The node at this node URL; needs its token.", show_default=False)
_TOKEN_FILE = typer.Option(
    metavar="FILE",
    help="With --url: the file that holds the node's admin token. [env: HANDCLASP_TOKEN: the token itself]",
    show_default=False,
)

_COMMON: dict[str, Any] = {
    "node": Annotated[str | None, _NODE],
    "data": Annotated[Path | None, _DATA],
    "url": Annotated[str | None, _URL],
    "token_file": Annotated[Path | None, _TOKEN_FILE],
}


def with_node(command: Callable[..., Any]) -> Callable[..., None]:
    """Give a command the options by which it finds its node, and `--json`.

    Args:
        command: its first parameters are `connect`, which makes an AdminClient when it is called, so that wrong
            usage is told before anybody looks for a node, and `out`, an Output; the others are its own options.
    """
    own = list(inspect.signature(command).parameters.values())[2:]
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in _COMMON.items()
    ]
    as_json = inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=JsonOption)
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own] + [*common, as_json]

    def run(**values: Any) -> None:
        choice = Choice(**{name: values.pop(name) for name in _COMMON})

        def connect() -> Any:
            from node.cli.client import AdminClient  # noqa: PLC0415 - wrong usage needs no http

            return AdminClient(find_place(choice, os.environ))

        command(connect, Output(as_json=values.pop("as_json")), **values)

    run.__name__ = command.__name__
    run.__doc__ = command.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run
