"""Identifiers that ServiceNow's own demo data is known for, and that tests of clients ask for.

Facts alone: what stands around them is made up here. Sources: the public tests of ServiceNow/PySNC; of the standard
change, ServiceNow's page of the Change Management API and the tests of the Ansible collection servicenow.itsm.
"""

from typing import Final

from node.instance import first_records

ADMIN_USER: Final = first_records.ADMIN
ADMIN_USER_NAME: Final = "admin"
ADMIN_NAME: Final = "System Administrator"
ADMIN_EMAIL: Final = "admin@example.com"

FINANCE_DEPARTMENT: Final = "a581ab703710200044e0bfc8bcbe5de8"
FINANCE_HEAD: Final = "46c5bf6ca9fe1981010713e3ac7d3384"
FINANCE_HEAD_EMAIL: Final = "natasha.ingram@example.com"

PROBLEM_ADMIN_USER: Final = "26fbff173b331300ad3cc9bb34efc4bd"
PROBLEM_ADMIN_USER_NAME: Final = "problem.admin"
PROBLEM_MANAGER_USER_NAME: Final = "problem.manager"

STANDARD_CHANGE: Final = "Clear BGP sessions on a Cisco router"
STANDARD_CHANGE_VERSION: Final = "16c2273c47010200e90d87e8dee49006"
STANDARD_CHANGE_BEGINS: Final = "Resend the complete BGP table to neighboring routers"
