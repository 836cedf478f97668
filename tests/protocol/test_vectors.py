"""The vectors in docs/vectors: they are what the code makes today, they leave nothing out, and the pure core agrees."""

import msgspec
import pytest

from protocol.code_outcomes import UNREADABLE
from protocol.envelope import peek, read_answer, read_question
from protocol.errors import CodeError, EnvelopeError, LocalProtocolError, Refusal, TextError
from protocol.events import Code, Heard, Offer
from protocol.identity import SigningKey, addressee, fingerprint, from_jwk, is_acceptable_key, thumbprint
from protocol.invitation import Invitation, compose_code, read_code
from protocol.machine import act, hear
from protocol.proof import is_good_proof, make_proof
from protocol.seeds import invitation_key
from protocol.tables import DESTINATION_ACTS, DESTINATION_HEARS, SOURCE_ACTS, SOURCE_HEARS, Act
from protocol.text import check_name, check_url
from protocol.vocabulary import Reason, Role
from scripts.vectors.files import FILES, FOLDER, made
from tests.protocol.story_player import Stage
from tests.protocol.vector_reading import record_of, statement_of, unhexed, vectors

KEYS, TEXTS, CODES, ENVELOPES, RULES, HANDSHAKES = map(vectors, FILES)
HEARS = {Role.SOURCE: SOURCE_HEARS, Role.DESTINATION: DESTINATION_HEARS}
ACTS = {Role.SOURCE: SOURCE_ACTS, Role.DESTINATION: DESTINATION_ACTS}


def by_name(case):
    return str(case.get("what") or case.get("name") or case.get("given") or "")[:60]


def test_the_files_are_what_the_code_makes_today():
    today = made()
    assert {path.name for path in FOLDER.iterdir()} == today.keys()
    changed = [name for name, text in today.items() if (FOLDER / name).read_text(encoding="utf-8") != text]
    assert changed == [], "run `make vectors`, and look at what has changed"


# Keys


@pytest.mark.parametrize("node", KEYS["nodes"], ids=by_name)
def test_a_key_has_these_forms(node):
    key = SigningKey(unhexed(node["seed"])).public
    assert key == unhexed(node["key"]) == from_jwk(node["jwk"])
    assert thumbprint(key).hex() == node["thumbprint"]
    assert fingerprint(key) == node["fingerprint"]
    assert addressee(key).hex() == node["addressee"]


@pytest.mark.parametrize("case", KEYS["refused_keys"], ids=by_name)
def test_no_honest_node_has_this_key(case):
    assert not is_acceptable_key(unhexed(case["key"]))


def test_a_proof_is_made_of_these_parts():
    case = KEYS["proof"]
    names = ("connection", "source_key", "destination_key", "public_digest")
    parts = {name: unhexed(case[name]) for name in names} | {"serial": case["serial"]}
    key = invitation_key(unhexed(case["code_seed"]), parts["connection"], case["serial"])
    assert key.public.hex() == case["invitation_key"]
    assert make_proof(key, **parts).hex() == case["proof"]
    assert is_good_proof(unhexed(case["proof"]), invitation_key=key.public, **parts)


# Texts


@pytest.mark.parametrize(("kind", "check"), [("names", check_name), ("urls", check_url)])
def test_texts_are_taken_as_they_should_be(kind, check):
    for case in TEXTS[kind]:
        try:
            taken_as = check(case["given"], what="text")
        except TextError:
            taken_as = None
        assert taken_as == case["taken_as"], ascii(case["given"])
    assert {case["taken_as"] is None for case in TEXTS[kind]} == {True, False}


# Codes


def invitation_of(told):
    fields = {
        name: unhexed(value) if name in {"connection", "source_id", "source_key", "bound"} else value
        for name, value in told.items()
    }
    return msgspec.convert(list(fields.values()), Invitation, builtin_types=(bytes,))


@pytest.mark.parametrize("case", CODES["written"], ids=by_name)
def test_a_code_is_written_of_these_parts(case):
    made_here = compose_code(
        invitation_of(case["invitation"]), SigningKey(unhexed(case["source_seed"])), unhexed(case["code_seed"])
    )
    assert made_here.text == case["code"]
    assert made_here.packed.hex() == case["packed"]
    assert made_here.public_digest.hex() == case["public_digest"]
    assert made_here.invitation_key.hex() == case["invitation_key"]


@pytest.mark.parametrize("case", CODES["read"], ids=by_name)
def test_a_text_is_read_with_this_outcome(case):
    try:
        code = read_code(case["text"])
    except CodeError as error:
        assert (error.outcome, error.missing_count) == (case["outcome"], case["missing_count"])
    else:
        assert case["outcome"] == "good"
        assert code.invitation == invitation_of(case["invitation"])
        assert (code.public_digest.hex(), code.seed.hex()) == (case["public_digest"], case["code_seed"])


def test_every_outcome_of_the_reader_has_a_text():
    assert {case["outcome"] for case in CODES["read"]} == {"good", *UNREADABLE}


# Envelopes


