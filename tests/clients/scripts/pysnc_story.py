"""What somebody's script may do with pysnc."""

from __future__ import annotations

from pysnc import ServiceNowClient
from pysnc.auth import ServiceNowClientCredentialsFlow, ServiceNowPasswordGrantFlow
from telling import refused, tell, the_instance

ADMIN_ROLE = "2831a114c611228501d4ea6c309d626d"
CONTENT = bytes(range(256)) * 5

at = the_instance()
client = ServiceNowClient(at["url"], (at["user_name"], at["password"]))


def signed_in(flow, sys_id):
    return ServiceNowClient(at["url"], flow).GlideRecord("incident").get(sys_id)


def insert(short_description):
    row = client.GlideRecord("incident")
    row.initialize()
    row.short_description = short_description
    row.impact = 1
    row.urgency = 2
    row.nothing_of_the_kind = "ignored"
    return str(row.insert())


def create_and_change(sys_id):
    row = client.GlideRecord("incident")
    found = row.get(sys_id)
    names = ("number", "state", "priority", "active", "opened_by", "sys_created_by", "sys_class_name")
    created = {name: [row.get_value(name), row.get_display_value(name)] for name in names}
    row.short_description = "The lift is stuck between floors"
    row.comments = "Two people inside"
    row.update()
    journal = client.GlideRecord("sys_journal_field")
    journal.add_query("element_id", sys_id)
    journal.query()
    return {
        "found": found,
        "created": created,
        "changed": [row.get_value("short_description"), row.get_value("sys_mod_count")],
        "journal": [[entry.get_value("element"), entry.get_value("value")] for entry in journal],
    }


def pages():
    rows = client.GlideRecord("incident", batch_size=7)
    rows.fields = "sys_id,number"
    rows.order_by("number")
    rows.query()
    numbers = [row.get_value("number") for row in rows]
    return {
        "as many as the total": len(numbers) == len(rows) > 7,
        "none twice": len(set(numbers)) == len(numbers),
        "in order": numbers == sorted(numbers),
    }


def queries(sys_id):
    either = client.GlideRecord("incident")
    either.fields = "number,opened_by.user_name,state"
    either.add_query("sys_id", sys_id).add_or_condition("number", "INC-none")
    either.query()
    managers = client.GlideRecord("sys_user")
    managers.add_rl_query("sys_user_group", "manager", ">0")
    managers.query()
    every = client.GlideRecord("sys_user")
    every.query()
    long = client.GlideRecord("incident")
    for _ in range(1_500):
        long.add_query("nothing_here", "x")
    long.add_query("sys_id", sys_id)
    long.query()
    return {
        "walked": [[row.get_value("opened_by.user_name"), row.get_display_value("state")] for row in either],
        "some manage a group": 0 < len(managers) < len(every),
        "too long for a URL": len(long),
    }


def attachments(sys_id):
    row = client.GlideRecord("incident")
    row.get(sys_id)
    location = row.add_attachment("plan.bin", CONTENT)
    found = row.get_attachments()
    found.next()
    return {
        "count": len(found),
        "where it was said to be": found.get_link() == location,
        "same bytes": found.read() == CONTENT,
        "size": found.size_bytes,
        "none of that name": refused(lambda: client.Attachment("incident").get("0" * 32)),
    }


def lamps():
    rows = client.GlideRecord("incident")
    rows.add_query("short_description", "STARTSWITH", "Lamp ")
    rows.query()
    return rows


def batch():
    for number in range(5):
        insert(f"Lamp {number} flickers")
    rows = lamps()
    for row in rows:
        row.urgency = 1
    answers = []
    rows.update_multiple(
        lambda answer: answers.append([answer.status_code, answer.json()["result"]["priority"]["value"]])
    )
    return {"found": len(rows), "answers": answers, "deleted": rows.delete_multiple(), "left": len(lamps())}


def not_allowed():
    """A user without a role sees no role of anybody and no count of them, and gives itself none."""
    other = ServiceNowClient(at["url"], (at["other_name"], at["other_password"]))
    roles = other.GlideRecord("sys_user_has_role")
    roles.query()
    mine = other.GlideRecord("sys_user_has_role")
    mine.initialize()
    mine.role = ADMIN_ROLE
    return {"roles": [len(roles), len(list(roles))], "insert": refused(mine.insert).partition(":")[0]}


def refusals(sys_id):
    return {
        "wrong password": refused(
            lambda: ServiceNowClient(at["url"], (at["user_name"], "wrong")).GlideRecord("incident").get(sys_id)
        ),
        "wrong secret": refused(lambda: signed_in(ServiceNowClientCredentialsFlow(at["client_id"], "wrong"), sys_id)),
        "no such table": refused(lambda: client.GlideRecord("no_such_table").get("x")),
        "no such record": refused(lambda: client.GlideRecord("incident").get("x")),
        "not allowed": not_allowed(),
    }


def remove(sys_id):
    row = client.GlideRecord("incident")
    row.get(sys_id)
    removed = row.delete()
    orphans = client.GlideRecord("sys_attachment")
    orphans.add_query("table_sys_id", sys_id)
    orphans.query()
    return {"removed": removed, "still there": client.GlideRecord("incident").get(sys_id), "orphans": len(orphans)}


the_lift = insert("The lift is stuck")
tell(
    {
        "record": create_and_change(the_lift),
        "pages": pages(),
        "queries": queries(the_lift),
        "attachments": attachments(the_lift),
        "batch": batch(),
        "oauth": {
            "password": refused(
                lambda: signed_in(
                    ServiceNowPasswordGrantFlow(at["user_name"], at["password"], at["client_id"], at["client_secret"]),
                    the_lift,
                )
            ),
            "client credentials": refused(
                lambda: signed_in(ServiceNowClientCredentialsFlow(at["client_id"], at["client_secret"]), the_lift)
            ),
        },
        "refused": refusals(the_lift),
        "end": remove(the_lift),
    }
)
