"""What somebody's script may do with pysnow, which has been without a maintainer since 2022 and is still in use."""

from __future__ import annotations

import warnings
from pathlib import Path

import pysnow
from pysnow import QueryBuilder
from telling import refused, tell, the_instance

ADMIN_ROLE = "2831a114c611228501d4ea6c309d626d"

at = the_instance()
host = at["url"].partition("://")[2]
client = pysnow.Client(host=host, user=at["user_name"], password=at["password"], use_ssl=False)
incidents = client.resource(api_path="/table/incident")


def record():
    created = incidents.create({"short_description": "The door squeaks", "impact": "2", "urgency": "2"}).one()
    changed = incidents.update({"sys_id": created["sys_id"]}, {"short_description": "The door squeaks loudly"}).one()
    shown = client.resource(api_path="/table/incident")
    shown.parameters.display_value = True
    displayed = shown.get(query={"sys_id": created["sys_id"]}, fields=["state", "opened_by", "priority"]).one()
    shown.parameters.exclude_reference_link = True
    plain = shown.get(query={"sys_id": created["sys_id"]}, fields=["opened_by"]).one()
    return created["sys_id"], {
        "created": [created["short_description"], created["priority"], created["active"]],
        "opened by": created["opened_by"],
        "changed": [changed["short_description"], changed["sys_mod_count"]],
        "displayed": displayed,
        "without link": plain,
    }


def queries(sys_id):
    query = (
        QueryBuilder().field("short_description").starts_with("The door").AND()
        .field("active").equals("true").OR().field("number").equals("INC-none").NQ()
        .field("sys_id").equals("none")
    )  # fmt: skip
    ordered = QueryBuilder().field("number").order_descending().AND().field("number").is_not_empty()
    numbers = [row["number"] for row in incidents.get(query=ordered, limit=5, fields=["number"], stream=True).all()]
    first = [row["number"] for row in incidents.get(query=ordered, limit=2, fields=["number"]).all()]
    then = [row["number"] for row in incidents.get(query=ordered, limit=3, offset=2, fields=["number"]).all()]
    return {
        "built": [row["sys_id"] for row in incidents.get(query=query).all()] == [sys_id],
        "streamed in order": len(numbers) == 5 and numbers == sorted(numbers, reverse=True),
        "two pages are one": first + then == numbers,
        "total": int(incidents.get(query=ordered, limit=1).headers["X-Total-Count"]) > 5,
        "none": refused(lambda: incidents.get(query={"sys_id": "none"}).one()),
        "too many": refused(lambda: incidents.get(query=ordered, limit=3).one()),
    }


def attachments(sys_id):
    path = Path(at["folder"], "door.txt")
    path.write_text("It squeaks at 440 Hz.", encoding="utf-8")
    uploaded = incidents.attachments.upload(sys_id=sys_id, file_path=str(path)).one()
    listed = incidents.attachments.get(sys_id=sys_id)
    content = client.session.get(uploaded["download_link"]).text
    deleted = incidents.attachments.delete(sys_id=uploaded["sys_id"])
    return {
        "uploaded": [uploaded["file_name"], uploaded["size_bytes"], uploaded["table_sys_id"] == sys_id],
        "listed": [one["file_name"] for one in listed],
        "content": content,
        "deleted": deleted,
        "left": len(incidents.attachments.get(sys_id=sys_id)),
    }


def oauth_client():
    return pysnow.OAuthClient(client_id=at["client_id"], client_secret=at["client_secret"], host=host, use_ssl=False)


def oauth(sys_id):
    by_token = oauth_client()
    token = by_token.generate_token(at["user_name"], at["password"])
    by_token.set_token(token)
    # A token that has run out is renewed by the refresh token, and the new one handed to the updater.
    late, renewed = oauth_client(), []
    late.token_updater = renewed.append
    late.set_token(token | {"expires_in": -1, "expires_at": 1})
    return {
        "token": sorted(name for name, value in token.items() if value),
        "found": by_token.resource(api_path="/table/incident").get(query={"sys_id": sys_id}).one()["sys_id"] == sys_id,
        "found after renewal": late.resource(api_path="/table/incident").get(query={"sys_id": sys_id}).one()["sys_id"]
        == sys_id,
        "renewed": len(renewed) == 1 and renewed[0]["access_token"] != token["access_token"],
        "wrong password": refused(lambda: oauth_client().generate_token(at["user_name"], "wrong")),
    }


def refusals():
    stranger = pysnow.Client(host=host, user=at["user_name"], password="wrong", use_ssl=False)
    nowhere = client.resource(api_path="/table/no_such_table")
    other = pysnow.Client(host=host, user=at["other_name"], password=at["other_password"], use_ssl=False)
    roles = other.resource(api_path="/table/sys_user_has_role")
    return {
        "not allowed": [len(roles.get(query={}).all()), refused(lambda: roles.create({"role": ADMIN_ROLE}).one())],
        "wrong password": refused(lambda: stranger.resource(api_path="/table/incident").get(query={}).all()),
        "no such table": refused(lambda: nowhere.get(query={}).all()),
        "deleted twice": refused(lambda: incidents.delete({"sys_id": "none"})),
    }


# requests-oauthlib insists on https, which this node does not speak here; pysnow itself speaks of its age.
warnings.simplefilter("ignore")
the_door, seen = record()
tell(
    {
        "record": seen,
        "queries": queries(the_door),
        "attachments": attachments(the_door),
        "oauth": oauth(the_door),
        "refused": refusals(),
        "deleted": incidents.delete({"sys_id": the_door}),
        "left": len(incidents.get(query={"sys_id": the_door}).all()),
    }
)