def read_as_told(case, read):
    try:
        message = read(unhexed(case["envelope"]))
    except EnvelopeError as error:
        return error.refusal.value
    assert message.message_id.hex() == case["id"]
    told = (message.kind, message.role, message.sender.hex(), message.connection.hex(), message.time_ms)
    assert told == tuple(case[name] for name in ("kind", "role", "sender", "connection", "time_ms"))
    assert message.statement == statement_of(case["statement"])
    return None


@pytest.mark.parametrize("case", ENVELOPES["questions"], ids=by_name)
def test_a_question_is_read_or_refused(case):
    me = unhexed(ENVELOPES["me"])
    assert read_as_told(case, lambda data: read_question(data, me=me)) == case["refusal"]


@pytest.mark.parametrize("case", ENVELOPES["answers"], ids=by_name)
def test_an_answer_is_read_or_refused(case):
    asked = ENVELOPES["asked"]
    question = peek(unhexed(asked["envelope"]))
    assert question.message_id.hex() == asked["id"]

    def read(data):
        return read_answer(data, me=unhexed(asked["by"]), question=question)

    if case["refusal"] == "other-node":
        assert read(unhexed(case["envelope"])).sender.hex() != ENVELOPES["me"]
    else:
        assert read_as_told(case, read) == case["refusal"]


def test_every_refusal_has_an_envelope():
    told = {case["refusal"] for case in (*ENVELOPES["questions"], *ENVELOPES["answers"])}
    assert told == {None, "other-node", *Refusal}


# Rules


def test_every_situation_comes_out_as_told():
    for case in RULES["heard"]:
        role = Role(case["role"])
        heard = Heard(
            sender=unhexed(case["sender"]),
            statement=statement_of(case["statement"]),
            is_answer=case["is_answer"],
            proof_good=case.get("proof_good", False),
            announcement_allowed=case.get("allowed", False),
        )
        step = hear(role, record_of(case["record"], role), heard, now=case["now"])
        answer = statement_of(case["answer"]) if case["answer"] else None
        assert (step.row, step.record) == (case["row"], record_of(case["record_after"], role))
        assert step.answer == answer
        assert (step.notice.value if step.notice else None) == case["notice"]


def test_every_act_comes_out_as_told():
    for case in RULES["acted"]:
        role, before = Role(case["role"]), record_of(case["record"], case["role"])
        code, offer = case["code"], case["offer"]
        try:
            after = act(
                role,
                before,
                Act(case["act"]),
                now=case["now"],
                offer=Offer(**offer | {"addressee": unhexed(offer["addressee"])}) if offer else None,
                code=Code(**code | {"proof": unhexed(code["proof"])}) if code else None,
            ).record
        except LocalProtocolError:
            assert not case["possible"]
        else:
            assert case["possible"]
            assert after == record_of(case["record_after"], role)


@pytest.mark.parametrize("role", Role)
def test_every_row_of_the_tables_has_a_situation(role):
    heard = {case["row"] for case in RULES["heard"] if case["role"] == role}
    acted = {case["act"] for case in RULES["acted"] if case["role"] == role and case["possible"]}
    assert heard == {row.number for row in HEARS[role]}
    assert acted == {row.act.value for row in ACTS[role]}
    assert not all(case["possible"] for case in RULES["acted"])


# Handshakes


@pytest.mark.parametrize("story", HANDSHAKES["stories"], ids=by_name)
def test_the_pure_core_plays_the_story_step_by_step(story):
    stage = Stage()
    for step in story["steps"]:
        stage.play(step)
    assert any("hears" in step for step in story["steps"])


def test_the_stories_end_in_agreement_where_nothing_was_lost_on_the_way():
    for story in HANDSHAKES["stories"]:
        last = {step["node"]: step["record"] for step in story["steps"] if "record" in step}
        living = {name for name, record in last.items() if record and record["status"] != "closed"}
        assert living in ({"ACME", "Globex"}, {"ACME", "Initech"}, set()), story["name"]


def test_the_stories_hold_every_reason_that_is_said_between_honest_nodes():
    said = {
        step[place]["statement"]["reason"] if place else step["statement"]["reason"]
        for story in HANDSHAKES["stories"]
        for step in story["steps"]
        for place in ("answer", "")
        if (place and "answer" in step) or (not place and "asks" in step)
    }
    # a restored backup, a code bound to another and a forged proof are situations of rules.json
    assert said == {None, *Reason} - {Reason.RESTORED, Reason.NOT_FOR_YOU, Reason.BAD_PROOF}


@pytest.mark.parametrize("story", HANDSHAKES["stories"][:1], ids=by_name)
def test_a_story_with_one_wrong_number_is_not_played(story):
    step = next(step for step in story["steps"] if "row" in step)
    wrong = step | {"record": step["record"] | {"owed": not step["record"]["owed"]}}
    stage = Stage()
    with pytest.raises(AssertionError):
        for each in story["steps"]:
            stage.play(wrong if each is step else each)


def test_records_are_read_whole():
    source, destination = (
        record_of(next(case["record"] for case in RULES["heard"] if case["role"] == role and case["record"]), role)
        for role in Role
    )
    for record, role in ((source, Role.SOURCE), (destination, Role.DESTINATION)):
        told = next(case["record"] for case in RULES["heard"] if case["role"] == role and case["record"])
        assert set(record.__struct_fields__) == told.keys() - {"status"}
