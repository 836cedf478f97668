"""An admin looks at what a client does to the instance's records, in Chromium."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from node.console.records.filtering import DYNAMIC_OF
from tests.browser.instance_client import InstanceClient
from tests.browser.steps import tab_to, was_not_reloaded
from tests.e2e.processes import NodeProcess

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

ME = next(iter(DYNAMIC_OF["sys_user"]))
LAST_MONTH = "Last month@javascript:gs.beginningOfLastMonth()@javascript:gs.endOfLastMonth()"
PHONE = {"width": 320, "height": 700}


@pytest.fixture(scope="module")
def consoles(tmp_path_factory):
    """One node, with a company in its instance."""
    node = NodeProcess(
        name="Acme", data=tmp_path_factory.mktemp("records") / "a", settings={"HANDCLASP_DEMO_DATA": "1"}
    )
    with ExitStack() as stack:
        stack.callback(node.close)
        node.start()
        yield [node]


@pytest.fixture
def admin(admins):
    return admins[0]


@pytest.fixture
def client(admin):
    return InstanceClient(admin)


def conditions(page):
    return page.locator(".condition")


def choose(page, row, field, operator, value=None):
    """Fill in a row of the filter; what suits the field comes from the node."""
    one = conditions(page).nth(row)
    with page.expect_response(lambda answer: "part=operators" in answer.url):
        one.locator("[name=f]").select_option(field)
    one.locator(f"[name=o] option[value='{operator}']").wait_for(state="attached")
    if one.locator("[name=o]").input_value() != operator:
        with page.expect_response(lambda answer: "part=value" in answer.url):
            one.locator("[name=o]").select_option(operator)
    if value is not None:
        one.locator("input[name=v]").fill(value)


def test_a_filter_is_built_of_rows_and_says_the_query_that_a_client_would_ask(admin, client):
    page = admin.page
    admin.go("/console/records")
    page.get_by_role("link", name="Incident", exact=True).click()
    page.locator("#tool-filter").click()
    choose(page, 0, "state", "IN", "Resolved, closed")
    for row, (field, operator, value) in enumerate(
        [("short_description", "LIKE", "nothing"), ("assigned_to", "DYNAMIC", None), ("opened_at", "ON", "last month")]
    ):
        page.get_by_role("button", name="Add a condition").click()
        conditions(page).nth(row + 1).wait_for()
        assert page.evaluate("document.activeElement.closest('.condition').matches(':last-child')")
        choose(page, row + 1, field, operator, value)
    conditions(page).nth(3).locator("[name=j]").select_option("or")
    conditions(page).nth(1).get_by_role("button", name="Remove this condition").click()
    assert conditions(page).count() == 3
    page.get_by_role("button", name="Apply filter").click()
    page.locator("#list .count", has_text="fit").wait_for()
    query = f"stateIN6,7^assigned_toDYNAMIC{ME}^ORopened_atON{LAST_MONTH}^ORDERBYDESCsys_updated_on"
    assert page.locator("#query").input_value() == query
    assert conditions(page).nth(0).locator("[name=v]").input_value() == "Resolved, Closed"
    assert conditions(page).nth(2).locator("[name=v]").input_value() == "Last month"
    total = client.count("incident", query)
    assert total > 0
    assert page.locator("#list .count").inner_text().startswith(f"{total} record")
    page.locator("#tool-columns").click()
    page.get_by_role("checkbox", name="Caller", exact=True).uncheck()
    page.get_by_label("Fields behind references").fill("caller_id.department")
    page.get_by_role("button", name="Show these").click()
    page.get_by_role("link", name="Caller › Department").click()
    page.locator("th[aria-sort=ascending]", has_text="Caller › Department").wait_for()
    assert page.locator("#query").input_value().endswith("^ORDERBYcaller_id.department")


def test_a_long_query_is_pasted_and_its_list_comes_back_after_another_theme(admin, client):
    page = admin.page
    sys_ids = [client.create("incident", short_description=f"long {at}")["sys_id"] for at in range(2)]
    query = f"sys_idIN{','.join((*sys_ids, *(f'{at:032x}' for at in range(361))))}"
    assert len(query) > 11_900
    admin.go("/console/records/incident")
    page.locator("#tool-query").click()
    page.locator("#query").fill(query)
    page.get_by_role("button", name="Run this query").click()
    page.locator("#list .count", has_text="2 records fit").wait_for()
    page.get_by_role("button", name="Switch to dark").click()
    page.locator("html[data-theme=dark]").wait_for()
    page.locator("#list .count", has_text="2 records fit").wait_for()


def test_a_list_follows_a_client_and_leaves_scroll_and_focus_where_they_are(admin, client):
    page = admin.page
    page.set_viewport_size(PHONE)
    first = client.create("incident", short_description="live one")
    admin.go("/console/records/incident?query=short_descriptionSTARTSWITHlive")
    page.evaluate("window.wasLoadedOnce = true")
    page.locator("#sort-number").focus()
    page.evaluate("document.querySelector('#scroll-list').scrollLeft = 150")
    second = client.create("incident", short_description="live two")
    page.locator("tr.changed", has_text=second["number"]).wait_for()
    page.locator("#announcer", has_text="The list has changed. Incident: 2 records").wait_for(state="attached")
    assert was_not_reloaded(admin)
    assert page.evaluate("document.activeElement.id") == "sort-number"
    assert page.evaluate("document.querySelector('#scroll-list').scrollLeft") == 150
    client.change("incident", first["sys_id"], priority="1", impact="1", urgency="1")
    page.locator("tr.changed", has_text="1 - Critical").wait_for()
    page.evaluate("document.querySelector('#list').marked = true")
    with page.expect_response(lambda answer: "part=list" in answer.url):
        client.create("sys_user_group", name="of no concern to incidents")
    page.wait_for_function("!document.querySelector('.htmx-request')")
    assert page.evaluate("document.querySelector('#list').marked"), "what has not changed was drawn anew"


def test_a_record_follows_a_client_until_it_is_removed(admin, client):
    page = admin.page
    made = client.create("incident", short_description="before")
    admin.go(f"/console/records/incident/{made['sys_id']}")
    page.evaluate("window.wasLoadedOnce = true")
    page.locator("#usual-fields").click()
    client.change("incident", made["sys_id"], short_description="after", comments="said by a client")
    page.locator(".changed dd", has_text="after").wait_for()
    page.locator(".journal li.changed", has_text="said by a client").wait_for()
    page.locator("#announcer", has_text="has changed. Short description").wait_for(state="attached")
    assert page.locator("#usual-fields + dl").is_visible()
    client.remove("incident", made["sys_id"])
    page.locator("#record", has_text="This record is not there any more").wait_for()
    assert was_not_reloaded(admin)
    page.get_by_role("link", name="To the list").click()
    page.get_by_role("heading", name="Incident").wait_for()


def test_an_incident_that_is_full_of_entries_is_shown_whole_wide_and_narrow(admin, client):
    page = admin.page
    sys_id, entries = client.most_talked_about()
    attached, _ = client.ask("GET", "attachment", query="table_name=incident", limit="1")
    found = []
    for path in (
        f"incident/{sys_id}?raw=1",
        f"incident/{attached[0]['table_sys_id']}",
        f"incident/{sys_id}/edit",
        "incident?query=stateIN1,2^opened_atONToday^nothing=1&building=1",
    ):
        admin.go(f"/console/records/{path}")
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        found += admin.axe() if "edit" not in path else []  # forms are looked at with all other pages
        page.set_viewport_size(PHONE)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        page.set_viewport_size({"width": 1280, "height": 800})
    assert found == []
    admin.go(f"/console/records/incident/{sys_id}")
    assert page.locator(".journal li").count() == min(entries, 50)
    page.goto(f"{admin.node.url}/console/records/incident/{'f' * 32}")
    page.get_by_role("heading", name="There is no such record").wait_for()
    page.get_by_role("link", name="To the records").click()
    page.get_by_role("heading", name="Records").wait_for()


def test_a_change_that_a_rule_refuses_keeps_what_was_typed_and_is_saved_once_it_fits(admin, client):
    page = admin.page
    client.create(
        "sys_script",
        name="Frozen for the audit",
        collection="incident",
        when="before",
        active="true",
        action_update="true",
        abort_action="true",
        filter_condition="short_descriptionLIKEfrozen^EQ",
    )
    made = client.create("incident", short_description="one", caller_id="")
    admin.go(f"/console/records/incident/{made['sys_id']}")
    page.get_by_role("link", name="Change").click()
    page.get_by_label("Short description").fill("frozen")
    page.get_by_label("Caller", exact=True).fill("Nobody At All")
    page.get_by_role("button", name="Save").click()
    page.locator(".fault", has_text="is called “Nobody At All”").wait_for()
    assert page.evaluate("document.activeElement.name") == "set.caller_id"
    page.get_by_label("Caller", exact=True).fill("Natasha Ing")
    page.locator("datalist option[value='Natasha Ingram']").wait_for(state="attached")
    page.get_by_label("Caller", exact=True).fill("Natasha Ingram")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The business rule “Frozen for the audit” does not allow it. Nothing was saved.").wait_for()
    page.get_by_label("Short description").fill("thawed")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("What you changed was saved.").wait_for()
    read, _ = client.ask("GET", f"table/incident/{made['sys_id']}", display_value="true")
    assert (read["short_description"], read["caller_id"]["display_value"]) == ("thawed", "Natasha Ingram")


def test_a_note_is_added_and_a_file_is_attached_and_downloaded_again(admin, client, tmp_path):
    page = admin.page
    made = client.create("incident", short_description="with a file")
    admin.go(f"/console/records/incident/{made['sys_id']}")
    page.locator("#tool-note").click()
    page.get_by_label("Work notes").fill("Looked at it.\nTwice.")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator(".journal li", has_text="Looked at it.").wait_for()
    entries, _ = client.ask("GET", "table/sys_journal_field", query=f"element_id={made['sys_id']}")
    assert [(one["element"], one["value"]) for one in entries] == [("work_notes", "Looked at it.\nTwice.")]
    sent = tmp_path / "page ü.html"
    sent.write_bytes(b"<script>alert(1)</script>" * 20_000)
    page.locator("#tool-file").click()
    page.get_by_label("File").set_input_files(sent)
    page.get_by_role("button", name="Attach", exact=True).click()
    link = page.get_by_role("link", name="page ü.html")
    link.wait_for()
    with page.expect_download() as downloading:
        link.click()
    assert downloading.value.suggested_filename == "page ü.html"
    assert Path(downloading.value.path()).read_bytes() == sent.read_bytes()


def test_a_record_is_found_and_gets_a_note_by_keyboard_alone(admin, client):
    page = admin.page
    made = client.create("problem", short_description="by keyboard")
    admin.go("/console/records")
    press(page, "table-problem", "Enter")
    page.locator("#list").wait_for()
    press(page, "tool-filter", "Enter")
    tab_to(page, "f")
    page.keyboard.type("Short des")
    page.locator(".condition option[value='STARTSWITH']").wait_for(state="attached")
    assert page.evaluate("document.activeElement.name") == "f"
    tab_to(page, "o")
    page.keyboard.type("starts")
    tab_to(page, "v")
    page.keyboard.type("by key")
    page.keyboard.press("Enter")
    page.locator("#list .count", has_text="1 record fits").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#list') !== null"), "what was asked for comes next"
    press(page, f"open-{made['sys_id']}", "Enter")
    page.locator("#record").wait_for()
    press(page, "tool-note", "Space")
    tab_to(page, "set.work_notes")
    page.keyboard.type("typed")
    press(page, "Add", "Enter")
    page.locator(".journal li", has_text="typed").wait_for()


def press(page, wanted, key):
    tab_to(page, wanted)
    page.keyboard.press(key)


@pytest.mark.parametrize("admins", [{"java_script_enabled": False}], indirect=True)
def test_all_of_it_works_without_scripts(admin, client, tmp_path):
    page = admin.page
    admin.go("/console/records")
    page.get_by_role("link", name="Incident", exact=True).click()
    page.locator("#tool-filter").click()
    for row, (field, value) in enumerate([("short_description", "plain"), ("state", "new")]):
        one = conditions(page).nth(row)
        one.locator("[name=f]").select_option(field)
        one.locator("[name=o]").select_option("=")
        one.locator("[name=v]").fill(value)
        page.get_by_role("button", name="Apply filter").click()
        conditions(page).nth(row + 1).wait_for()
    assert page.locator("#query").input_value() == "short_description=plain^state=1^ORDERBYDESCsys_updated_on"
    made = client.create("incident", short_description="plain")
    page.reload()
    page.get_by_role("link", name=made["number"]).click()
    page.locator("#tool-note").click()
    page.get_by_label("Additional comments").fill("without scripts")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator(".journal li", has_text="without scripts").wait_for()
    file = tmp_path / "plain.txt"
    file.write_text("plain")
    page.locator("#tool-file").click()
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Attach", exact=True).click()
    page.get_by_role("link", name="plain.txt").wait_for()
