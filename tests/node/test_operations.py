"""The admin API's description: it names all that can be asked and answered, and nothing else."""

from __future__ import annotations

import json

import aiohttp
import jsonschema
import msgspec
import pytest

from node.admin.answers import API
from node.admin.operations import _ACTS, BY_ID, OPERATIONS, TAGS, Tag
from node.admin.routes import AdminApi
from node.cli.act_table import TAUGHT_ACTS
from node.cli.client import AdminClient
from node.cli.places import Place
from node.connections.acting import ADMIN_ACTS
from node.describing.openapi import openapi, openapi_json, problem_schema
from node.problems import MEMBERS, PROBLEMS, Problem
from protocol.tables import Act
from tests.node.admin_table import OPEN, ROUTES
from tests.node.local_nodes import running_node

DOCUMENT = json.loads(openapi_json())
DESCRIBED = {
    (method.upper(), path): operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
each_operation = pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: one.id)


def validator(schema):
    """For a schema of the document, whose references lead into it."""
    return jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def faults(schema, value):
    return [f"{list(error.absolute_path)}: {error.message}" for error in validator(schema).iter_errors(value)]


def resolved(value):
    while "$ref" in value:
        found = DOCUMENT
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        value = found
    return value


def slugs(response):
    """The problem types that a response may have."""
    schema = resolved(response)["content"]["application/problem+json"]["schema"]
    return {one["$ref"].rpartition("/Problem-")[2] for one in schema.get("oneOf", [schema])}


def test_it_is_openapi_3_1():
    from openapi_spec_validator import OpenAPIV31SpecValidator

    assert list(OpenAPIV31SpecValidator(openapi()).iter_errors()) == []


async def test_the_application_answers_each_path_and_method_that_is_described_and_no_other(tmp_path):
    async with running_node(tmp_path / "a") as node:
        found = {
            (route.method, route.resource.canonical)
            for route in node.node.node_app.router.routes()
            if route.resource.canonical.startswith(API)
        }
    assert {one for one in found if one[0] != "HEAD"} == set(DESCRIBED)
    assert {path for method, path in found if method == "HEAD"} == {
        path for method, path in DESCRIBED if method == "GET"
    }


def test_no_handler_is_left_without_an_operation():
    assert len(AdminApi(None, None).routes()) == len(OPERATIONS) == len(BY_ID)
    assert set(AdminApi(None, None).handlers()) == set(BY_ID)


def test_every_act_that_is_offered_is_described_here_and_taught_by_the_command_line():
    assert set(_ACTS) == set(ADMIN_ACTS) == {one.act for one in TAUGHT_ACTS} | {Act.DECLINE}


def test_what_the_command_line_asks_is_described(monkeypatch):
    asked = set()

    def answered(_self, method, path, *_):
        asked.add((method, API + path.partition("?")[0].replace("SYS_ID", "{sys_id}")))
        return 200, b'{"connections": [], "next": null, "events": [], "invitation": {}, "invitation_code": ""}'

    monkeypatch.setattr(AdminClient, "_answered", answered)
    client = AdminClient(Place(url="http://127.0.0.1:1", token="t", title="a"))
    for name in (name for name in vars(AdminClient) if not name.startswith("_")):
        given = {
            "check": ("u",),
            "invitation": ("c",),
            "make_oauth_client": ("n", None),
            "make_api_key": ("u",),
            "initiate": ({},),
            "accept": ({},),
            "decline": ("c",),
            "act": ("SYS_ID", Act.REMOVE),
            "new_code": ("SYS_ID", 60),
            "describe": ("SYS_ID", "d"),
        }.get(name, ("SYS_ID",) if name in {"connection", "events", "invitation_code"} else ())
        getattr(client, name)(*given)
    assert len(asked) >= 12
    assert asked <= set(DESCRIBED)


@pytest.mark.parametrize("route", [*ROUTES, *OPEN], ids=str)
def test_its_parameters_fields_and_refusals_are_those_of_the_node(route):
    one = next(one for one in OPERATIONS if (one.method, one.url) == (route.method, route.template))
    fields = {field.name: field.required for field in msgspec.structs.fields(one.body)} if one.body else {}
    assert {name: field.required for name, field in route.fields.items()} == fields
    assert set(route.query) == {parameter.name for parameter in one.query}
    assert {problem for field in route.fields.values() for _, problem in field.refused} <= one.problems


