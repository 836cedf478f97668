"""Commands and files as the documents have them, and a pair to run them against."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]

INSTANCES = ("http://127.0.0.1:8001", "http://127.0.0.1:8002")
"""The instances of a pair, as the documents write them."""


def blocks_of(page: str) -> list[list[str]]:
    """The commands of a document, block by block."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [block.strip().splitlines() for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL)]


def files_of(page: str) -> dict[str, str]:
    """The files that a document shows, by the names that its comments give them."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return dict(re.findall(r"<!-- file: (\S+) -->\n+```\w+\n(.*?)```", text, re.DOTALL))


def run(command: str, environment: dict[str, str], *, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a line as a shell does."""
    return subprocess.run(
        ["bash", "-c", command], env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def clean_environment(folder: Path) -> dict[str, str]:
    """What a new user's shell has, with a pair's data in that folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HANDCLASP_")}
    for inherited in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "ARGS"):
        clean.pop(inherited, None)  # of the make that runs this test
    return clean | {"HANDCLASP_PAIR": str(folder / "pair")}


@contextmanager
def kept_pair(environment: dict[str, str], lock_folder: Path) -> Iterator[dict[str, str]]:
    """`make pair`, as the documents start it; the instance URLs that it says, by those of `INSTANCES`."""
    with (lock_folder / "usual-ports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(
            ["make", "pair"], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        try:
            assert process.stdout is not None
            banner = ""
            while "Ready. Ctrl-C stops it" not in banner:
                line = process.stdout.readline()
                assert line, banner
                banner += line
            urls = re.findall(r"instance URL\s+(\S+)", banner)
            places = re.findall(r"records\s+(\S+/console/records)\n", banner)
            assert len(places) == len(urls), "a newcomer is told where an instance's records are looked at"
            yield dict(zip(INSTANCES, urls, strict=True))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.wait(30)
            process.stdout.close()
