"""Measure an instance with many records beside one with few: loading, searching, inserting, memory.

    python -m benchmarks.instance [--incidents 1000000] [--few 10000] [--inserts 10000] [--at-once 8] [--json]

Both are real node processes on the same machine in the same run, asked over HTTP as clients ask. A search is a query
that an index serves, with its total and a page of 100 whole records, timed until its last byte is here; what a client
then makes of the bytes is its own time. It is asked by an admin, by somebody who works on incidents (`itil`), and by
somebody without a role who has called about some hundred.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiohttp
import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MIB: Final = 1024 * 1024
READY_S_MAX: Final = 30.0
ROUNDS: Final = 30
ITIL: Final = "itil"
NOBODY: Final = "a user without roles"
OWN: Final = (100, 500)
"""About how many incidents that user has called, at least and at most."""
PAGE: Final = 100

QUERIES: Final = {
    "on hold, newest first": "state=3^ORDERBYDESCsys_created_on",
    "open and critical": "active=true^priority=1",
    "of one group, in progress": "state=2^assignment_group={group}",
    "of one person": "assigned_to={person}^ORDERBYDESCsys_updated_on",
    "one number": "number={number}",
    "a caller's": "caller_id={caller}^ORDERBYDESCopened_at",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What a user is answered: medians, and how many records each query finds."""

    search_ms: dict[str, float]
    totals: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one instance does. Times are medians.

    Attributes:
        search_ms, totals: as an admin is answered.
        others: as those are who are no admins.
    """

    incidents: int
    load_s: float
    search_ms: dict[str, float]
    totals: dict[str, int]
    others: dict[str, Searched]
    inserts_per_s: float
    cpu_ms_insert: float
    memory_mib: float


def measured(incidents: int, inserts: int, at_once: int) -> Figures:
    """Load an instance, start its node, and ask it."""
    with tempfile.TemporaryDirectory(prefix="handclasp-instance-") as folder:
        data = Path(folder) / "data"
        with _node(data):
            pass  # its first start makes its directory
        began = time.perf_counter()
        _handclasp("instance", "load", "--data", str(data), "--incidents", str(incidents), "--json")
        load_s = time.perf_counter() - began
        with _node(data) as (process, url):
            return asyncio.run(_ask(process, url, data, incidents, load_s, inserts, at_once))


async def _ask(
    process: psutil.Process, url: str, data: Path, incidents: int, load_s: float, inserts: int, at_once: int
) -> Figures:
    password = (data / "admin.password").read_text().strip()
    headers = {"Authorization": aiohttp.encode_basic_auth("admin", password)}
    async with aiohttp.ClientSession(url, headers=headers) as http:
        some = await _get(http, "incident", "assigned_toISNOTEMPTY^assignment_groupISNOTEMPTY", 1)
        names = {
            "group": some[0][0]["assignment_group"],
            "person": some[0][0]["assigned_to"],
            "caller": some[0][0]["caller_id"],
            "number": some[0][0]["number"],
        }
        found = await _search(http, names)
        others = {
            ITIL: await _search_as(http, url, names["person"], names),
            NOBODY: await _search_as(http, url, *await _caller(http)),
        }
        if others[ITIL].totals != found.totals:
            raise SystemExit(f"Who works on incidents finds {others[ITIL].totals}, an admin {found.totals}.")
        memory_mib = process.memory_info().rss / MIB
        before = process.cpu_times()
        rate = await _insert(http, inserts, at_once, names["caller"])
        after = process.cpu_times()
    return Figures(
        incidents=incidents,
        load_s=load_s,
        search_ms=found.search_ms,
        totals=found.totals,
        others=others,
        inserts_per_s=rate,
        cpu_ms_insert=(after.user + after.system - before.user - before.system) * 1000 / inserts,
        memory_mib=memory_mib,
    )


async def _search(http: aiohttp.ClientSession, names: dict[str, str]) -> Searched:
    search_ms, totals = {}, {}
    for name, pattern in QUERIES.items():
        query = pattern.format(**names)
        took = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            _, totals[name] = await _page(http, "incident", query, PAGE)
            took.append((time.perf_counter() - began) * 1000)
        search_ms[name] = statistics.median(took)
    return Searched(search_ms=search_ms, totals=totals)


async def _search_as(admin: aiohttp.ClientSession, url: str, user: str, names: dict[str, str]) -> Searched:
    password = secrets.token_urlsafe()
    async with admin.patch(f"/api/now/table/sys_user/{user}", json={"user_password": password}) as answer:
        answer.raise_for_status()
        user_name = (await answer.json())["result"]["user_name"]
    headers = {"Authorization": aiohttp.encode_basic_auth(user_name, password)}
    async with aiohttp.ClientSession(url, headers=headers) as http:
        return await _search(http, names)


async def _caller(admin: aiohttp.ClientSession) -> tuple[str, dict[str, str]]:
    """Somebody who has called about some hundred incidents, and what stands in one of them."""
    few, many = OWN
    parameters = {
        "sysparm_count": "true",
        "sysparm_group_by": "caller_id",
        "sysparm_having": f"count^sys_id^>^{few},count^sys_id^<^{many}",
    }
    async with admin.get("/api/now/stats/incident", params=parameters) as answer:
        answer.raise_for_status()
        caller = (await answer.json())["result"][0]["groupby_fields"][0]["value"]
    query = f"caller_id={caller}^assigned_toISNOTEMPTY^assignment_groupISNOTEMPTY"
    ((own, *_), _) = await _get(admin, "incident", query, 1)
    return caller, {
        "group": own["assignment_group"],
        "person": own["assigned_to"],
        "caller": caller,
        "number": own["number"],
    }


async def _get(http: aiohttp.ClientSession, table: str, query: str, limit: int) -> tuple[list[dict[str, str]], int]:
    body, total = await _page(http, table, query, limit)
    return json.loads(body)["result"], total


async def _page(http: aiohttp.ClientSession, table: str, query: str, limit: int) -> tuple[bytes, int]:
    parameters = {
        "sysparm_query": query,
        "sysparm_limit": str(limit),
        "sysparm_exclude_reference_link": "true",
    }
    async with http.get(f"/api/now/table/{table}", params=parameters) as answer:
        answer.raise_for_status()
        return await answer.read(), int(answer.headers["X-Total-Count"])


async def _insert(http: aiohttp.ClientSession, inserts: int, at_once: int, caller: str) -> float:
    numbers = iter(range(inserts))

    async def client() -> None:
        for number in numbers:
            record = {"short_description": f"Printer {number} is out of paper", "caller_id": caller, "urgency": "2"}
            async with http.post("/api/now/table/incident", json=record) as answer:
                answer.raise_for_status()
                await answer.read()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as clients:
        for _ in range(at_once):
            clients.create_task(client())
    return inserts / (time.perf_counter() - began)


@contextmanager
def _node(data: Path) -> Iterator[tuple[psutil.Process, str]]:
    command = [sys.executable, "-m", "node", "node", "--data", str(data), "--listen", "127.0.0.1:0"]
    command += ["--instance-listen", "127.0.0.1:0", "--broker", "none"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            yield psutil.Process(running.pid), _instance_url(data / "node.run")
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait()


def _instance_url(file: Path) -> str:
    deadline = time.monotonic() + READY_S_MAX
    while not file.exists():
        if time.monotonic() > deadline:
            raise SystemExit("The node did not start.")
        time.sleep(0.05)
    return str(json.loads(file.read_text())["instance_url"])


def _handclasp(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "node", *arguments], check=True, stdout=subprocess.DEVNULL, env={**os.environ}
    )


def _shown(few: Figures, many: Figures) -> Iterator[str]:
    yield f"{'':28}{few.incidents:>14,}{many.incidents:>14,}   incidents"
    yield f"{'load':28}{few.load_s:>14.1f}{many.load_s:>14.1f}   s"
    for name, ms in many.search_ms.items():
        yield f"{name:28}{few.search_ms[name]:>14.1f}{ms:>14.1f}   ms for 100 of {many.totals[name]:,}"
    medians = [statistics.median(one.search_ms.values()) for one in (few, many)]
    yield f"{'search, median of these':28}{medians[0]:>14.1f}{medians[1]:>14.1f}   ms"
    for user in many.others:
        for name, ms in many.others[user].search_ms.items():
            of = many.others[user].totals[name]
            yield f"{name:28}{few.others[user].search_ms[name]:>14.1f}{ms:>14.1f}   ms for {user}, of {of:,}"
        both = [statistics.median(one.others[user].search_ms.values()) for one in (few, many)]
        yield f"{'search, median of these':28}{both[0]:>14.1f}{both[1]:>14.1f}   ms for {user}"
    yield f"{'inserts':28}{few.inserts_per_s:>14.0f}{many.inserts_per_s:>14.0f}   a second"
    yield f"{'CPU of an insert':28}{few.cpu_ms_insert:>14.2f}{many.cpu_ms_insert:>14.2f}   ms"
    yield f"{'resident memory':28}{few.memory_mib:>14.1f}{many.memory_mib:>14.1f}   MiB"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--incidents", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--inserts", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    few = measured(given.few, given.inserts, given.at_once)
    many = measured(given.incidents, given.inserts, given.at_once)
    if given.json:
        print(json.dumps({"few": asdict(few), "many": asdict(many)}))
    else:
        print("\n".join(_shown(few, many)))


if __name__ == "__main__":
    main()
