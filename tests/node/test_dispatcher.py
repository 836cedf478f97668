"""Delivery: said until it is echoed, whatever comes back in between."""

import asyncio
from contextlib import AsyncExitStack

import msgspec
import pytest
from aiohttp import web

from node.delivery.dispatcher import URLS_REMEMBERED_MAX, Dispatcher
from node.real_ports import SystemEntropy
from protocol.envelope import CONTENT_TYPE, envelope_bytes, peek
from protocol.identity import SigningKey
from protocol.invitation import read_code
from protocol.node_info import WELL_KNOWN_PATH, from_json, to_json
from protocol.vocabulary import Echo, Kind, Phase, Side, Statement
from tests.node.envelopes import acceptance, answer_by, ask, by_destination, details
from tests.node.local_nodes import running_node
from tests.node.loopback_servers import free_port


@pytest.fixture
async def b(tmp_path):
    async with running_node(tmp_path / "b", name="b") as node:
        yield node


async def waiting_of(node, sys_id):
    for _ in range(300):
        waiting = (await node.connection(sys_id))["waiting"]
        if waiting is not None:
            return waiting
        await asyncio.sleep(0.02)
    raise AssertionError("it never told what it waits for")


class Impostor:
    """An HTTP server where the source should be; it answers everything alike."""

    def __init__(self, answer) -> None:
        self.answer = answer
        self.posts = 0

    async def __aenter__(self):
        app = web.Application()

        async def handle(request):
            self.posts += request.method == "POST"
            return self.answer()

        app.router.add_route("*", "/{path:.*}", handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        return self

    async def listen(self, port):
        self._site = web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True)
        await self._site.start()

    async def __aexit__(self, *_):
        await self._runner.cleanup()


PORTALS = {
    "a page of a captive portal": (lambda: web.Response(text="<html>log in</html>"), "not-a-node"),
    "a redirect": (lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}), "not-a-node"),
    "401": (lambda: web.Response(status=401), "not-a-node"),
    "404": (lambda: web.Response(status=404), "not-a-node"),
    "410": (lambda: web.Response(status=410), "not-a-node"),
    "451": (lambda: web.Response(status=451), "not-a-node"),
    "502": (lambda: web.Response(status=502), "not-a-node"),
    "a proxy that wants fewer requests": (lambda: web.Response(status=429), "rate-limited"),
    "an unsigned conflict": (lambda: web.json_response({"error": "closed"}, status=409), "not-a-node"),
}


@pytest.mark.parametrize("case", PORTALS)
async def test_portal_what_is_no_verified_answer_is_retried_and_its_cause_is_shown(case, tmp_path, b):
    answer, cause = PORTALS[case]
    async with running_node(tmp_path / "a") as a:
        offered = await a.initiate(b)
        port = int(a.url.rpartition(":")[2])
    sys_id = offered["connection"]["sys_id"]
    async with Impostor(answer) as impostor:
        await impostor.listen(port)
        await b.accept(offered["invitation_code"])
        waiting = await waiting_of(b, sys_id)
        assert waiting["cause"] == cause
        assert waiting["tries"] >= 1
        assert impostor.posts == 0  # nothing is pushed to what does not show the pinned key
    async with running_node(tmp_path / "a", port=port) as a:
        await b.until(sys_id, "active", tries=1500)


async def test_other_node_at_url_is_told_as_such_and_learns_nothing(tmp_path, b):
    async with running_node(tmp_path / "a") as a:
        offered = await a.initiate(b)
        port = int(a.url.rpartition(":")[2])
    sys_id = offered["connection"]["sys_id"]
    async with running_node(tmp_path / "other", port=port) as other:
        await b.accept(offered["invitation_code"])
        assert (await waiting_of(b, sys_id))["cause"] == "other-node"
        assert (await other.admin("GET", "/connections"))[1]["connections"] == []


