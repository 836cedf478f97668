"""A client of an instance's REST APIs that nobody looks at, beside the admin who looks at the console."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from tests.browser.conftest import Admin


class InstanceClient:
    """It signs in as `admin`, by HTTP Basic."""

    def __init__(self, admin: Admin) -> None:
        self._url = f"{admin.node.instance_url}/api/now"
        self._authorization = f"Basic {base64.b64encode(f'admin:{admin.password}'.encode()).decode()}"

    def ask(self, method: str, path: str, value: Any = None, **parameters: str) -> Any:
        """What is answered, and how many records there are of it in all."""
        given = urlencode({f"sysparm_{name}": text for name, text in parameters.items()})
        request = urllib.request.Request(
            f"{self._url}/{path}?{given}",
            method=method,
            data=None if value is None else json.dumps(value).encode(),
            headers={"Authorization": self._authorization, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
            return json.loads(body)["result"] if body else None, int(answer.headers.get("X-Total-Count") or 0)

    def create(self, table: str, **values: str) -> dict[str, str]:
        return self.ask("POST", f"table/{table}", values)[0]

    def change(self, table: str, sys_id: str, **values: str) -> None:
        self.ask("PATCH", f"table/{table}/{sys_id}", values)

    def remove(self, table: str, sys_id: str) -> None:
        self.ask("DELETE", f"table/{table}/{sys_id}")

    def count(self, table: str, query: str) -> int:
        return self.ask("GET", f"table/{table}", query=query, limit="1", fields="sys_id")[1]

    def most_talked_about(self) -> tuple[str, int]:
        """The incident with the most journal entries, and how many that are."""
        counted, _ = self.ask(
            "GET", "stats/sys_journal_field", count="true", group_by="element_id", query="name=incident"
        )
        most = max(counted, key=lambda one: int(one["stats"]["count"]))
        return most["groupby_fields"][0]["value"], int(most["stats"]["count"])
