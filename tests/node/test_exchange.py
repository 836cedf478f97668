"""What a delivery makes of an answer that is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.delivery.exchange import _retry_after_s
from node.ports import HttpAnswer
from protocol.limits import DELIVERY_BACKOFF_S_MAX

NOW = 1_764_000_000.0  # 2025-11-24 16:00:00 UTC


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        (None, 0),
        ("7", 7),
        ("9" * 400, DELIVERY_BACKOFF_S_MAX),
        ("Mon, 24 Nov 2025 16:01:30 GMT", 90),
        ("Mon, 24 Nov 2025 16:01:30 -0000", 90),
        ("Monday, 24-Nov-25 16:01:30 GMT", 90),
        ("Mon, 24 Nov 2025 15:00:00 GMT", 0),
        ("Wed, 24 Nov 9999 16:00:00 GMT", DELIVERY_BACKOFF_S_MAX),
        ("soon", 0),
        ("-7", 0),
        ("7.5", 0),
        ("\u0967", 0),
        ("Mon, 99 Nov 2025 16:01:30 GMT", 0),
        ("Mon, 24 Nov 2025 16:01:30 +9999", 0),
        ("Mon, 24 Nov 3000000000 16:01:30 GMT", 0),
    ],
)
def test_a_partner_may_ask_to_be_left_alone_for_seconds_or_until_a_date(said, wait_s):
    headers = {} if said is None else {"retry-after": said}
    assert _retry_after_s(HttpAnswer(status=429, headers=headers, body=b""), now=NOW) == wait_s


DATE_LIKE = st.from_regex(
    r"(Mon,? )?[0-9]{1,12} (Nov|nov|0) [0-9]{1,20} [0-9]{1,9}(:[0-9]{1,9}){0,2} ([+-][0-9]{1,9}|GMT|x)?", fullmatch=True
)


@given(st.text() | DATE_LIKE)
def test_whatever_a_partner_says_is_a_wait_within_the_limits(said):
    answer = HttpAnswer(status=429, headers={"retry-after": said}, body=b"")
    assert 0 <= _retry_after_s(answer, now=NOW) <= DELIVERY_BACKOFF_S_MAX
