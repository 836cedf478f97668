"""Two instances: one with records that some user may not read, and one in which these do not exist.

What a user may read is said here once more, record by record, in plain Python: by it the second instance is made.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.node.instance.rest_world import RestWorld, viewer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Container, Iterable, Mapping
    from pathlib import Path

    from node.instance.viewer import Viewer

Row = dict[str, Any]

ME = viewer("me").sys_id
OTHER = viewer("other").sys_id
THIRD = viewer("third").sys_id
PEOPLE = (ME, OTHER, THIRD)
AT = ("2026-01-02 03:04:05", "2026-05-06 07:08:09", "2026-09-10 11:12:13")
CONTACT = (
    "email",
    "phone",
    "mobile_phone",
    "home_phone",
    "street",
    "city",
    "zip",
    "country",
    "employee_number",
    "gender",
)
"""Of a user, for those with itil alone; with `state`."""

HANGING = {"sys_attachment": ("table_name", "table_sys_id"), "sys_journal_field": ("name", "element_id")}
"""What is seen by whoever sees its record: by which fields it names that one."""

WORDS = ("Laptop", "lapdog", "VPN%", "Ünder_score", "secret plan")


def records() -> Iterable[tuple[str, Row]]:
    """What the first instance holds: in every table something for each user, and something for none."""
    for n, (sys_id, name) in enumerate(zip(PEOPLE, ("me", "other", "third"), strict=True)):
        yield "sys_user", {
            "sys_id": sys_id, "user_name": name, "name": name.title(), "active": 1, "title": WORDS[n],
            "email": f"{name}@example.com", "phone": f"+49 {n}", "city": WORDS[n], "state": WORDS[n], "locked_out": n % 2,
            "failed_attempts": n, "user_password": "$argon2id$x", "department": _id("d", n % 2), "manager": PEOPLE[(n + 1) % 3],
        }  # fmt: skip
    for n in range(2):
        yield "cmn_department", {"sys_id": _id("d", n), "name": WORDS[n], "dept_head": PEOPLE[n]}
        yield "cmn_location", {"sys_id": _id("e", n), "name": WORDS[n + 1], "contact": PEOPLE[n + 1]}
        yield "sys_user_group", {"sys_id": _id("g", n), "name": WORDS[n], "manager": PEOPLE[n], "active": 1}
        yield "oauth_entity", {"sys_id": _id("c", n), "name": WORDS[n], "client_id": WORDS[n], "user": PEOPLE[n]}
        yield "api_key", {"sys_id": _id("k", n), "name": WORDS[n], "user": PEOPLE[n], "active": 1}
        yield "syslog", {"sys_id": _id("5", n), "message": WORDS[n], "level": n}
        yield "sys_script", {"sys_id": _id("6", n), "sys_class_name": "sys_script", "name": WORDS[n]}
        yield "cmdb_ci_server", {
            "sys_id": _id("7", n), "sys_class_name": "cmdb_ci_server", "name": WORDS[n], "assigned_to": PEOPLE[n],
        }  # fmt: skip
        yield "alm_asset", {
            "sys_id": _id("8", n), "sys_class_name": "alm_asset", "display_name": WORDS[n], "ci": _id("7", n), "cost": n * 1.5,
        }  # fmt: skip
    for n, user in enumerate(PEOPLE):
        yield "sys_user_grmember", {"sys_id": _id("9", n), "user": user, "group": _id("g", n % 2)}
        yield "sys_user_has_role", {"sys_id": _id("a", n), "user": user, "role": "2831a114c611228501d4ea6c309d626d"}
    yield from _tasks()
    for n, (table, sys_id) in enumerate(
        (*((name, _id(mark, n)) for name, mark in _HOLDING for n in range(2)), *_STRANGE)
    ):
        yield "sys_attachment", {
            "sys_id": _id("f0", f"{n:02}"), "table_name": table, "table_sys_id": sys_id, "file_name": WORDS[n % 5],
        }  # fmt: skip
        yield "sys_journal_field", {
            "sys_id": _id("b9", f"{n:02}"), "name": table, "element": "comments", "element_id": sys_id,
            "value": WORDS[n % 5], "sys_created_on": AT[n % 3],
        }  # fmt: skip


_HOLDING = (
    ("cmn_department", "d"), ("cmn_location", "e"), ("sys_user_group", "g"), ("oauth_entity", "c"), ("syslog", "5"),
    ("cmdb_ci_server", "7"), ("alm_asset", "8"), ("sys_user_grmember", "9"), ("sys_user_has_role", "a"),
)  # fmt: skip
"""What has an attachment and an entry in a journal, besides tasks: tables, and how the sys_ids of their records begin."""

_STRANGE = tuple((table, "10".ljust(32, "0")) for table in ("oauth_entity", "cmdb_ci_server", "sys_user", "problem"))
"""What hangs on records of those tables that have the sys_id of an incident."""


def _tasks() -> Iterable[tuple[str, Row]]:
    for n in range(12):
        opened, called = PEOPLE[n % 3], PEOPLE[(n // 3) % 3]
        common = {
            "short_description": WORDS[n % 5], "opened_by": opened, "assigned_to": PEOPLE[(n + 1) % 3], "active": n % 2,
            "priority": n % 5 + 1, "sys_created_on": AT[n % 3], "opened_at": AT[(n + 1) % 3], "impact": n % 3 + 1,
            "assignment_group": _id("g", n % 2), "cmdb_ci": _id("7", n % 2), "location": _id("e", n % 2), "sys_mod_count": n,
            "work_notes_list": THIRD, "close_notes": WORDS[(n + 1) % 5],
        }  # fmt: skip
        to_others = {"parent_incident": _id(f"1{(n + 5) % 12:x}"), "rfc": _id(f"3{n % 4:x}")}
        watching = {"watch_list": f"{OTHER},{PEOPLE[n % 3]}"} if n % 4 == 0 else {}
        made = [
            (
                "incident",
                f"1{n:x}",
                {"caller_id": called, "problem_id": _id(f"2{n % 4:x}"), "state": n % 3 + 1, **watching, **to_others},
            ),
            *([("problem", f"2{n:x}", {"rfc": _id(f"3{n:x}"), "known_error": n % 2})] if n < 4 else []),
            *([("change_request", f"3{n:x}", {"requested_by": called, "risk": n % 3 + 2})] if n < 4 else []),
            *([("task", f"4{n:x}", {"parent": _id(f"1{n + 4:x}")})] if n < 4 else []),
        ]
        for table, mark, own in made:
            sys_id = _id(mark)
            number = f"{table[:3].upper()}{n:07}"
            yield table, {"sys_id": sys_id, "sys_class_name": table, "number": number, **common, **own}
            for m, element in enumerate(("comments", "work_notes")):
                yield "sys_journal_field", {
                    "sys_id": _id(f"b{m}{mark}"), "name": table, "element": element, "element_id": sys_id,
                    "value": WORDS[(n + m) % 5], "sys_created_on": AT[m], "sys_created_by": "other",
                }  # fmt: skip
            yield "sys_attachment", {
                "sys_id": _id(f"f{mark}"), "table_name": table, "table_sys_id": sys_id, "file_name": WORDS[n % 5],
                "size_bytes": n, "content_type": "text/plain",
            }  # fmt: skip


def _id(mark: str, n: int | str = "") -> str:
    return f"{mark}{n}".ljust(32, "0")


@dataclass(frozen=True)
class Asker:
    """A user who may not read everything.

    Attributes:
        sees: whether a record is there for the user, by table; a table that is not there: none of its records.
        blind_to: fields that are not, by physical table.
        wholly_seen: classes of which every record is.
    """

    viewer: Viewer
    sees: Mapping[str, Callable[[Row], bool]]
    blind_to: Mapping[str, tuple[str, ...]]
    wholly_seen: Container[str] = ()

    def sees_record(self, table: str, row: Row, seen: Container[tuple[str, str]]) -> bool:
        """Whether a record is there; `seen` are those that are, by class: attachments and entries hang on them."""
        if table in HANGING:
            if table == "sys_journal_field" and row["name"] not in _HAVING_JOURNALS:
                return False
            is_open = table == "sys_attachment" or "itil" in self.viewer.roles or row["element"] == "comments"
            of_class, sys_id = (row[name] for name in HANGING[table])
            # where all records of a class are seen, so is what names one of them that is not there
            return is_open and ((of_class, sys_id) in seen or of_class in self.wholly_seen)
        sees = self.sees.get(table)
        return sees is not None and sees(row)


_HAVING_JOURNALS = frozenset({"task", "incident", "problem", "change_request"})


def everything(_row: Row) -> bool:
    """The user sees all of a table."""
    return True


def _own_user(row: Row) -> bool:
    return bool(row["user"] == ME)


_FOR_ALL = dict.fromkeys(
    ("sys_user", "sys_user_group", "cmn_department", "cmn_location", "core_company", "sys_choice"), everything
)
_OF_SIGNING_IN = ("locked_out", "failed_attempts", "last_login_time", "password_needs_reset", "roles", "source",
                  "web_service_access_only", "internal_integration_user")  # fmt: skip


def _sees_own_task(row: Row) -> bool:
    if row["sys_class_name"] == "incident":
        return ME in (row["opened_by"], row["caller_id"]) or ME in (row["watch_list"] or "").split(",")
    return row["sys_class_name"] in {"task", "change_request"} and row["opened_by"] == ME


def _is_task(row: Row) -> bool:
    return row["sys_class_name"] in {"task", "incident", "problem", "change_request"}


NOBODY = Asker(
    viewer=viewer("me"),
    sees={**_FOR_ALL, "task": _sees_own_task, "sys_user_grmember": _own_user, "sys_user_has_role": _own_user},
    blind_to={
        "sys_user": (*CONTACT, "state", *_OF_SIGNING_IN),
        "task": ("work_notes", "work_notes_list", "comments_and_work_notes"),
    },
    wholly_seen=frozenset(_FOR_ALL),
)
READER = Asker(
    viewer=viewer("me", "sn_problem_read"),
    sees={**NOBODY.sees, "task": lambda row: _sees_own_task(row) or row["sys_class_name"] == "problem"},
    blind_to=NOBODY.blind_to,
    wholly_seen=frozenset({*_FOR_ALL, "problem"}),
)
WORKER = Asker(
    viewer=viewer("me", "itil"),
    sees={
        **NOBODY.sees,
        "task": _is_task,
        "sys_user_grmember": everything,
        "cmdb_ci": everything,
        "alm_asset": everything,
        "sys_metadata": lambda row: row["sys_class_name"] == "sys_user_role",
    },
    blind_to={"sys_user": _OF_SIGNING_IN},
    wholly_seen=frozenset({*_FOR_ALL, *_HAVING_JOURNALS, "sys_user_grmember", "cmdb_ci_server", "alm_asset"}),
)
ASKERS = {"nobody": NOBODY, "reader": READER, "worker": WORKER}


def leave_out(raw: sqlite3.Connection, asker: Asker) -> dict[str, list[str]]:
    """Let what a user may not read not exist; the sys_ids that have gone, by table."""
    raw.row_factory = sqlite3.Row
    gone: dict[str, list[str]] = {}
    tables = [one[0] for one in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = {one: {column[1] for column in raw.execute(f"PRAGMA table_info({one})")} for one in tables}
    seen: set[tuple[str, str]] = set()
    for table in sorted(columns, key=lambda one: one in HANGING):  # what hangs on tasks after the tasks
        if "sys_id" not in columns[table]:
            continue
        for row in map(dict, raw.execute(f"SELECT * FROM {table}").fetchall()):  # noqa: S608 - names of the schema
            if asker.sees_record(table, row, seen):
                seen.add((row.get("sys_class_name") or table, row["sys_id"]))
            else:
                gone.setdefault(table, []).append(row["sys_id"])
                raw.execute(f"DELETE FROM {table} WHERE sys_id = ?", (row["sys_id"],))  # noqa: S608 - likewise
    for table, fields in asker.blind_to.items():
        for field in columns[table].intersection(fields):
            raw.execute(f"UPDATE {table} SET {field} = NULL")  # noqa: S608 - likewise
    raw.execute("UPDATE sys_user SET user_password = NULL")
    raw.commit()
    return gone


@dataclass(frozen=True)
class Two:
    """Both, and what one of them lacks."""

    whole: RestWorld
    bare: RestWorld
    gone: Mapping[str, list[str]]
    asker: Asker

    def _repr_pretty_(self, printer: Any, _is_cycle: bool) -> None:  # noqa: FBT001 - as Hypothesis calls it
        """Short: Hypothesis writes it down with every example."""
        printer.text(f"Two(for {sorted(self.asker.viewer.roles)})")


@contextlib.asynccontextmanager
async def two_instances(folder: Path, asker: Asker) -> AsyncIterator[Two]:
    """Both, until the context ends."""
    async with contextlib.AsyncExitStack() as stack:
        for name in ("whole", "bare"):
            (folder / name).mkdir()
        whole = RestWorld(folder / "whole")
        stack.push_async_callback(whole.instance.close)
        database = await whole.instance.database()
        fields = {name: tuple(database.catalog.physical(name).c.keys()) for name, _ in records()}

        def put(tx: Any) -> None:
            for table, record in records():
                assert set(record) <= set(fields[table]), (table, set(record) - set(fields[table]))
                tx.connection.execute(tx.catalog.physical(table).insert(), record)
                tx.touched.add(tx.catalog.dictionary.root(table))

        await database.write(put)
        bare = RestWorld(folder / "bare")
        stack.push_async_callback(bare.instance.close)
        with contextlib.closing(sqlite3.connect(folder / "whole" / "instance.db")) as source:
            source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(folder / "whole" / "instance.db", folder / "bare" / "instance.db")
        with contextlib.closing(sqlite3.connect(folder / "bare" / "instance.db")) as raw:
            gone = leave_out(raw, asker)
        yield Two(whole=whole, bare=bare, gone=gone, asker=asker)
