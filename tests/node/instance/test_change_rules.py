"""What a change does by itself: its tasks go with it, and a standard one begins with its template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.node.instance.rest_world import SHARED, viewer

if TYPE_CHECKING:
    from tests.node.instance.rest_world import RestWorld

pytestmark = SHARED

WORKER = viewer("worker", "itil")
READER = viewer("reader", "sn_change_read")


async def change_with_task(rest: RestWorld, **values: Any) -> tuple[str, str]:
    change = await rest.make("change_request", short_description="upgrade")
    return change, await rest.make("change_task", change_request=change, short_description="pull cables", **values)


async def template(rest: RestWorld, text: str) -> str:
    """The version of a standard change's template that says `text`."""
    made = await rest.make("std_change_template", name="Cables", template=text)
    producer = await rest.make("std_change_record_producer", name="Cables", template=made)
    return await rest.make("std_change_producer_version", name="Cables - 1", std_change_producer=producer)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "prefix", "state", "closed"),
    [("change_task", "CTASK", "1", "3"), ("problem_task", "PTASK", "151", "157")],
)
async def test_a_task_of_a_change_or_problem_has_numbers_and_states_of_its_own(
    rest: RestWorld, table: str, prefix: str, state: str, closed: str
) -> None:
    whole, refers = ("change_request", "change_request") if table == "change_task" else ("problem", "problem")
    above = await rest.make(whole, short_description="whole")
    made = await rest.read(table, await rest.make(table, short_description="part", **{refers: above}))
    assert made["number"].startswith(prefix)
    assert (made["state"], made["active"], made["parent"]) == (state, "true", above)
    done = await rest.change(table, made["sys_id"], state=closed)
    assert (done["active"], bool(done["closed_at"])) == ("false", True)
    found = (await rest("GET", f"table/task?sysparm_query=sys_id={made['sys_id']}")).result
    assert [one["sys_class_name"] for one in found] == [table]


@pytest.mark.slow
async def test_a_task_says_which_parent_it_has_if_its_client_does(rest: RestWorld) -> None:
    other = await rest.make("incident", short_description="broken")
    _, task = await change_with_task(rest, parent=other)
    assert (await rest.read("change_task", task))["parent"] == other


async def test_the_active_tasks_of_a_change_go_on_hold_with_it_and_on_with_it(rest: RestWorld) -> None:
    change, task = await change_with_task(rest)
    own = await rest.make("change_task", change_request=change, on_hold=True, on_hold_reason="no ladder")
    done = await rest.make("change_task", change_request=change, state=3)

    async def held() -> list[tuple[str, str]]:
        read = [await rest.read("change_task", one) for one in (task, own, done)]
        return [(one["on_hold"], one["on_hold_reason"]) for one in read]

    await rest.change("change_request", change, by=WORKER, on_hold=True, on_hold_reason="frost")
    assert await held() == [("true", "frost"), ("true", "no ladder"), ("false", "")]
    await rest.change("change_request", change, by=WORKER, short_description="upgrade, later")
    assert await held() == [("true", "frost"), ("true", "no ladder"), ("false", "")]
    await rest.change("change_request", change, by=WORKER, on_hold=False)
    assert await held() == [("false", ""), ("true", "no ladder"), ("false", "")]


async def test_a_canceled_change_waits_no_longer_and_takes_its_active_tasks_along(rest: RestWorld) -> None:
    change, task = await change_with_task(rest, state=2)
    done = await rest.make("change_task", change_request=change, state=3)
    other, others_task = await change_with_task(rest)
    await rest.change("change_request", change, on_hold=True, on_hold_reason="frost")
    assert (await rest.change("change_request", change, state=4))["on_hold"] == "false"
    read = [await rest.read("change_task", one) for one in (task, done, others_task)]
    assert [(one["state"], one["on_hold"]) for one in read] == [("4", "false"), ("3", "false"), ("1", "false")]
    assert (await rest.read("change_request", other))["active"] == "true"


async def test_a_standard_change_begins_with_its_template_where_its_client_says_nothing(rest: RestWorld) -> None:
    version = await template(rest, "type=standard^description=Label both ends=A^risk=3^category=Network^EQ")
    sys_id = await rest.make("change_request", std_change_producer_version=version, risk=2, by=WORKER)
    made = await rest.read("change_request", sys_id)
    assert [made[name] for name in ("type", "description", "risk", "category", "impact")] == [
        "standard", "Label both ends=A", "2", "Network", "3",
    ]  # fmt: skip
    await rest.change("change_request", sys_id, description="")
    changed = await rest.change("change_request", sys_id, short_description="Cables")
    assert changed["description"] == "", "a template is for the beginning"


