"""What happens to codes on their way: typing errors and cuts are told, the damage by e-mail is forgiven."""

from __future__ import annotations

import html
import textwrap

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.code_outcomes import CodeOutcome
from protocol.errors import CodeError
from protocol.identity import SigningKey
from protocol.invitation import Invitation, read_code, write_code
from protocol.limits import PASTED_CHARACTERS_MAX
from protocol.modes import Mode
from simulations.kit import damaged

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
SOURCE = SigningKey(bytes(range(32)))
SEED = bytes.fromhex("8f3a1c5be07d42966b0d94e1f7235ac8")
INVITATION = Invitation(
    connection=bytes.fromhex("5be07d42966b0d94e1f7235ac88f3a1c"),
    serial=1_764_000_000,
    source_id=bytes.fromhex("e1f7235ac88f3a1c5be07d42966b0d94"),
    source_key=SOURCE.public,
    node_url="https://acme.example/handclasp",
    mode=Mode.SCRIPT,
    name="Incidents",
    source_short_name="ACME",
    destination_short_name="Globex",
    expires_at=1_764_600_000,
    bound=None,
    versions=(1,),
)
CODE = write_code(INVITATION, SOURCE, SEED)
NEWER = write_code(msgspec.structs.replace(INVITATION, serial=INVITATION.serial + 1), SOURCE, SEED)
OTHER = write_code(msgspec.structs.replace(INVITATION, connection=bytes(16)), SOURCE, SEED)
HEAD_END = len("handclasp_") + 8


def outcome_of(text):
    try:
        read_code(text)
    except CodeError as error:
        return error.outcome
    return None


def error_of(text):
    with pytest.raises(CodeError) as caught:
        read_code(text)
    return caught.value


def lines(code, width=76, start=""):
    return "\n".join(start + part for part in textwrap.wrap(code, width, break_long_words=True))


def test_every_substitution_of_one_character_is_told_as_mistyped():
    wrong = []
    count = 0
    for position in range(len("handclasp_"), len(CODE)):
        for character in ALPHABET + "0189":
            if character != CODE[position]:
                count += 1
                changed = CODE[:position] + character + CODE[position + 1 :]
                if outcome_of(changed) is not CodeOutcome.MISTYPED:
                    wrong.append((position, character))
    assert wrong == []
    assert count > 10_000


def test_every_swap_of_two_neighbours_is_told_as_mistyped():
    swaps = [
        CODE[:position] + CODE[position + 1] + CODE[position] + CODE[position + 2 :]
        for position in range(len("handclasp_"), len(CODE) - 1)
        if CODE[position] != CODE[position + 1]
    ]
    assert {outcome_of(swapped) for swapped in swaps} == {CodeOutcome.MISTYPED}


def test_every_insertion_before_the_end_is_told_as_mistyped():
    insertions = [CODE[:position] + "q" + CODE[position:] for position in range(len("handclasp_"), len(CODE))]
    assert {outcome_of(changed) for changed in insertions} == {CodeOutcome.MISTYPED}


def test_every_cut_behind_the_head_is_truncated_by_what_is_missing():
    for length in range(HEAD_END, len(CODE)):
        error = error_of(CODE[:length])
        assert error.outcome is CodeOutcome.TRUNCATED
        assert error.missing_count == len(CODE) - length
        assert f"({len(CODE) - length})" in error.sentence


def test_a_cut_inside_the_head_is_truncated_without_a_count():
    for length in range(len("handclasp_"), HEAD_END):
        error = error_of(CODE[:length])
        assert error.outcome is CodeOutcome.TRUNCATED
        assert error.missing_count is None
        assert "only its beginning" in error.sentence
        after = error_of(f"{CODE[:length]} best regards")
        assert after.outcome in {CodeOutcome.TRUNCATED, CodeOutcome.NOT_A_CODE}
        assert (after.outcome is CodeOutcome.TRUNCATED) == (length > len("handclasp_a"))


def test_a_cut_inside_the_prefix_can_not_be_known_as_a_code():
    assert {outcome_of(CODE[:length]) for length in range(10)} == {CodeOutcome.NOT_A_CODE}


def test_a_lost_beginning_can_not_be_known_as_a_code():
    assert outcome_of(CODE[1:]) is CodeOutcome.NOT_A_CODE


