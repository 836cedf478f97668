"""`handclasp` as people run it: a process with arguments, an environment of its own, and its three streams."""

from __future__ import annotations

import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import chdir, closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from tests.node.process_state import process_state_kept

ROOT = Path(__file__).parents[2]
RUN_S_MAX = 60
Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which is one JSON document and nothing else."""
        return json.loads(self.out)

    def succeeded(self) -> Result:
        """The same; the test fails unless the command did what was asked and complained of nothing."""
        assert (self.code, self.err) == (0, ""), self
        return self

    def refused(self, code: int) -> str:
        """The sentence of an error; the test fails unless it is one, told once, and nothing else was said."""
        assert "Traceback" not in self.err + self.out, self
        assert self.code == code, self
        lines = self.err.splitlines()
        assert 1 <= len(lines) <= 2, "one sentence, and one line of remedy"
        assert lines[0].startswith("Error: ")
        for line in lines:
            assert line[-1] in ".!?", f"not a sentence: {line}"
        sentence = lines[0].removeprefix("Error: ")
        assert not re.search(r"[a-z)][.!?] [A-Z]", sentence), f"more than one sentence: {sentence}"
        assert self.out == ""
        return self.err


@dataclass(frozen=True)
class CommandLine:
    """Where commands are run: a home directory in which nothing else is."""

    home: Path

    def environment(self, **variables: str) -> dict[str, str]:
        """The test's own, without what would choose a node, and with these variables."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HANDCLASP_")}
        chosen = {"HOME": str(self.home), "XDG_DATA_HOME": str(self.home / "share"), "PYTHONPATH": str(ROOT)}
        return inherited | chosen | variables

    def here(self, *arguments: object, stdin: str | bytes = "", **variables: str) -> Result:
        """The same in this process, many times faster: for what a process of its own adds nothing to.

        Each command has a test that runs it as a process, for its streams, its signals and its exit code.
        """
        from node.cli.main import main

        text = stdin.encode() if isinstance(stdin, str) else stdin
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, self.environment(**variables), clear=True),
            mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(text))),
            redirect_stdout(out),
            redirect_stderr(err),
            chdir(self.home),
            process_state_kept(),
        ):
            code = main([str(one) for one in arguments])
        return Result(code, out.getvalue(), err.getvalue())

    def __call__(self, *arguments: object, stdin: str | bytes = "", **variables: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "node", *map(str, arguments)],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            env=self.environment(**variables),
            cwd=self.home,
            timeout=RUN_S_MAX,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def code_in(text: str) -> str:
    """The invitation code that stands on a line of its own."""
    found = [line for line in text.splitlines() if re.fullmatch(r"handclasp_[a-z2-7]{200,}", line)]
    assert len(found) == 1, text
    return found[0]


def rows_of(database: Path) -> Rows:
    """All rows of a node's database, table by table."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as link:
        return _rows(link)


class RowsKept:
    """The same, asked again and again: they are read anew only where somebody has committed since."""

    def __init__(self, database: Path) -> None:
        self._link = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        self._version: int | None = None
        self._rows: Rows = {}

    def now(self) -> Rows:
        # counted for this link, and again by each commit of any other
        (version,) = self._link.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version, self._rows = version, _rows(self._link)
        return self._rows

    def close(self) -> None:
        self._link.close()


def _rows(link: sqlite3.Connection) -> Rows:
    tables = [name for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: link.execute(f'SELECT * FROM "{name}"').fetchall() for name in sorted(tables)}  # noqa: S608


def contents_of(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, but for what SQLite and the lock keep for themselves."""
    own = {"node.lock", "node.db-wal", "node.db-shm"}
    files = [path for path in directory.rglob("*") if path.is_file() and path.name not in own]
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}
