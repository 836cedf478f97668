"""What a run found, as lines for people, a document for programs, and JUnit's XML for build servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from simulations.conform.findings import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulations.conform.findings import Verdict


def count(verdicts: Sequence[Verdict], outcome: Outcome) -> int:
    """How many rules came out so."""
    return sum(verdict.outcome is outcome for verdict in verdicts)


def lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The report, rule by rule; the sum at its end."""
    width = max(len(verdict.rule.name) for verdict in verdicts)
    for verdict in verdicts:
        rule, tried = verdict.rule, f"{verdict.tried}×" if verdict.tried else ""
        place = f"§{rule.section}"
        yield f"{verdict.outcome:<9}  {place:<3}  {rule.name:<{width}}  {tried:>4}  {verdict.why or rule.sentence}"
        yield from (f"{'':<9}  {fault}" for fault in verdict.faults)
    yield ""
    yield summary(verdicts)


def summary(verdicts: Sequence[Verdict]) -> str:
    """The run in a sentence."""
    kept, broken, untried = (count(verdicts, outcome) for outcome in Outcome)
    first = f"All {kept} rules that were tried are kept"
    if broken:
        first = f"{broken} of the {kept + broken} rules that were tried {'is' if broken == 1 else 'are'} broken"
    return f"{first}; {untried} were not tried." if untried else f"{first}."


def document(verdicts: Sequence[Verdict], **run: Any) -> dict[str, Any]:
    """The report for programs."""
    return {
        **run,
        "kept": count(verdicts, Outcome.KEPT),
        "broken": count(verdicts, Outcome.BROKEN),
        "not_tried": count(verdicts, Outcome.NOT_TRIED),
        "rules": [
            {
                "rule": verdict.rule.name,
                "section": verdict.rule.section,
                "sentence": verdict.rule.sentence,
                "outcome": verdict.outcome.value,
                "tried": verdict.tried,
                "faults": list(verdict.faults),
                "why": verdict.why or None,
            }
            for verdict in verdicts
        ],
    }


def junit(verdicts: Sequence[Verdict], *, title: str) -> str:
    """The report as JUnit's XML: one test case a rule."""
    broken, skipped = count(verdicts, Outcome.BROKEN), count(verdicts, Outcome.NOT_TRIED)
    head = f'<testsuite name={quoteattr(title)} tests="{len(verdicts)}" failures="{broken}" skipped="{skipped}">'
    cases = "\n".join(map(_case, verdicts))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{cases}\n</testsuite>\n'


def _case(verdict: Verdict) -> str:
    rule = verdict.rule
    named = f'<testcase classname="section {rule.section}" name={quoteattr(f"{rule.name}: {rule.sentence}")}'
    if verdict.faults:
        return f"  {named}><failure>{escape(chr(10).join(verdict.faults))}</failure></testcase>"
    if verdict.why:
        return f"  {named}><skipped message={quoteattr(verdict.why)}/></testcase>"
    return f"  {named}/>"
