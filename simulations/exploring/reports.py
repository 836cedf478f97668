"""A search, told: figures and rows for people, one document for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from simulations.exploring.story import told

if TYPE_CHECKING:
    from simulations.exploring.rules import Bounds
    from simulations.exploring.search import Findings
    from simulations.exploring.spin import Count

WIDTH: Final = 22


def rate(findings: Findings) -> int:
    """Worlds a second of processor time."""
    return round(findings.states / findings.passed_s) if findings.passed_s else 0


def lines_of(findings: Findings, bounds: Bounds, count: Count | None) -> list[str]:
    """What people read."""
    if findings.violation is not None:
        return [*told(findings.violation), "", *_figures(findings, bounds, count)]
    lines = _figures(findings, bounds, count)
    for table in findings.tables:
        never = f"; never: {', '.join(table.never)}" if table.never else ""
        lines.append(f"{table.table:<{WIDTH}}  {table.fired} of {len(table.rows)} rows{never}")
    return [*lines, "", _verdict(findings, count)]


def _figures(findings: Findings, bounds: Bounds, count: Count | None) -> list[str]:
    figures = [
        ("bounds", ", ".join(f"{name} {value}" for name, value in asdict(bounds).items())),
        ("states", f"{findings.states:,}"),
        ("transitions", f"{findings.transitions:,}"),
        ("depth", f"{findings.depth:,} events"),
        ("followed to rest", f"{findings.settled:,} sets of records"),
        ("processor time", f"{findings.passed_s:.1f} s, {rate(findings):,} states/s"),
    ]
    if count is not None:
        figures.append(("spin", f"{count.states:,} states, {count.transitions:,} transitions, {count.passed_s:.1f} s"))
    return [f"{name:<{WIDTH}}  {value}" for name, value in figures]


def _verdict(findings: Findings, count: Count | None) -> str:
    if not findings.complete:
        return f"No property is broken in the first {findings.states:,} worlds; the search was stopped there."
    if count is not None and not agree(findings, count):
        return "spin counts otherwise: the tables and handshake.pml do not say the same."
    also = " spin counts the same." if count is not None else ""
    return f"No property is broken in any world within these bounds.{also}"


def agree(findings: Findings, count: Count) -> bool:
    """Whether both searches met as many worlds, by as many events."""
    return (findings.states, findings.transitions) == (count.states, count.transitions)


def document(findings: Findings, bounds: Bounds, count: Count | None) -> dict[str, Any]:
    """What programs read."""
    violation = findings.violation
    return {
        "bounds": asdict(bounds),
        "states": findings.states,
        "transitions": findings.transitions,
        "depth": findings.depth,
        "complete": findings.complete,
        "settled": findings.settled,
        "processor_s": round(findings.passed_s, 3),
        "states_per_s": rate(findings),
        "tables": {
            table.table: [{"row": row, "situations": situations} for row, situations in table.rows]
            for table in findings.tables
        },
        "violation": None if violation is None else {"property": violation.sentence, "story": told(violation)},
        "spin": None
        if count is None
        else {
            "states": count.states,
            "transitions": count.transitions,
            "processor_s": count.passed_s,
            "agrees": agree(findings, count),
        },
    }
