"""The instance: the ServiceNow-style system that this node stands in front of.

ServiceNow's names (`sys_id`, `sysparm_query`, `result`) live in this package and nowhere else.
"""
