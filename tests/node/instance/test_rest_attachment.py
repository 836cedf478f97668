"""The Attachment API: files on records."""

from __future__ import annotations

import hashlib
import json

import pytest
from aiohttp import FormData

from node.instance.errors import NoRecordError
from node.instance.records.attachments import PIECE_BYTES, read_piece
from node.instance.rest import attachment
from tests.node.instance.rest_world import ADMIN_VIEWER, BASE_URL, SHARED, RestWorld, served, viewer

pytestmark = SHARED

TEXT = {"content-type": "text/plain"}
ITIL = viewer("worker", "itil")
NOBODY = viewer("nobody")
CALLER = viewer("caller")


async def attached(rest: RestWorld, name: str = "note.txt") -> str:
    record = await rest.make("incident", short_description="broken")
    url = f"attachment/file?table_name=incident&table_sys_id={record}&file_name={name}"
    return str((await rest("POST", url, b"hello", headers=TEXT)).result["sys_id"])


async def test_a_file_comes_back_as_it_was_and_is_told_with_its_size_digest_and_place(rest: RestWorld) -> None:
    content = bytes(range(256)) * 2_100  # three pieces
    assert 2 * PIECE_BYTES < len(content) < 3 * PIECE_BYTES
    record = await rest.make("problem", short_description="broken")
    url = f"v1/attachment/file?file_name=no&table_name=problem&table_sys_id={record}&file_name=a%20b.bin"
    made = await rest("POST", url, content, headers={"content-type": "application/octet-stream"})
    assert made.status == 201
    told = made.result
    assert made.headers["Location"] == f"{BASE_URL}/api/now/v1/attachment/{told['sys_id']}/file"
    assert told["download_link"] == f"{BASE_URL}/api/now/attachment/{told['sys_id']}/file"
    assert (told["size_bytes"], told["hash"]) == (str(len(content)), hashlib.sha256(content).hexdigest())
    assert (told["table_name"], told["table_sys_id"], told["file_name"]) == ("problem", record, "a b.bin")
    assert (await rest("GET", f"attachment/{told['sys_id']}")).result == told
    file = await rest("GET", f"attachment/{told['sys_id']}/file")
    assert (file.status, file.body) == (200, content)
    assert (await rest("GET", f"attachment/{told['sys_id'].upper()}/file")).body == content


async def test_a_file_is_never_something_that_a_browser_runs(rest: RestWorld) -> None:
    record = await rest.make("incident", short_description="broken")
    url = f"attachment/file?table_name=incident&table_sys_id={record}&file_name=%22%0D%0Ax%3A%20y.html"
    made = await rest("POST", url, b"<script>", headers={"content-type": "text/html"})
    file = await rest("GET", f"attachment/{made.result['sys_id']}/file")
    assert file.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%22%0D%0Ax%3A%20y.html"
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in file.headers["Content-Security-Policy"]
    assert json.loads(file.headers["X-Attachment-Metadata"]) == made.result
    assert "\n" not in "".join(file.headers.values())


async def test_a_type_that_is_none_is_not_told_as_one(rest: RestWorld) -> None:
    record = await rest.make("incident", short_description="broken")
    url = f"attachment/file?table_name=incident&table_sys_id={record}&file_name=x"
    for odd in ("text/html\r\nX: y", "text/\udcff"):  # a byte that is no UTF-8 comes as half a character
        made = await rest("POST", url, b"x", headers={"content-type": odd})
        file = await rest("GET", f"attachment/{made.result['sys_id']}/file")
        assert file.headers["Content-Type"] == "application/octet-stream"


async def test_an_empty_list_is_an_answer_and_a_list_is_counted(rest: RestWorld) -> None:
    nothing = await rest("GET", "v1/attachment?sysparm_query=file_name=listed.txt")
    assert (nothing.result, nothing.headers["X-Total-Count"]) == ([], "0")
    first, second = await attached(rest, "listed.txt"), await attached(rest, "listed.txt")
    listed = "attachment?sysparm_query=file_name=listed.txt^ORDERBYsys_created_on"
    some = await rest("GET", f"{listed}&sysparm_limit=1")
    assert [one["sys_id"] for one in some.result] == [first]
    assert some.headers["X-Total-Count"] == "2"
    assert 'rel="next"' in some.headers["Link"]
    rest_of_them = await rest("GET", f"{listed}&sysparm_offset=1&sysparm_suppress_pagination_header=true")
    assert [one["sys_id"] for one in rest_of_them.result] == [second]
    assert "Link" not in rest_of_them.headers


