"""Problems, and the tasks that they are divided into."""

from typing import Final

from node.instance.base_tables.making import choice, flag, instant, number, reference, text, word
from node.instance.dictionary import Numbering, Table

_STATES: Final = {
    "101": "New",
    "102": "Assess",
    "103": "Root Cause Analysis",
    "104": "Fix in Progress",
    "106": "Resolved",
    "107": "Closed",
}

PROBLEM: Final = Table(
    name="problem",
    label="Problem",
    extends="task",
    numbering=Numbering(prefix="PRB", first=40_001),
    fields=(
        choice("state", "State", _STATES, "101", is_indexed=True),
        choice("problem_state", "Problem state", _STATES, "101"),
        word("category", "Category", {"software": "Software", "hardware": "Hardware", "network": "Network"}),
        text("subcategory", "Subcategory"),
        reference("first_reported_by_task", "First reported by", "task"),
        flag("known_error", "Known error"),
        flag("major_problem", "Major problem"),
        reference("duplicate_of", "Duplicate of", "problem"),
        text("cause_notes", "Cause notes", 4000),
        text("fix_notes", "Fix notes", 4000),
        text("workaround", "Workaround", 4000),
        word(
            "resolution_code",
            "Resolution code",
            {
                "fix_applied": "Fix Applied",
                "risk_accepted": "Risk Accepted",
                "duplicate": "Duplicate",
                "canceled": "Canceled",
            },
        ),
        reference("resolved_by", "Resolved by", "sys_user"),
        instant("resolved_at", "Resolved"),
        reference("confirmed_by", "Confirmed by", "sys_user"),
        instant("confirmed_at", "Confirmed"),
        number("related_incidents", "Related Incidents", default="0"),
        reference("rfc", "Change request", "change_request"),
    ),
)

PROBLEM_TASK: Final = Table(
    name="problem_task",
    label="Problem Task",
    extends="task",
    numbering=Numbering(prefix="PTASK", first=10_001),
    fields=(
        choice(
            "state",
            "State",
            {"151": "New", "152": "Assess", "154": "Work in Progress", "157": "Closed"},
            "151",
            is_indexed=True,
        ),
        reference("problem", "Problem", "problem"),
        word("problem_task_type", "Type", {"rca": "Root Cause Analysis", "general": "General"}, "general"),
        word("close_code", "Close code", {"completed": "Completed", "canceled": "Canceled"}),
        text("cause_code", "Cause code"),
        text("cause_notes", "Cause notes", 4000),
        text("fix_notes", "Proposed fix notes", 4000),
        text("workaround", "Workaround", 4000),
        text("other_reason", "Other reason", 4000),
        reference("started_by", "Started by", "sys_user"),
        instant("started_at", "Started"),
        reference("reopened_by", "Last reopened by", "sys_user"),
        instant("reopened_at", "Last reopened at"),
        number("reopen_count", "Reopen count", default="0"),
    ),
)

PROBLEM_TABLES: Final = (PROBLEM, PROBLEM_TASK)
