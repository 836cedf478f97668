"""Identifiers that ServiceNow's own demo data is known for, and that tests of clients ask for.

Facts alone: what stands around them is made up here. Source: the public tests of ServiceNow/PySNC.
"""

from typing import Final

ADMIN_USER: Final = "6816f79cc0a8016401c5a33be04be441"
ADMIN_USER_NAME: Final = "admin"
ADMIN_NAME: Final = "System Administrator"
ADMIN_EMAIL: Final = "admin@example.com"

FINANCE_DEPARTMENT: Final = "a581ab703710200044e0bfc8bcbe5de8"
FINANCE_HEAD: Final = "46c5bf6ca9fe1981010713e3ac7d3384"
FINANCE_HEAD_EMAIL: Final = "natasha.ingram@example.com"

PROBLEM_ADMIN_USER: Final = "26fbff173b331300ad3cc9bb34efc4bd"
PROBLEM_ADMIN_USER_NAME: Final = "problem.admin"
PROBLEM_MANAGER_USER_NAME: Final = "problem.manager"

ADMIN_ROLE: Final = "2831a114c611228501d4ea6c309d626d"
