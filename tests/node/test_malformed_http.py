"""Bytes that are no HTTP are refused, and the log stays readable: one quiet line, no traceback, nothing of theirs."""

import json
import socket

import pytest

from tests.e2e.processes import NodeProcess, until

PEER = b"POST /peer HTTP/1.1\r\nHost: a\r\n"
GARBAGE = {
    "every byte": bytes(range(256)) * 4,
    "a TLS greeting": bytes.fromhex("16030100f8010000f40303") + b"secret" * 40,
    "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version that never was": b"GET / HTTP/9.9\r\n\r\n",
    "a method with a zero byte": b"G\x00T / HTTP/1.1\r\n\r\n",
    "an endless line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    "an endless header": b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "headers without end": b"GET / HTTP/1.1\r\n" + b"".join(b"x%d: a\r\n" % n for n in range(5_000)) + b"\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: a\r\nsecret\r\n\r\n",
    "a zero byte in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    "two lengths": PEER + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "a negative length": PEER + b"Content-Length: -3\r\n\r\nabc",
    "a length and chunks": PEER + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk without a size": PEER + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a second chunk without a size": PEER + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
    "a body of broken chunks": (
        b"POST /api/v1/check HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"
    ),
    "a URL that is none": b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a path that is no text": b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    "garbage after a request": b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n\x00\x01\x02",
}
TOO_LONG = {"an endless line": b"414 URI Too Long", "an endless header": b"431 Request Header Fields Too Large"}


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    node = NodeProcess(
        name="a", data=tmp_path_factory.mktemp("malformed") / "a", settings={"HANDCLASP_LOG_LEVEL": "debug"}
    )
    node.start()
    yield node
    node.close()


def said(node, data, *, port=None):
    """All that is answered, until the node hangs up."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port or node.port), timeout=10) as link:
        link.sendall(data)
        while piece := link.recv(4096):
            answer += piece
    return answer


def lines_after(node, start):
    return [json.loads(line) for line in node.log.read_text()[start:].splitlines()]


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_one_quiet_line_without_a_traceback(node, what):
    start = len(node.log.read_text())
    head, _, _ = said(node, GARBAGE[what]).partition(b"\r\n")
    assert TOO_LONG.get(what, b"400 Bad Request") in head
    until(lambda: lines_after(node, start), "it is told")
    (line,) = lines_after(node, start)
    assert {name: line[name] for name in ("level", "event", "remote")} == {
        "level": "debug",
        "event": "malformed_http",
        "remote": "127.0.0.1",
    }
    assert "exception" not in line
    assert "secret" not in str(line)


@pytest.mark.parametrize(("length", "status"), [(16_000, b"404"), (23_000, b"414")])
def test_the_instance_takes_longer_urls_and_refuses_those_that_are_too_long_by_a_page(node, length, status):
    start = len(node.log.read_text())
    request = b"GET /" + b"a" * length + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    head, _, body = said(node, request, port=node.instance_port).partition(b"\r\n\r\n")
    assert head.split()[1] == status
    if status == b"414":
        assert body.startswith(b"<html>")
        until(lambda: lines_after(node, start), "it is told")
        assert [line["event"] for line in lines_after(node, start)] == ["malformed_http"]


def test_it_answers_all_the_same(node):
    assert b"HTTP/1.1 200 OK" in said(node, b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
