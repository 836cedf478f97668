"""What must hold in every world, whatever goes wrong in it.

Safety is judged after every unit of work that was committed and at every message that leaves a node; liveness once
faults are over. A check knows what nodes did, said and stored, and what admins asked for. It knows of no fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulations.checks.agreement import Agreement
from simulations.checks.broadcasts import Broadcasts
from simulations.checks.closing import Closing
from simulations.checks.conformance import Conformance
from simulations.checks.consent import Consent
from simulations.checks.durability import Durability
from simulations.checks.endless import Endless
from simulations.checks.health import Health
from simulations.checks.owing import Owing
from simulations.checks.secrets import Secrets
from simulations.checks.speech import Speech

if TYPE_CHECKING:
    from simulations.observer import Observer

CHECKS: Final[tuple[type[Observer], ...]] = (
    Conformance,
    Durability,
    Speech,
    Owing,
    Consent,
    Closing,
    Endless,
    Broadcasts,
    Health,
    Secrets,
    Agreement,
)
"""All of them, in the order in which they are told."""

OF_BOTH_SIDES: Final = (Agreement, Closing, Consent, Endless, Owing, Speech)
"""Those that must know everything of both sides of a connection: they can't judge one with somebody else's program."""
