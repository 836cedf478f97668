"""The companies in the instances of `handclasp pair`, as clients see them."""

import base64
import json
import urllib.request

import pytest

from tests.e2e.pairs import Pair


def told_by(pair, node, path):
    """What the instance of a node of the pair answers its admin."""
    password = (pair.data / node["name"] / "admin.password").read_text().strip()
    token = base64.b64encode(f"admin:{password}".encode()).decode()
    request = urllib.request.Request(
        f"{node['instance_url']}/api/now/{path}", headers={"Authorization": f"Basic {token}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["result"], answer.headers


@pytest.mark.slow
def test_each_instance_of_a_pair_has_a_company_of_its_own(tmp_path):
    with Pair(tmp_path / "pair") as pair:
        names = set()
        for node in pair.told["nodes"]:
            [own], _ = told_by(pair, node, "table/core_company?sysparm_query=primary=true&sysparm_fields=name")
            names.add(own["name"])
            _, headers = told_by(
                pair, node, "table/incident?sysparm_limit=1&sysparm_query=caller_id.company.primary=true"
            )
            assert int(headers["X-Total-Count"]) > 300
        assert len(names) == 2


@pytest.mark.slow
def test_an_instance_is_empty_if_that_is_asked_for(tmp_path):
    with Pair(tmp_path / "pair", "--count", "1", "--no-demo-data") as pair:
        [node] = pair.told["nodes"]
        found, headers = told_by(pair, node, "table/incident")
        assert (found, headers["X-Total-Count"]) == ([], "0")
        [admin], _ = told_by(pair, node, "table/sys_user?sysparm_fields=user_name")
        assert admin == {"user_name": "admin"}
