"""Who is let in to the console, from where, and with what around each page."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path

import pytest

from node.console.guarding import place_after_sign_in
from node.console.login import PASSWORD_FILE
from node.console.sessions import AGE_S_MAX, IDLE_S_MAX
from node.console.throttle import FREE_TRIES, WAIT_S_MAX
from tests.node.console_visits import Visit
from tests.node.local_nodes import running_node

ROOT = Path(__file__).parents[2]
VENDORED = (ROOT / "node/console/assets/vendor", ROOT / "tests/browser/vendor")


@pytest.fixture
async def node(tmp_path):
    async with running_node(tmp_path / "a", name="Instance A") as node:
        yield node


@pytest.fixture
async def visit(node):
    async with Visit(node) as visit:
        yield visit


async def test_whoever_is_not_signed_in_is_asked_to_and_then_led_where_they_wanted(visit):
    answer, _ = await visit.get("/console/connections?status=active")
    assert (answer.status, answer.headers["Location"]) == (
        303,
        "/console/sign-in?next=%2Fconsole%2Fconnections%3Fstatus%3Dactive",
    )
    _, page = await visit.get(answer.headers["Location"])
    answer, _ = await visit.send(page, "/console/sign-in", name="admin", password=visit.node.password)
    assert (answer.status, answer.headers["Location"]) == (303, "/console/connections?status=active")
    answer, page = await visit.get("/console/connections")
    assert (answer.status, page.headings) == (200, ["Connections"])


async def test_every_page_and_every_form_but_that_of_signing_in_is_for_admins_only(visit):
    _, page = await visit.get("/console/sign-in")
    token = page.form("/console/sign-in")["fields"]["form_token"]
    routes = [
        route for route in visit.node.node.console.pages.router.routes() if route.resource.canonical.startswith("/con")
    ]
    assert len(routes) > 30
    for route in routes:
        path = route.resource.canonical.replace("{sys_id}", "0" * 32)
        if path == "/console/sign-in" or "/assets/" in path:
            continue
        call = visit.post(path, {"form_token": token}) if route.method == "POST" else visit.get(path)
        answer, page = await call
        assert answer.status == 303, f"{route.method} {path}"
        assert answer.headers["Location"].startswith("/console/sign-in"), f"{route.method} {path}"
        assert page.source == ""


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/console/",
        "/\\evil.example",
        "/console/\\evil",
        "/console//evil",
        "",
        "x",
    ],
)
def test_signing_in_leads_nowhere_else(wanted):
    assert place_after_sign_in(wanted) == "/console/connections"


@pytest.mark.parametrize(("length", "is_kept"), [(4_000, True), (4_001, False)])
def test_an_address_is_gone_back_to_whole_or_not_at_all(length, is_kept):
    wanted = "/console/records/incident?query=".ljust(length, "a")
    assert place_after_sign_in(wanted) == (wanted if is_kept else "/console/connections")


async def test_a_wrong_name_and_a_wrong_password_are_told_alike(visit):
    _, form = await visit.get("/console/sign-in")
    for name, password in (("admin", "wrong"), ("somebody", visit.node.password), ("admin", ""), ("", "")):
        answer, page = await visit.send(form, "/console/sign-in", name=name, password=password)
        assert answer.status == 401, name
        assert "The name or the password is wrong, or this user is no admin." in page.source, name
        assert (await visit.get("/console/connections"))[0].status == 303


async def test_wrong_tries_are_slowed_down_ever_more_and_a_right_one_waits_too(visit):
    clock = visit.node.clock
    _, page = await visit.get("/console/sign-in")

    async def attempt(password):
        answer, _ = await visit.send(page, "/console/sign-in", name="admin", password=password)
        return answer.status, answer.headers.get("Retry-After")

    for _ in range(FREE_TRIES):
        assert (await attempt("wrong"))[0] == 401
    waits = []
    for _ in range(12):
        status, wait_s = await attempt(visit.node.password)
        assert status == 429
        waits.append(int(wait_s))
        clock.ahead_s += int(wait_s)
        assert (await attempt("wrong"))[0] == 401
    assert waits == sorted(waits)
    assert waits[0] <= 2
    assert waits[-1] == WAIT_S_MAX
    clock.ahead_s += WAIT_S_MAX
    assert (await attempt(visit.node.password))[0] == 303


async def test_many_tries_at_once_are_many(visit):
    _, page = await visit.get("/console/sign-in")
    answers = await asyncio.gather(
        *(visit.send(page, "/console/sign-in", name="admin", password=f"guess {n}") for n in range(40))
    )
    statuses = [answer.status for answer, _ in answers]
    assert statuses.count(401) == FREE_TRIES
    assert statuses.count(429) == 40 - FREE_TRIES


async def test_signing_out_ends_the_session_itself_and_not_only_the_cookie(visit):
    await visit.sign_in()
    _, page = await visit.get("/console/connections")
    cookies = {cookie.key: cookie.value for cookie in visit.http.cookie_jar}
    answer, _ = await visit.send(page, "/console/sign-out")
    assert (answer.status, answer.headers["Location"]) == (303, "/console/sign-in")
    async with visit.http.get(f"{visit.node.url}/console/connections", cookies=cookies, allow_redirects=False) as again:
        assert again.status == 303


@pytest.mark.parametrize("later_s", [IDLE_S_MAX + 60, AGE_S_MAX + 60])
async def test_a_session_ends_by_itself(visit, later_s):
    await visit.sign_in()
    visit.node.clock.ahead_s += IDLE_S_MAX - 60
    assert (await visit.get("/console/connections"))[0].status == 200, "it was used in time"
    visit.node.clock.ahead_s += later_s
    assert (await visit.get("/console/connections"))[0].status == 303


async def test_a_session_that_is_used_every_day_ends_after_its_longest_age(visit):
    await visit.sign_in()
    days = 0
    while (await visit.get("/console/connections"))[0].status == 200:
        visit.node.clock.ahead_s += IDLE_S_MAX - 3600
        days += 1
        assert days < 40
    assert (days - 1) * (IDLE_S_MAX - 3600) <= AGE_S_MAX < days * (IDLE_S_MAX - 3600)


async def test_sessions_live_on_when_the_node_starts_again(tmp_path):
    async with running_node(tmp_path / "a") as node, Visit(node) as visit:
        await visit.sign_in()
        cookies = {cookie.key: cookie.value for cookie in visit.http.cookie_jar}
    async with running_node(tmp_path / "a") as node, Visit(node) as visit:
        url = f"{node.url}/console/connections"
        async with visit.http.get(url, cookies=cookies, allow_redirects=False) as answer:
            assert answer.status == 200


async def test_the_session_cookie_is_named_by_the_node_and_kept_from_scripts_and_other_sites(visit):
    _, page = await visit.get("/console/sign-in")
    answer, _ = await visit.send(page, "/console/sign-in", name="admin", password=visit.node.password)
    name = f"handclasp_{visit.node.node.context.topic_id[:8]}"
    cookie = next(one for one in answer.headers.getall("Set-Cookie") if one.startswith(f"{name}="))
    assert {"HttpOnly", "SameSite=Lax", "Path=/console"} <= set(cookie.split("; "))
    assert "Secure" not in cookie, "this node is called by http"


FOREIGN_HOSTS = (
    "evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::1", "localhost.evil.example", "10.9.8.7",
)  # fmt: skip
FOREIGN_ORIGINS = ("https://evil.example", "null", None, "http://127.0.0.1:1", "https://127.0.0.1", "file://")


async def test_two_consoles_refuse_a_foreign_host(visit):
    await visit.sign_in()
    for host in FOREIGN_HOSTS:
        answer, page = await visit.get("/console/connections", Host=host)
        assert answer.status == 421, host
        assert page.headings == ["This address is not known here"]
        assert not page.forms or all("connections" not in one["action"] for one in page.forms)


async def test_this_machines_own_names_are_taken(visit):
    for host in ("localhost", "localhost:8101", "127.0.0.1:9", "[::1]:8101", "127.0.0.2"):
        answer, _ = await visit.get("/console/sign-in", Host=host)
        assert answer.status == 200, host


async def test_two_consoles_refuse_a_form_from_a_foreign_origin(visit):
    await visit.sign_in()
    _, listed = await visit.get("/console/connections")
    for origin in FOREIGN_ORIGINS:
        answer, page = await visit.post("/console/sign-out", listed.form("/console/sign-out")["fields"], Origin=origin)
        assert (answer.status, page.headings) == (403, ["This did not come from this console"]), origin
        assert (await visit.get("/console/connections"))[0].status == 200


@pytest.mark.parametrize("path", ["/console/sign-in", "/console/sign-out", "/console/initiate", "/console/accept"])
async def test_a_form_without_its_pages_token_changes_nothing(visit, path):
    if path != "/console/sign-in":
        await visit.sign_in()
    else:
        await visit.get(path)
    for token in ("", "0" * 64, "ä"):
        answer, page = await visit.post(path, {"form_token": token, "name": "admin", "password": visit.node.password})
        assert (answer.status, page.headings) == (403, ["This page was too old"]), token


async def test_each_form_of_each_page_has_a_token(visit):
    _, page = await visit.get("/console/sign-in")
    pages = [page]
    await visit.sign_in()
    pages += [(await visit.get(path))[1] for path in ("/console/connections", "/console/initiate", "/console/accept")]
    posted = [
        form for page in pages for form in page.forms if form["action"] != "/console/connections"
    ]  # the filter is a GET
    assert len(posted) >= 8
    assert all(form["fields"]["form_token"] for form in posted)


async def test_no_page_allows_what_stands_in_it_or_elsewhere_to_run(visit):
    paths = ["/console/sign-in", "/console/nothing"]
    answers = [(await visit.get(path))[0] for path in paths]
    await visit.sign_in()
    paths = ["/console/connections", "/console/initiate", "/console/accept", "/console/nothing"]
    answers += [(await visit.get(path))[0] for path in paths]
    async with visit.http.get(f"{visit.node.url}/console/live") as stream:
        answers.append(stream)
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"https?:|\*|data:", policy)
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] in {"private, no-cache", "no-store"}


async def test_one_origin_alone_may_show_the_console_in_a_frame_where_it_was_named(tmp_path):
    origin = "http://127.0.0.1:8100"
    async with running_node(tmp_path / "framed", framed_by=origin) as node, Visit(node) as visit:
        answers = [(await visit.get(path))[0] for path in ("/console/sign-in", "/console/nothing")]
        await visit.sign_in()
        answers.append((await visit.get("/console/connections"))[0])
        async with visit.http.get(f"{node.url}/console/live") as stream:
            answers.append(stream)
    for answer in answers:
        assert re.findall(r"frame-ancestors ([^;]*)$", answer.headers["Content-Security-Policy"]) == [origin]


async def test_a_page_holds_no_script_no_style_and_nothing_from_elsewhere(visit):
    await visit.sign_in()
    for path in ("/console/connections", "/console/initiate", "/console/accept"):
        _, page = await visit.get(path)
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page.source)
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.source)
        assert loaded
        assert all(place.startswith(("/console", "#")) for place in loaded), loaded


async def test_an_asset_has_a_name_of_its_content_and_no_other(visit):
    _, page = await visit.get("/console/sign-in")
    style = next(iter(re.findall(r'href="(/console/assets/[^"]+\.css)"', page.source)))
    answer, found = await visit.get(style)
    assert answer.status == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert hashlib.sha256(found.source.encode()).hexdigest().startswith(style.split("/")[3])
    for wrong in (style.replace(style.split("/")[3], "0" * 16), "/console/assets/x/../../login.py", f"{style}x"):
        assert (await visit.get(wrong))[0].status == 404 or (await visit.get(wrong))[0].status == 303


@pytest.mark.parametrize("folder", VENDORED, ids=lambda one: one.relative_to(ROOT).as_posix())
def test_what_is_vendored_is_unmodified(folder):
    sums = dict(line.split()[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == sums.keys() | {"README.md", "SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


async def test_the_first_password_is_a_secret_file_until_another_is_chosen(visit, hashes_as_shipped):
    file = visit.node.data / PASSWORD_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().strip() == visit.node.password
    await visit.sign_in()
    _, page = await visit.get("/console/settings")
    chosen = "correct horse battery staple"
    fields = {"present": visit.node.password, "new": chosen, "again": chosen}
    assert (await visit.send(page, "/console/settings/password", **fields))[0].status == 303
    assert file.read_text().startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert file.stat().st_mode & 0o777 == 0o600
    assert visit.node.password not in file.read_text()


async def test_a_failure_is_told_in_a_page_without_its_cause(visit, monkeypatch):
    await visit.sign_in()
    monkeypatch.setattr("node.console.list_pages.browse", lambda *_, **__: 1 / 0)
    answer, page = await visit.get("/console/connections")
    assert (answer.status, page.headings) == (500, ["The node failed"])
    assert "ZeroDivisionError" not in page.source


FORM = "application/x-www-form-urlencoded"
PART = b'--B\r\nContent-Disposition: form-data; name="a"%b\r\n\r\nx\r\n--B--\r\n'
NO_FORMS = [
    *((f"{FORM}; charset={one}", b"name=ab") for one in ("bogus", "utf-16", "rot13", "hex")),
    (f"{FORM}; charset=unicode_escape", rb"name=\ud800"),
    (FORM, b"name=a%00"),
    ("multipart/form-data", b"x"),
    ("multipart/form-data; boundary=B", b"x"),
    ("multipart/form-data; boundary=B", b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--\r\n"),
    ("multipart/form-data; boundary=B", b"--B\r\nbroken\r\n\r\nx\r\n--B--\r\n"),
    ("multipart/form-data; boundary=B", PART % b"\r\nContent-Type: text/plain; charset=rot13"),
    ("multipart/form-data; boundary=B", PART % b"\r\nContent-Transfer-Encoding: bogus"),
    ("multipart/form-data; boundary=B", PART % b'; filename="x\xff.html"'),
    ("multipart/form-data; boundary=B", PART % b'; filename="b"\r\nContent-Type: text/\xff'),
]


async def test_what_is_no_form_is_refused_with_a_page_and_is_no_failure_of_the_node(visit):
    await visit.get("/console/sign-in")
    said = {}
    for content_type, body in NO_FORMS:
        answer, page = await visit.post("/console/sign-in", body, **{"Content-Type": content_type})
        said[content_type, body] = (answer.status, *page.headings)
    assert said == dict.fromkeys(NO_FORMS, (400, "This form can't be read"))
