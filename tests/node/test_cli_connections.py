"""The commands of the two admins against nodes that run as processes; the first test runs them as processes too."""

import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from node.cli.client import AdminClient
from node.cli.places import Place
from node.data_directory import read_admin_token
from tests.e2e.processes import NodeProcess, until
from tests.node.command_line import code_in


def initiate(command, nodes, name, *more, to=None, data=None):
    arguments = ["--local", "A", "--remote", "B", "--name", name, *more]
    if "--no-url" not in more:
        arguments += ["--to", to or nodes.b.instance_url]
    return command("connections", "initiate", "--data", data or nodes.a.data, *arguments).succeeded()


def listed(handclasp, node, *more):
    return handclasp.here("connections", "list", "--data", node.data, "--json", *more).succeeded().json["connections"]


def test_one_admin_initiates_the_other_accepts_and_both_see_it_active(handclasp, nodes):
    printed = initiate(handclasp, nodes, "main job").out
    code = code_in(printed)
    assert f"Only the node at 127.0.0.1:{nodes.b.port} can use it." in printed
    assert "`handclasp connections accept`" in printed
    assert handclasp("connections", "show", "--data", nodes.a.data, "main job").out.startswith("main job: Pending")

    accepted = handclasp("connections", "accept", "--data", nodes.b.data, stdin=code).succeeded()
    assert accepted.out == '"main job" is active.\n'
    for node in (nodes.a, nodes.b):
        assert handclasp("connections", "show", "--data", node.data, "main job").out.startswith("main job: Active")


def test_an_unbound_code_is_for_whoever_has_it_first_and_waits_for_approval(handclasp, nodes):
    printed = initiate(handclasp.here, nodes, "unbound", "--no-url").out
    assert "Whoever has this code first can become the destination; exactly one will." in printed
    assert "An accepted connection then waits for your approval." in printed
    result = handclasp.here("connections", "accept", "--data", nodes.b.data, stdin=code_in(printed))
    assert (result.code, result.err) == (1, "")
    assert result.out.splitlines()[:2] == [
        '"unbound" is awaiting approval.',
        "Waiting for the admin of A to approve.",
    ]
    shown = handclasp.here("connections", "show", "--data", nodes.a.data, "unbound").out.splitlines()
    assert shown[0] == "unbound: Awaiting your approval"
    assert shown[1].startswith("Instance B has accepted and waits for your approval.")


def test_nobody_asks_when_the_source_said_not_to(handclasp, nodes):
    code = code_in(initiate(handclasp.here, nodes, "not asked", "--no-url", "--no-ask-me").out)
    handclasp.here("connections", "accept", "--data", nodes.b.data, stdin=code).succeeded()


def test_a_connection_without_a_name_is_called_after_its_two_ends(handclasp, nodes):
    arguments = ["--to", nodes.b.url, "--local", "Oslo", "--remote", "Bergen", "--json"]
    made = handclasp.here("connections", "initiate", "--data", nodes.a.data, *arguments).succeeded().json
    assert made["connection"]["name"] == "Oslo_to_Bergen"
    assert made["connection"]["status"] == "pending"
    assert made["invitation_code"].startswith("handclasp_")


@pytest.mark.parametrize(("lifetime", "seconds"), [("5400s", 5400), ("30m", 1800), ("12h", 43200), ("30d", 2592000)])
def test_a_code_lives_as_long_as_asked(handclasp, nodes, lifetime, seconds):
    made = handclasp.here(
        "connections", "initiate", "--data", nodes.a.data, "--no-url", "--local", "A", "--remote", "B",
        "--name", f"lives {lifetime}", "--lifetime", lifetime, "--json",
    ).succeeded().json["connection"]  # fmt: skip
    lived = time_of(made["expires_at"]) - time_of(made["created_at"])
    assert abs(lived - seconds) <= 1


def time_of(text):
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def test_a_code_is_taken_from_a_whole_e_mail_in_a_file_with_other_names(handclasp, nodes, tmp_path):
    code = code_in(initiate(handclasp.here, nodes, "by mail").out)
    mail = tmp_path / "mail.txt"
    quoted = "\n".join(f"> {code[at : at + 70]}" for at in range(0, len(code), 70))
    mail.write_text(f"\ufeffHello,\n\nplease accept this:\n{quoted}\n\nBye\n")
    names = ["--name", "from the mail", "--local", "Here", "--remote", "There", "--description", "two\nlines"]
    result = handclasp.here("connections", "accept", "--data", nodes.b.data, "--file", mail, "--json", *names)
    connection = result.succeeded().json["connection"]
    assert connection["status"] == "active"
    assert (connection["name"], connection["local_short_name"]) == ("from the mail", "Here")
    assert (connection["remote_short_name"], connection["description"]) == ("There", "two\nlines")
    source = handclasp.here("connections", "show", "--data", nodes.a.data, "by mail", "--json").succeeded().json
    assert source["connection"]["name"] == "by mail"


