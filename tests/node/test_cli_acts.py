"""Every act of both admins by its command, against nodes that run as processes."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from node.cli.act_table import TAUGHT_ACTS
from node.cli.client import AdminClient
from node.cli.places import Place
from node.connections.acting import ADMIN_ACTS
from node.data_directory import read_admin_token
from protocol.tables import Act
from tests.e2e.processes import NodeProcess, until
from tests.node.command_line import code_in
from tests.node.conftest import TwoNodes


def run(handclasp, node, *arguments, stdin=""):
    return handclasp.here("connections", arguments[0], "--data", node.data, *arguments[1:], stdin=stdin)


def initiated(handclasp, nodes, name, *more):
    to = [] if "--no-url" in more else ["--to", nodes.b.url]
    made = run(handclasp, nodes.a, "initiate", *to, "--local", "A", "--remote", "B", "--name", name, *more)
    return code_in(made.succeeded().out)


def active(handclasp, nodes, name):
    code = initiated(handclasp, nodes, name)
    run(handclasp, nodes.b, "accept", stdin=code).succeeded()
    until(lambda: shown(handclasp, nodes.a, name)["status"] == "active", "the source knows")


def shown(handclasp, node, name):
    return run(handclasp, node, "show", name, "--json").succeeded().json["connection"]


def status_there(handclasp, node, name, status, reason=None):
    def is_there():  # an announcement may still be under way
        found = run(handclasp, node, "show", name, "--json")
        return found.code == 0 and found.json["connection"]["status"] == status

    until(is_there, f"{name} is {status}")
    assert shown(handclasp, node, name)["reason"] == reason


@pytest.fixture(scope="module")
def partner(tmp_path_factory):
    """A node to which few connections are announced: of one network it takes five an hour. A test may stop it."""
    node = NodeProcess(name="Partner", data=tmp_path_factory.mktemp("partner") / "data")
    node.start()
    yield node
    node.close()


def test_every_act_of_the_admin_api_has_its_command():
    assert {taught.act for taught in TAUGHT_ACTS} | {Act.DECLINE} == set(ADMIN_ACTS)


@pytest.mark.parametrize("taught", TAUGHT_ACTS, ids=lambda taught: taught.name)
def test_the_help_of_an_act_teaches_with_an_example_and_what_is_next(handclasp, taught):
    text = handclasp.here("connections", taught.name, "--help").succeeded().out
    assert f"handclasp connections {taught.name} {taught.example}" in text
    assert "Next: " in text
    assert ("--yes" in text) == (taught.asks is not None)


def test_withdraw(handclasp, nodes):
    code = initiated(handclasp, nodes, "cli withdrawn")
    done = run(handclasp, nodes.a, "withdraw", "cli withdrawn").succeeded().out
    assert done.startswith('"cli withdrawn" is closed.\n')
    assert "the source's admin withdrew the invitation code" in done
    late = run(handclasp, nodes.b, "accept", stdin=code)  # b knows it, unless the announcement was one too many
    assert (late.code, bool(re.search("withdrawn|withdrew", late.out + late.err))) == (1, True)


@pytest.mark.parametrize(
    ("command", "status", "reason"), [("approve", "active", None), ("refuse", "closed", "refused")]
)
def test_approve_and_refuse(handclasp, nodes, command, status, reason):
    code = initiated(handclasp, nodes, f"cli {command}", "--no-url")
    assert run(handclasp, nodes.b, "accept", stdin=code).code == 1
    done = run(handclasp, nodes.a, command, f"cli {command}").succeeded().out
    assert done.startswith(f'"cli {command}" is {status}.\n')
    status_there(handclasp, nodes.b, f"cli {command}", status, reason)


def test_cancel(handclasp, nodes):
    code = initiated(handclasp, nodes, "cli cancel", "--no-url")
    assert run(handclasp, nodes.b, "accept", stdin=code).code == 1
    run(handclasp, nodes.b, "cancel", "cli cancel").succeeded()
    status_there(handclasp, nodes.a, "cli cancel", "closed", "cancelled")


def test_the_switches_and_remove_and_forget(handclasp, nodes):
    name = "cli switched"
    active(handclasp, nodes, name)
    assert run(handclasp, nodes.b, "deactivate", name).succeeded().out == (
        f'"{name}" is deactivated here.\nWaiting for an admin of this side to activate it again.\n'
    )
    status_there(handclasp, nodes.a, name, "deactivated-there")
    assert run(handclasp, nodes.b, "activate", name).succeeded().out == f'"{name}" is active.\n'
    status_there(handclasp, nodes.a, name, "active")
    assert "the status is active" in run(handclasp, nodes.a, "approve", name).refused(1)
    document = run(handclasp, nodes.a, "remove", name, "--json").succeeded().json["connection"]
    assert (document["status"], document["reason"], document["owed"]) == ("closed", "removed", False)
    status_there(handclasp, nodes.b, name, "closed", "removed")
    assert run(handclasp, nodes.b, "remove", name).succeeded().out == f'"{name}" is no longer in the list.\n'
    assert run(handclasp, nodes.a, "forget", name).succeeded().out == f'"{name}" is forgotten.\n'
    for node in (nodes.a, nodes.b):
        run(handclasp, node, "show", name).refused(2)


def test_decline_by_id_and_by_code(handclasp, nodes, partner, tmp_path):
    nodes = TwoNodes(nodes.a, partner)
    initiated(handclasp, nodes, "cli declined")
    status_there(handclasp, nodes.b, "cli declined", "invited")
    run(handclasp, nodes.b, "decline", "cli declined").succeeded()
    status_there(handclasp, nodes.a, "cli declined", "closed", "declined")
    file = tmp_path / "mail"
    file.write_text(initiated(handclasp, nodes, "cli code declined", "--no-url"))
    document = run(handclasp, nodes.b, "decline", "--file", file, "--json").succeeded().json["connection"]
    assert (document["status"], document["reason"]) == ("closed", "declined")
    status_there(handclasp, nodes.a, "cli code declined", "closed", "declined")


def test_new_code(handclasp, nodes):
    old = initiated(handclasp, nodes, "cli new code")
    done = run(handclasp, nodes.a, "new-code", "cli new code", "--lifetime", "2h").succeeded().out
    assert code_in(done) != old
    assert "Only the node at" in done
    run(handclasp, nodes.b, "accept", stdin=code_in(done)).succeeded()
    assert "the status is active" in run(handclasp, nodes.a, "new-code", "cli new code").refused(1)


def test_describe_and_events(handclasp, nodes):
    name = "cli described"
    active(handclasp, nodes, name)
    assert "new description" in run(handclasp, nodes.a, "describe", name, "two\nlines").succeeded().out
    assert shown(handclasp, nodes.a, name)["description"] == "two\nlines"
    everything = run(handclasp, nodes.a, "events", name, "--json").succeeded().json["events"]
    assert [event["data"]["seq"] for event in everything] == list(range(1, len(everything) + 1))
    assert run(handclasp, nodes.a, "events", name, "--after", "1", "--json").json["events"] == everything[1:]
    assert re.search(r"^2 +.* Active", run(handclasp, nodes.a, "events", name).succeeded().out, re.MULTILINE)
    assert run(handclasp, nodes.a, "events", name, "--after", "99").out == "There is no such event.\n"
    assert "at most 1000" in run(handclasp, nodes.a, "describe", name, "x" * 1001).refused(2)


def test_events_are_followed_until_ctrl_c(handclasp, nodes):
    name = "cli followed"
    active(handclasp, nodes, name)
    process = subprocess.Popen(
        [sys.executable, "-m", "node", "connections", "events", name, "--follow", "--json", "--data", nodes.a.data],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=handclasp.environment(), text=True,
    )  # fmt: skip
    assert [json.loads(process.stdout.readline())["data"]["status"] for _ in range(2)] == ["pending", "active"]
    run(handclasp, nodes.a, "deactivate", name).succeeded()
    assert json.loads(process.stdout.readline())["data"]["status"] == "deactivated-here"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_while_the_partner_is_away_acts_say_so_and_retry_tells_them(handclasp, nodes, partner):
    active(handclasp, TwoNodes(nodes.a, partner), "cli removed")
    active(handclasp, TwoNodes(nodes.a, partner), "cli away")
    assert "Nothing waits" in run(handclasp, nodes.a, "retry", "cli away").refused(1)
    partner.stop()
    try:
        what_is_removed_before_its_partner_knows_is_told_and_can_be_found_and_forgotten(handclasp, nodes, "cli removed")
        done = run(handclasp, nodes.a, "deactivate", "cli away").succeeded().out.splitlines()
        assert done[0] == '"cli away" is deactivated here.'
        assert "It is told as soon as it can be reached" in done[1]
        assert f"127.0.0.1:{partner.port} can't be connected to" in done[2]
    finally:
        partner.start()
    until(
        lambda: (
            run(handclasp, nodes.a, "retry", "cli away").out.startswith("The partner has been told.")
            or not shown(handclasp, nodes.a, "cli away")["owed"]
        ),
        "it is told",
    )
    status_there(handclasp, partner, "cli away", "deactivated-there")


def what_is_removed_before_its_partner_knows_is_told_and_can_be_found_and_forgotten(handclasp, nodes, name):
    assert "is told as soon as it can be reached" in run(handclasp, nodes.a, "remove", name).succeeded().out
    sys_id = shown(handclasp, nodes.a, name)["sys_id"]
    removed = run(handclasp, nodes.a, "remove", name).succeeded().out.splitlines()
    assert removed[0] == f'"{name}" is no longer in the list.'
    assert removed[1].endswith(f"`handclasp connections forget {sys_id[:8]}` ends that.")
    assert name not in run(handclasp, nodes.a, "list").succeeded().out
    assert name in run(handclasp, nodes.a, "list", "--removed").succeeded().out
    assert run(handclasp, nodes.a, "forget", name).succeeded().out == f'"{name}" is forgotten.\n'
    assert run(handclasp, nodes.a, "list", "--removed").succeeded().out == "There is no such connection.\n"


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_a_person_is_asked_before_what_can_not_be_undone(handclasp, nodes, typed, code):
    name = f"cli asked {typed.strip() or 'nothing'}"
    initiated(handclasp, nodes, name)
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "node", "connections", "withdraw", name, "--data", nodes.a.data],
        stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=handclasp.environment(), text=True,
    )  # fmt: skip
    os.close(terminal)
    os.write(controller, typed.encode())
    _, err = process.communicate(timeout=30)
    os.close(controller)
    assert process.returncode == code
    assert f'The invitation code of "{name}" dies for good. Go on? [y/N]' in err
    assert shown(handclasp, nodes.a, name)["status"] == ("pending" if code else "closed")


@contextmanager
def losing_answers(url, *, times):
    """A server before a node that passes requests on and drops the first answers."""
    import urllib.request

    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.headers["Idempotency-Key"])
            request = urllib.request.Request(url + self.path, data=body, headers=dict(self.headers))
            with urllib.request.urlopen(request, timeout=10) as answer:
                text, status = answer.read(), answer.status
            if len(seen) <= times:
                self.close_connection = True
                return
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()
            thread.join()


def test_a_write_whose_answer_is_lost_is_sent_again_and_done_once(nodes):
    wish = {"name": "cli once", "local_short_name": "A", "remote_short_name": "B"}
    with losing_answers(nodes.a.url, times=1) as (url, seen):
        client = AdminClient(Place(title="a", url=url, token=read_admin_token(nodes.a.data)))
        made = client.initiate(wish)
    assert len(seen) == 2
    assert len(set(seen)) == 1
    direct = AdminClient(Place(title="a", url=nodes.a.url, token=read_admin_token(nodes.a.data)))
    assert [one["sys_id"] for one in direct.connections() if one["name"] == "cli once"] == [
        made["connection"]["sys_id"]
    ]
