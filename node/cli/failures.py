"""What a command says when it can't do what was asked: one sentence, one line of remedy, an exit code.

0    done
1    a node refused or failed, though everything was typed right
2    wrong usage, input, settings or surroundings, whether the command or the node found it; nothing was changed
130  stopped with Ctrl-C
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from node.out_of_space import is_out_of_space
from node.version import VERSION

EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130
EXIT_PIPE_CLOSED: Final = 141
"""What a shell reports of a program whose reader went away (128 + SIGPIPE)."""

CHARACTERS_MAX: Final = 2000
"""The longest text of another program that is shown."""

SENTENCE_ERRORS: Final = frozenset(
    {
        ("node.settings", "SettingsError"),
        ("node.private_files", "DataDirectoryError"),
        ("node.license.keys", "LicenseKeyError"),
        ("node.store.database", "StoreError"),
        ("node.ports", "StoreFullError"),
        ("node.instance.demo_data.batches", "MakingFailedError"),
        ("node.backups.marking", "BackupError"),
        ("node.serve", "ListenError"),
        ("node.tls.certificate", "CertificateError"),
        ("node.brokers.children", "BrokerStartError"),
        ("protocol.errors", "ProtocolError"),
    }
)
"""Errors whose text is a sentence for people. They are named, since importing them all would take a second."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"])")


class CommandError(Exception):
    """A command can't do what was asked; nothing was changed.

    Attributes:
        sentence: what is wrong, and where.
        remedy: what to do about it; may be empty.
        exit_code: what the process ends with.
    """

    def __init__(self, sentence: str, remedy: str = "", *, exit_code: int = EXIT_USAGE) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.remedy = remedy
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it is told."""

    sentence: str
    remedy: str
    exit_code: int

    def lines(self) -> str:
        """What stands on standard error: one or two lines."""
        remedy = f"{visible(self.remedy)}\n" if self.remedy else ""
        return f"Error: {visible(self.sentence)}\n{remedy}"


def explain(error: BaseException) -> Failure:
    """Any error as one sentence and what to do."""
    if isinstance(error, CommandError):
        return Failure(*_parted(error.sentence, error.remedy), error.exit_code)
    if any((kind.__module__, kind.__name__) in SENTENCE_ERRORS for kind in type(error).__mro__):
        return Failure(*_parted(str(error), ""), EXIT_USAGE)
    if is_out_of_space(error):
        return Failure("No space is left where something was to be written.", "Make room there.", EXIT_USAGE)
    said = _said(error)
    return Failure(
        f"Something went wrong that Handclasp did not foresee ({said}).",
        "Run the same as `handclasp --debug …` to see where, and report that "
        f"with the version, {VERSION}; what a node logged stands on its standard error.",
        EXIT_REFUSED,
    )


def visible(text: str, *, characters_max: int = CHARACTERS_MAX) -> str:
    """A text as one line on which every character can be seen, of bounded length."""
    cut = text if len(text) <= characters_max else f"{text[:characters_max]}…"
    return "".join(one if one.isprintable() else " " if one in "\n\t" else "\ufffd" for one in cut)


def _parted(text: str, remedy: str) -> tuple[str, str]:
    """The first sentence of a text, and the rest of it as the remedy, unless a remedy is known."""
    first, *rest = _SENTENCE_END.split(text.strip(), maxsplit=1)
    if not first.endswith((".", "!", "?")):
        first += "."
    if rest and remedy:
        return f"{first[:-1]}: {rest[0]}", remedy
    return first, remedy or "".join(rest)


def _said(error: BaseException) -> str:
    from node.logs import redacted_text  # noqa: PLC0415 - structlog is not worth its time unless this is needed

    text = redacted_text(visible(str(error))).rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