@each_operation
def test_an_operation_says_all_of_itself(one):
    said = DESCRIBED[one.method, one.url]
    assert said["summary"]
    assert not said["summary"].endswith(".")
    assert said["description"].endswith(".")
    assert said["tags"] == [one.tag.value]
    assert said.get("security", DOCUMENT["security"]) == ([] if one.is_public else [{"token": []}])
    assert set(said["responses"]) == {str(one.status), *(str(PROBLEMS[kind].status) for kind in one.problems)}
    refused = {status: answer for status, answer in said["responses"].items() if status != str(one.status)}
    assert {slug for answer in refused.values() for slug in slugs(answer)} == set(one.problems)
    named = [resolved(parameter) for parameter in said["parameters"]]
    assert all(parameter["description"].endswith(".") for parameter in named)
    assert all(faults(parameter["schema"], parameter["example"]) == [] for parameter in named)
    assert ("Idempotency-Key" in [parameter["name"] for parameter in named]) == one.once
    assert ("requestBody" in said) == (one.body is not None)


@each_operation
def test_its_examples_are_what_it_takes_and_answers(one):
    said = DESCRIBED[one.method, one.url]
    contents = [resolved(answer)["content"] for answer in said["responses"].values()]
    contents += [said["requestBody"]["content"]] if one.body else []
    for content in contents:
        for media in content.values():
            values = [resolved(example)["value"] for example in media["examples"].values()]
            assert values
            assert [faults(media["schema"], value) for value in values] == [[]] * len(values)


def test_an_example_that_is_not_what_is_answered_is_found():
    example = DESCRIBED["GET", f"{API}/node"]["responses"]["200"]["content"]["application/json"]
    for wrong in ({"name": 1}, {"more": 1}, {"fingerprint": "x"}):
        assert len(faults(example["schema"], example["examples"]["usual"]["value"] | wrong)) == 1


def test_every_field_and_member_is_explained():
    def unexplained(name, schema):
        members = schema.get("properties", {})
        return [f"{name}.{key}" for key, one in members.items() if key != "title" and "description" not in one]

    schemas = DOCUMENT["components"]["schemas"]
    assert len(schemas) > 60
    left = [one for name, schema in schemas.items() for one in unexplained(name, schema)]
    assert left == ["StatusEvent.type", "StatusEvent.data"]  # these explain themselves
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []


def test_every_problem_type_has_a_schema_and_is_answered_by_something():
    assert {problem_schema(kind) for kind in Problem} <= set(DOCUMENT["components"]["schemas"])
    answered = {kind for one in OPERATIONS for kind in one.problems} | {Problem.METHOD_NOT_ALLOWED}
    assert answered == set(Problem) == set(PROBLEMS)
    assert {name for row in PROBLEMS.values() for name in (*row.members, *row.may_have)} == set(MEMBERS)
    assert set(TAGS) == set(Tag) == {one.tag for one in OPERATIONS}


def test_a_status_can_be_asked_for_by_each_word_that_a_connection_may_show():
    status = DOCUMENT["components"]["schemas"]["Status"]["enum"]
    listed = DESCRIBED["GET", f"{API}/connections"]["parameters"][0]
    assert sorted(status) == sorted(listed["schema"]["enum"])


async def test_both_documents_are_served_to_anybody(tmp_path):
    async with running_node(tmp_path / "a") as node, aiohttp.ClientSession() as http:
        for name, member in (("openapi", "3.1.1"), ("asyncapi", "3.0.0")):
            async with http.get(f"{node.url}{API}/{name}.json") as answer:
                assert (answer.status, answer.content_type) == (200, "application/json")
                assert (await answer.json())[name] == member
            async with http.get(f"{node.url}{API}/{name}.json?x=1") as answer:
                assert answer.status == 422


async def test_a_whole_number_may_be_written_with_a_point(tmp_path):
    async with running_node(tmp_path / "a") as node:
        for number, (lifetime, status) in enumerate(
            ((120.0, 201), (6e2, 201), (120.5, 422), (59.0, 422), (1e300, 422))
        ):
            wish = {"name": f"n {number}", "local_short_name": "a", "remote_short_name": "b"}
            answer = await node.admin("POST", "/connections", wish | {"code_lifetime_s": lifetime})
            assert answer[0] == status, answer
        assert (await node.admin("POST", "/check", {"url": 1.0}))[1]["field"] == "url"
        for body in (b"1.0", b"[1.0]", b"1e999"):
            headers = {"Authorization": f"Bearer {node.token}", "Content-Type": "application/json"}
            async with node.http.post(f"{node.url}{API}/check", data=body, headers=headers) as refused:
                assert refused.status == 400


async def test_an_idempotency_key_counts_where_it_is_described_and_nowhere_else(tmp_path):
    async with running_node(tmp_path / "a") as node:
        headers = {"Authorization": f"Bearer {node.token}", "Idempotency-Key": "x" * 256}
        for route in (route for route in ROUTES if route.body is not None):
            one = next(one for one in OPERATIONS if (one.method, one.url) == (route.method, route.template))
            async with node.http.request(one.method, node.url + route.url, json=route.body, headers=headers) as answer:
                refused = (await answer.json()).get("field") == "Idempotency-Key"
            assert refused == one.once, one.id