async def test_what_was_owed_before_a_restart_is_delivered_after_it(tmp_path):
    async with running_node(tmp_path / "a") as a:
        port = int(a.url.rpartition(":")[2])
        offered = await a.initiate(None, ask_me=False)
    async with running_node(tmp_path / "b") as b:
        await b.accept(offered["invitation_code"])
        await waiting_of(b, offered["connection"]["sys_id"])
    async with running_node(tmp_path / "a", port=port) as a, running_node(tmp_path / "b") as b:
        await b.until(offered["connection"]["sys_id"], "active", tries=1500)
        assert not (await b.connection(offered["connection"]["sys_id"]))["owed"]


async def test_a_destination_that_missed_its_activation_learns_it_when_it_starts(tmp_path):
    """The answer is lost after the source's commit; the accept is owed, so it is asked again."""
    async with running_node(tmp_path / "a") as a, running_node(tmp_path / "b") as b:
        offered = await a.initiate(None, ask_me=False)
        post = b.node.context.network.post
        lost = 0

        async def losing(url, body, *, content_type):
            nonlocal lost
            await post(url, body, content_type=content_type)
            lost += 1
            raise ConnectionResetError

        b.node.context.network.post = losing
        await b.accept(offered["invitation_code"])
        await a.until(offered["connection"]["sys_id"], "active")
        assert lost == 1
        assert (await b.connection(offered["connection"]["sys_id"]))["status"] == "accepting"
        b.node.context.network.post = post
        await b.until(offered["connection"]["sys_id"], "active", tries=1500)


async def test_a_partner_that_is_away_delays_nobody_else(tmp_path, b):
    async with running_node(tmp_path / "away") as away:
        offered = await away.initiate(None, ask_me=False, name="away")
    await b.accept(offered["invitation_code"])
    await waiting_of(b, offered["connection"]["sys_id"])
    async with running_node(tmp_path / "here") as here:
        reached = await here.initiate(None, ask_me=False, name="here")
        await b.accept(reached["invitation_code"])
        await b.until(reached["connection"]["sys_id"], "active")


PARTNER = SigningKey(b"p" * 32)


