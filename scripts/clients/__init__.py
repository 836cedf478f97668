"""Clients that nobody here wrote, run against a node: their environments, their own test-suites."""
