"""Where a command takes an invitation code from: standard input, a file, or a paste; never its arguments.

The secret part of a code may stand in no list of processes and in no shell's history.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from node.cli.failures import CommandError
from protocol.code_format import PREFIX
from protocol.errors import CodeError
from protocol.invitation import read_code
from protocol.limits import PASTED_CHARACTERS_MAX

if TYPE_CHECKING:
    from pathlib import Path

STANDARD_INPUT = "-"


def read_code_text(argument: str | None, file: Path | None, *, command: str) -> str:
    """The text that holds a code; it may be a whole e-mail.

    Args:
        argument: what stands in the place of the code: nothing, or `-` for standard input.
        file: a file to read it from; `-` is standard input.
        command: how the command is called, for the sentences.

    Raises:
        CommandError: the code itself was given as an argument, or no text can be had.
    """
    if argument not in (None, STANDARD_INPUT):
        raise CommandError(
            "An invitation code is not taken from the command line: every user of this machine can read it in "
            "the list of processes, and the shell keeps it in its history.",
            f"Run `{command}` alone and paste it, or give a file: `{command} --file FILE`; `-` reads standard input.",
        )
    if argument is not None and file is not None:
        raise CommandError("The code is to come from standard input and from a file.", "Give one of them.")
    if file is not None and str(file) != STANDARD_INPUT:
        text = _from_file(file)
    elif argument is None and file is None and sys.stdin.isatty():
        text = _pasted()
    else:
        text = _decoded(sys.stdin.buffer.read(PASTED_CHARACTERS_MAX * 4 + 1))
    if not text.strip():
        raise CommandError(
            "There is no invitation code: the input is empty.", "Paste the code, or give a file with --file."
        )
    if len(text) > PASTED_CHARACTERS_MAX:
        raise CommandError(
            f"The input is longer than {PASTED_CHARACTERS_MAX} characters, far longer than any e-mail.",
            "Give the code alone.",
        )
    return text


def _from_file(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return _decoded(stream.read(PASTED_CHARACTERS_MAX * 4 + 1))
    except OSError as error:
        raise CommandError(
            f"{file} can't be read ({error.strerror}).", "Name the file that holds the invitation code."
        ) from None


def _decoded(data: bytes) -> str:
    return data.decode("utf-8-sig", errors="replace")


def _pasted() -> str:
    sys.stderr.write("Paste the invitation code, or the whole e-mail with it, and press Enter twice:\n")
    sys.stderr.flush()
    text = ""
    for line in sys.stdin:
        text += line
        if PREFIX in text.lower() and (not line.strip() or _is_whole(text)):
            break
    return text


def _is_whole(text: str) -> bool:
    try:
        read_code(text)
    except CodeError:
        return False
    return True
