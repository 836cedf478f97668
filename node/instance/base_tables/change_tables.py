"""Changes, the tasks that they are divided into, and the templates of standard changes."""

from typing import Final

from node.instance.base_tables.making import choice, flag, instant, number, reference, text, typed, word
from node.instance.dictionary import FieldType, Numbering, Table

_CLOSE_CODES: Final = {
    "successful": "Successful",
    "successful_issues": "Successful with issues",
    "unsuccessful": "Unsuccessful",
}

CHANGE_REQUEST: Final = Table(
    name="change_request",
    label="Change Request",
    extends="task",
    numbering=Numbering(prefix="CHG", first=30_001),
    fields=(
        choice(
            "state",
            "State",
            {
                "-5": "New",
                "-4": "Assess",
                "-3": "Authorize",
                "-2": "Scheduled",
                "-1": "Implement",
                "0": "Review",
                "3": "Closed",
                "4": "Canceled",
            },
            "-5",
            is_indexed=True,
        ),
        word("type", "Type", {"standard": "Standard", "normal": "Normal", "emergency": "Emergency"}, "normal"),
        word(
            "category",
            "Category",
            {
                "Hardware": "Hardware",
                "Software": "Software",
                "Service": "Service",
                "Network": "Network",
                "Other": "Other",
            },
            "Other",
        ),
        choice("risk", "Risk", {"2": "High", "3": "Moderate", "4": "Low"}, "4"),
        reference("requested_by", "Requested by", "sys_user"),
        instant("start_date", "Planned start date"),
        instant("end_date", "Planned end date"),
        text("justification", "Justification", 4000),
        text("implementation_plan", "Implementation plan", 4000),
        text("backout_plan", "Backout plan", 4000),
        text("test_plan", "Test plan", 4000),
        text("risk_impact_analysis", "Risk and impact analysis", 4000),
        word("close_code", "Close code", _CLOSE_CODES),
        flag("cab_required", "CAB required"),
        flag("unauthorized", "Unauthorized"),
        text("reason", "Reason"),
        flag("on_hold", "On hold"),
        text("on_hold_reason", "On hold reason", 4000),
        instant("requested_by_date", "Requested by date"),
        text("review_comments", "Review comments", 4000),
        reference("std_change_producer_version", "Standard Change Template version", "std_change_producer_version"),
    ),
)

CHANGE_TASK: Final = Table(
    name="change_task",
    label="Change Task",
    extends="task",
    numbering=Numbering(prefix="CTASK", first=10_001),
    fields=(
        choice(
            "state",
            "State",
            {"-5": "Pending", "1": "Open", "2": "In Progress", "3": "Closed", "4": "Canceled"},
            "1",
            is_indexed=True,
        ),
        reference("change_request", "Change request", "change_request"),
        word(
            "change_task_type",
            "Type",
            {
                "planning": "Planning",
                "implementation": "Implementation",
                "testing": "Testing",
                "review": "Review",
            },
        ),
        instant("planned_start_date", "Planned start date"),
        instant("planned_end_date", "Planned end date"),
        flag("on_hold", "On hold"),
        text("on_hold_reason", "On hold reason", 4000),
        word("close_code", "Close code", _CLOSE_CODES),
    ),
)

CHANGE_TEMPLATE: Final = Table(
    name="std_change_template",
    label="Standard Change Template",
    display="name",
    fields=(
        text("name", "Name", 100),
        text("table", "Table", 80, default="change_request"),
        typed("template", "Template", FieldType.CONDITIONS, length_max=8000),
        flag("active", "Active", "true"),
    ),
)
"""What a standard change begins with, as `field=value^field=value`."""

CHANGE_PRODUCER: Final = Table(
    name="std_change_record_producer",
    label="Standard Change Record Producer",
    display="name",
    fields=(
        text("name", "Name", 100),
        text("short_description", "Short description", 200),
        reference("template", "Template", "std_change_template"),
        flag("active", "Active", "true"),
    ),
)

CHANGE_PRODUCER_VERSION: Final = Table(
    name="std_change_producer_version",
    label="Standard Change Template Version",
    display="name",
    fields=(
        text("name", "Name", 100, is_indexed=True),
        number("version", "Version", default="1"),
        reference("std_change_producer", "Standard change template", "std_change_record_producer"),
    ),
)
"""What a standard change names: a template may have had others before."""

CHANGE_TABLES: Final = (CHANGE_REQUEST, CHANGE_TASK, CHANGE_TEMPLATE, CHANGE_PRODUCER, CHANGE_PRODUCER_VERSION)
