"""Two counts of the same worlds: the shipped machine's, and spin's, of a model that was written from the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulations.exploring.rules import Bounds
from simulations.exploring.search import Search
from simulations.exploring.spin import MODEL, SpinError, count

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Bounds(codes=1, acts=4)


def counted_by_us(bounds: Bounds) -> tuple[int, int]:
    findings = Search(bounds).run()
    assert findings.violation is None
    return findings.states, findings.transitions


def counted_by_spin(bounds: Bounds, model: Path = MODEL) -> tuple[int, int]:
    counted = count(bounds, model=model)
    return counted.states, counted.transitions


@pytest.mark.slow
@pytest.mark.spin
@pytest.mark.parametrize(
    ("bounds", "least"),
    [
        (Bounds(codes=2, acts=5), 300_000),
        (Bounds(codes=2, acts=3, restores=1), 80_000),
        (Bounds(codes=2, acts=3, liars=1), 5_000),
        (Bounds(codes=1, acts=3, restores=1, liars=1), 50_000),
    ],
    ids=["two codes, five acts", "a restore", "a liar", "a restore and a liar"],
)
def test_spin_counts_as_many_worlds_and_events_as_the_search(bounds, least):
    states, transitions = counted_by_us(bounds)
    assert states >= least
    assert counted_by_spin(bounds) == (states, transitions)


def broken_model(folder: Path, right: str, wrong: str) -> Path:
    """The model with one line written otherwise."""
    text = MODEL.read_text(encoding="utf-8")
    assert text.count(right) == 1
    model = folder / "broken.pml"
    model.write_text(text.replace(right, wrong), encoding="utf-8")
    return model


@pytest.mark.slow
@pytest.mark.spin
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("x.partner = other; hold_it(); close_mine(BY_PARTNER); x.owed = 0; say_mine()", "say_mine()"),
        ("|| revision > x.t_revision) -> hold_it()", "|| revision >= 1) -> hold_it()"),
        ("close_mine(EXPIRED); x.owed = (x.addressee != NOBODY); say_mine()", "close_mine(EXPIRED); say_mine()"),
    ],
    ids=["a cancel before its accept is ignored", "older words are taken", "an expiry is not owed"],
)
def test_a_broken_model_counts_otherwise(right, wrong, tmp_path):
    assert counted_by_spin(SMALL, broken_model(tmp_path, right, wrong)) != counted_by_us(SMALL)


@pytest.mark.slow
@pytest.mark.spin
def test_a_model_that_breaks_a_property_is_told_by_its_own_assertion(tmp_path):
    used = ":: x.partner != other -> say_closed(USED)"
    model = broken_model(tmp_path, used, ":: x.partner != other -> x.partner = other; hold_it(); say_mine()")
    with pytest.raises(SpinError, match="breaks an assertion of its own"):
        count(SMALL, model=model)


@pytest.mark.spin
def test_a_model_that_is_none_is_told(tmp_path):
    model = tmp_path / "none.pml"
    model.write_text("active proctype world() { nonsense }\n", encoding="utf-8")
    with pytest.raises(SpinError, match="spin failed"):
        count(SMALL, model=model)


def test_without_spin_it_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpinError, match="sudo scripts/install-debian-packages"):
        count(SMALL)