def test_both_admins_read_the_two_fingerprints_in_the_same_order_and_the_partners_short_name_in_the_list(
    handclasp, nodes
):
    code = code_in(initiate(handclasp.here, nodes, "compared").out)
    handclasp.here("connections", "accept", "--data", nodes.b.data, stdin=code).succeeded()
    shown = [handclasp.here("connections", "show", "--data", node.data, "compared").out for node in (nodes.a, nodes.b)]
    sides = [re.findall(r"^  (source|destination) +(\S+)  (.*)$", text, re.MULTILINE) for text in shown]
    assert [[(role, whose) for role, _, whose in one] for one in sides] == [
        [("source", "(this node)"), ("destination", "(the partner)")],
        [("source", "(the partner)"), ("destination", "(this node)")],
    ]
    assert [fingerprint for _, fingerprint, _ in sides[0]] == [fingerprint for _, fingerprint, _ in sides[1]]
    [row] = [
        line for line in handclasp.here("connections", "list", "--data", nodes.b.data).out.splitlines()
        if " compared " in line
    ]  # fmt: skip
    assert re.search(r" destination +A +\d{4}-", row)


def test_a_person_is_asked_for_the_code_and_pastes_it(handclasp, nodes):
    code = code_in(initiate(handclasp.here, nodes, "pasted").out)
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "node", "connections", "accept", "--data", nodes.b.data],
        stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=handclasp.environment(), text=True,
    )  # fmt: skip
    os.close(terminal)
    assert process.stderr.readline().startswith("Paste the invitation code")
    os.write(controller, f"\nHello\n{code}\n".encode())
    out, err = process.communicate(timeout=30)
    os.close(controller)
    assert (process.returncode, out, err) == (0, '"pasted" is active.\n', "")


def test_the_secret_of_a_code_stands_in_no_list_of_processes_and_no_output_but_its_own(handclasp, nodes, tmp_path):
    code = code_in(initiate(handclasp.here, nodes, "secret").out)
    secret = code[-32:]
    file = tmp_path / "code"
    file.write_text(code)
    process = subprocess.Popen(
        [sys.executable, "-m", "node", "connections", "accept", "--data", nodes.b.data, "--file", file],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=handclasp.environment(), text=True,
    )  # fmt: skip
    seen = ""
    while process.poll() is None:
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen += line.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
        time.sleep(0.05)
    out = process.stdout.read()
    process.stdout.close()
    shown = [
        handclasp.here("connections", *command, "--data", node.data).out
        for node in (nodes.a, nodes.b)
        for command in (["list", "--json"], ["show", "secret", "--json", "--events"])
    ]
    assert process.returncode == 0
    assert "connections accept" in seen
    for text in (seen, out, *shown):
        assert secret not in text


def test_a_connection_that_cannot_be_told_says_what_it_waits_for(handclasp, nodes, tmp_path):
    source = NodeProcess(name="Gone", data=tmp_path / "gone")
    source.start()
    try:
        code = code_in(initiate(handclasp.here, nodes, "gone away", data=source.data).out)
    finally:
        source.stop()
    result = handclasp.here("connections", "accept", "--data", nodes.b.data, "--wait", "1", stdin=code)
    assert (result.code, result.err) == (1, "")
    first, second, third, fourth, fifth, last = result.out.splitlines()
    assert first == '"gone away" is accepting.'
    assert second == "Accepted here. Waiting until A has been told."
    assert third.endswith("It is told as soon as it can be reached, for as long as it takes.")
    assert f"127.0.0.1:{source.port} can't be connected to" in fourth
    assert re.fullmatch(
        r"Tries so far: \d+\. The next one is (now|in .+, at [\d:]+ UTC); "
        r"`handclasp connections retry [0-9a-f]{8}` tries now\.",
        fifth,
    )
    assert last.startswith("See how it goes on: handclasp connections show ")


def test_the_list_shows_every_connection_and_can_be_narrowed(handclasp, nodes):
    code = code_in(initiate(handclasp.here, nodes, "listed one").out)
    initiate(handclasp.here, nodes, "listed two")
    handclasp.here("connections", "accept", "--data", nodes.b.data, stdin=code).succeeded()
    text = handclasp.here("connections", "list", "--data", nodes.a.data).succeeded().out
    assert re.search(r"^[0-9a-f]{8}  listed one +Active +source +Instance B", text, re.MULTILINE)
    assert re.search(r"^[0-9a-f]{8}  listed two +Pending +source +Instance B", text, re.MULTILINE)
    pending = listed(handclasp, nodes.a, "--status", "pending")
    assert {one["status"] for one in pending} == {"pending"}
    assert "listed two" in {one["name"] for one in pending}
    assert listed(handclasp, nodes.a, "--role", "destination") == []


def test_an_empty_list_says_how_to_begin(handclasp, private):
    data = private.data
    assert handclasp.here("connections", "list", "--data", data).out.startswith("There is no connection yet.")
    assert "no such connection" in handclasp.here("connections", "list", "--data", data, "--role", "source").out
    assert listed(handclasp, private) == []


