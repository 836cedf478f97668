"""What the instance knows of itself: its dictionary, its rules, its log, what hangs on records."""

from typing import Final

from node.instance.base_tables.making import choice, flag, instant, number, reference, text, typed
from node.instance.catalog import CONNECTION_TABLE
from node.instance.dictionary import FieldType, Table

METADATA: Final = Table(
    name="sys_metadata",
    label="Application File",
    display="sys_name",
    fields=(
        text("sys_name", "Display name", 255, is_read_only=True),
        text("sys_package", "Package", 32, default="global"),
        text("sys_scope", "Application", 32, default="global"),
        text("sys_policy", "Protection policy"),
        text("sys_update_name", "Update name", 250, is_read_only=True),
    ),
)

TABLE: Final = Table(
    name="sys_db_object",
    label="Table",
    extends="sys_metadata",
    display="label",
    fields=(
        text("name", "Name", 80, is_indexed=True, is_mandatory=True),
        text("label", "Label", 80),
        reference("super_class", "Extends table", "sys_db_object"),
        flag("is_extendable", "Extensible"),
        flag("create_access_controls", "Create access controls"),
        reference("user_role", "User role", "sys_user_role"),
    ),
)

DICTIONARY: Final = Table(
    name="sys_dictionary",
    label="Dictionary Entry",
    extends="sys_metadata",
    display="column_label",
    fields=(
        text("name", "Table", 80, is_indexed=True, is_mandatory=True),
        text("element", "Column name", 80, is_indexed=True),
        text("column_label", "Column label", 80),
        text("internal_type", "Type", 40, default="string"),
        text("reference", "Reference", 80),
        number("max_length", "Max length", default="40"),
        text("default_value", "Default value", 255),
        choice("choice", "Choice", {"0": "-- None --", "1": "Dropdown with -- None --", "3": "Dropdown"}),
        flag("mandatory", "Mandatory"),
        flag("read_only", "Read only"),
        flag("unique", "Unique"),
        flag("display", "Display"),
        flag("active", "Active", "true"),
        text("comments", "Comments", 1000),
    ),
)

SCRIPT: Final = Table(
    name="sys_script",
    label="Business Rule",
    extends="sys_metadata",
    display="name",
    fields=(
        text("name", "Name", 255),
        text("collection", "Table", 80, is_indexed=True),
        text("when", "When", default="before"),
        flag("active", "Active", "true"),
        flag("action_insert", "Insert"),
        flag("action_update", "Update"),
        flag("action_delete", "Delete"),
        flag("action_query", "Query"),
        typed("filter_condition", "Filter Conditions", FieldType.CONDITIONS, length_max=4000),
        text("condition", "Condition", 254),
        typed("script", "Script", FieldType.SCRIPT, length_max=8000),
        flag("advanced", "Advanced"),
        flag("abort_action", "Abort action"),
        flag("add_message", "Add message"),
        text("message", "Message", 4000),
        text("template", "Set field values", 4000),
        number("order", "Order", default="100"),
        text("description", "Description", 4000),
        number("priority", "Priority", default="100"),
        text("rest_method", "REST method"),
        text("rest_service", "REST service"),
        text("role_conditions", "Role conditions", 4000),
        flag("client_callable", "Client callable"),
        flag("is_rest", "Is REST"),
        flag("change_fields", "Update fields", "true"),
        text("execute_function", "Execute function"),
    ),
)

ROLE: Final = Table(
    name="sys_user_role",
    label="Role",
    extends="sys_metadata",
    display="name",
    fields=(
        text("name", "Name", 100, is_unique=True),
        text("description", "Description", 1000),
        text("suffix", "Suffix"),
        flag("elevated_privilege", "Elevated privilege"),
        flag("grantable", "Grantable", "true"),
        text("assignable_by", "Assignable by"),
        flag("can_delegate", "Can delegate", "true"),
    ),
)

CHOICE: Final = Table(
    name="sys_choice",
    label="Choice",
    display="label",
    fields=(
        text("name", "Table", 80, is_indexed=True),
        text("element", "Element", 80),
        text("value", "Value", 100),
        text("label", "Label", 100),
        text("language", "Language", 10, default="en"),
        number("sequence", "Sequence"),
        text("dependent_value", "Dependent value"),
        text("hint", "Hint", 255),
        flag("inactive", "Inactive"),
    ),
)

JOURNAL: Final = Table(
    name="sys_journal_field",
    label="Journal Entry",
    fields=(
        text("name", "Table", 80),
        text("element", "Element", 80),
        typed("element_id", "Element ID", FieldType.GUID, length_max=32),
        text("value", "Value", 4000),
    ),
    indexes=(("element_id", "element", "sys_created_on"),),
)

ATTACHMENT: Final = Table(
    name="sys_attachment",
    label="Attachment",
    display="file_name",
    fields=(
        text("file_name", "File name", 255),
        text("content_type", "Content type", 255),
        text("table_name", "Table name", 80, is_indexed=True),
        typed("table_sys_id", "Table sys ID", FieldType.GUID, length_max=32),
        number("size_bytes", "Size bytes", is_read_only=True),
        number("size_compressed", "Size compressed", is_read_only=True),
        flag("compressed", "Compressed", is_read_only=True),
        text("hash", "SHA256 hash", 64, is_read_only=True),
        number("chunk_size_bytes", "Chunk size bytes", is_read_only=True),
        text("state", "State", is_read_only=True),
        number("image_height", "Image height", is_read_only=True),
        number("image_width", "Image width", is_read_only=True),
        number("average_image_color", "Average image color", is_read_only=True),
        text("encryption_context", "Encryption context", 32),
    ),
    indexes=(("table_sys_id", "table_name"),),
)

SYSLOG: Final = Table(
    name="syslog",
    label="Log Entry",
    display="message",
    fields=(
        choice("level", "Level", {"0": "Information", "1": "Warning", "2": "Error", "-1": "Debug"}, "0"),
        text("source", "Source", 255),
        text("message", "Message", 4000),
        text("type", "Type"),
        number("sequence", "Sequence"),
    ),
    indexes=(("sys_created_on",),),
)

STATUSES: Final = {
    "pending": "Pending",
    "awaiting_approval": "Awaiting approval",
    "active": "Active",
    "deactivated": "Deactivated",
    "removed": "Removed",
    "declined": "Declined",
    "refused": "Refused",
    "withdrawn": "Withdrawn",
    "expired": "Expired",
    "invited": "Invited",
}

CONNECTION: Final = Table(
    name=CONNECTION_TABLE,
    label="Handclasp Connection",
    is_written_by_instance=True,
    fields=(
        text("name", "Name", 100),
        text("role", "Role"),
        text("status", "Status"),
        text("mode", "Mode"),
        text("local_short_name", "Local instance short name", 64),
        text("remote_short_name", "Remote instance short name", 64),
        text("description", "Description", 1000),
        text("partner_name", "Partner", 64),
        typed("partner_node_url", "Partner node URL", FieldType.URL, length_max=255),
        typed("partner_instance_url", "Partner instance URL", FieldType.URL, length_max=255),
        text("connection_id", "Connection ID", 36),
        instant("expires_on", "Code expires"),
    ),
)

SYSTEM_TABLES: Final = (
    METADATA,
    ROLE,
    TABLE,
    DICTIONARY,
    SCRIPT,
    CHOICE,
    JOURNAL,
    ATTACHMENT,
    SYSLOG,
    CONNECTION,
)