def test_a_missing_character_inside_is_told_as_missing():
    error = error_of(CODE[:100] + CODE[101:])
    assert (error.outcome, error.missing_count) == (CodeOutcome.TRUNCATED, 1)


@pytest.mark.parametrize(
    "text",
    [
        CODE.upper(),
        f"  {CODE}\n",
        f'"{CODE}"',
        f"“{CODE}”",
        f"<{CODE}>",
        f"({CODE}).",
        f"**{CODE}**",
        f"_{CODE}_",
        f"`{CODE}`",
        f"```\n{CODE}\n```",
        f"Code:{CODE}, bye",
        f"Code={CODE};x",
        lines(CODE),
        lines(CODE, 40).replace("\n", "\r\n"),
        lines(CODE, 76, "> "),
        lines(CODE, 60, "> > "),
        lines(CODE, 60, ">>"),
        lines(CODE, 60, "| "),
        lines(CODE, 60).replace("\n", "\n\n"),
        lines(CODE, 75).replace("\n", "=\n"),
        lines(CODE, 75).replace("\n", "=\r\n"),
        lines(CODE, 4).replace("\n", " "),
        lines(CODE, 4).replace("\n", "-"),
        lines(CODE, 4).replace("\n", "\u00a0"),
        lines(CODE, 1),
        "\u200b".join(CODE),
        "\u00ad".join(CODE),
        "\u2060".join(CODE),
        "\ufeff" + CODE,
        "\u202a" + CODE + "\u202c",
        CODE.replace("_", "\\_"),
        f"<p>Hello <code>{CODE}</code></p>",
        f"<p>Hello <b>{'<wbr>'.join([CODE[:80], CODE[80:99], CODE[99:]])}</b><br/></p>",
        "<br />".join([CODE[:5], CODE[5:180], CODE[180:]]),
        CODE[:99] + '<span class="x y">' + CODE[99:] + "</span>",
        CODE[:99] + "&shy;&#8203;&nbsp;" + CODE[99:],
        "".join(f"&#{ord(character)};" for character in CODE),
        html.escape(f"<td>{CODE}</td>"),
    ],
)
def test_the_damage_that_mail_and_markup_do_is_forgiven(text):
    assert read_code(text) == read_code(CODE)
    start = "Dear Mr 2,\n\nhere is the handclasp code; it begins with handclasp_:"
    mail = f"{start}\n\n{text}\n\nBest regards,\nAnn 5\n"
    assert read_code(mail) == read_code(CODE)
    assert read_code(f"{mail}\n{mail}") == read_code(CODE)


@given(damaged(CODE))
def test_of_every_damage_is_said_what_it_is_and_what_mail_does_is_forgiven(damage):
    if damage.outcome is None:
        assert read_code(damage.text) == read_code(CODE)
    else:
        error = error_of(damage.text)
        assert (error.outcome, error.missing_count) == (damage.outcome, damage.missing_count)


@pytest.mark.parametrize("tail", ["a", "7", "Regards", "_", "é", "abc" * 500, CODE[10:], "handclasp_", "=3D"])
def test_a_whole_code_is_read_whatever_sticks_to_its_end(tail):
    assert read_code(CODE + tail) == read_code(CODE)


@pytest.mark.parametrize(
    "text",
    [
        "{}\n\nBest regards\nAnn",
        "{}\r\n\r\nbest regards and so on",
        "{}\n> \n> best regards and so on",
        "{}\nBest regards",
        "{} Best regards",
        "{}. best regards",
        "{}, best regards",
        '"{}" best regards',
        "<{}> best regards",
        "{}…best regards",
        "{}_best_",
        "{}=3Dbest",
        "<p>{}</p><p>Best regards</p>",
        "> {}\n>\n> best",
        "{}\n\n\n",
        "{}&nbsp;&lt;best",
    ],
)
def test_a_cut_code_in_a_text_is_truncated_by_what_is_missing(text):
    for cut in (20, 76, 77, len(CODE) - 1):
        for wrapped in (CODE[:cut], lines(CODE[:cut], 60), lines(CODE[:cut], 60, "> ")):
            error = error_of(text.format(wrapped))
            assert (error.outcome, error.missing_count) == (CodeOutcome.TRUNCATED, len(CODE) - cut), wrapped


