"""What an admin does with the license."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.license.keys import LicenseKeyError
from node.problems import Problem, ProblemError

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.license.license import License, Standing


def standing(context: Context) -> Standing:
    """What the license is now.

    Raises:
        ProblemError: no license rule holds here.
    """
    return _license(context).standing(context.clock.now())


def enter(context: Context, key: str) -> Standing:
    """Let another license key count; what the license is then.

    Raises:
        ProblemError: the key does not count here.
        DataDirectoryError: it can't be kept.
    """
    try:
        return _license(context).enter(key, now=context.clock.now())
    except LicenseKeyError as error:
        raise ProblemError(Problem.LICENSE_KEY_REFUSED, str(error), field="key") from None


def _license(context: Context) -> License:
    if context.license is None:
        raise ProblemError(Problem.NOT_FOUND, "This node has no license.")
    return context.license