async def test_a_list_is_short_unless_a_longer_one_is_asked_for(
    rest: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachment, "LIMIT", 1)
    for _ in range(3):
        await attached(rest, "many.txt")
    counts = [
        len((await rest("GET", f"attachment?sysparm_query=file_name=many.txt{more}")).result)
        for more in ("", "&sysparm_limit=2", "&sysparm_limit=20")
    ]
    assert counts == [1, 2, 3]


async def test_a_list_is_asked_by_pairs_of_name_and_value_too(rest: RestWorld) -> None:
    sys_id = await attached(rest)
    record = (await rest("GET", f"attachment/{sys_id}")).result["table_sys_id"]
    url = f"attachment?table_name=incident&table_sys_id={record}&sysparm_limit=10000&sysparm_offset=0"
    assert [one["sys_id"] for one in (await rest("GET", url)).result] == [sys_id]


@pytest.mark.parametrize("missing", ["table_name", "table_sys_id", "file_name"])
async def test_a_file_without_a_place_or_a_name_is_refused(rest: RestWorld, missing: str) -> None:
    record = await rest.make("incident", short_description="broken")
    given = {"table_name": "incident", "table_sys_id": record, "file_name": "x"} | {missing: ""}
    url = "attachment/file?" + "&".join(f"{name}={value}" for name, value in given.items())
    assert (await rest("POST", url, b"x", headers=TEXT)).error == (400, "Missing mandatory parameter")


async def test_a_file_without_a_type_or_with_what_is_not_modelled_is_refused(rest: RestWorld) -> None:
    record = await rest.make("incident", short_description="broken")
    url = f"attachment/file?table_name=incident&table_sys_id={record}&file_name=x"
    assert (await rest("POST", url, b"x", headers={})).error == (400, "Missing mandatory header")
    for name in ("creation_time", "encryption_context"):
        assert (await rest("POST", f"{url}&{name}=x", b"x", headers=TEXT)).error == (400, f"Invalid parameter {name}")


@pytest.mark.parametrize("place", ["table_name=incident&table_sys_id=none", "table_name=no_table&table_sys_id=none"])
async def test_a_file_for_a_record_that_is_not_there_is_refused(rest: RestWorld, place: str) -> None:
    answer = await rest("POST", f"attachment/file?file_name=x&{place}", b"x", headers=TEXT)
    assert answer.error == (404, "No Record found")


async def test_an_attachment_is_renamed_and_removed_with_its_bytes(rest: RestWorld) -> None:
    before = await _pieces(rest)
    sys_id = await attached(rest)
    renamed = await rest("PATCH", f"attachment/{sys_id}", {"file_name": "other.txt"})
    assert (renamed.status, renamed.body) == (204, b"")
    assert (await rest("GET", f"attachment/{sys_id}")).result["file_name"] == "other.txt"
    assert (await rest("PATCH", f"attachment/{sys_id}", {})).error == (400, "Missing mandatory parameter")
    assert (await rest("DELETE", f"attachment/{sys_id}")).status == 204
    for path in (f"attachment/{sys_id}", f"attachment/{sys_id}/file"):
        assert (await rest("GET", path)).error == (404, "No Record found")
    assert await _pieces(rest) == before


async def test_a_record_takes_its_attachments_with_it(rest: RestWorld) -> None:
    before = await _pieces(rest)
    sys_id = await attached(rest)
    record = (await rest("GET", f"attachment/{sys_id}")).result["table_sys_id"]
    database = await rest.instance.database()
    written = database.versions.copy()
    await rest("DELETE", f"table/incident/{record}")
    assert (await rest("GET", f"attachment/{sys_id}")).status == 404
    assert await _pieces(rest) == before
    assert database.versions["sys_attachment"] == written["sys_attachment"] + 1
    with pytest.raises(NoRecordError):  # a download that has begun breaks off
        await database.read(lambda tx: read_piece(tx, sys_id, 0))


async def test_what_hangs_on_a_record_of_another_table_with_the_same_sys_id_stays(rest: RestWorld) -> None:
    sys_id = await attached(rest)
    record = (await rest("GET", f"attachment/{sys_id}")).result["table_sys_id"]
    await rest.change("incident", record, comments="still here")
    await rest.make("cmdb_ci", sys_id=record, name="of the same sys_id")
    assert (await rest("DELETE", f"table/cmdb_ci/{record}")).status == 204
    assert (await rest("GET", f"attachment/{sys_id}/file")).body == b"hello"
    assert len((await rest("GET", f"table/sys_journal_field?element_id={record}")).result) == 1


