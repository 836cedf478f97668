"""The address of an MQTT broker, and its password, which stands nowhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.delivery.broker_url import BrokerUrl

GOOD = {
    "mqtt://broker": BrokerUrl(tls=False, host="broker", port=1883),
    "mqtts://broker": BrokerUrl(tls=True, host="broker", port=8883),
    "MQTT://Broker.Example:1884/": BrokerUrl(tls=False, host="broker.example", port=1884),
    "mqtt://[::1]:1883": BrokerUrl(tls=False, host="::1", port=1883),
    "mqtts://ann:s3cret@10.0.0.1:1": BrokerUrl(tls=True, host="10.0.0.1", port=1, user="ann", password="s3cret"),
    "mqtt://ann@broker": BrokerUrl(tls=False, host="broker", port=1883, user="ann"),
    "mqtt://a%40b:p%2Fq%3A%23@broker": BrokerUrl(tls=False, host="broker", port=1883, user="a@b", password="p/q:#"),
}

BAD = {
    "": "must begin with",
    "broker:1883": "must begin with",
    "mqtt:broker": "must begin with",
    "http://broker": "must begin with",
    "ws://broker": "must begin with",
    "mqtt://": "goes a host name",
    "mqtt://user:pw@": "goes a host name",
    "mqtt://:1883": "goes a host name",
    "mqtt://a_b!/": "goes a host name",
    "mqtt://broker:x": "port from 1",
    "mqtt://broker:0": "port from 1",
    "mqtt://broker:65536": "port from 1",
    "mqtt://[::1": "port from 1",
    "mqtt://broker/topic": "nothing may follow",
    "mqtt://broker?x=1": "nothing may follow",
    "mqtt://broker#": "nothing may follow",
    "mqtt://ann:a/b@broker": "port from 1",
    "mqtt://:pw@broker": "user:password",
    "mqtt://@broker": "user:password",
    "mqtt://a%00:b@broker": "zero character",
    "mqtt://a%FF:b@broker": "UTF-8",
    "mqtt://bro ker": "without blanks",
    "mqtt://broker\n": "without blanks",
    "mqtt://" + "b" * 300: "at most 255",
}


@pytest.mark.parametrize("text", GOOD)
def test_a_url_is_read(text):
    assert BrokerUrl.parse(text) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_such_url_is_refused_with_what_to_write(text):
    with pytest.raises(ValueError, match=BAD[text]):
        BrokerUrl.parse(text)


def test_an_ipv6_place_has_brackets():
    assert BrokerUrl.parse("mqtt://[::1]").place == "[::1]:1883"


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="%"), min_size=8),
    st.sampled_from(["mqtt://ann:{}@broker", "mqtt://ann:{}@", "{}", "mqtt://ann:{}@broker:x", "x://a:{}@b"]),
)
def test_the_password_stands_in_no_text(password, form):
    try:
        url = BrokerUrl.parse(form.format(password))
    except ValueError as error:
        texts = [str(error), repr(error)]
    else:
        texts = [repr(url), str(url), url.place] if url.password else []
        password = url.password or password
    assert not any(password in text for text in texts)
