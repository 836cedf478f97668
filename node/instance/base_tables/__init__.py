"""The tables that every instance has, as data."""

from typing import Final

from node.instance.base_tables.access_tables import ACCESS_TABLES
from node.instance.base_tables.asset_tables import ASSET_TABLES
from node.instance.base_tables.change_tables import CHANGE_TABLES
from node.instance.base_tables.import_tables import IMPORT_TABLES
from node.instance.base_tables.people_tables import PEOPLE_TABLES
from node.instance.base_tables.problem_tables import PROBLEM_TABLES
from node.instance.base_tables.system_tables import SYSTEM_TABLES
from node.instance.base_tables.task_tables import TASK_TABLES

BASE_TABLES: Final = (
    *SYSTEM_TABLES,
    *PEOPLE_TABLES,
    *ACCESS_TABLES,
    *ASSET_TABLES,
    *TASK_TABLES,
    *PROBLEM_TABLES,
    *CHANGE_TABLES,
    *IMPORT_TABLES,
)