async def test_what_is_attached_by_the_name_of_the_parent_table_hangs_on_the_record_all_the_same(
    rest: RestWorld,
) -> None:
    before = await _pieces(rest)
    record = await rest.make("incident", short_description="broken")
    url = f"attachment/file?table_name=task&table_sys_id={record}&file_name=x"
    made = await rest("POST", url, b"x", headers=TEXT)
    assert made.result["table_name"] == "incident"
    await rest("DELETE", f"table/incident/{record}")
    assert await _pieces(rest) == before


async def test_whoever_may_not_read_a_record_finds_no_trace_of_its_files(rest: RestWorld) -> None:
    sys_id = await attached(rest)
    for by, status in ((ITIL, 200), (NOBODY, 404)):
        assert (await rest("GET", f"attachment/{sys_id}", by=by)).status == status
        assert (await rest("GET", f"attachment/{sys_id}/file", by=by)).status == status
    for by, total in ((ITIL, "1"), (NOBODY, "0")):
        listed = await rest("GET", f"attachment?sysparm_query=sys_id={sys_id}", by=by)
        assert (len(listed.result), listed.headers["X-Total-Count"]) == (int(total), total)
    assert (await rest("DELETE", f"attachment/{sys_id}", by=NOBODY)).status == 404
    assert (await rest("PATCH", f"attachment/{sys_id}", {"file_name": "x"}, by=NOBODY)).status == 404


async def test_a_caller_attaches_to_an_own_open_incident_and_to_nothing_else(rest: RestWorld) -> None:
    own = await rest.make("incident", short_description="mine", caller_id=CALLER.sys_id)
    other = await rest.make("incident", short_description="not mine")
    user = await rest.make("sys_user", user_name="somebody")
    where = {"incident": own}, {"incident": other}, {"sys_user": user}
    statuses = []
    for place in where:
        ((table, record),) = place.items()
        url = f"attachment/file?table_name={table}&table_sys_id={record}&file_name=x"
        statuses.append((await rest("POST", url, b"x", headers=TEXT, by=CALLER)).status)
    assert statuses == [201, 404, 403]


async def test_an_attachment_made_as_a_record_is_bound_to_the_same_rights(rest: RestWorld) -> None:
    user = await rest.make("sys_user", user_name="somebody.else")
    values = {"table_name": "sys_user", "table_sys_id": user, "file_name": "x"}
    assert (await rest("POST", "table/sys_attachment", values, by=ITIL)).error == (403, "Operation Failed")
    for name in values:
        refused = await rest("POST", "table/sys_attachment", {**values, name: ""})
        assert refused.error == (400, "Missing mandatory parameter")
    made = (await rest("POST", "table/sys_attachment", values, by=ADMIN_VIEWER)).result
    moved = await rest("PATCH", f"table/sys_attachment/{made['sys_id']}", {"table_sys_id": "none"})
    assert moved.error == (404, "No Record found")
    assert made["size_bytes"] == "0"
    assert (await rest("GET", f"attachment/{made['sys_id']}/file")).body == b""


def form(*, parts: str, boundary: str = "AaB03x") -> tuple[bytes, dict[str, str]]:
    body = parts.replace("--*", f"--{boundary}").replace("\n", "\r\n").encode()
    return body, {"content-type": f"multipart/form-data; boundary={boundary}"}


FIELDS = """--*
Content-Disposition: form-data; name="table_name"

incident
--*
Content-Disposition: form-data; name="table_sys_id"

{record}
"""
FILE = """--*
Content-Disposition: form-data; name="uploadFile"; filename="x.txt"
Content-Type: text/plain

content
"""


async def test_a_form_carries_a_file_whose_part_is_the_last(rest: RestWorld) -> None:
    record = await rest.make("incident", short_description="broken")
    body, headers = form(parts=FIELDS.format(record=record) + FILE + "--*--\n")
    made = await rest("POST", "attachment/upload", body, headers=headers)
    assert made.status == 201
    assert (made.result["file_name"], made.result["content_type"]) == ("x.txt", "text/plain")
    assert (await rest("GET", f"attachment/{made.result['sys_id']}/file")).body == b"content"


