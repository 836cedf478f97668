"""aiosnow, over plain http."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow

NO_RECORD = '("No Record found: Record doesn\'t exist or ACL restricts the record retrieval", 404)'


def test_a_program_with_aiosnow_gets_what_it_would_get_from_an_instance_of_servicenow(tell_story, http_node) -> None:
    seen = tell_story("aiosnow", "aiosnow_story.py", http_node)

    none = "NoItems: Expected a single object in response, got none"
    assert seen["record"] == {
        "created": ["The tap drips", 5, "5 - Planning"],
        "changed": ["The tap drips all night", 3, 1],
        "status": [201, 200],
    }
    assert seen["queries"] == {
        "opened by": "admin",
        "found": True,
        "either": True,
        "streamed": True,
        "two pages are one": True,
        "none": none,
    }
    assert seen["attachments"] == {"uploaded": ["tap.txt", 10, 201], "downloaded": "drip, drip", "listed": ["tap.txt"]}
    assert seen["refused"] == {
        "wrong password": "RequestError: ('User Not Authenticated: Required to provide Auth information', 401)",
        "no such table": "RequestError: ('Invalid table no_such_table', 400)",
        "not allowed": [0, f"RequestError: {NO_RECORD}"],
    }
    assert (seen["deleted"], seen["left"]) == (204, none)
    assert "Unexpected response for DELETE request. Status: 404" in seen["deleted twice"]
