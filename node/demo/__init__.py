"""The demo: two nodes and a broker go through the two-admin flow, told as it happens."""
