"""People, the groups they are in, and the roles that both have."""

from typing import Final

from node.instance.base_tables.making import flag, instant, number, reference, text, typed
from node.instance.dictionary import FieldType, Table

USER: Final = Table(
    name="sys_user",
    label="User",
    display="name",
    fields=(
        text("user_name", "User ID", is_unique=True),
        text("name", "Name", 151, is_read_only=True, is_indexed=True),
        text("first_name", "First name", 50),
        text("middle_name", "Middle name", 50),
        text("last_name", "Last name", 50),
        typed("email", "Email", FieldType.EMAIL, length_max=100, is_indexed=True),
        typed("user_password", "Password", FieldType.PASSWORD, length_max=256),
        flag("password_needs_reset", "Password needs reset"),
        flag("active", "Active", "true"),
        flag("locked_out", "Locked out"),
        flag("web_service_access_only", "Web service access only"),
        flag("internal_integration_user", "Internal Integration User"),
        flag("vip", "VIP"),
        text("title", "Title", 60),
        text("employee_number", "Employee number"),
        reference("department", "Department", "cmn_department", is_indexed=True),
        reference("company", "Company", "core_company"),
        reference("location", "Location", "cmn_location"),
        reference("manager", "Manager", "sys_user", is_indexed=True),
        typed("phone", "Business phone", FieldType.PHONE),
        typed("mobile_phone", "Mobile phone", FieldType.PHONE),
        typed("home_phone", "Home phone", FieldType.PHONE),
        text("street", "Street", 255),
        text("city", "City"),
        text("state", "State / Province"),
        text("zip", "Zip / Postal code"),
        text("country", "Country code", 3),
        text("gender", "Gender"),
        text("preferred_language", "Language", 3),
        text("time_zone", "Time zone"),
        text("date_format", "Date format"),
        text("time_format", "Time format"),
        number("notification", "Notification", default="2"),
        text("roles", "Roles", is_read_only=True),
        text("source", "Source", 255),
        instant("last_login_time", "Last login time", is_read_only=True),
        typed("last_login", "Last login", FieldType.DATE, is_read_only=True),
        number("failed_attempts", "Failed login attempts", is_read_only=True),
    ),
)

GROUP: Final = Table(
    name="sys_user_group",
    label="Group",
    fields=(
        text("name", "Name", 80, is_unique=True),
        text("description", "Description", 1000),
        reference("manager", "Manager", "sys_user", is_indexed=True),
        reference("parent", "Parent", "sys_user_group", is_indexed=True),
        typed("email", "Group email", FieldType.EMAIL, length_max=100),
        text("type", "Type", 1024),
        flag("active", "Active", "true"),
        reference("cost_center", "Cost center", "cmn_department"),
        flag("include_members", "Include members"),
        flag("exclude_manager", "Exclude manager"),
        reference("default_assignee", "Default assignee", "sys_user"),
        text("source", "Source", 255),
    ),
)

MEMBERSHIP: Final = Table(
    name="sys_user_grmember",
    label="Group Member",
    display="user",
    fields=(
        reference("user", "User", "sys_user", is_indexed=True, is_mandatory=True),
        reference("group", "Group", "sys_user_group", is_indexed=True, is_mandatory=True),
    ),
)

USER_ROLE: Final = Table(
    name="sys_user_has_role",
    label="User Role",
    display="role",
    fields=(
        reference("user", "User", "sys_user", is_indexed=True, is_mandatory=True),
        reference("role", "Role", "sys_user_role", is_indexed=True, is_mandatory=True),
        reference("granted_by", "Granted by", "sys_user_group"),
        flag("inherited", "Inherited"),
        text("state", "State", default="active"),
    ),
)

GROUP_ROLE: Final = Table(
    name="sys_group_has_role",
    label="Group Role",
    display="role",
    fields=(
        reference("group", "Group", "sys_user_group", is_indexed=True, is_mandatory=True),
        reference("role", "Role", "sys_user_role", is_indexed=True, is_mandatory=True),
        reference("granted_by", "Granted by", "sys_user_group"),
        flag("inherits", "Inherits", "true"),
    ),
)

ROLE_CONTAINS: Final = Table(
    name="sys_user_role_contains",
    label="Contained Role",
    display="contains",
    fields=(
        reference("role", "Role", "sys_user_role", is_indexed=True, is_mandatory=True),
        reference("contains", "Contains", "sys_user_role", is_indexed=True, is_mandatory=True),
    ),
)

DEPARTMENT: Final = Table(
    name="cmn_department",
    label="Department",
    fields=(
        text("name", "Name", 100, is_indexed=True),
        text("id", "ID"),
        text("description", "Description", 1000),
        reference("dept_head", "Department head", "sys_user"),
        reference("primary_contact", "Primary contact", "sys_user"),
        reference("parent", "Parent", "cmn_department"),
        reference("company", "Company", "core_company"),
        text("code", "Code"),
        number("head_count", "Head count"),
    ),
)

LOCATION: Final = Table(
    name="cmn_location",
    label="Location",
    fields=(
        text("name", "Name", 100, is_indexed=True),
        text("full_name", "Full name", 255),
        text("street", "Street", 255),
        text("city", "City", 50),
        text("state", "State / Province"),
        text("zip", "Zip / Postal Code"),
        text("country", "Country"),
        typed("latitude", "Latitude", FieldType.DECIMAL),
        typed("longitude", "Longitude", FieldType.DECIMAL),
        text("time_zone", "Time zone"),
        typed("phone", "Phone", FieldType.PHONE),
        reference("parent", "Parent", "cmn_location"),
        reference("contact", "Contact", "sys_user"),
        reference("company", "Company", "core_company"),
    ),
)

COMPANY: Final = Table(
    name="core_company",
    label="Company",
    fields=(
        text("name", "Name", 80, is_indexed=True),
        text("street", "Street", 255),
        text("city", "City", 50),
        text("state", "State / Province"),
        text("zip", "Zip / Postal code"),
        text("country", "Country"),
        typed("phone", "Phone", FieldType.PHONE),
        typed("website", "Website", FieldType.URL, length_max=1024),
        text("stock_symbol", "Stock symbol"),
        reference("contact", "Contact", "sys_user"),
        reference("parent", "Parent", "core_company"),
        flag("customer", "Customer"),
        flag("vendor", "Vendor"),
        flag("manufacturer", "Manufacturer"),
        flag("primary", "Primary"),
        text("notes", "Notes", 4000),
    ),
)

PEOPLE_TABLES: Final = (
    USER,
    GROUP,
    MEMBERSHIP,
    USER_ROLE,
    GROUP_ROLE,
    ROLE_CONTAINS,
    DEPARTMENT,
    LOCATION,
    COMPANY,
)
