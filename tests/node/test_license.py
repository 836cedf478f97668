"""License keys and what a node's license is: from the command that makes a key to the standing of a node."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.license.keys import (
    DOMAIN,
    INSTANT_S_MAX,
    KEY_CHARACTERS_MAX,
    PREFIX,
    LicenseKey,
    LicenseKeyError,
    issue,
    read,
)
from node.license.license import EVALUATION_S, LICENSE_FILE, Kind, open_license
from node.private_files import DataDirectoryError
from protocol.identity import SigningKey

PAIR = SigningKey(b"l" * 32)
OTHER = SigningKey(b"o" * 32)
NOW = 1_800_000_000
DAY = 86_400
ACME = LicenseKey(licensee="Acme", issued_at=NOW, expires_at=NOW + 365 * DAY)
TEXT = issue(PAIR, ACME)


def signed(*said: object) -> str:
    import base64

    body = msgspec.msgpack.encode(said)
    return PREFIX + base64.b32encode(body + PAIR.sign(DOMAIN, body)).decode().rstrip("=").lower()


NAMES = st.text(st.characters(categories=["L", "N"], max_codepoint=0x24F), min_size=1, max_size=20)


@given(licensee=NAMES, lifetime_s=st.integers(60, 10**9))
def test_a_key_says_what_it_was_issued_for(licensee, lifetime_s):
    key = LicenseKey(licensee=licensee, issued_at=NOW, expires_at=NOW + lifetime_s)
    found = read(issue(PAIR, key), PAIR.public)
    assert (found.expires_at, found.issued_at) == (key.expires_at, NOW)
    assert read(issue(PAIR, found), PAIR.public) == found


def test_blanks_line_breaks_and_upper_case_are_forgiven():
    broken = "\r\n  ".join(TEXT[at : at + 40] for at in range(0, len(TEXT), 40))
    assert read(f"\n{broken.upper()}\n", PAIR.public) == ACME


@given(place=st.integers(len(PREFIX), len(TEXT) - 2), letter=st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_no_letter_of_a_key_can_be_changed(place, letter):
    changed = TEXT[:place] + letter + TEXT[place + 1 :]
    if changed != TEXT:
        with pytest.raises(LicenseKeyError):
            read(changed, PAIR.public)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Paste the license key."),
        ("hello", "This is no license key"),
        (PREFIX, "characters that no key has"),
        (TEXT + "!", "characters that no key has"),
        (TEXT[:-3], "damaged"),
        (PREFIX + "a", "damaged"),
        ("x" * (KEY_CHARACTERS_MAX + 1), "at most"),
        (issue(OTHER, ACME), "signed by another key pair"),
        (signed(2, "Acme", NOW, NOW + DAY), "made by a newer Handclasp"),
        (signed(1, "Acme", NOW), "says what no license says"),
        (signed(1, "Acme", NOW, NOW), "says what no license says"),
        (signed(1, "Acme", NOW, INSTANT_S_MAX + 1), "says what no license says"),
        (signed(1, 7, NOW, NOW + DAY), "says what no license says"),
        (signed(), "says what no license says"),
        (signed(1, "", NOW, NOW + DAY), "The licensee is empty"),
        (signed(1, "a\u202eb", NOW, NOW + DAY), "licensee"),
    ],
)
def test_what_is_no_key_that_counts_is_told_apart(text, said):
    with pytest.raises(LicenseKeyError, match=said):
        read(text, PAIR.public)


@pytest.mark.parametrize(
    "wrong",
    [
        {"expires_at": NOW + 59},
        {"expires_at": NOW - 1},
        {"expires_at": NOW + 101 * 366 * DAY},
        {"issued_at": INSTANT_S_MAX - 60, "expires_at": INSTANT_S_MAX + 60},
        {"licensee": ""},
        {"licensee": "x" * 65},
    ],
)
def test_a_key_that_no_node_would_take_is_not_issued(wrong):
    fields = {"licensee": "Acme", "issued_at": NOW, "expires_at": NOW + DAY} | wrong
    with pytest.raises(LicenseKeyError):
        issue(PAIR, LicenseKey(**fields))


def test_a_node_is_in_its_evaluation_then_paid_then_free(tmp_path):
    file = tmp_path / LICENSE_FILE
    license_ = open_license(file, now=NOW, public=PAIR.public)
    assert license_.standing(NOW).kind is Kind.EVALUATION
    assert license_.standing(NOW + EVALUATION_S - 1).may_initiate
    ended = license_.standing(NOW + EVALUATION_S)
    assert (ended.kind, ended.may_initiate, ended.ends_at) == (Kind.FREE, False, NOW + EVALUATION_S)
    assert ended.sentence.startswith("The evaluation ended on ")
    paid = license_.enter(TEXT, now=NOW + 40 * DAY)
    assert (paid.kind, paid.may_initiate, paid.licensee, paid.ends_at) == (Kind.PAID, True, "Acme", ACME.expires_at)
    again = open_license(file, now=NOW + 41 * DAY, public=PAIR.public)
    assert again.standing(NOW + 41 * DAY) == license_.standing(NOW + 41 * DAY)
    free = again.standing(ACME.expires_at)
    assert (free.kind, free.licensee) == (Kind.FREE, "Acme")
    assert free.sentence.startswith("The license of Acme ended on ")


def test_a_key_that_ends_within_the_evaluation_takes_nothing_from_it(tmp_path):
    license_ = open_license(tmp_path / LICENSE_FILE, now=NOW, public=PAIR.public)
    license_.enter(issue(PAIR, LicenseKey(licensee="Acme", issued_at=NOW, expires_at=NOW + DAY)), now=NOW)
    assert license_.standing(NOW + DAY).kind is Kind.EVALUATION
    assert license_.standing(NOW + EVALUATION_S).sentence.startswith("The evaluation ended")


def test_a_key_that_does_not_count_leaves_the_one_before(tmp_path):
    license_ = open_license(tmp_path / LICENSE_FILE, now=NOW, public=PAIR.public)
    license_.enter(TEXT, now=NOW)
    for wrong in (issue(OTHER, ACME), "nonsense", TEXT[:-1] + "!"):
        with pytest.raises(LicenseKeyError):
            license_.enter(wrong, now=NOW)
    with pytest.raises(LicenseKeyError, match="This license key ended on"):
        license_.enter(TEXT, now=ACME.expires_at)
    assert license_.standing(NOW).kind is Kind.PAID


def test_without_a_public_key_and_under_another_one_no_key_counts(tmp_path):
    file = tmp_path / LICENSE_FILE
    with pytest.raises(LicenseKeyError, match="HANDCLASP_LICENSE_PUBLIC_KEY"):
        open_license(file, now=NOW, public=None).enter(TEXT, now=NOW)
    open_license(file, now=NOW, public=PAIR.public).enter(TEXT, now=NOW)
    for public in (None, OTHER.public):
        assert open_license(file, now=NOW, public=public).standing(NOW + EVALUATION_S).kind is Kind.FREE
    assert open_license(file, now=NOW, public=PAIR.public).standing(NOW + EVALUATION_S).kind is Kind.PAID


def test_a_clock_that_is_set_back_does_not_stretch_the_evaluation(tmp_path):
    file = tmp_path / LICENSE_FILE
    open_license(file, now=NOW, public=None)
    earlier = open_license(file, now=NOW - 10 * DAY, public=None)
    assert earlier.standing(NOW - 10 * DAY).ends_at == NOW - 10 * DAY + EVALUATION_S


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is damaged"),
        ("[]", "is damaged"),
        ('{"version": 1, "evaluation_began_at": "x", "key": null}', "is damaged"),
        ('{"version": 1, "evaluation_began_at": 1, "key": 1}', "is damaged"),
        ("[" * 16_000, "is damaged"),
        ('{"version": 2}', "newer Handclasp"),
    ],
)
def test_a_damaged_file_is_for_a_person_to_mend(tmp_path, content, said):
    file = tmp_path / LICENSE_FILE
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(DataDirectoryError, match=said):
        open_license(file, now=NOW, public=None)
    assert file.read_text() == content


def test_the_file_is_its_owners_alone_and_holds_no_more_than_it_must(tmp_path):
    file = tmp_path / LICENSE_FILE
    open_license(file, now=NOW, public=PAIR.public).enter(TEXT, now=NOW)
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text()) == {"version": 1, "evaluation_began_at": NOW, "key": TEXT}


def test_keys_are_made_issued_and_shown_on_the_command_line(handclasp):
    made = handclasp.here("license", "new-keys", "license.key", "--json").succeeded().json
    assert (handclasp.home / "license.key").stat().st_mode & 0o777 == 0o600
    issued = handclasp.here("license", "issue", "license.key", "--to", "Acme", "--for", "2d", "--json").succeeded().json
    shown = handclasp.here("license", "show", issued["license_key"], "--public-key", made["public_key"], "--json")
    found = shown.succeeded().json
    assert (found["licensee"], found["expires_at"], found["expired"]) == ("Acme", issued["expires_at"], False)
    plain = handclasp.here("license", "issue", "license.key", "--to", "Acme").succeeded().out
    assert plain.startswith(PREFIX)
    assert "\n" not in plain.strip()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["new-keys"], "FILE"),
        (["new-keys", "taken"], "taken is there already"),
        (["new-keys", "no/such/folder"], "can't be written"),
        (["issue", "missing", "--to", "Acme"], "There is no file missing"),
        (["issue", "taken", "--to", "Acme"], "holds no license key pair"),
        (["issue", "pair"], "--to"),
        (["issue", "pair", "--to", ""], "The licensee is empty"),
        (["issue", "pair", "--to", "Acme", "--for", "soon"], "no span of time"),
        (["issue", "pair", "--to", "Acme", "--for", "1s"], "between a minute and 100 years"),
        (["issue", "pair", "--to", "Acme", "--for", "999999999w"], "between a minute and 100 years"),
        (["show", TEXT, "--public-key", "x"], "43 characters"),
        (["show", TEXT, "--public-key", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"], "another key pair"),
    ],
)
def test_what_the_commands_can_not_do_is_one_sentence(handclasp, arguments, said):
    for name, text in (("taken", "x"), ("pair", "bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw=")):
        (handclasp.home / name).write_text(text)
        (handclasp.home / name).chmod(0o600)
    before = sorted(path.read_bytes() for path in handclasp.home.iterdir())
    assert said in handclasp.here("license", *arguments).refused(2)
    assert sorted(path.read_bytes() for path in handclasp.home.iterdir()) == before


@pytest.mark.slow
def test_each_command_runs_as_a_process(handclasp):
    public = handclasp("license", "new-keys", "license.key", "--json").succeeded().json["public_key"]
    key = handclasp("license", "issue", "license.key", "--to", "Acme").succeeded().out.strip()
    assert "A license of Acme" in handclasp("license", "show", key, "--public-key", public).succeeded().out
