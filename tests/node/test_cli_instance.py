"""`handclasp instance`: what it makes lets a program into the REST APIs of the running node."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

USERS = "/api/now/table/sys_user?sysparm_query=user_name=admin&sysparm_fields=user_name"
ADMIN = {"result": [{"user_name": "admin"}]}


def asked(node, path, headers, form=None):
    """The status and the body that the instance answers."""
    data = urlencode(form).encode() if form is not None else None
    try:
        with urlopen(Request(node.instance_url + path, data=data, headers=headers), timeout=20) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def test_an_api_key_speaks_for_its_user_at_that_node_alone(nodes, handclasp):
    made = handclasp.here("instance", "api-key", "admin", "--data", nodes.a.data, "--json").succeeded().json
    assert made.keys() == {"user", "api_key"}
    assert asked(nodes.a, USERS, {"x-sn-apikey": made["api_key"]}) == (200, ADMIN)
    assert asked(nodes.b, USERS, {"x-sn-apikey": made["api_key"]})[0] == 401


def test_an_oauth_client_gets_tokens_by_itself_and_for_a_user(nodes, handclasp):
    told = handclasp("instance", "oauth-client", "A program", "--user", "admin", "--data", nodes.a.data).succeeded().out
    client_id, secret = (line.split()[-1] for line in told.splitlines()[:2])
    assert "not shown again" in told
    basic = {"Authorization": f"Basic {b64encode(f'{client_id}:{secret}'.encode()).decode()}"}
    password = (nodes.a.data / "admin.password").read_text().strip()
    for form in (
        {"grant_type": "client_credentials"},
        {"grant_type": "password", "username": "admin", "password": password},
    ):
        status, granted = asked(nodes.a, "/oauth_token.do", basic, form)
        assert status == 200, granted
        bearer = {"Authorization": f"Bearer {granted['access_token']}"}
        assert asked(nodes.a, USERS, bearer) == (200, ADMIN)


@pytest.mark.parametrize("command", [("api-key", "nobody"), ("oauth-client", "A program", "--user", "nobody")])
def test_a_user_who_is_not_there_is_told(nodes, handclasp, command):
    said = handclasp.here("instance", *command, "--data", nodes.a.data).refused(2)
    assert "There is no active user 'nobody' in this instance." in said


def test_no_secret_that_was_told_stands_in_the_nodes_log(nodes, handclasp):
    made = handclasp.here("instance", "oauth-client", "Another", "--data", nodes.a.data, "--json").succeeded().json
    wrong = {"grant_type": "password", "username": "admin", "password": "a wrong secret", **made}
    assert asked(nodes.a, "/oauth_token.do", {}, wrong)[0] == 401
    assert asked(nodes.a, USERS, {"x-sn-apikey": "a wrong key"})[0] == 401
    log = nodes.a.log.read_text()
    assert "token_refused" in log
    for secret in (made["client_secret"], "a wrong secret", "a wrong key"):
        assert secret not in log