@pytest.mark.slow
@pytest.mark.parametrize("switched", ["std_change_template", "std_change_record_producer"])
async def test_a_template_that_is_switched_off_brings_nothing(rest: RestWorld, switched: str) -> None:
    made = await rest.make("std_change_template", template="risk=2", active=switched != "std_change_template")
    is_on = switched != "std_change_record_producer"
    producer = await rest.make("std_change_record_producer", template=made, active=is_on)
    version = await rest.make("std_change_producer_version", std_change_producer=producer)
    change = await rest.make("change_request", std_change_producer_version=version)
    assert (await rest.read("change_request", change))["risk"] == "4"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("no_such_field=1", "no_such_field"),
        ("risk=dire", "risk"),
        ("risk=2^sys_class_name=problem", "sys_class_name"),
        ("sys_id=a", "sys_id"),
        ("number=CHG1", "number"),
        ("sys_created_by=evil", "sys_created_by"),
        ("comments=hi", "comments"),
        ("risk=javascript:gs.foo()", "risk"),
        ("risk=2^ORrisk=3", "only field=value"),
        ("risk=2^NQrisk>3", "only field=value"),
        ("RLQUERYtask.parent,>0^ENDRLQUERY", "only field=value"),
        ("risk=2^category", "only field=value"),
        ("riskISEMPTY", "only field=value"),
    ],
)
async def test_a_template_that_fits_no_change_is_refused_and_named(rest: RestWorld, text: str, detail: str) -> None:
    version = await template(rest, text)
    said = await rest("POST", "table/change_request", {"std_change_producer_version": version})
    assert said.error == (400, "Invalid template")
    assert version in said.json["error"]["detail"]
    assert detail in said.json["error"]["detail"]


@pytest.mark.slow
async def test_a_version_that_is_not_there_brings_nothing(rest: RestWorld) -> None:
    made = await rest.read("change_request", await rest.make("change_request", std_change_producer_version="f" * 32))
    assert (made["type"], made["std_change_producer_version"]) == ("normal", "f" * 32)


@pytest.mark.slow
async def test_templates_are_read_by_who_works_on_changes_and_written_by_admins(rest: RestWorld) -> None:
    await template(rest, "type=standard")
    for table in ("std_change_template", "std_change_record_producer", "std_change_producer_version"):
        assert (await rest("GET", f"table/{table}", by=WORKER)).result
        assert (await rest("GET", f"table/{table}", by=READER)).result == []
        assert (await rest("POST", f"table/{table}", {"name": "Mine"}, by=WORKER)).status == 403


@pytest.mark.slow
async def test_who_sees_no_changes_sees_no_tasks_of_them_nor_their_journal(rest: RestWorld) -> None:
    _, task = await change_with_task(rest)
    await rest.change("change_task", task, comments="which ladder?")
    for by, count in ((WORKER, 1), (READER, 1), (viewer("nobody"), 0)):
        entries = await rest("GET", f"table/sys_journal_field?sysparm_query=element_id={task}", by=by)
        tasks = await rest("GET", f"table/change_task?sysparm_query=sys_id={task}", by=by)
        assert (len(tasks.result), len(entries.result)) == (count, count)


@pytest.mark.slow
async def test_a_virtual_machine_is_a_configuration_item_with_fields_of_its_own(rest: RestWorld) -> None:
    sys_id = await rest.make("cmdb_ci_ec2_instance", name="web", vm_inst_id="i-1", state="on", environment="Test")
    found = (await rest("GET", f"table/cmdb_ci?sysparm_query=sys_id={sys_id}")).result
    assert [one["sys_class_name"] for one in found] == ["cmdb_ci_ec2_instance"]
    url = f"table/cmdb_ci_vm_instance/{sys_id}?sysparm_display_value=true"
    shown = (await rest("GET", url)).result
    assert (shown["state"], shown["vm_inst_id"], shown["sys_class_name"]) == (
        "On",
        "i-1",
        "EC2 Virtual Machine Instance",
    )
