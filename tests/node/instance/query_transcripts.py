"""Encoded queries as people read them: the text, what it says, and the SQL that it becomes.

`python -m tests.node.instance.query_transcripts` writes the transcripts anew; look at what has changed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import sqlite

from node.instance.base_tables import BASE_TABLES
from node.instance.catalog import Catalog
from node.instance.dictionary import Dictionary
from node.instance.people.access import TableAccess
from node.instance.query.grammar import parse
from node.instance.query.scope import Scope
from node.instance.query.selection import Selection
from node.instance.query.tree import Condition, Join, Related
from node.instance.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WRITTEN = Path(__file__).with_name("query_transcripts.txt")

CATALOG = Catalog(Dictionary(BASE_TABLES))
ACCESS = TableAccess(CATALOG.dictionary)
ADMIN = Viewer(sys_id="a1", user_name="admin", name="Admin", roles=frozenset({"admin"}))
SOMEBODY = Viewer(sys_id="b2", user_name="joe", name="Joe", groups=frozenset({"g1"}))

ASKED = (
    (ADMIN, "incident", "active=true^priority=1^ORpriority=2^ORDERBYDESCsys_created_on"),
    (ADMIN, "incident", "stateIN1,2^NQassigned_toISEMPTY^short_descriptionLIKE50%_off"),
    (ADMIN, "incident", "caller_id.department.nameSTARTSWITHFin^caller_id.name!=Bob"),
    (ADMIN, "incident", "assigned_toLIKEann^ORDERBYassigned_to"),
    (ADMIN, "incident", "opened_atONToday@javascript:gs.beginningOfToday()@javascript:gs.endOfToday()"),
    (ADMIN, "incident", "sys_updated_onRELATIVEGT@hour@ago@2^assigned_to=javascript:gs.getUserID()"),
    (ADMIN, "incident", "commentsLIKEreboot^work_notesISEMPTY"),
    (ADMIN, "incident", "reassignment_countGT_FIELDreopen_count^nonsense=1^AAAA=BBBB"),
    (ADMIN, "task", "sys_class_nameINSTANCEOFincident^short_descriptionNOT LIKEtest"),
    (ADMIN, "sys_user", "JOINsys_user.sys_id=sys_user_group.manager!active=true"),
    (ADMIN, "sys_user_group", "RLQUERYsys_group_has_role.group,>0,m2m^role.nameLIKEadmin^ENDRLQUERY"),
    (ADMIN, "problem", "RLQUERYincident.problem_id,<2,priority=1^ENDRLQUERY"),
    (SOMEBODY, "incident", "active=true^assignment_groupDYNAMICd6435e965f510100a9ad2572f2b47744"),
    (SOMEBODY, "sys_attachment", "file_nameENDSWITH.png"),
)


def transcripts() -> str:
    """All of them, one behind the other."""
    return "\n".join("\n".join(_transcript(*asked)) + "\n" for asked in ASKED)


def _transcript(viewer: Viewer, table: str, text: str) -> Iterator[str]:
    query = parse(text)
    yield f"{viewer.user_name} asks {table}: {text}"
    for at, group in enumerate(query.groups):
        yield "    or all of" if at else "    all of"
        yield from _clauses(group, "        ")
    for order in query.orders:
        yield f"    by {order.field}{', the last first' if order.is_descending else ''}"
    for part in query.ignored:
        yield f"    not {part}"
    scope = Scope(catalog=CATALOG, viewer=viewer, access=ACCESS, now=datetime(2026, 3, 4, 10, 30, tzinfo=UTC))
    selection = Selection(scope, table, query)
    compiled = selection.page([selection.column("sys_id")], limit=10, offset=0).compile(
        dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True}
    )
    for line in str(compiled).splitlines():
        yield f"  {line.strip()}"
    yield f"  with {', '.join(repr(compiled.params[name]) for name in compiled.positiontup)}"


def _clauses(clauses: Sequence[Sequence[Any]], indent: str) -> Iterator[str]:
    for clause in clauses:
        for at, term in enumerate(clause):
            yield from _term(term, indent + ("or " if at else ""))


def _term(term: Condition | Join | Related, indent: str) -> Iterator[str]:
    match term:
        case Condition():
            yield f"{indent}{term.field} {term.operator} {term.value!r}"
        case Join():
            yield f"{indent}{term.field} is {term.other_field} of a {term.other} with"
            yield from _clauses(term.clauses, indent + "    ")
        case Related():
            yield f"{indent}the number of {term.other} with this {term.field} {term.operator} {term.count}, with"
            for group in term.groups:
                yield from _clauses(group, indent + "    ")


if __name__ == "__main__":
    WRITTEN.write_text(transcripts(), encoding="utf-8")
