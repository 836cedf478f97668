"""What an instance does by itself when a record is made or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.instance.rules.attaching import guard_attachment, name_class
from node.instance.rules.business_rules import run_business_rules
from node.instance.rules.change_tasks import keep_change, lead_change_tasks, name_parent
from node.instance.rules.checking_rules import check_business_rule
from node.instance.rules.families import count_family, lead_children
from node.instance.rules.growing_tables import check_dictionary, grow_dictionary
from node.instance.rules.incidents import answer_of_caller, keep_incident, set_priority
from node.instance.rules.naming import name_user
from node.instance.rules.numbering import number_task
from node.instance.rules.problems import keep_problem
from node.instance.rules.signing_in import end_sign_ins_of_user
from node.instance.rules.standard_changes import begin_standard_change
from node.instance.rules.tasks import keep_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.instance.records.changes import Change

_KEEPING: Final = (set_priority, keep_task, keep_incident, keep_problem, keep_change)

BEFORE: Final[tuple[Callable[[Change], None], ...]] = (
    guard_attachment,
    name_class,
    check_business_rule,
    check_dictionary,
    number_task,
    name_user,
    name_parent,
    begin_standard_change,
    answer_of_caller,
    *_KEEPING,
    run_business_rules,
    *_KEEPING,  # a business rule may have set what these depend on
)
"""In this order, before a record is written; each may change what will be written, or raise."""

AFTER: Final[tuple[Callable[[Change], None], ...]] = (
    count_family,
    lead_children,
    lead_change_tasks,
    grow_dictionary,
    end_sign_ins_of_user,
)
"""In this order, once it is written, in the same transaction."""