def test_all_pages_are_fetched(handclasp, nodes, monkeypatch):
    for number in range(3):
        initiate(handclasp.here, nodes, f"page {number}", "--no-url")
    client = AdminClient(Place(title="a", url=nodes.a.url, token=read_admin_token(nodes.a.data)))
    everything = client.connections()
    events = client.events(everything[0]["sys_id"])
    monkeypatch.setattr("node.cli.client.PAGE", 1)
    assert client.connections() == everything
    assert len(everything) >= 3
    assert client.events(everything[0]["sys_id"]) == events
    assert {one["name"] for one in client.connections(status="pending")} >= {"page 0", "page 1", "page 2"}


def test_a_connection_is_found_by_its_id_by_the_beginning_of_it_and_by_its_name(handclasp, nodes):
    made = json.loads(initiate(handclasp.here, nodes, "found", "--json").out)
    sys_id = made["connection"]["sys_id"]
    for wanted in (sys_id, sys_id[:12], sys_id[:12].upper(), "found"):
        shown = handclasp.here("connections", "show", "--data", nodes.a.data, wanted).succeeded().out
        assert re.search(rf"ID +{sys_id}\n", shown)
    with_code = handclasp.here("connections", "show", "--data", nodes.a.data, "found", "--code").succeeded().out
    assert code_in(with_code) == made["invitation_code"]


def test_the_history_of_a_connection_is_shown(handclasp, nodes):
    code = code_in(initiate(handclasp.here, nodes, "history").out)
    handclasp.here("connections", "accept", "--data", nodes.b.data, stdin=code).succeeded()
    until(
        lambda: "Active" in handclasp.here("connections", "show", "--data", nodes.a.data, "history").out, "a is active"
    )
    shown = handclasp.here("connections", "show", "--data", nodes.a.data, "history", "--events").succeeded().out
    assert re.search(r"^1 +[-0-9]+ [:0-9]+ UTC +Pending *\n2 +[-0-9]+ [:0-9]+ UTC +Active *$", shown, re.MULTILINE)
    document = handclasp.here("connections", "show", "--data", nodes.a.data, "history", "--events", "--json").json
    assert [event["data"]["status"] for event in document["events"]] == ["pending", "active"]


def test_a_destination_that_is_fine_is_told_with_all_that_is_known(handclasp, nodes):
    result = handclasp.here("connections", "check", "--data", nodes.a.data, nodes.b.instance_url).succeeded()
    assert "Instance B can be reached" in result.out
    assert re.search(r"fingerprint +[a-z2-7]{4}(-[a-z2-7]{4}){5}\n", result.out)
    document = handclasp.here("connections", "check", "--data", nodes.a.data, nodes.b.url, "--json").succeeded().json
    assert (document["outcome"], document["modes"]) == ("ok", ["script"])


@pytest.mark.parametrize(
    ("destination", "outcome"),
    [("{a}", "this-instance"), ("http://127.0.0.1:1", "unreachable"), ("{a}/readyz", "not-a-node"),
     ("http://10.1.2.3", "address-blocked")],
)  # fmt: skip
def test_a_destination_that_is_not_fine_ends_with_exit_code_1_and_a_remedy(handclasp, nodes, destination, outcome):
    url = destination.format(a=nodes.a.url)
    before = nodes.rows()
    result = handclasp.here("connections", "check", "--data", nodes.a.data, url)
    assert (result.code, result.err) == (1, "")
    sentence, remedy, *_ = result.out.splitlines()
    assert sentence.endswith(".")
    assert remedy.endswith(".")
    assert re.search(rf"outcome +{outcome}\n", result.out)
    assert nodes.rows() == before


def test_what_a_code_says_is_shown_without_any_node_and_without_its_secret(handclasp, nodes, tmp_path):
    code = code_in(initiate(handclasp.here, nodes, "read alone").out)
    elsewhere = type(handclasp)(tmp_path)
    shown = elsewhere("invitation", "show", stdin=f"Dear B,\n{code}\nBye").succeeded().out
    assert "short names  B here, A there\n" in shown
    assert re.search(r"expires +in 6 days and 23 hours \(", shown)
    assert re.search(r"code +handclasp_[a-z2-7]{8}\n", shown)
    assert re.search(r"for +one node, chosen by the source\n", shown)
    file = tmp_path / "code"
    file.write_text(code.upper())
    document = elsewhere.here("invitation", "show", "--file", file, "--json").succeeded().json["invitation"]
    assert document["source"]["node_url"] == nodes.a.url
    assert (document["local_short_name"], document["remote_short_name"]) == ("B", "A")
    assert (document["bound"], document["expired"], document["name"]) == (True, False, "read alone")
    for text in (shown, json.dumps(document)):
        assert code[-32:] not in text
        assert code[-32:].upper() not in text
