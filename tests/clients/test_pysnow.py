"""pysnow, over plain http."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow

ADMIN_SYS_ID = "6816f79cc0a8016401c5a33be04be441"


def test_a_script_with_pysnow_gets_what_it_would_get_from_an_instance_of_servicenow(tell_story, http_node) -> None:
    seen = tell_story("pysnow", "pysnow_story.py", http_node)

    opened_by = f"{http_node.url}/api/now/table/sys_user/{ADMIN_SYS_ID}"
    assert seen["record"] == {
        "created": ["The door squeaks", "3", "true"],
        "opened by": {"link": opened_by, "value": ADMIN_SYS_ID},
        "changed": ["The door squeaks loudly", "1"],
        "displayed": {
            "state": "New",
            "opened_by": {"display_value": "System Administrator", "link": opened_by},
            "priority": "3 - Moderate",
        },
        "without link": {"opened_by": "System Administrator"},
    }
    assert seen["queries"] == {
        "built": True,
        "streamed in order": True,
        "two pages are one": True,
        "total": True,
        "none": "NoResults: No records found",
        "too many": "MultipleResults: Expected single-record result, got multiple",
    }
    assert seen["attachments"] == {
        "uploaded": ["door.txt", "21", True],
        "listed": ["door.txt"],
        "content": "It squeaks at 440 Hz.",
        "deleted": {"status": "record deleted"},
        "left": 0,
    }
    assert seen["oauth"] == {
        "token": ["access_token", "expires_at", "expires_in", "refresh_token", "scope", "token_type"],
        "found": True,
        "found after renewal": True,
        "renewed": True,
        "wrong password": "TokenCreateError: ('Error creating user token', 'access_denied', 400)",
    }
    assert "401 Client Error: Unauthorized" in seen["refused"]["wrong password"]
    assert "400 Client Error: Bad Request" in seen["refused"]["no such table"]
    roles, insert = seen["refused"]["not allowed"]
    assert roles == 0
    assert "403 Client Error: Forbidden" in insert
    assert seen["refused"]["deleted twice"] == "NoResults: No records found"
    assert (seen["deleted"], seen["left"]) == ({"status": "record deleted"}, 0)
