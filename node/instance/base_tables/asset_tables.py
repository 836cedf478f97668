"""What the company owns and runs: configuration items and assets."""

from typing import Final

from node.instance.base_tables.making import choice, flag, instant, number, reference, text, typed, word
from node.instance.dictionary import FieldType, Table

CONFIGURATION_ITEM: Final = Table(
    name="cmdb_ci",
    label="Configuration Item",
    fields=(
        text("name", "Name", 255, is_indexed=True),
        text("short_description", "Description", 1000),
        text("asset_tag", "Asset tag"),
        text("serial_number", "Serial number", 255, is_indexed=True),
        text("category", "Category"),
        text("subcategory", "Subcategory"),
        text("ip_address", "IP Address"),
        text("fqdn", "Fully qualified domain name", 255),
        text("mac_address", "MAC Address"),
        choice(
            "install_status",
            "Status",
            {
                "1": "Installed",
                "2": "On Order",
                "3": "In Maintenance",
                "4": "Pending Install",
                "5": "Pending Repair",
                "6": "In Stock",
                "7": "Retired",
                "8": "Stolen",
                "100": "Absent",
            },
            "1",
        ),
        choice(
            "operational_status",
            "Operational status",
            {
                "1": "Operational",
                "2": "Non-Operational",
                "3": "Repair in Progress",
                "4": "DR Standby",
                "5": "Ready",
                "6": "Retired",
                "7": "Pipeline",
                "8": "Catalog",
            },
            "1",
        ),
        reference("assigned_to", "Assigned to", "sys_user"),
        reference("owned_by", "Owned by", "sys_user"),
        reference("managed_by", "Managed by", "sys_user"),
        reference("support_group", "Support group", "sys_user_group"),
        reference("department", "Department", "cmn_department"),
        reference("company", "Company", "core_company"),
        reference("location", "Location", "cmn_location"),
        reference("manufacturer", "Manufacturer", "core_company"),
        reference("vendor", "Vendor", "core_company"),
        reference("asset", "Asset", "alm_asset"),
        text("model_number", "Model number", 255),
        text("environment", "Environment"),
        instant("install_date", "Installed"),
        instant("first_discovered", "First discovered"),
        instant("last_discovered", "Most recent discovery"),
        flag("monitor", "Monitor"),
        text("correlation_id", "Correlation ID", 255),
        text("comments", "Comments", 4000),
    ),
)

COMPUTER: Final = Table(
    name="cmdb_ci_computer",
    label="Computer",
    extends="cmdb_ci",
    fields=(
        text("os", "Operating System"),
        text("os_version", "OS Version", 100),
        number("cpu_count", "CPU count"),
        text("cpu_name", "CPU name"),
        number("ram", "RAM (MB)"),
        number("disk_space", "Disk space (GB)"),
    ),
)

SERVER: Final = Table(
    name="cmdb_ci_server",
    label="Server",
    extends="cmdb_ci_computer",
    fields=(
        text("host_name", "Host name", 255),
        text("classification", "Classification"),
        text("used_for", "Used for"),
        text("firewall_status", "Firewall status"),
    ),
)
LINUX_SERVER: Final = Table(name="cmdb_ci_linux_server", label="Linux Server", extends="cmdb_ci_server")
WINDOWS_SERVER: Final = Table(name="cmdb_ci_win_server", label="Windows Server", extends="cmdb_ci_server")

VIRTUAL_OBJECT: Final = Table(
    name="cmdb_ci_vm_object",
    label="Virtual Machine Object",
    extends="cmdb_ci",
    fields=(text("object_id", "Object ID", 255),),
)
VIRTUAL_MACHINE: Final = Table(
    name="cmdb_ci_vm_instance",
    label="Virtual Machine Instance",
    extends="cmdb_ci_vm_object",
    fields=(
        text("vm_inst_id", "VM Instance ID", 255),
        word("state", "State", {"on": "On", "off": "Off"}),
        text("guest_os_fullname", "Guest OS Fullname", 255),
        number("cpus", "CPUs"),
        number("memory", "Memory (MB)"),
        number("disks", "Disks"),
        number("nics", "Network adapters"),
    ),
)
EC2_INSTANCE: Final = Table(
    name="cmdb_ci_ec2_instance", label="EC2 Virtual Machine Instance", extends="cmdb_ci_vm_instance"
)
NETWORK_GEAR: Final = Table(name="cmdb_ci_netgear", label="Network Gear", extends="cmdb_ci")
SWITCH: Final = Table(name="cmdb_ci_ip_switch", label="IP Switch", extends="cmdb_ci_netgear")
APPLICATION: Final = Table(
    name="cmdb_ci_appl", label="Application", extends="cmdb_ci", fields=(text("version", "Version"),)
)
SERVICE: Final = Table(name="cmdb_ci_service", label="Service", extends="cmdb_ci")
PRINTER: Final = Table(name="cmdb_ci_printer", label="Printer", extends="cmdb_ci")

ASSET: Final = Table(
    name="alm_asset",
    label="Asset",
    display="display_name",
    fields=(
        text("display_name", "Display name", 255, is_indexed=True),
        text("asset_tag", "Asset tag", is_indexed=True),
        text("serial_number", "Serial number", 255),
        reference("ci", "Configuration Item", "cmdb_ci"),
        text("model", "Model", 255),
        choice(
            "install_status",
            "State",
            {"1": "In use", "2": "On order", "6": "In stock", "7": "Retired", "8": "Missing"},
            "1",
        ),
        text("substatus", "Substate"),
        reference("assigned_to", "Assigned to", "sys_user"),
        instant("assigned", "Assigned"),
        reference("owned_by", "Owned by", "sys_user"),
        reference("department", "Department", "cmn_department"),
        reference("company", "Company", "core_company"),
        reference("location", "Location", "cmn_location"),
        reference("vendor", "Vendor", "core_company"),
        typed("cost", "Cost", FieldType.DECIMAL),
        typed("purchase_date", "Purchased", FieldType.DATE),
        typed("warranty_expiration", "Warranty expiration", FieldType.DATE),
        text("comments", "Comments", 4000),
        number("quantity", "Quantity", default="1"),
    ),
)

HARDWARE: Final = Table(name="alm_hardware", label="Hardware", extends="alm_asset")

CHART: Final = Table(
    name="bsm_chart",
    label="BSM Map",
    fields=(
        text("name", "Name", 100, is_mandatory=True),
        text("description", "Description", 1000),
        reference("root", "Root", "cmdb_ci"),
        number("levels", "Levels", default="3"),
    ),
)
"""A saved map of what hangs on a configuration item. Nothing draws it; clients look for the table."""

ASSET_TABLES: Final = (
    CONFIGURATION_ITEM,
    COMPUTER,
    SERVER,
    LINUX_SERVER,
    WINDOWS_SERVER,
    VIRTUAL_OBJECT,
    VIRTUAL_MACHINE,
    EC2_INSTANCE,
    NETWORK_GEAR,
    SWITCH,
    APPLICATION,
    SERVICE,
    PRINTER,
    ASSET,
    HARDWARE,
    CHART,
)
