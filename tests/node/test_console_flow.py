"""Both admins go through the flow by forms alone: what holds without any script."""

from __future__ import annotations

import re
from html import unescape

import pytest

from protocol.code_outcomes import SENTENCES, CodeOutcome
from tests.node.console_visits import Visit, two_admins
from tests.node.local_nodes import running_node

MARKUP = "<script>alert(1)</script>\"&'\u202e"


@pytest.fixture
async def both(tmp_path):
    async with two_admins(tmp_path) as visits:
        yield visits


async def to_information(visit, url, **fields):
    _, page = await visit.get("/console/initiate")
    return await visit.send(page, "/console/initiate", destination_url=url, go="next", **fields)


async def initiate(a, b, **fields):
    """The source's connection and its code."""
    answer, page = await to_information(a, b.node.url, mode="script")
    assert page.headings == ["Initiate connection"]
    answer, page = await a.send(page, "/console/initiate", go="create", **fields)
    assert answer.status == 303, page.source
    place = answer.headers["Location"]
    answer, page = await a.get(place)
    assert answer.headers["Cache-Control"] == "no-store"
    code = page.source.split("handclasp_", 1)[1].split("<", 1)[0]
    return place.split("/")[3], f"handclasp_{code}"


async def accept(visit, code, **fields):
    _, page = await visit.get("/console/accept")
    _, page = await visit.send(page, "/console/accept", code=f"Here it is:\n{code}\nBye", go="next")
    return await visit.send(page, "/console/accept", go="accept", **fields)


async def test_two_admins_connect_by_forms_alone(both):
    a, b = both
    sys_id, code = await initiate(a, b, local_short_name="Company A", remote_short_name="Company B", name="")
    connection = await a.node.connection(sys_id)
    assert (connection["name"], connection["status"]) == ("Company A_to_Company B", "pending")
    answer, _ = await accept(b, code)
    assert (answer.status, answer.headers["Location"]) == (303, f"/console/connections/{sys_id}")
    await a.node.until(sys_id, "active")
    there = await b.node.connection(sys_id)
    assert (there["local_short_name"], there["remote_short_name"]) == ("Company B", "Company A")
    for visit in both:
        _, page = await visit.get(f"/console/connections/{sys_id}")
        assert "Active" in page.source
        _, page = await visit.get("/console/connections")
        assert f"/console/connections/{sys_id}" in page.links


async def test_going_back_keeps_everything(both):
    a, b = both
    _, page = await to_information(a, b.node.url, mode="script")
    typed = {
        "local_short_name": "L",
        "remote_short_name": "R",
        "name": "my name",
        "description": "two\nlines",
        "ask_me": "on",
    }
    _, page = await a.send(page, "/console/initiate", go="back", **typed)
    fields = page.form("/console/initiate")["fields"]
    assert fields["destination_url"] == b.node.url
    assert fields["mode"] == "script"
    _, page = await a.send(page, "/console/initiate", go="next")
    fields = page.form("/console/initiate")["fields"]
    assert {name: fields[name] for name in typed} == typed


async def test_a_form_that_is_sent_twice_makes_one_connection(both):
    a, b = both
    _, page = await to_information(a, b.node.url, mode="script")
    places = {(await a.send(page, "/console/initiate", go="create"))[0].headers["Location"] for _ in range(2)}
    assert len(places) == 1
    _, listed = await a.node.admin("GET", "/connections")
    assert len(listed["connections"]) == 1


async def test_an_unknown_destination_is_asked_about_and_named_as_unknown(both):
    a, b = both
    _, page = await to_information(a, "", no_url="on", mode="script")
    fields = page.form("/console/initiate")["fields"]
    assert fields["ask_me"] == "on"
    answer, page = await a.send(
        page, "/console/initiate", go="create", local_short_name="a", remote_short_name="b", name="n"
    )
    place = answer.headers["Location"]
    _, page = await a.get(place)
    assert "Whoever has this code first can become the destination; exactly one will." in page.source
    assert "Go to remote" in page.source
    assert not [link for link in page.links if link.startswith("http")], "nobody knows where that is"
    code = "handclasp_" + page.source.split("handclasp_", 1)[1].split("<", 1)[0]
    sys_id = place.split("/")[3]
    await accept(b, code)
    await a.node.until(sys_id, "awaiting-approval")
    _, page = await a.get(f"/console/connections/{sys_id}")
    assert (await b.node.connection(sys_id))["fingerprint"] in page.source
    await a.send(page, f"/console/connections/{sys_id}/act", act="approve")
    await b.node.until(sys_id, "active")


