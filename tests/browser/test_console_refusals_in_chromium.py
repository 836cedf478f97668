"""What can't be, told in the browser before anything is done: each outcome of the check, each bad code."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from node.network.check import CheckOutcome
from protocol.code_outcomes import SENTENCES, CodeOutcome
from protocol.identity import SigningKey
from protocol.modes import Mode
from protocol.node_info import NodeInfo, NotTakingReason, to_json
from tests.browser.steps import accept, ended
from tests.e2e.processes import NodeProcess
from tests.node.loopback_servers import certificate, free_port
from tests.protocol.codes import with_fields

pytestmark = [pytest.mark.chromium, pytest.mark.slow]


@contextmanager
def answering(body, *, ssl_context=None):
    """A web server that gives one answer to whoever asks; its URL. It lives in threads: Playwright has the loop."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            sent = body(url).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    scheme, host = ("http", "127.0.0.1") if ssl_context is None else ("https", "localhost")
    if ssl_context is not None:
        server.socket = ssl_context.wrap_socket(server.socket, server_side=True)
    url = f"{scheme}://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def node_info(**changes):
    """What a node would say that differs from ours in something."""

    def body(url):
        fields = {
            "protocol_versions": (1,),
            "software": "handclasp 9.9.9",
            "node_id": "00000000-0000-4000-8000-000000000001",
            "name": "Globex",
            "instance_url": url,
            "node_url": url,
            "key": SigningKey(b"t" * 32).public,
            "modes": (Mode.SCRIPT,),
            "takes_invitations": True,
            "not_taking_reason": None,
            "boot": "00000000",
        }
        return to_json(NodeInfo(**{**fields, **changes})).decode()

    return body


@contextmanager
def destination(outcome, a, b, folder):
    """A URL about which the check comes to that."""
    match outcome:
        case CheckOutcome.OK:
            yield b.node.instance_url
        case CheckOutcome.THIS_INSTANCE:
            yield a.node.instance_url
        case CheckOutcome.UNREACHABLE:
            yield f"http://127.0.0.1:{free_port()}"
        case CheckOutcome.ADDRESS_BLOCKED:
            yield "http://10.0.0.1:1"
        case CheckOutcome.TLS_FAILURE:
            _, context = certificate(folder, "stranger", "DNS:localhost")
            with answering(node_info(), ssl_context=context) as url:
                yield url
        case CheckOutcome.NOT_A_NODE:
            with answering(lambda _: "<h1>Welcome</h1>") as url:
                yield url
        case CheckOutcome.VERSION_UNSUPPORTED:
            with answering(node_info(protocol_versions=(2,))) as url:
                yield url
        case CheckOutcome.NOT_ACCEPTING:
            with answering(node_info(takes_invitations=False, not_taking_reason=NotTakingReason.MAINTENANCE)) as url:
                yield url


SAYS = {
    CheckOutcome.OK: ("takes invitations", "Only this node will be able to use the code."),
    CheckOutcome.THIS_INSTANCE: ("is this instance itself.", "Type the address of the other instance."),
    CheckOutcome.UNREACHABLE: ("connection refused", "Try again when it can be reached"),
    CheckOutcome.TLS_FAILURE: ("self-signed certificate", "The certificate can't be ignored"),
    CheckOutcome.NOT_A_NODE: ("not with the information that every node gives", "copying it from the other admin"),
    CheckOutcome.VERSION_UNSUPPORTED: ("does not speak version 1", "Bring the older of the two nodes up to date."),
    CheckOutcome.NOT_ACCEPTING: ("takes no invitations now: it is being maintained", "Ask its admin"),
    CheckOutcome.ADDRESS_BLOCKED: ("HANDCLASP_ALLOW_", "Use an address that this node may call"),
}