class Doors:
    """HTTP servers at several URLs, where one partner says that it is found; who is asked there, in order."""

    def __init__(self, source, stack) -> None:
        self._source = source
        self._stack = stack
        self.asked = []
        self.before_answer = None

    async def open(self, name, *, port=0, key=PARTNER, answer=None):
        """A URL that shows node info with that key, or, with no key, none; to a statement it gives the answer."""

        async def info(_request):
            self.asked.append(f"GET {name}")
            if key is None:
                return web.Response(status=404)
            async with self._source.http.get(self._source.url + WELL_KNOWN_PATH) as shown:
                node = msgspec.structs.replace(from_json(await shown.read()), key=key.public, node_url=None)
            return web.Response(body=to_json(node), content_type="application/json")

        async def statement(request):
            self.asked.append(f"POST {name}")
            question = peek(await request.read())
            if answer is None:
                return web.Response(status=503)
            if self.before_answer is not None:
                await self.before_answer()
            return web.Response(body=envelope_bytes(answer_by(PARTNER, question, answer(question))),
                                content_type=CONTENT_TYPE)  # fmt: skip

        app = web.Application()
        app.add_routes([web.get("/" + name + WELL_KNOWN_PATH, info), web.post("/" + name + "/peer", statement)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/{name}"

    async def until_asked(self, what, *, times=1):
        await until(lambda: self.asked.count(what) >= times)


async def until(condition):
    for _ in range(1500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("never")


@pytest.fixture
async def doors(tmp_path):
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(running_node(tmp_path / "a"))
        yield source, Doors(source, stack)


async def accepted_at(source, url, *, name):
    """A connection of the source that a partner by hand has accepted, who says that it is found at that URL."""
    offered = await source.initiate(None, name=name, ask_me=False)
    await ask(source, acceptance(source, offered["invitation_code"], PARTNER, details(node_url=url)), PARTNER)
    await source.until(offered["connection"]["sys_id"], "active")
    return offered


async def act(source, offered, name, *, status=200):
    got, answer = await source.admin("POST", f"/connections/{offered['connection']['sys_id']}/{name}", {})
    assert got == status, answer


async def test_nothing_is_pushed_to_a_url_that_has_not_shown_the_pinned_key_itself(doors):
    """One partner names two URLs; that the key is at one of them says nothing of the other."""
    source, at = doors
    honest_port = free_port()
    victim = await at.open("victim", key=None)
    honest = await accepted_at(source, f"http://127.0.0.1:{honest_port}/honest", name="honest")
    aimed = await accepted_at(source, victim, name="aimed")
    for one in (honest, aimed):  # both are owed when the first URL begins to answer
        await act(source, one, "deactivate")
    await at.open("honest", port=honest_port)
    for _ in range(3):
        await act(source, honest, "retry", status=202)
        await at.until_asked("POST honest", times=at.asked.count("POST honest") + 1)
    await at.until_asked("GET victim")
    assert "POST victim" not in at.asked


async def test_a_url_that_is_dead_delays_no_other_url_of_the_same_partner(doors):
    source, at = doors
    dead = await accepted_at(source, f"http://127.0.0.1:{free_port()}/dead", name="dead")
    live = await accepted_at(source, await at.open("live"), name="live")
    for one in (dead, live):
        await act(source, one, "deactivate")
    await at.until_asked("POST live")
    assert (await waiting_of(source, dead["connection"]["sys_id"]))["cause"] == "unreachable"
    assert (await waiting_of(source, live["connection"]["sys_id"]))["cause"] == "not-a-node"


async def test_an_admin_who_retries_ten_times_waits_no_longer_for_the_next_try(doors, monkeypatch):
    monkeypatch.setattr(SystemEntropy, "fraction", lambda _: 1.0)  # each wait is the longest that it may be
    source, _ = doors
    url = f"http://127.0.0.1:{free_port()}/dead"
    offered = await accepted_at(source, url, name="dead")
    await act(source, offered, "deactivate")
    target = source.node.dispatcher._targets[PARTNER.public][url]
    for _ in range(10):
        before = target.tries
        await act(source, offered, "retry", status=202)
        await until(lambda before=before: target.tries > before and target.next_at is not None)
    sys_id = offered["connection"]["sys_id"]
    assert (await source.connection(sys_id))["waiting"]["tries"] >= 10
    assert target.next_at - source.clock.now() < 60, "only waits that passed double the next: ten doublings are minutes"


async def test_a_wait_that_passes_doubles_the_next(doors, monkeypatch):
    monkeypatch.setattr(SystemEntropy, "fraction", lambda _: 0.01)
    source, _ = doors
    url = f"http://127.0.0.1:{free_port()}/dead"
    offered = await accepted_at(source, url, name="dead")
    await act(source, offered, "deactivate")
    await until(lambda: source.node.dispatcher._targets[PARTNER.public][url].tries >= 5)
    monkeypatch.setattr(SystemEntropy, "fraction", lambda _: 1.0)
    target = source.node.dispatcher._targets[PARTNER.public][url]
    tries = target.tries
    await until(lambda: target.tries > tries and target.next_at is not None)
    assert target.next_at - source.clock.now() > 4, "half a second, doubled as often as a wait has passed"


def said_by(offered, *, revision, echo, url):
    """What the partner says of a connection that it accepted."""
    code = read_code(offered["invitation_code"]).invitation
    return Statement(
        serial=code.serial,
        side=Side(revision, Phase.ACCEPTED, enabled=True),
        echo=Echo(echo, Phase.ACTIVE, enabled=True),
        proof=bytes(64),
        details=details(node_url=url),
    )


@pytest.mark.parametrize("is_told_by", ["a question", "the answer", "the answer to what is outdated"])
async def test_what_is_owed_follows_a_partner_that_moves(is_told_by, doors):
    """The new URL comes with a statement that leaves the old one owed: no act of an admin wakes the delivery."""
    source, at = doors
    new = await at.open("new")
    old = await at.open("old", answer=None if is_told_by == "a question" else lambda _: moved)
    offered = await accepted_at(source, old, name="moves")
    moved = said_by(offered, revision=2, echo=1, url=new)
    if is_told_by == "the answer to what is outdated":
        at.before_answer = lambda: act(source, offered, "activate")
    await act(source, offered, "deactivate")
    await at.until_asked("POST old")
    if is_told_by == "a question":
        connection = read_code(offered["invitation_code"]).invitation.connection
        await ask(source, by_destination(source, connection, moved, kind=Kind.ACCEPT, key=PARTNER), PARTNER)
    await at.until_asked("POST new")
    assert at.asked.index("GET new") < at.asked.index("POST new")
    urls = source.node.dispatcher._targets[PARTNER.public]
    await until(lambda: old not in urls or urls[old].worker is None)
    at.before_answer, told = None, at.asked.count("POST old")
    await act(source, offered, "retry", status=202)
    await at.until_asked("POST new", times=2)
    assert at.asked.count("POST old") == told


async def test_a_partner_whose_answers_never_settle_anything_is_asked_after_ever_longer_pauses(doors):
    """Each answer claims an echo that is ahead of all that this node has said, so its revision jumps and is owed."""
    source, at = doors
    url = await at.open(
        "restless", answer=lambda question: said_by(offered, revision=1, echo=question.fields[9] + 7, url=url)
    )
    offered = await accepted_at(source, url, name="restless")
    await act(source, offered, "deactivate")
    await at.until_asked("POST restless", times=3)
    target = source.node.dispatcher._targets[PARTNER.public][url]
    await until(lambda: target.tries >= 3)


async def test_one_that_takes_long_holds_up_no_other_and_what_it_says_meanwhile_is_said_after(doors):
    source, at = doors
    said, held, go_on = {}, [], asyncio.Event()

    def echoed(question):
        echo = Echo(question.fields[9], Phase(question.fields[10]), enabled=question.fields[11])
        return msgspec.structs.replace(said[question.head.connection.hex()], echo=echo)

    async def hold_the_first():
        if not held:
            held.append(True)
            await go_on.wait()

    url = await at.open("door", answer=echoed)
    at.before_answer = hold_the_first
    slow, quick = [await accepted_at(source, url, name=name) for name in ("slow", "quick")]
    for one in (slow, quick):
        said[one["connection"]["sys_id"]] = said_by(one, revision=1, echo=0, url=url)
    await act(source, slow, "deactivate")
    await until(lambda: held)
    await act(source, quick, "deactivate")
    await at.until_asked("POST door", times=2)
    await act(source, slow, "activate")
    go_on.set()
    await at.until_asked("POST door", times=3)
    await until(lambda: source.node.dispatcher._targets[PARTNER.public][url].worker is None)
    for one in (slow, quick):
        assert (await source.connection(one["connection"]["sys_id"]))["waiting"] is None


async def test_a_partner_that_is_heard_while_the_node_ends_is_not_told_any_more(doors):
    source, _ = doors
    offered = await accepted_at(source, f"http://127.0.0.1:{free_port()}/dead", name="dead")
    await act(source, offered, "deactivate")
    ending = Dispatcher(source.node.context)
    running = asyncio.create_task(ending.run())
    await until(lambda: any(one.failure for urls in ending._targets.values() for one in urls.values()))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    ending.heard_from(PARTNER.public)
    assert all(one.worker.done() for urls in ending._targets.values() for one in urls.values())


async def test_only_the_urls_of_a_partner_that_were_used_last_are_remembered(doors):
    source, at = doors
    echoing = {}

    def echoed(question):
        said = echoing[question.head.connection.hex()]
        phase, enabled = Phase(question.fields[10]), question.fields[11]
        return msgspec.structs.replace(said, echo=Echo(question.fields[9], phase, enabled=enabled))

    count = URLS_REMEMBERED_MAX + 3
    urls = [await at.open(f"n{number}", answer=echoed) for number in range(count)]
    remembered = source.node.dispatcher._targets
    for number, url in enumerate(urls):
        offered = await accepted_at(source, url, name=f"n{number}")
        echoing[offered["connection"]["sys_id"]] = said_by(offered, revision=1, echo=1, url=url)
        await act(source, offered, "deactivate")
        await at.until_asked(f"POST n{number}")
        await until(lambda url=url: remembered[PARTNER.public][url].worker is None)
    assert list(remembered[PARTNER.public]) == urls[3:]
    await act(source, offered, "activate")
    await at.until_asked(f"POST n{count - 1}", times=2)
    assert at.asked.count(f"GET n{count - 1}") == 1, "what is remembered need not show its key again"