NOT_TAKEN = [
    ("local_short_name", "", "The local instance short name is empty."),
    ("remote_short_name", "x" * 65, "has 65 characters; at most 64 are allowed."),
    ("name", "x" * 101, "has 101 characters; at most 100 are allowed."),
    ("name", "a\u202eb", "an invisible or direction-changing character (U+202E)"),
    ("description", "x" * 10_000, "has 10000 characters; at most 1000 are allowed."),
    ("description", "a\x1bb", "a control character (U+001B)"),
]


async def test_a_text_that_is_not_taken_is_told_beside_its_field_and_nothing_is_made(both):
    a, b = both
    for field, text, sentence in NOT_TAKEN:
        _, page = await to_information(a, b.node.url, mode="script")
        answer, page = await a.send(page, "/console/initiate", go="create", **{field: text})
        assert answer.status == 422, field
        assert sentence in page.source.replace("&#39;", "'")
        assert f'id="fault-{field}"' in page.source
    _, listed = await a.node.admin("GET", "/connections")
    assert listed["connections"] == []


async def test_what_people_type_is_shown_as_they_typed_it_and_never_runs(both):
    a, b = both
    name = "<b>x</b> & \"y\" 'z' {{ 7 * 7 }} שלום 😀"
    sys_id, code = await initiate(
        a, b, local_short_name=name[:60], remote_short_name="<img src=x>", name=name, description="</textarea><script>"
    )
    await accept(b, code)
    await a.node.until(sys_id, "active")
    for visit in both:
        for path in ("/console/connections", f"/console/connections/{sys_id}", f"/console/connections?words={name}"):
            _, page = await visit.get(path)
            assert "<b>x" not in page.source
            assert "<img" not in page.source
            assert "</textarea><script" not in page.source
            assert "49" not in page.source.split("{{ 7")[0][-20:]
            assert "{{ 7 * 7 }} שלום 😀" in page.source


