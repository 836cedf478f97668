"""What targets of servicenow.itsm ask for that the instance does not model. Who models it takes its row away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """What is lacking, and the tasks at which the target's playbooks therefore end, in the order of the playbooks."""

    what: str
    ends_at: tuple[str, ...]


LACKING: Final[Mapping[str, Lack]] = {
    "api_authentication": Lack(what="to sign in by a certificate", ends_at=("Client cert authentication success",)),
    "inventory": Lack(
        what="to sign in by a certificate, and the CMDB Instance API",
        ends_at=("Make sure inventory ran successfully", "Add cools relationship"),
    ),
    "itsm_api_generic": Lack(what="the CMDB Instance API", ends_at=("Retrieve all ci linux server cmdb",)),
    "itsm_catalog_request": Lack(what="requests (sc_request)", ends_at=("Create test catalog_request",)),
    "itsm_catalog_request_task": Lack(
        what="requests (sc_request) and their tasks (sc_task)",
        ends_at=("Create parent catalog request for task testing",),
    ),
    "itsm_configuration_item_relations": Lack(
        what="the CMDB Instance API",
        ends_at=("Add relation between the first server and the rest -- check mode --",),
    ),
    "itsm_service_catalog": Lack(
        what="the Service Catalog API", ends_at=("Assign snc_basic_auth_api_access role to user",)
    ),
    "itsm_service_catalog_info": Lack(what="the Service Catalog API", ends_at=("Get all catalogs",)),
}
