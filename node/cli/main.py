"""The command `handclasp`: start here. A node's start is timed, so it goes past everything that it doesn't need."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from node.cli.failures import EXIT_INTERRUPTED, EXIT_PIPE_CLOSED, explain
from node.out_of_space import is_out_of_space

if TYPE_CHECKING:
    from collections.abc import Sequence

DEBUG = "--debug"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Errors are told on standard error, never as a traceback unless asked for.

    Args:
        arguments: what follows the program's name; none: the process's own.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = given[:1] == [DEBUG]
    if debug:
        given = given[1:]
    try:
        code = _run(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _flush_into_nothing()
        return EXIT_PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - a person sees one sentence, whatever it was
        if debug:
            import traceback  # noqa: PLC0415 - hardly ever needed

            traceback.print_exc()
        if is_out_of_space(error):
            _flush_into_nothing()
        failure = explain(error)
        sys.stderr.write(failure.lines())
        return failure.exit_code
    return code


def _flush_into_nothing() -> None:
    """Python flushes standard output once more when it ends, which must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(given: list[str]) -> int:
    if given[:1] == ["node"]:
        from node.cli.node_command import plain_flags, run  # noqa: PLC0415 - only this command's

        plain = plain_flags(given[1:])
        if plain is not None:
            flags, as_json = plain
            run(flags, as_json=as_json)
            return 0
    from node.cli.root import run_root  # noqa: PLC0415 - typer is not needed by a node that starts

    return run_root(given)