async def test_a_file_of_a_form_that_says_no_type_is_of_any(rest: RestWorld) -> None:
    record = await rest.make("incident", short_description="broken")
    untyped = FILE.replace("Content-Type: text/plain\n", "")
    fields = FIELDS.format(record=f"  {record} ")
    body, headers = form(parts=fields + untyped + "--*--\n")
    headers["content-type"] = headers["content-type"].replace("form-data", "Form-Data")
    made = await rest("POST", "attachment/upload", body, headers=headers)
    assert (made.result["content_type"], made.result["table_sys_id"]) == ("application/octet-stream", record)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (FILE + FIELDS + "--*--\n", "Invalid form"),
        (FIELDS + "--*--\n", "Invalid form"),
        (FIELDS + FILE, "Invalid form"),
        (FILE + "--*--\n", "Missing mandatory parameter"),
        ("", "Invalid form"),
        ("no form", "Invalid form"),
        (FIELDS + FILE.replace("text/plain", "text/plain\nContent-Encoding: gzip") + "--*--\n", "Invalid form"),
        (
            FIELDS + FILE.replace("text/plain", "text/plain\nContent-Transfer-Encoding: base64") + "--*--\n",
            "Invalid form",
        ),
        (FIELDS.replace("{record}", "x" * 5_000) + FILE + "--*--\n", "Invalid form"),
        (FIELDS * 10 + FILE + "--*--\n", "Invalid form"),
        (FIELDS.replace("table_sys_id", "other") + FILE + "--*--\n", "Missing mandatory parameter"),
    ],
    ids=[
        "file first",
        "no file",
        "broken off",
        "no fields",
        "empty",
        "no form",
        "encoded",
        "encoded for the way",
        "long",
        "many fields",
        "no record",
    ],
)
async def test_a_form_that_is_none_is_refused(rest: RestWorld, parts: str, message: str) -> None:
    body, headers = form(parts=parts)
    assert (await rest("POST", "attachment/upload", body, headers=headers)).error == (400, message)


async def test_parts_that_are_no_form_are_refused(rest: RestWorld) -> None:
    record = await rest.make("incident", short_description="broken")
    body, headers = form(parts=FIELDS.format(record=record) + FILE + "--*--\n")
    headers["content-type"] = headers["content-type"].replace("form-data", "mixed")
    said = await rest("POST", "attachment/upload", body, headers=headers)
    assert said.error == (400, "Invalid content type")


async def test_a_field_of_a_form_that_is_no_text_names_no_table(rest: RestWorld) -> None:
    body, headers = form(parts=FIELDS.replace("incident", "in%cident") + FILE + "--*--\n")
    said = await rest("POST", "attachment/upload", body.replace(b"%", b"\xff"), headers=headers)
    assert said.error == (404, "No Record found")


async def test_a_form_without_a_boundary_is_refused(rest: RestWorld) -> None:
    for sent in ({}, {"content-type": "multipart/form-data"}, {"content-type": "multipart/mixed; boundary=x"}, TEXT):
        assert (await rest("POST", "attachment/upload", b"x", headers=sent)).status == 400


async def test_a_client_sends_and_fetches_files_over_a_socket(rest: RestWorld) -> None:
    content = b"0123456789" * 70_000
    record = await rest.make("incident", short_description="broken")
    async with served(rest) as client:
        where = {"table_name": "incident", "table_sys_id": record, "file_name": "ä.bin"}
        headers = {"Content-Type": "application/x-thing", "X-Forwarded-Proto": "https"}
        async with client.post("/api/now/v1/attachment/file", params=where, data=content, headers=headers) as made:
            assert made.status == 201
            location = made.headers["Location"]
            assert location.startswith(f"https://127.0.0.1:{client.port}/api/now/v1/attachment/")
        async with client.get(location.partition(str(client.port))[2]) as file:
            assert file.headers["Content-Type"] == "application/x-thing"
            assert file.content_disposition is not None
            assert file.content_disposition.filename == "ä.bin"
            assert await file.read() == content
        data = FormData({"table_name": "incident", "table_sys_id": record})
        data.add_field("uploadFile", content, filename="b.bin", content_type="application/x-thing")
        async with client.post("/api/now/attachment/upload", data=data) as made:
            assert made.status == 201
            told = (await made.json())["result"]
            assert (told["file_name"], told["size_bytes"]) == ("b.bin", str(len(content)))


async def _pieces(rest: RestWorld) -> int:
    database = await rest.instance.database()
    count: int = await database.read(
        lambda tx: tx.connection.exec_driver_sql("SELECT count(*) FROM attachment_contents").scalar_one()
    )
    return count
