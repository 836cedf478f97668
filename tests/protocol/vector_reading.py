"""What the files of docs/vectors say, as values of the pure core."""

import json
from functools import cache
from pathlib import Path

import msgspec

from protocol.records import DestinationRecord, SourceRecord
from protocol.vocabulary import Details, Echo, Phase, Preview, Reason, Role, Side, Statement

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "vectors"


@cache
def vectors(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def unhexed(text):
    return None if text is None else bytes.fromhex(text)


def side_of(told):
    if told is None:
        return None
    reason = Reason(told["reason"]) if told["reason"] else None
    return Side(told["revision"], Phase(told["phase"]), enabled=told["enabled"], reason=reason)


def statement_of(told):
    echo = told["echo"]
    return Statement(
        serial=told["serial"],
        side=side_of(told),
        echo=Echo(echo["revision"], Phase(echo["phase"]), echo["enabled"]) if echo else None,
        proof=unhexed(told["proof"]),
        details=details_of(told["details"]),
    )


def details_of(told):
    if told is None:
        return None
    kind = {"preview": Preview, "details": Details}[told["about"]]
    told = told | ({"node_id": unhexed(told["node_id"])} if kind is Details else {})
    return msgspec.convert(
        [told["about"], *(told[name] for name in kind.__struct_fields__)], kind, builtin_types=(bytes,)
    )


def record_of(told, role):
    if told is None:
        return None
    both = {
        "serial": told["serial"],
        "mine": side_of(told["mine"]),
        "theirs": side_of(told["theirs"]),
        "owed": told["owed"],
        "expires_at": told["expires_at"],
        "hidden": told["hidden"],
    }
    if Role(role) is Role.DESTINATION:
        return DestinationRecord(**both, proof=unhexed(told["proof"]))
    return SourceRecord(
        **both,
        partner=unhexed(told["partner"]),
        addressee=unhexed(told["addressee"]),
        ask_me=told["ask_me"],
    )