@pytest.mark.parametrize("outcome", CheckOutcome)
def test_each_outcome_of_the_check_is_told_with_its_remedy_as_the_field_is_left(admins, tmp_path, outcome):
    a, b = admins
    page = a.page
    with destination(outcome, a, b, tmp_path) as url:
        a.go("/console/initiate")
        page.get_by_label("Destination instance URL").fill(url)
        page.get_by_label("Destination instance URL").press("Tab")
        told = page.locator(f"[data-outcome={outcome}]")
        told.wait_for()
        for sentence in SAYS[outcome]:
            assert sentence in told.inner_text()
        is_ok = outcome is CheckOutcome.OK
        assert page.locator(".tick").is_visible() == is_ok
        assert page.get_by_label("Script").count() == is_ok
        page.get_by_role("button", name="Next").click()  # what was found is found again
        page.get_by_role("heading", name="Connection information").wait_for() if is_ok else told.wait_for()


@pytest.fixture(scope="module")
def third(tmp_path_factory):
    """One more node, for codes that are somebody else's."""
    node = NodeProcess(name="Instance C", data=tmp_path_factory.mktemp("third") / "c")
    try:
        node.start()
        yield node
    finally:
        node.close()


def code_with(outcome, a, b, third):
    """A code of which `b` is told that, before or after it has pressed Accept; and whether it takes the source."""
    name = str(outcome)
    match outcome:
        case CodeOutcome.NOT_A_CODE:
            return "Dear colleague, here is what you asked for.", False
        case CodeOutcome.NEWER_VERSION:
            return with_fields(versions=[2]), False
        case CodeOutcome.FORGED:
            return with_fields(name="a\u202eb"), False
        case CodeOutcome.OWN:
            return b.node.initiate(a.node.url, name=name)[1], False
        case CodeOutcome.NOT_FOR_YOU:
            return a.node.initiate(third.url, name=name)[1], False
    sys_id, code = a.node.initiate(None, name=name, ask_me=False)
    match outcome:
        case CodeOutcome.SEVERAL_CODES:
            return f"{code} or {a.node.initiate(None, name='another')[1]}", False
        case CodeOutcome.TRUNCATED:
            return code[:-5], False
        case CodeOutcome.MISTYPED:
            return code[:50] + ("a" if code[50] != "a" else "b") + code[51:], False
        case CodeOutcome.ALREADY_ACCEPTED_HERE:
            b.node.accept(code)
            b.node.until_active(sys_id)
            return code, False
        case CodeOutcome.USED:
            third.accept(code)
            a.node.until_active(sys_id)
        case CodeOutcome.REPLACED:
            a.node.admin("POST", f"/connections/{sys_id}/new-code")
        case CodeOutcome.WITHDRAWN:
            a.node.admin("POST", f"/connections/{sys_id}/withdraw")
    return code, True


WHY_CLOSED = {
    CodeOutcome.USED: "another node used the invitation code first",
    CodeOutcome.REPLACED: "the source replaced the invitation code with a newer one",
    CodeOutcome.WITHDRAWN: "the source's admin withdrew the invitation code",
}
"""What the page of the connection says, where the source alone can know; an expiry takes a minute (see the endings)."""


@pytest.mark.parametrize("outcome", [one for one in CodeOutcome if one is not CodeOutcome.EXPIRED])
def test_each_bad_code_is_told_in_its_own_sentence(admins, third, outcome):
    a, b = admins
    code, by_source = code_with(outcome, a, b, third)
    if by_source:
        accept(b, code)
        b.page.get_by_role("button", name="Accept").click()
        ended(b, WHY_CLOSED[outcome])
        accept(b, code)  # from now on it is known here, too
    else:
        b.go("/console/accept")
        b.page.get_by_label("Invitation code").fill(code)
    told = b.page.locator("#invitation .bad")
    told.wait_for()
    assert SENTENCES[outcome].split("{")[0] in told.inner_text()
    assert b.page.get_by_role("button", name="Accept").count() == 0
    if not by_source:
        b.page.get_by_role("button", name="Next").click()
        b.page.locator("#invitation .bad").wait_for()
        assert b.page.get_by_role("button", name="Accept").count() == 0
    if outcome is CodeOutcome.USED:
        a.go("/console/notifications")
        a.page.get_by_text("Another node holds a valid invitation code").wait_for()
