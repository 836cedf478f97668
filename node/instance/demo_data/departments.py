"""The departments of the company, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A department: what it is called, who leads it, which titles people have in it, and how many they are."""

    name: str
    code: str
    purpose: str
    head: str
    titles: tuple[str, ...]
    people: int


EXECUTIVE: Final = Department(
    name="Executive Office",
    code="EXE",
    purpose="Leads the company.",
    head="Chief Executive Officer",
    titles=("Executive Assistant", "Strategy Manager"),
    people=2,
)
IT: Final = Department(
    name="IT",
    code="IT",
    purpose="Runs the systems that everybody else works with.",
    head="Chief Information Officer",
    titles=(
        "Service Desk Analyst",
        "Systems Engineer",
        "Network Engineer",
        "Database Administrator",
        "Application Specialist",
        "Workplace Technician",
        "Security Analyst",
    ),
    people=28,
)
FINANCE: Final = Department(
    name="Finance",
    code="FIN",
    purpose="Books, pays and reports.",
    head="Chief Financial Officer",
    titles=("Accountant", "Controller", "Accounts Payable Clerk", "Treasury Analyst"),
    people=7,
)

DEPARTMENTS: Final = (
    EXECUTIVE,
    IT,
    FINANCE,
    Department(
        name="Human Resources",
        code="HR",
        purpose="Hires, trains and looks after people.",
        head="Head of Human Resources",
        titles=("HR Partner", "Recruiter", "Payroll Specialist"),
        people=5,
    ),
    Department(
        name="Sales",
        code="SAL",
        purpose="Finds customers and keeps them.",
        head="Head of Sales",
        titles=("Account Manager", "Sales Assistant", "Key Account Manager", "Presales Consultant"),
        people=10,
    ),
    Department(
        name="Customer Support",
        code="SUP",
        purpose="Answers customers.",
        head="Head of Customer Support",
        titles=("Support Agent", "Support Team Lead", "Returns Coordinator"),
        people=7,
    ),
    Department(
        name="Logistics",
        code="LOG",
        purpose="Stores, picks and ships.",
        head="Head of Logistics",
        titles=("Warehouse Supervisor", "Dispatcher", "Transport Planner"),
        people=7,
    ),
    Department(
        name="Product Development",
        code="DEV",
        purpose="Designs what is sold.",
        head="Head of Product Development",
        titles=("Design Engineer", "Product Manager", "Test Engineer", "CAD Specialist"),
        people=9,
    ),
    Department(
        name="Purchasing",
        code="PUR",
        purpose="Buys material and services.",
        head="Head of Purchasing",
        titles=("Buyer", "Category Manager"),
        people=4,
    ),
    Department(
        name="Legal",
        code="LEG",
        purpose="Reads what is signed.",
        head="General Counsel",
        titles=("Legal Counsel", "Compliance Officer"),
        people=3,
    ),
    Department(
        name="Marketing",
        code="MKT",
        purpose="Tells the world.",
        head="Head of Marketing",
        titles=("Campaign Manager", "Graphic Designer", "Event Coordinator"),
        people=5,
    ),
)
