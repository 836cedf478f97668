"""Nodes and a broker as processes of one machine: to demo, to try things on, to keep."""
