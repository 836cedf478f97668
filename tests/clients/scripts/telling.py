"""What the stories share: where the instance is comes in as JSON, what was seen goes out as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any


def the_instance() -> dict[str, str]:
    return json.load(sys.stdin)


def refused(act) -> Any:
    """What the act gives, or how it is refused."""
    try:
        return act()
    except Exception as error:  # noqa: BLE001 - what it raises is what the test asks
        return said(error)


def said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def tell(seen: dict[str, Any]) -> None:
    json.dump(seen, sys.stdout)
