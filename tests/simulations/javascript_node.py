"""The second implementation, docs/examples/javascript, as a process whose admin types lines."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from node.free_ports import free_ports
from protocol.tables import Act
from simulations.conform.bench import NotDrivenError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "examples" / "javascript"
LINE_BYTES_MAX = 1 << 20


class JavaScriptNode:
    """A running one; it is a `Driver` of conformance runs too."""

    def __init__(self, url: str, process: asyncio.subprocess.Process) -> None:
        self.url = url
        self._process = process

    async def typed(self, line: str) -> Any:
        """What is answered to a line that its admin types."""
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()
        answer = json.loads(await self._process.stdout.readline())
        if isinstance(answer, dict) and "refused" in answer:
            raise NotDrivenError(answer["refused"])
        return answer

    async def initiate(self, *, name, to, ask_me, lifetime_s) -> str:
        line = f"initiate {name.replace(' ', '_')} {to or '-'} {'ask' if ask_me else '-'} {lifetime_s or 604_800}"
        return (await self.typed(line))["code"]

    async def accept(self, code) -> None:
        await self.typed(f"accept {code}")

    async def decline(self, code) -> None:
        await self.typed(f"decline {code}")

    async def act(self, connection, act) -> None:
        await self.typed(f"{'decline-announced' if act is Act.DECLINE else act} {connection.hex()}")

    async def outcome_of(self, text) -> str:
        try:
            await self.accept(text)
        except NotDrivenError as error:
            return str(error)
        return "taken"


@contextlib.asynccontextmanager
async def javascript_node(program: str, data: Path) -> AsyncIterator[JavaScriptNode]:
    """One that listens at a free port, until the context ends."""
    (port,) = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        program, FOLDER / "node.mjs", "--port", str(port), "--data", data,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_BYTES_MAX,
    )  # fmt: skip
    try:
        url = json.loads(await process.stdout.readline())["url"]
        yield JavaScriptNode(url, process)
    finally:
        process.stdin.close()
        await process.wait()
