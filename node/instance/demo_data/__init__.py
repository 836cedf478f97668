"""Demo data: a company whose people call their service desk."""

from node.instance.demo_data.company import attachments, company
from node.instance.demo_data.record import DemoAttachment, Record

__all__ = ["DemoAttachment", "Record", "attachments", "company"]
