"""Backups: what a node and its instance know, as one file; taken while the node runs, put back on one that does not."""
