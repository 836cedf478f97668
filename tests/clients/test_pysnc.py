"""ServiceNow's own Python client, by threads and by asyncio, over TLS."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.slow

ADMIN_SYS_ID = "6816f79cc0a8016401c5a33be04be441"
NOT_AUTHENTICATED = "{'message': 'User Not Authenticated', 'detail': 'Required to provide Auth information'}"


def test_a_script_with_pysnc_gets_what_it_would_get_from_an_instance_of_servicenow(tell_story, https_node) -> None:
    seen = tell_story("pysnc", "pysnc_story.py", https_node)

    created = seen["record"]["created"]
    assert re.fullmatch(r"INC\d{7}", created["number"][0])
    assert created == {
        "number": [created["number"][0]] * 2,
        "state": ["1", "New"],
        "priority": ["2", "2 - High"],
        "active": ["true", "true"],
        "opened_by": [ADMIN_SYS_ID, "System Administrator"],
        "sys_created_by": ["admin", "admin"],
        "sys_class_name": ["incident", "Incident"],
    }
    assert seen["record"]["found"] is True
    assert seen["record"]["changed"] == ["The lift is stuck between floors", "1"]
    assert seen["record"]["journal"] == [["comments", "Two people inside"]]
    assert seen["pages"] == {"as many as the total": True, "none twice": True, "in order": True}
    assert seen["queries"] == {"walked": [["admin", "New"]], "some manage a group": True, "too long for a URL": 1}
    assert seen["attachments"] == {
        "count": 1,
        "where it was said to be": True,
        "same bytes": True,
        "size": "1280",
        "none of that name": False,
    }
    assert seen["batch"] == {"found": 5, "answers": [[200, "1"]] * 5, "deleted": True, "left": 0}
    assert seen["oauth"] == {"password": True, "client credentials": True}
    assert seen["end"] == {"removed": True, "still there": False, "orphans": 0}
    refused = seen["refused"]
    assert NOT_AUTHENTICATED in refused["wrong password"]
    assert refused["wrong secret"].startswith("AuthenticationException: Failed to obtain access token: 401 ")
    assert refused["no such table"].startswith("RequestException: ")
    assert "Invalid table no_such_table" in refused["no such table"]
    assert refused["no such record"] is False
    assert refused["not allowed"] == {"roles": [0, 0], "insert": "RoleException"}


def test_a_program_with_asyncio_does_many_things_at_once(tell_story, https_node) -> None:
    seen = tell_story("pysnc", "pysnc_async_story.py", https_node)

    assert (seen["inserted"], seen["numbers"]) == (20, 20)
    assert (seen["updated"], seen["changed"]) == (True, 1)
    assert seen["pages"] == {"in order": True, "count": 20, "by": ["admin"]}
    assert seen["not allowed"] is False
    assert seen["attachment"] == {"lines": ["line one", "line two"], "where it was said to be": True}
    by_password, by_client, by_wrong_password = seen["oauth"]
    assert by_password == by_client == ["admin"]
    assert by_wrong_password.startswith("AuthenticationException: ")
    assert "access_denied" in by_wrong_password
    assert NOT_AUTHENTICATED in seen["wrong password"]
    assert "Invalid table no_such_table" in seen["no such table"]
    assert (seen["removed"], seen["left"]) == (True, 0)
