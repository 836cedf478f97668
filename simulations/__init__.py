"""The simulation of the real node: the same handlers, machine and store, under virtual time and faults."""