def test_a_cut_upper_case_code_ends_where_lower_case_begins():
    error = error_of(CODE[:90].upper() + " best regards")
    assert (error.outcome, error.missing_count) == (CodeOutcome.TRUNCATED, len(CODE) - 90)


def test_a_wrong_capital_in_a_mistyped_code_does_not_end_it():
    assert outcome_of(CODE[:30] + "Q" + CODE[31:]) is CodeOutcome.MISTYPED


def test_a_mistyped_code_in_a_text_is_mistyped():
    wrong = CODE[:-1] + ("a" if CODE[-1] != "a" else "b")
    for text in (
        f"{lines(wrong, 76, '> ')}\n\nBest regards",
        f"<p>{wrong}</p>",
        f"see {wrong}, please",
        wrong + "x",
    ):
        assert outcome_of(text) is CodeOutcome.MISTYPED


def test_two_codes_of_one_connection_give_the_newer():
    for text in (f"{CODE}\n{NEWER}", f"{NEWER}\n{CODE}", f"{NEWER}{CODE}", f"{CODE} {NEWER} {CODE}"):
        assert read_code(text) == read_code(NEWER)


def test_two_codes_of_two_connections_are_several():
    assert outcome_of(f"{CODE}\n{OTHER}") is CodeOutcome.SEVERAL_CODES
    assert outcome_of(f"{OTHER}{CODE}") is CodeOutcome.SEVERAL_CODES
    assert outcome_of(f"{OTHER} {NEWER}") is CodeOutcome.SEVERAL_CODES


def test_two_different_codes_of_one_serial_are_several():
    edited = write_code(msgspec.structs.replace(INVITATION, name="Changes"), SOURCE, SEED)
    assert outcome_of(f"{CODE}\n{edited}") is CodeOutcome.SEVERAL_CODES


def test_a_good_code_beside_a_damaged_one_is_read():
    for bad in (CODE[:99], OTHER[:99], OTHER[:50] + "q" + OTHER[51:], "handclasp_"):
        assert read_code(f"{bad} {NEWER}") == read_code(NEWER)
        assert read_code(f"{NEWER} {bad}") == read_code(NEWER)


def test_of_several_damaged_codes_the_worst_is_told():
    mistyped = CODE[:50] + ("q" if CODE[50] != "q" else "z") + CODE[51:]
    assert outcome_of(f"handclasp_ {OTHER[:99]}\n{mistyped}") is CodeOutcome.MISTYPED
    assert outcome_of(f"{OTHER[:99]}\n handclasp_node is great") is CodeOutcome.TRUNCATED
    assert error_of(f"It begins with handclasp_:\n\n{CODE[:99]}").missing_count == len(CODE) - 99


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "handclasp",
        "hand clasp",
        "see handclasp_node and handclasp_node_url for details",
        "handclasp_invitations are great. They are really great, all of them.",
        "https://acme.example/handclasp",
        "\0\ud800\U0010ffff",
    ],
)
def test_a_text_without_a_code_is_not_a_code(text):
    assert outcome_of(text) is CodeOutcome.NOT_A_CODE


@given(st.text(alphabet=st.characters()).filter(lambda text: "handclasp" not in text.lower()))  # it finds such words
def test_any_text_raises_a_code_error_only(text):
    assert outcome_of(text) is CodeOutcome.NOT_A_CODE
    assert outcome_of(f"handclasp_{text}") in {
        CodeOutcome.NOT_A_CODE,
        CodeOutcome.TRUNCATED,
        CodeOutcome.MISTYPED,
    }


@given(st.text(ALPHABET + " \n>=_&;<", max_size=600), st.integers(HEAD_END, len(CODE) - 1))
def test_any_text_behind_a_good_head_raises_a_code_error_only(text, cut):
    assert outcome_of(CODE[:cut] + "!" + text) in {None, CodeOutcome.TRUNCATED, CodeOutcome.MISTYPED}


@given(st.integers(0, len(CODE) - 1), st.characters())
def test_any_character_at_any_place_raises_a_code_error_only(position, character):
    outcome_of(CODE[:position] + character + CODE[position + 1 :])


def test_what_stands_beyond_the_longest_text_is_not_searched():
    assert outcome_of("x" * PASTED_CHARACTERS_MAX + CODE) is CodeOutcome.NOT_A_CODE
    assert read_code("x" * (PASTED_CHARACTERS_MAX - len(CODE)) + CODE) == read_code(CODE)
