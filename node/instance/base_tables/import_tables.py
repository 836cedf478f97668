"""Data that is loaded by way of staging tables: import sets, and the maps that lead to the tables it is meant for."""

from typing import Final

from node.instance.base_tables.making import flag, instant, number, reference, text, typed, word
from node.instance.dictionary import FieldType, Numbering, Table

STATES: Final = {
    "pending": "Pending",
    "inserted": "Inserted",
    "updated": "Updated",
    "ignored": "Ignored",
    "error": "Error",
}

MULTI_IMPORT_SET: Final = Table(
    name="sys_multi_import_set",
    label="Multi Import Set",
)

IMPORT_SET: Final = Table(
    name="sys_import_set",
    label="Import Set",
    display="number",
    numbering=Numbering(prefix="ISET"),
    fields=(
        text("number", "Number", is_indexed=True),
        text("table_name", "Table", 80),
        word("state", "State", {"loading": "Loading", "loaded": "Loaded", "processed": "Processed"}, "loaded"),
        word("mode", "Mode", {"synchronous": "Synchronous"}, "synchronous"),
        text("short_description", "Short description", 160),
        instant("load_completed", "Load completed", is_read_only=True),
        reference("multi_import_set", "Multi import set", "sys_multi_import_set"),
    ),
)

IMPORT_SET_ROW: Final = Table(
    name="sys_import_set_row",
    label="Import Set Row",
    fields=(
        reference("sys_import_set", "Set", "sys_import_set", is_indexed=True, is_read_only=True),
        number("sys_import_row", "Row", is_read_only=True),
        word("sys_import_state", "State", STATES, "pending", is_read_only=True),
        text("sys_import_state_comment", "Comment", 1000, is_read_only=True),
        reference("sys_transform_map", "Transform map", "sys_transform_map", is_read_only=True),
        text("sys_target_table", "Target table", 80, is_read_only=True),
        typed("sys_target_sys_id", "Target record", FieldType.GUID, length_max=32, is_read_only=True),
    ),
)

TRANSFORM_MAP: Final = Table(
    name="sys_transform_map",
    label="Table Transform Map",
    fields=(
        text("name", "Name", 80, is_mandatory=True),
        text("source_table", "Source table", 80, is_indexed=True, is_mandatory=True),
        text("target_table", "Target table", 80, is_mandatory=True),
        flag("active", "Active", "true"),
        number("order", "Order", default="100"),
    ),
)

TRANSFORM_ENTRY: Final = Table(
    name="sys_transform_entry",
    label="Field Map",
    display="target_field",
    fields=(
        reference("map", "Map", "sys_transform_map", is_indexed=True, is_mandatory=True),
        text("source_field", "Source field", 80, is_mandatory=True),
        text("target_field", "Target field", 80, is_mandatory=True),
        flag("coalesce", "Coalesce"),
    ),
)

IMPORT_TABLES: Final = (MULTI_IMPORT_SET, IMPORT_SET, IMPORT_SET_ROW, TRANSFORM_MAP, TRANSFORM_ENTRY)
