"""Names, descriptions and URLs: which are taken, in which form, and the sentence for those that are not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import ProtocolError, TextError
from protocol.limits import CONNECTION_NAME_CHARACTERS_MAX, PLAIN_LINE_CHARACTERS_MAX
from protocol.text import check_description, check_name, check_url, plain_line, plain_text

INVISIBLE_OR_WORSE = [
    "\0", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", "\x9b",
    "\u00ad", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u061c", "\u2028", "\u2029",
    "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2060", "\u2064", "\u2065", "\u2066", "\u2069",
    "\ufeff",
    "\u034f", "\u115f", "\u1160", "\u17b4", "\u180e", "\u2800", "\u3164", "\uffa0",
    "\ud800", "\udfff", "\ue000", "\U000f0000", "\U0010fffd",
    "\ufdd0", "\ufff0", "\ufffe", "\uffff", "\U0001fffe", "\U0010ffff",
    "\U000e0001", "\U000e0100", "\U000e0fff",
]  # fmt: skip


@pytest.mark.parametrize("character", INVISIBLE_OR_WORSE, ids=ascii)
def test_a_character_that_is_not_seen_as_itself_is_refused_in_names(character):
    with pytest.raises(TextError, match=rf"\(U\+{ord(character):04X}\) at position 2"):
        check_name(f"a{character}b", what="connection name")
    assert plain_line(f"a{character}b") == "a\ufffdb"


@pytest.mark.parametrize("name", ["ACME", "Müller & Söhne", "東京", "عربي", "a b", "❤\ufe0f", "𝄞", "O'Neill <x>"])
def test_names_of_all_scripts_are_taken_as_they_are(name):
    assert check_name(f" \t{name}\u00a0\n", what="name") == name
    assert plain_line(name) == name


def test_a_name_is_kept_with_its_accents_composed_and_counted_so():
    assert check_name("Ze\u0301 ", what="name") == "Zé"
    assert check_name("e\u0301" * 64, what="name") == "é" * 64
    for name in ("e\u0301" * 65, "\u0301" * 16_000):
        with pytest.raises(TextError, match="at most 64 are allowed"):
            check_name(name, what="name")


def test_a_code_point_that_only_a_newer_unicode_may_know_is_taken():
    unassigned = "\u0378"
    assert unicodedata.category(unassigned) == "Cn"
    assert check_name(unassigned, what="name") == unassigned


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("x" * 120, "The connection name has 120 characters; at most 100 are allowed."),
        ("", "The connection name is empty."),
        (" \u3000", "The connection name is empty."),
        (None, "The connection name is not a text."),
        (b"x", "The connection name is not a text."),
        (
            "a\x1bb",
            "The connection name has a control character (U+001B) at position 2; write it without.",
        ),
    ],
)
def test_a_refused_name_is_told_in_a_sentence(value, sentence):
    with pytest.raises(TextError) as caught:
        check_name(value, what="connection name", characters_max=CONNECTION_NAME_CHARACTERS_MAX)
    assert caught.value.sentence == str(caught.value) == sentence
    assert caught.value.what == "connection name"
    assert isinstance(caught.value, ProtocolError)


def test_the_longest_name_is_counted_in_characters_behind_the_stripping():
    assert check_name(f"  {'𝄞' * 64}  ", what="name") == "𝄞" * 64
    with pytest.raises(TextError):
        check_name("x" * 65, what="name")


def test_a_description_may_be_empty_and_may_have_lines():
    assert check_description(" \n ") == ""
    assert check_description("one\r\ntwo\tthree\n\nfour\n") == "one\ntwo three\n\nfour"
    assert check_description("x" * 1000) == "x" * 1000


@pytest.mark.parametrize("value", [7, "x" * 1001, "a\rb", "a\u202eb", "a\x1b[31m", "a\u2028b"])
def test_a_description_with_anything_else_is_refused(value):
    with pytest.raises(TextError) as caught:
        check_description(value)
    assert caught.value.what == "description"


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://acme.service-now.com", "https://acme.service-now.com"),
        (" HTTPS://ACME.Service-Now.com/ ", "https://acme.service-now.com"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://localhost:08080//", "http://localhost:8080"),
        ("https://a.example:443/x/", "https://a.example/x"),
        ("http://a.example:443", "http://a.example:443"),
        ("http://a.example:80", "http://a.example"),
        ("http://node_a:65535/Path/%C3%BC", "http://node_a:65535/Path/%C3%BC"),
        ("http://[::1]:1/", "http://[::1]:1"),
        ("http://[2001:DB8:0:0::1]", "http://[2001:db8::1]"),
        ("http://xn--mnchen-3ya.example", "http://xn--mnchen-3ya.example"),
        ("http://2130706433", "http://2130706433"),
    ],
)
def test_a_url_is_brought_into_its_normal_form(url, normal):
    assert check_url(url, what="node URL") == normal
    assert check_url(normal, what="node URL") == normal


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (None, "not a text"),
        ("", "http:// or https://"),
        ("acme.example", "http:// or https://"),
        ("//acme.example", "http:// or https://"),
        ("ftp://acme.example", "http:// or https://"),
        ("javascript:alert(1)", "http:// or https://"),
        ("javascript://a.example/", "http:// or https://"),
        ("http:/a.example", "http:// or https://"),
        ("https://", "host and port"),
        ("https:///x", "host and port"),
        ("https://:80", "host and port"),
        ("https://a.example:", "host and port"),
        ("https://a.example:x", "host and port"),
        ("https://a.example:-1", "host and port"),
        ("https://a.example:123456", "host and port"),
        ("https://a.example:0", "between 1 and 65535"),
        ("https://a.example:65536", "between 1 and 65535"),
        ("https://user@a.example", "user name"),
        ("https://user:pass@a.example", "user name"),
        ("https://a.example@b.example", "user name"),
        ("https://a.example/#x", "may not have"),
        ("https://a.example?", "may not have"),
        ("https://a.example#", "may not have"),
        ("https://a.example/x?y=1", "may not have"),
        ("https://a..example", "host"),
        ("https://a.example.", "host"),
        ("https://.a.example", "host"),
        ("https://-a.example", "host"),
        ("https://a-.example", "host"),
        (f"https://{'a' * 64}.example", "host"),
        ("https://a%2eexample", "host"),
        ("https://a.example\\b", "host"),
        ("https://[::1", "host"),
        ("https://[::1%25eth0]", "host"),
        ("https://[::1]x", "host"),
        ("https://[1.2.3.4]", "IPv6"),
        ("https://[::g]", "host"),
        ("https://[:::]", "IPv6"),
        ("https://a.example/../x", "path"),
        ("https://a.example/.", "path"),
        ("https://a.example/%zz", "path"),
        ("https://a.example/%2", "path"),
        ("https://a.example/<x>", "path"),
        ("https://a.example/\\x", "path"),
        ("https://a.example/a b", "ASCII"),
        ("https://a.example/\x00", "ASCII"),
        ("https://a.exa\nmple/", "ASCII"),
        ("https://a.example\u202e/", "ASCII"),
        ("https://münchen.example", "ASCII"),
        ("https://a.example/" + "x" * 238, "256 characters"),
    ],
)
def test_a_url_that_a_node_can_not_have_is_refused(url, told):
    with pytest.raises(TextError, match=told) as caught:
        check_url(url, what="node URL")
    assert caught.value.what == "node URL"
    assert caught.value.sentence.startswith("The ")


def test_the_longest_url_and_host_are_taken():
    url = "https://a.example/" + "x" * 237
    assert check_url(url, what="URL") == url
    labels = ".".join(["a" * 63] * 3)
    assert check_url(f"http://{labels}.{'b' * 55}", what="URL")


def test_a_password_in_a_url_is_not_repeated():
    with pytest.raises(TextError) as caught:
        check_url("https://user:hunter2@a.example", what="URL")
    assert "hunter2" not in repr(caught.value)


@given(st.text())
def test_whatever_is_taken_is_already_normal(value):
    for check in (check_name, check_url, check_description):
        try:
            taken = check(value, what="text")
        except TextError:
            continue
        assert check(taken, what="text") == taken


@given(st.text(alphabet="htps:/.@?#[]%azAZ09-_\\ \n"))
def test_no_text_near_a_url_raises_anything_else(value):
    try:
        taken = check_url(f"https://{value}", what="text")
    except TextError:
        return
    assert taken.startswith("https://")
    assert check_url(taken, what="text") == taken


@given(st.text(alphabet=st.characters()))
def test_a_plain_line_is_one_harmless_line(value):
    line = plain_line(value)
    assert len(line) <= PLAIN_LINE_CHARACTERS_MAX
    assert len(line.splitlines()) <= 1
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for character in line)
    assert plain_line(line) == line
    line.encode()


@given(st.text(alphabet=st.characters()))
def test_a_plain_text_keeps_its_lines_and_nothing_that_is_not_seen_as_itself(value):
    text = plain_text(value)
    assert len(text) == len(value)
    assert [at for at, one in enumerate(text) if one == "\n"] == [at for at, one in enumerate(value) if one == "\n"]
    assert plain_line(text.replace("\n", "").replace("\t", "")[:255]) == text.replace("\n", "").replace("\t", "")[:255]


def test_a_plain_line_is_cut_where_it_is_too_long():
    assert plain_line("x" * 255) == "x" * 255
    assert plain_line("x" * 256) == "x" * 254 + "…"
