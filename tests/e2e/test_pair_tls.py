"""`handclasp pair --tls`: two nodes that speak https to each other and to clients that nobody here wrote."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.e2e.pairs import HANDCLASP, Pair

ROOT = Path(__file__).parents[2]

URLLIB = "import sys, urllib.request as http; print(http.urlopen(sys.argv[1]).status)"
REQUESTS = "import sys, requests; print(requests.get(sys.argv[1]).status_code)"
FETCH = "fetch(process.argv[1]).then(answer => console.log(answer.status), error => process.exit(1))"

CLIENTS = [
    pytest.param("SSL_CERT_FILE", [sys.executable, "-c", URLLIB], id="urllib"),
    pytest.param("REQUESTS_CA_BUNDLE", [sys.executable, "-c", REQUESTS], id="requests"),
    pytest.param("NODE_EXTRA_CA_CERTS", ["node", "-e", FETCH], id="Node.js", marks=pytest.mark.nodejs),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A pair that was made with --tls, connected, and stopped."""
    data = tmp_path_factory.mktemp("tls") / "pair"
    with Pair(data, "--tls", "--connect") as pair:
        assert pair.told["connection"]["status"] == "active"
        assert pair.stop() == 0
    return data


class Kept:
    """The same pair, started again without --tls."""

    def __init__(self, data):
        self.data = data
        self.process = subprocess.Popen(
            [*HANDCLASP, "pair", "--data", str(data)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self.banner = ""
        while "Ready. Ctrl-C stops it" not in self.banner:
            line = self.process.stdout.readline()
            assert line, self.banner
            self.banner += line

    @property
    def exports(self):
        """The variables to paste, by name."""
        return dict(re.findall(r"export (\w+)=(\S+)", self.banner))

    @property
    def instance_urls(self):
        return re.findall(r"instance URL\s+(\S+)", self.banner)


@pytest.fixture(scope="module")
def kept(data):
    kept = Kept(data)
    yield kept
    kept.process.send_signal(signal.SIGINT)
    kept.process.wait(20)
    kept.process.stdout.close()


@pytest.mark.slow
def test_two_nodes_are_connected_by_https_and_stay_so_over_a_restart(kept, handclasp):
    environment = {"HANDCLASP_PAIR": str(kept.data)}
    acts = ("connections", "show", "--node", "a", "a_to_b", "--json")
    shown = handclasp.here(*acts, **environment).succeeded().json["connection"]
    assert shown["partner"]["node_url"].startswith("https://127.0.0.1:")
    handclasp.here("connections", "deactivate", "--node", "b", "a_to_b", **environment).succeeded()
    assert handclasp.here(*acts, **environment).json["connection"]["status"] == "deactivated-there"
    status = handclasp.here("pair", "status", "--data", kept.data, "--json").succeeded().json
    assert [node["connections"] for node in status["nodes"]] == [{"deactivated-there": 1}, {"deactivated-here": 1}]
    assert all(node["node_url"].startswith("https:") for node in status["nodes"])
    assert status["broker"]["url"].startswith("mqtt://")


@pytest.mark.slow
@pytest.mark.parametrize(("variable", "client"), CLIENTS)
def test_a_client_trusts_the_pair_by_the_variable_that_is_told_and_not_without(kept, variable, client):
    variables = {name: value for name, value in os.environ.items() if name not in kept.exports}
    for url in kept.instance_urls:
        asks = [*client, f"{url}/healthz"]
        trusting = subprocess.run(
            asks, capture_output=True, text=True, check=False, env=variables | {variable: kept.exports[variable]}
        )
        assert trusting.stdout.strip() == "200", trusting
    assert subprocess.run(asks, capture_output=True, check=False, env=variables).returncode != 0


@pytest.mark.slow
def test_the_banners_curl_line_can_be_pasted(kept):
    curl = next(line.strip() for line in kept.banner.splitlines() if line.strip().startswith("curl"))
    told = subprocess.run(["bash", "-c", f"{curl} --silent"], capture_output=True, check=True)
    assert len(json.loads(told.stdout)["connections"]) == 1
    without = re.sub(r"--cacert \S+ ", "", curl)
    assert subprocess.run(["bash", "-c", f"{without} --silent"], capture_output=True, check=False).returncode == 60


@pytest.mark.slow
def test_the_instance_tells_its_records_under_https_and_refuses_a_url_that_is_too_long_by_a_page(kept, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", kept.exports["REQUESTS_CA_BUNDLE"])
    password = (kept.data / "a" / "admin.password").read_text().strip()
    table = f"{kept.instance_urls[0]}/api/now/table/sys_user"
    with requests.Session() as http:
        http.auth = ("admin", password)
        told = http.get(table, params={"sysparm_limit": "1"})
        assert told.status_code == 200, told.text
        assert told.links["first"]["url"].startswith(table)
        query = "user_nameINadmin" + 250 * f",{'f' * 32}"
        told = http.get(table, params={"sysparm_query": query})
        assert told.headers.get("X-Total-Count") == "1", told.text
        refused = http.get(table, params={"sysparm_query": 3 * query})
        assert refused.status_code == 414
        assert re.match(r"^<.*html>", refused.text)


@pytest.mark.slow
def test_events_are_broadcast_as_ever(kept, handclasp):
    watched = handclasp("watch", "--once", "--json", HANDCLASP_PAIR=str(kept.data)).succeeded()
    assert "a_to_b" in watched.out


@pytest.mark.slow
def test_no_key_of_the_authority_is_kept_and_nothing_went_wrong(kept):
    folder = kept.data / "pair.tls"
    assert {path.name for path in folder.iterdir()} == {"ca.pem", "a.pem", "a.key", "b.pem", "b.key"}
    assert shlex.split(kept.exports["SSL_CERT_FILE"]) == [str(folder / "ca.pem")]
    for name in ("a", "b"):
        lines = [json.loads(line) for line in (kept.data / f"{name}.log").read_text().splitlines()]
        assert [line for line in lines if line["level"] in {"warning", "error"} or "exception" in line] == []
