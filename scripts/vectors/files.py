"""The files of docs/vectors and what each must hold today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.vectors.codes import codes
from scripts.vectors.envelopes import envelopes
from scripts.vectors.handshakes import handshakes
from scripts.vectors.keys import keys
from scripts.vectors.rules import rules
from scripts.vectors.texts import texts

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "vectors"

FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "keys.json": keys,
    "texts.json": texts,
    "codes.json": codes,
    "envelopes.json": envelopes,
    "rules.json": rules,
    "handshakes.json": handshakes,
}


def made() -> dict[str, str]:
    """Each file's text, made anew."""
    return {name: laid_out(make()) + "\n" for name, make in FILES.items()}


def laid_out(value: Any, indent: str = "") -> str:
    """JSON in which each object that holds no list of objects stands on one line, so that changes can be read."""
    within = indent + " "
    if isinstance(value, dict) and any(map(_is_list_of_objects, value.values())):
        members = (f"{within}{json.dumps(name)}: {laid_out(each, within)}" for name, each in value.items())
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if _is_list_of_objects(value):
        return "[\n" + ",\n".join(within + laid_out(each, within) for each in value) + f"\n{indent}]"
    return json.dumps(value)


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)
