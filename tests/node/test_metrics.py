import re

import pytest

from node.causes import Cause
from node.metrics import METRICS_CONTENT_TYPE, Metrics


def samples(metrics):
    """Each line of the page as name{labels} → value."""
    lines = metrics.render().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


@pytest.fixture
def metrics():
    return Metrics(version="1.2.3", process=False)


def test_a_fresh_node_tells_its_build_and_every_cause_at_zero(metrics):
    page = samples(metrics)
    assert [name for name in page if name.startswith('handclasp_build_info{python="3.')]
    assert 'version="1.2.3"' in metrics.render().decode()
    for cause in ("answered", *Cause):
        assert page[f'handclasp_delivery_attempts_total{{cause="{cause}"}}'] == 0


def test_each_call_moves_its_own_series(metrics):
    metrics.message_received(kind="accept", result="taken")
    metrics.delivery_attempted(None)
    metrics.delivery_attempted(Cause.TLS_FAILURE)
    metrics.set_owed(3)
    metrics.set_broadcasts_waiting(4)
    metrics.set_broker_connected(connected=True)
    metrics.committed(duration_s=0.003, unit_count=5)
    metrics.request_answered(route="/peer", method="POST", status=200, duration_s=0.02)
    page = samples(metrics)
    assert page['handclasp_messages_received_total{kind="accept",result="taken"}'] == 1
    assert page['handclasp_delivery_attempts_total{cause="answered"}'] == 1
    assert page['handclasp_delivery_attempts_total{cause="tls-failure"}'] == 1
    assert page["handclasp_owed_statements"] == 3
    assert page["handclasp_broadcasts_waiting"] == 4
    assert page["handclasp_broker_connected"] == 1
    assert page['handclasp_store_commit_seconds_bucket{le="0.002"}'] == 0
    assert page['handclasp_store_commit_seconds_bucket{le="0.005"}'] == 1
    assert page["handclasp_store_batch_units_sum"] == 5
    assert page['handclasp_http_requests_total{method="POST",route="/peer",status="200"}'] == 1
    assert page['handclasp_http_request_seconds_count{route="/peer"}'] == 1


def test_a_gauge_goes_down_again(metrics):
    metrics.set_broker_connected(connected=True)
    metrics.set_broker_connected(connected=False)
    assert samples(metrics)["handclasp_broker_connected"] == 0


def test_a_stranger_can_not_make_new_series(metrics):
    for number in range(50):
        metrics.message_received(kind=f"kind{number}", result="refused")
        metrics.request_answered(route="/peer", method=f"M{number}", status=405, duration_s=0)
    page = samples(metrics)
    assert page['handclasp_messages_received_total{kind="other",result="refused"}'] == 50
    assert page['handclasp_http_requests_total{method="other",route="/peer",status="405"}'] == 50


def test_two_nodes_in_one_process_count_apart(metrics):
    other = Metrics(version="1.2.3", process=False)
    metrics.set_owed(7)
    assert samples(other)["handclasp_owed_statements"] == 0


def test_the_process_s_memory_is_told_by_a_node_of_its_own():
    assert samples(Metrics(version="1"))["process_resident_memory_bytes"] > 1_000_000


def test_every_series_has_help_and_no_creation_time(metrics):
    text = metrics.render().decode()
    names = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    helped = set(re.findall(r"^# HELP (\S+) \S", text, re.MULTILINE))
    assert names == helped
    assert not [name for name in names if name.endswith("_created")]
    assert METRICS_CONTENT_TYPE.startswith("text/plain; version=0.0.4")