TEXTS = {
    "markup": MARKUP,
    "right-to-left": "\u202egpj.exe",
    "emoji": "🤝🏽👩‍👩‍👧 שלום",
    "10,000 characters": "x" * 10_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_whatever_is_typed_into_any_field_is_shown_safely_or_refused_with_a_sentence(both, text):
    a, b = both
    sys_id, code = await initiate(a, b)
    place = f"/console/connections/{sys_id}"
    _, settings = await a.get("/console/settings")
    _, connection = await a.get(place)
    _, pasting = await b.get("/console/accept")
    _, confirming = await b.send(pasting, "/console/accept", code=code, go="next")
    tried = [
        (await a.send(connection, f"{place}/describe", description=text), "description"),
        (await a.send(settings, "/console/settings/tokens", name=text), "name"),
        (await a.send(settings, "/console/settings/password", present=text, new=text, again=text), "password (is|has)"),
        (await to_information(a, text), "URL"),
        (await b.send(pasting, "/console/accept", code=text, go="next"), "no invitation code"),
        *[
            (await b.send(confirming, "/console/accept", go="accept", **{field: text}), what)
            for field, what in (
                ("local_short_name", "local instance short name"),
                ("remote_short_name", "remote instance short name"),
                ("name", "connection name"),
                ("description", "description"),
            )
        ],
    ]
    shown = [await a.get(path) for path in (place, "/console/settings", f"/console/connections?words={text[:2000]}")]
    shown += [await b.get(path) for path in (place, "/console/connections", "/console/notifications")]
    for answer, page in [*(one for one, _ in tried), *shown]:
        assert answer.status in {200, 303, 409, 422}, (answer.url, answer.status)
        assert "<script>alert" not in page.source
        assert not set(page.source) & set("\u202e\u202d\u2066\x00")
    for (answer, page), what in tried:
        if answer.status not in {200, 303}:
            assert re.search(rf">[^<>]*{what}[^<>]*\.\s*<", unescape(page.source), re.IGNORECASE), (what, page.source)


async def test_what_is_sent_back_to_whoever_typed_it_can_not_deceive(both):
    a, _ = both
    answer, page = await to_information(a, MARKUP)
    assert answer.status == 422
    assert "<script>alert" not in page.source
    assert "\u202e" not in page.source
    answer, page = await a.get(f"/console/connections?words={MARKUP}&status={MARKUP}&sort={MARKUP}&page={MARKUP}")
    assert answer.status == 200
    assert "<script>alert" not in page.source
    assert "\u202e" not in page.source


async def test_a_text_without_one_whole_code_is_told_why(both):
    a, b = both
    _, code = await initiate(a, b)
    _, other = await initiate(a, b, name="another")
    for text, outcome in (
        ("hello", CodeOutcome.NOT_A_CODE),
        (f"{code} {other}", CodeOutcome.SEVERAL_CODES),
        (code[:-20], CodeOutcome.TRUNCATED),
        (code[:-20] + "aaaaa" + code[-15:], CodeOutcome.MISTYPED),
    ):
        _, page = await b.get("/console/accept")
        answer, page = await b.send(page, "/console/accept", code=text, go="next")
        assert answer.status == 422, text
        told = page.source.replace("&#39;", "'").replace("&#34;", '"')
        assert SENTENCES[outcome].split("{")[0].split(":")[0] in told


async def test_a_code_of_ones_own_and_one_for_somebody_else_are_told_as_such(both, tmp_path):
    a, b = both
    _, code = await initiate(a, b)
    async with running_node(tmp_path / "c", name="c") as node, Visit(node) as c:
        await c.sign_in()
        for visit, outcome in ((a, CodeOutcome.OWN), (c, CodeOutcome.NOT_FOR_YOU)):
            _, page = await visit.get("/console/accept")
            _, page = await visit.send(page, "/console/accept", code=code, go="next")
            assert SENTENCES[outcome] in page.source.replace("&#39;", "'")


async def test_a_code_that_was_accepted_leads_to_its_connection(both):
    a, b = both
    sys_id, code = await initiate(a, b)
    await accept(b, code)
    answer, page = await accept(b, code)
    assert answer.status == 422
    assert SENTENCES[CodeOutcome.ALREADY_ACCEPTED_HERE] in page.source
    assert f"/console/connections/{sys_id}" in page.links


async def test_a_declined_code_closes_both_sides(both):
    a, b = both
    sys_id, code = await initiate(a, b)
    _, page = await b.get("/console/accept")
    _, page = await b.send(page, "/console/accept", code=code, go="next")
    await b.send(page, "/console/accept", go="decline")
    await a.node.until(sys_id, "closed")
    _, page = await a.get(f"/console/connections/{sys_id}")
    assert "the destination&#39;s admin declined" in page.source


async def test_each_act_of_both_admins_is_a_button_and_does_what_it_says(both):
    a, b = both
    sys_id, code = await initiate(a, b)
    await accept(b, code)
    await a.node.until(sys_id, "active")
    place = f"/console/connections/{sys_id}"
    for visit, act, status in (
        (a, "deactivate", "deactivated-here"),
        (a, "activate", "active"),
        (b, "deactivate", "deactivated-here"),
        (b, "activate", "active"),
        (b, "remove", "closed"),
    ):
        _, page = await visit.get(place)
        assert any(("act", act) in form["buttons"] for form in page.forms), act
        answer, _ = await visit.send(page, f"{place}/act", act=act)
        assert answer.headers["Location"] == place
        await visit.node.until(sys_id, status)
    await a.node.until(sys_id, "closed")
    _, page = await a.get(place)
    answer, _ = await a.send(page, f"{place}/act", act="remove")
    assert answer.headers["Location"] == "/console/connections", "its row is off the list"


async def test_an_act_that_is_not_possible_is_refused_with_a_page(both):
    a, b = both
    sys_id, _ = await initiate(a, b)
    _, page = await a.get(f"/console/connections/{sys_id}")
    for act in ("approve", "initiate", "x" * 500):
        answer, refusal = await a.send(page, f"/console/connections/{sys_id}/act", act=act)
        assert answer.status == 409
        assert refusal.headings == ["That is not possible in the present status"]


async def test_a_new_code_replaces_the_old_one_and_a_withdrawn_one_is_shown_no_more(both):
    a, b = both
    sys_id, code = await initiate(a, b)
    place = f"/console/connections/{sys_id}"
    _, page = await a.get(place)
    answer, _ = await a.send(page, f"{place}/act", act="new-code")
    assert answer.headers["Location"] == f"{place}/code?new=1"
    _, page = await a.get(f"{place}/code")
    assert code not in page.source
    assert "handclasp_" in page.source
    _, page = await a.get(place)
    await a.send(page, f"{place}/act", act="withdraw")
    answer, page = await a.get(f"{place}/code")
    assert answer.status == 409
    assert "handclasp_" not in page.source.replace("handclasp_t", "")


async def test_a_code_that_is_known_here_to_be_over_is_refused_before_anybody_can_press_accept(both):
    a, b = both
    sys_id, code = await initiate(a, b)
    await b.node.until(sys_id, "invited")
    _, page = await a.get(f"/console/connections/{sys_id}")
    await a.send(page, f"/console/connections/{sys_id}/act", act="withdraw")
    await b.node.until(sys_id, "closed")
    _, page = await b.get("/console/accept")
    told, read = await b.post("/console/accept/preview", {**page.form("/console/accept")["fields"], "code": code})
    assert told.status == 200
    answer, page = await b.send(page, "/console/accept", code=code, go="next")
    assert answer.status == 422
    for shown in (read, page):
        assert SENTENCES[CodeOutcome.WITHDRAWN] in shown.source
        assert f"/console/connections/{sys_id}" in shown.links
        assert 'value="accept"' not in shown.source


async def test_the_description_can_be_changed_and_stays_here(both):
    a, b = both
    sys_id, code = await initiate(a, b, description="first")
    place = f"/console/connections/{sys_id}"
    _, page = await a.get(place)
    await a.send(page, f"{place}/describe", description="second\nline")
    assert (await a.node.connection(sys_id))["description"] == "second\nline"
    await accept(b, code)
    assert (await b.node.connection(sys_id))["description"] == ""


async def test_what_is_not_there_is_told_in_a_page(both):
    for path in ("/console/connections/" + "0" * 32, "/console/connections/x", "/console/x"):
        answer, page = await both[0].get(path)
        assert answer.status == 404, path
        assert page.headings
        assert "/console/connections" in page.links


async def test_an_open_page_of_a_connection_that_has_gone_leads_to_the_list(both):
    answer, _ = await both[0].get(f"/console/connections/{'0' * 32}?part=state", **{"HX-Request": "true"})
    assert (answer.status, answer.headers["HX-Redirect"]) == (404, "/console/connections")


async def test_an_open_page_of_whoever_is_signed_out_leads_to_signing_in(both):
    a, _ = both
    _, page = await a.get("/console/connections")
    await a.send(page, "/console/sign-out")
    answer, _ = await a.get("/console/connections?part=list", **{"HX-Request": "true"})
    assert (answer.status, answer.headers["HX-Redirect"]) == (204, "/console/sign-in")


async def test_a_private_instance_is_told_before_it_tries_that_it_can_not_initiate(tmp_path):
    async with running_node(tmp_path / "p", public=False) as node, Visit(node) as visit:
        await visit.sign_in()
        _, page = await visit.get("/console/initiate")
        assert "This instance is not public" in page.source
        assert not [form for form in page.forms if form["action"] == "/console/initiate"]
