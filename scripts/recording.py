"""Record a real run of the demo as the README's picture: an SVG whose lines appear when they were printed.

    python -m scripts.recording [--output docs/demo.svg] [--columns 100]

The demo runs on a pseudo-terminal, so it prints what a person would see. Nothing is drawn that it did not print.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROWS = 50
FONTS = "DejaVu Sans Mono, Menlo, Consolas, Liberation Mono"
CHUNK_BYTES = 65_536
HOLD_S = 8.0
"""How long the finished picture stands before it begins again."""

THEME = TerminalTheme(
    (250, 250, 248),
    (40, 44, 52),
    [
        (60, 64, 72),
        (190, 40, 50),
        (30, 120, 60),
        (150, 100, 0),
        (30, 90, 180),
        (140, 50, 140),
        (0, 115, 130),
        (110, 114, 122),
    ],
    [
        (90, 94, 102),
        (210, 50, 60),
        (35, 135, 70),
        (170, 115, 0),
        (40, 100, 200),
        (160, 60, 160),
        (0, 130, 145),
        (40, 44, 52),
    ],
)


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line and when it was complete, in seconds after the start."""

    text: str
    at_s: float


def record(command: list[str], columns: int) -> list[Line]:
    """Run a command on a pseudo-terminal; its lines.

    Raises:
        SystemExit: the command failed.
    """
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": str(columns)},
    )
    os.close(theirs)
    lines, rest = [], b""
    while True:
        try:
            chunk = os.read(ours, CHUNK_BYTES)
        except OSError:  # Linux's way to say that the other end is closed
            break
        if not chunk:
            break
        *complete, rest = (rest + chunk).split(b"\n")
        lines += [Line(part.decode().rstrip("\r"), time.monotonic() - began) for part in complete]
    os.close(ours)
    if process.wait() != 0:
        sys.exit(f"The demo ended with exit code {process.returncode}, so there is nothing to show.")
    return lines


def draw(lines: list[Line], *, columns: int, title: str) -> str:
    """The SVG of those lines."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=columns, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi("\n".join(line.text for line in lines)))
    svg = console.export_svg(title=title, theme=THEME, unique_id="demo")
    return _animated(svg, lines)


def _animated(svg: str, lines: list[Line]) -> str:
    """Let each line appear at its time; where people ask for less motion, all stand there at once."""
    total_s = lines[-1].at_s + HOLD_S
    names = "\n".join(
        f"@keyframes line{number} {{ 0% {{ opacity: 0 }} {line.at_s / total_s:.2%} {{ opacity: 1 }} }}"
        for number, line in enumerate(lines)
    )
    rules = "\n".join(
        f".line{number} {{ animation: line{number} {total_s:.1f}s step-end infinite }}" for number in range(len(lines))
    )
    style = f"{names}\n@media (prefers-reduced-motion: no-preference) {{\n{rules}\n}}\n</style>"
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # it would be fetched from elsewhere
    svg = svg.replace("Fira Code", FONTS).replace("</style>", style, 1)
    return re.sub(
        r'<text class="([^"]*)"(.*?)clip-path="url\(#demo-line-(\d+)\)"',
        r'<text class="\1 line\3"\2clip-path="url(#demo-line-\3)"',
        svg,
    )


def main() -> None:
    """Record and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=Path("docs/demo.svg"))
    parser.add_argument("--columns", type=int, default=100)
    wanted = parser.parse_args()
    lines = record([str(Path(sys.executable).with_name("handclasp")), "demo"], wanted.columns)
    wanted.output.parent.mkdir(parents=True, exist_ok=True)
    wanted.output.write_text(draw(lines, columns=wanted.columns, title="make demo") + "\n", encoding="utf-8")
    print(f"{wanted.output}: {len(lines)} lines in {lines[-1].at_s:.1f} s")


if __name__ == "__main__":
    main()
